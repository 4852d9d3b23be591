"""Types of fields, and what is said when a value of a request does not fit, in the manner of a Laravel API.

An integer may come as digits in a string, a boolean as true/false/1/0/"1"/"0"; text is trimmed, and an empty one
counts as not given (contract, section 1). Each type has the JSON Schema of what it takes, for the API's document.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import ErrorDetails, PydanticCustomError

from b2b.domain.characters import shows_nothing
from b2b.domain.emails import MAX_KEY_BYTES, is_email
from b2b.domain.expiry import MAX_DAYS
from b2b.domain.products import ProductableType
from b2b.domain.users import MAX_SEATS

MAX_TEXT = 255
MIN_PASSWORD = 8
MAX_ID = 2**53

# A negative number is understood, to be told from which on they are accepted; "+5" and "-0" are no digits.
_INTEGER = re.compile(r"(?:-(?!0+$))?[0-9]{1,19}", re.ASCII)

_OURS = "b2b"


def refusal(what: str) -> PydanticCustomError:
    """Raised by a validator: ``what`` reads behind "The ... field"."""
    return PydanticCustomError(_OURS, "{what}", {"what": what})


_REQUIRED = refusal("is required")

# How pydantic's own refusals read there.
_SENTENCES: Mapping[str, Callable[[Mapping[str, Any]], str]] = {
    "missing": lambda _: "is required",
    "string_too_long": lambda context: f"must not be greater than {context['max_length']} characters",
    "string_too_short": lambda context: f"must be at least {context['min_length']} characters",
    "greater_than_equal": lambda context: f"must be at least {context['ge']}",
    "less_than_equal": lambda context: f"must not be greater than {context['le']}",
    "list_type": lambda _: "must be an array",
    "too_long": lambda context: f"must not have more than {context['max_length']} items",
    "too_short": lambda context: f"must have at least {context['min_length']} items",
}


def sentence(name: str, error: ErrorDetails) -> str:
    """``The max seats field must be an integer.``"""
    kind = error["type"]
    if kind == _OURS:
        what = error["msg"]
    elif kind in _SENTENCES:
        what = _SENTENCES[kind](error.get("ctx", {}))
    else:
        what = f"is not valid ({error['msg']})"
    return f"The {name.replace('_', ' ')} field {what}."


def _trimmed(value: object) -> str:
    trimmed = _string(value).strip()
    if not trimmed:
        raise _REQUIRED
    if len(trimmed) > MAX_TEXT:
        raise refusal(f"must not be greater than {MAX_TEXT} characters")
    return visible(trimmed)


def visible(text: str) -> str:
    if "\0" in text:
        raise refusal("must not contain a NUL character")
    if shows_nothing(text):
        raise refusal("must contain a character that can be seen")
    return text


def _string(value: object) -> str:
    if value is None or value == "":
        raise _REQUIRED
    if not isinstance(value, str):
        raise refusal("must be a string")
    return value


def _unless_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _password(value: object) -> str:
    text = _string(value)
    if len(text) < MIN_PASSWORD:
        raise refusal(f"must be at least {MIN_PASSWORD} characters")
    if len(text) > MAX_TEXT:
        raise refusal(f"must not be greater than {MAX_TEXT} characters")
    return visible(text)


def _email(value: str) -> str:
    if not is_email(value):
        raise refusal("must be a valid e-mail address")
    return value


def _integer(value: object) -> int:
    if value is None:
        raise _REQUIRED
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    raise refusal("must be an integer")


def _thinkific_id(value: object) -> int:
    number = _integer(value)
    if not 1 <= number <= MAX_ID:
        raise refusal("must be a positive id")
    return number


def _boolean(value: object) -> bool:
    if value is None:
        raise _REQUIRED
    # A float 1.0 equals 1 but is neither; so is text other than these two.
    if isinstance(value, bool | int) and value in (0, 1):
        return bool(value)
    if isinstance(value, str) and value in ("0", "1"):
        return value == "1"
    raise refusal("must be true or false")


def _productable_type(value: object) -> ProductableType:
    if isinstance(value, str) and value.strip().capitalize() in set(ProductableType):
        return ProductableType(value.strip().capitalize())
    raise refusal('must be "Course" or "Bundle"')


Schema = dict[str, Any]


def one_of(*schemas: Schema) -> WithJsonSchema:
    """What a field takes, where pydantic sees only what becomes of it."""
    return WithJsonSchema(schemas[0] if len(schemas) == 1 else {"anyOf": [*schemas]})


def integer_schemas(least: int, most: int) -> tuple[Schema, Schema]:
    """A pattern knows no bounds: digits beyond them are refused all the same."""
    return {"type": "integer", "minimum": least, "maximum": most}, {"type": "string", "pattern": "^[0-9]{1,19}$"}


_TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT, "pattern": r"\S"}
_EMAIL: Schema = {"type": "string", "format": "email", "maxLength": MAX_KEY_BYTES}
_PASSWORD: Schema = {"type": "string", "format": "password", "minLength": MIN_PASSWORD, "maxLength": MAX_TEXT}
_BLANK: Schema = {"type": "string", "pattern": r"^\s*$"}
_NULL: Schema = {"type": "null"}
_BOOLEANS: tuple[Schema, ...] = (
    {"type": "boolean"},
    {"type": "integer", "enum": [0, 1]},
    {"type": "string", "enum": ["0", "1"]},
)

Text = Annotated[str, BeforeValidator(_trimmed), Field(max_length=MAX_TEXT), one_of(_TEXT)]
Email = Annotated[Text, AfterValidator(_email), one_of(_EMAIL)]
# Kept to the letter: a blank may be part of it.
Password = Annotated[
    str, BeforeValidator(_password), Field(min_length=MIN_PASSWORD, max_length=MAX_TEXT), one_of(_PASSWORD)
]
# An empty text is what form builders send for a field that is not filled in.
OptionalText = Annotated[Text | None, BeforeValidator(_unless_blank), one_of(_TEXT, _BLANK, _NULL)]
OptionalEmail = Annotated[Email | None, BeforeValidator(_unless_blank), one_of(_EMAIL, _BLANK, _NULL)]
OptionalPassword = Annotated[Password | None, BeforeValidator(_unless_blank), one_of(_PASSWORD, _BLANK, _NULL)]
Integer = Annotated[int, BeforeValidator(_integer)]
Boolean = Annotated[bool, BeforeValidator(_boolean), one_of(*_BOOLEANS)]
Seats = Annotated[Integer, Field(ge=0, le=MAX_SEATS), one_of(*integer_schemas(0, MAX_SEATS))]
MoreSeats = Annotated[Integer, Field(ge=1, le=MAX_SEATS), one_of(*integer_schemas(1, MAX_SEATS))]
Days = Annotated[Integer, Field(ge=0, le=MAX_DAYS), one_of(*integer_schemas(0, MAX_DAYS))]
DaysFromNow = Annotated[Integer, Field(ge=1, le=MAX_DAYS), one_of(*integer_schemas(1, MAX_DAYS))]
OptionalDaysFromNow = Annotated[
    DaysFromNow | None, BeforeValidator(_unless_blank), one_of(*integer_schemas(1, MAX_DAYS), _BLANK, _NULL)
]
ThinkificId = Annotated[int, BeforeValidator(_thinkific_id), one_of(*integer_schemas(1, MAX_ID))]
ProductableTypeField = Annotated[ProductableType, BeforeValidator(_productable_type)]
# In answers: ``b2b.domain.timestamps`` has written it.
Moment = Annotated[str, one_of({"type": "string", "format": "date-time"})]
