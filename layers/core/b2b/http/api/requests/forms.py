"""Forms as PHP reads them, and so Laravel: ``enrollments[]=1``, ``enrollments[0][id]=1``; of one name the last wins.

Arrays become objects by the keys that they have in PHP. A list field takes those: see ``fields.entries``.
"""

import logging
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import parse_qsl

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import Field, File, FormParser

from b2b.http.api.errors import BadRequest, UnsupportedMediaType

# More than a student with 500 enrollments has when it is sent back as it was read.
MAX_FIELDS = 10_000
MAX_DEPTH = 16

_NAME = re.compile(r"(?P<name>[^\[]+)(?P<keys>(?:\[[^\]]*\])*)")
_KEY = re.compile(r"\[([^\]]*)\]")
_MANGLED = str.maketrans(" .[", "___")

# It would log what the caller is told.
logging.getLogger("python_multipart").setLevel(logging.CRITICAL)


def urlencoded(text: str, codec: str = "utf-8") -> dict[str, Any]:
    """``codec``: of what is written as ``%E2%82%AC``. Raises BadRequest."""
    # UTF-16 has no percent-encoding of its own.
    codec = "utf-8" if codec.startswith("utf-16") else codec
    try:
        pairs = parse_qsl(
            text.strip(), keep_blank_values=True, encoding=codec, errors="strict", max_num_fields=MAX_FIELDS
        )
    except UnicodeDecodeError:
        raise BadRequest(f"The form has text that is not {codec.upper()}.") from None
    except ValueError:
        raise _too_many_fields() from None
    return _nested(pairs)


def multipart(body: bytes, boundary: str | None) -> dict[str, Any]:
    """Raises BadRequest, and UnsupportedMediaType for a file; a file field in which none was chosen is left out."""
    if not body.strip():
        return {}
    if not boundary:
        raise BadRequest("The form has no boundary: a multipart/form-data content type names one.")
    return _nested(_fields(body, boundary))


def _fields(body: bytes, boundary: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    ends: list[bool] = []

    def take(field: Field) -> None:
        if len(found) == MAX_FIELDS:
            raise _too_many_fields()
        found.append((_text(field.field_name), _text(field.value)))

    def refuse(file: File) -> None:
        if file.file_name:
            raise UnsupportedMediaType("Send the form without files.")

    parser = FormParser("multipart/form-data", take, refuse, on_end=lambda: ends.append(True), boundary=boundary)
    try:
        parser.write(body)
        parser.finalize()
    except FormParserError as error:
        raise BadRequest(f"The body is not a valid form: {error}.") from None
    if not ends:
        raise BadRequest("The form is cut off: its last boundary is missing.")
    return found


def _text(value: bytes | None) -> str:
    try:
        return (value or b"").decode()
    except UnicodeDecodeError:
        raise BadRequest("The form has text that is not UTF-8.") from None


def _too_many_fields() -> BadRequest:
    return BadRequest(f"The form has more than {MAX_FIELDS} fields.")


class _PhpArray(dict[str, Any]):
    """Its entries by their keys. ``[]`` means the number behind the largest one so far."""

    def __init__(self) -> None:
        super().__init__()
        self._next = 0

    def place(self, key: str) -> str:
        if not key:
            key = str(self._next)
        if key.isascii() and key.isdigit() and len(key) < 16:
            self._next = max(self._next, int(key) + 1)
        return key

    def inner(self, key: str) -> "_PhpArray":
        """The array there; what else is there gives way."""
        place = self.place(key)
        found = self.get(place)
        if not isinstance(found, _PhpArray):
            found = self[place] = _PhpArray()
        return found


def _nested(pairs: Iterable[tuple[str, str]]) -> dict[str, Any]:
    fields = _PhpArray()
    for name, value in pairs:
        *outer, last = _path(name)
        array = fields
        for key in outer:
            array = array.inner(key)
        array[array.place(last)] = value
    return fields


def _path(name: str) -> list[str]:
    """``enrollments[0][id]`` is enrollments, 0, id. In the first PHP puts ``_`` for some marks."""
    found = _NAME.match(name)
    if found is None:
        return [name]
    keys = _KEY.findall(found["keys"])
    if not keys:
        return [_mangled(name)]
    if len(keys) > MAX_DEPTH:
        raise BadRequest("The form is nested too deeply.")
    return [_mangled(found["name"]), *keys]


def _mangled(name: str) -> str:
    return name.lstrip().translate(_MANGLED)
