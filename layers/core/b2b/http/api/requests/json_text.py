"""A JSON object from text: what Python's parser takes beyond JSON is refused, single trailing commas are let through.

The published examples have such commas (contract, section 1).
"""

import json
import re
from typing import Any

from b2b.http.api.errors import BadRequest

_MOST_DIGITS = 1_000

# A string (to the end of the text if nothing ends it, so that no body takes long), or what is looked for outside one.
_STRING = r'"(?:[^"\\]|\\.)*+"?'
_TRAILING_COMMA = re.compile(_STRING + r"|,(?=\s*[}\]])", re.DOTALL)
_NO_JSON_NUMBER = re.compile(_STRING + rf"|-?(?:NaN|Infinity)|[0-9]{{{_MOST_DIGITS + 1},}}", re.DOTALL)


def parse_object(text: str) -> dict[str, Any]:
    """Blank text and ``[]``, which is how PHP writes an empty array, count as ``{}``. Raises BadRequest."""
    if not text.strip():
        return {}
    content = _parse(text)
    if content == []:
        return {}
    if not isinstance(content, dict):
        raise BadRequest("The body must be a JSON object (line 1, column 1).")
    return content


def _parse(text: str) -> Any:
    try:
        content = _loads(text)
    except json.JSONDecodeError as error:
        tolerated = _without_trailing_commas(text)
        if tolerated == text:
            raise _malformed(error) from None
        try:
            content = _loads(tolerated)
        except json.JSONDecodeError as second:
            raise _malformed(second) from None
    except RecursionError:
        raise BadRequest("The body is nested too deeply (line 1, column 1).") from None
    if "\\u" in text:
        _check_unicode(content)
    return content


def _loads(text: str) -> Any:
    """Raises JSONDecodeError, which knows the place; also for the numbers that Python takes and JSON does not."""
    try:
        return json.loads(text, parse_constant=_refuse, parse_int=_integer)
    except _NoJsonNumber:
        found = next(match for match in _NO_JSON_NUMBER.finditer(text) if match.group()[0] != '"')
        what = "Too many digits" if found.group()[0].isdigit() else f"{found.group()} is not JSON"
        raise json.JSONDecodeError(what, text, found.start()) from None


class _NoJsonNumber(Exception):
    pass


def _refuse(_: str) -> None:
    raise _NoJsonNumber


def _integer(digits: str) -> int:
    if len(digits) > _MOST_DIGITS:
        raise _NoJsonNumber
    return int(digits)


def _without_trailing_commas(text: str) -> str:
    def replacement(match: re.Match[str]) -> str:
        found = match.group()
        if found != ",":
            return found
        # `{,}` and `[1,,]` have no value before the comma.
        before = match.start() - 1
        while before >= 0 and text[before].isspace():
            before -= 1
        return "," if before < 0 or text[before] in "{[,:" else " "

    return _TRAILING_COMMA.sub(replacement, text)


def _malformed(error: json.JSONDecodeError) -> BadRequest:
    return BadRequest(f"The body is not valid JSON: {error.msg} (line {error.lineno}, column {error.colno}).")


def _check_unicode(content: Any) -> None:
    r"""Half a surrogate pair (``\ud800``) is JSON but no text."""
    try:
        json.dumps(content, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        raise BadRequest("The body has a \\u escape that is no character (line 1, column 1).") from None
