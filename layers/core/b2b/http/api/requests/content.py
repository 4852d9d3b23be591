"""From the bytes of a body to the object that they hold, by the content type and encoding that came with them.

Understood are JSON and forms, and JSON under the types that clients send it with by mistake: `curl -d` calls all it
sends a form, a browser's beacon calls it text.
"""

import codecs
import re
import zlib
from collections.abc import Mapping
from email.message import Message
from typing import Any

from b2b.http.api.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from b2b.http.api.requests import forms
from b2b.http.api.requests.json_text import parse_object

MAX_BODY_BYTES = 1024 * 1024

_JSON = re.compile(r"[\w.+-]+/(?:[\w.+-]+\+)?json")
_URLENCODED, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
# UTF-8 is what JSON is in (RFC 8259) and what forms are (WHATWG); the others come from Java and Windows, and say so.
# Whoever says ISO-8859-1 means Windows-1252 (WHATWG, Encoding).
_CODECS: Mapping[str, str] = (
    dict.fromkeys(("utf-8", "utf8", "us-ascii", "ascii"), "utf-8")
    | dict.fromkeys(("iso-8859-1", "iso8859-1", "latin1", "windows-1252", "cp1252"), "cp1252")
    | {"utf-16": "utf-16", "utf-16le": "utf-16-le", "utf-16be": "utf-16-be"}
)
_BOMS_OF_UTF_16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def too_large() -> PayloadTooLarge:
    return PayloadTooLarge("The body is larger than 1 MiB.")


def content_of(raw: bytes, content_type: str, content_encoding: str) -> dict[str, Any]:
    """The object in the body; none where it is empty. ``raw``: at most ``MAX_BODY_BYTES``.

    Raises PayloadTooLarge (of what it unpacks to), UnsupportedMediaType and BadRequest.
    """
    if not raw:
        return {}
    body = _unpacked(raw, content_encoding)
    header = Message()
    header["Content-Type"] = content_type
    media_type = re.split("[;,]", content_type, maxsplit=1)[0].strip().lower()
    is_form = media_type in (_URLENCODED, _MULTIPART)
    if media_type not in ("", "text/plain") and not is_form and not _JSON.fullmatch(media_type):
        raise UnsupportedMediaType(f"Send JSON or a form: the content type {media_type[:100]} is not supported.")
    if media_type == _MULTIPART and not _looks_like_json(body):
        return forms.multipart(body, header.get_boundary())
    codec = _codec(body, header.get_content_charset("utf-8"))
    text = _decoded(body, codec)
    return forms.urlencoded(text, codec) if is_form and not _looks_like_json(body) else parse_object(text)


def _looks_like_json(body: bytes) -> bool:
    """The name of no field begins like this."""
    return body.removeprefix(codecs.BOM_UTF8).lstrip()[:1] in (b"{", b"[")


def _unpacked(raw: bytes, content_encoding: str) -> bytes:
    codings = [coding for part in content_encoding.split(",") if (coding := part.strip().lower())]
    packed = [coding for coding in codings if coding != "identity"]
    if not packed:
        return raw
    if packed in (["gzip"], ["x-gzip"]):
        return _inflated(raw, zlib.MAX_WBITS | 16)
    if packed == ["deflate"]:
        # RFC 9110 means the zlib format; some clients leave its frame away. Its first byte tells them apart.
        return _inflated(raw, zlib.MAX_WBITS if raw[0] & 0x0F == 8 else -zlib.MAX_WBITS)
    named = ", ".join(codings)[:100]
    raise UnsupportedMediaType(f"Send the body as it is, or gzip it: the content encoding {named} is not supported.")


def _inflated(raw: bytes, window_bits: int) -> bytes:
    inflate = zlib.decompressobj(window_bits)
    try:
        # No more than it takes to see that it is too much, whatever it would unpack to.
        body = inflate.decompress(raw, MAX_BODY_BYTES + 1)
    except zlib.error:
        raise BadRequest("The body is not packed as its Content-Encoding says.") from None
    if len(body) > MAX_BODY_BYTES:
        raise too_large()
    if not inflate.eof or inflate.unused_data:
        raise BadRequest("The packed body is cut off, or something follows it.")
    return body


def _codec(body: bytes, charset: str) -> str:
    if body.startswith(_BOMS_OF_UTF_16):
        return "utf-16"
    # Where a header came twice, a gateway joins the two with a comma.
    codec = _CODECS.get(charset.partition(",")[0].strip())
    if codec is None:
        raise UnsupportedMediaType(f"Send UTF-8: the charset {charset[:100]} is not supported.")
    return codec


def _decoded(body: bytes, codec: str) -> str:
    try:
        return body.decode(codec).removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        before = body[: error.start].decode(codec, errors="replace").removeprefix("\ufeff")
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise BadRequest(f"The body is not {codec.upper()} (line {line}, column {column}).") from None
