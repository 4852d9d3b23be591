"""Types of fields, and what is said when a value of a request does not fit, in the manner of a Laravel API.

An integer may come as digits in a string or without a fraction (``5.0``), a boolean as true/false/1/0 or as one of
these in a string; text is trimmed; a list may be one entry, text with commas or an object; what is blank counts as
not given (contract, section 1). The API's document publishes the one plain type of each.
"""

import re
from collections.abc import Callable, Mapping
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    GetJsonSchemaHandler,
    GetPydanticSchema,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, ErrorDetails, PydanticCustomError
from pydantic_core.core_schema import no_info_plain_validator_function

from b2b.domain import dates
from b2b.domain.catalogue.products import ProductableType
from b2b.domain.dates import UnreadableDate, WrittenDate
from b2b.domain.enrollment.expiry import MAX_DAYS
from b2b.domain.identity.characters import shows_nothing
from b2b.domain.identity.emails import MAX_KEY_BYTES, is_email
from b2b.domain.identity.users import MAX_SEATS

MAX_TEXT = 255
MIN_PASSWORD = 8
MAX_ID = 2**53

# A negative number is understood, to be told from which on they are accepted; "+5" and "-0" are no digits.
_INTEGER = re.compile(r"(?:-(?!0+$))?[0-9]{1,19}", re.ASCII)

_OURS = "b2b"

Schema = dict[str, Any]


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
    if is_blank(value):
        raise _REQUIRED
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if isinstance(value, str) and _INTEGER.fullmatch(value.strip()):
        return int(value)
    raise refusal("must be an integer")


def _thinkific_id(value: object) -> int:
    number = _integer(value)
    if not 1 <= number <= MAX_ID:
        raise refusal("must be a positive id")
    return number


_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def _boolean(value: object) -> bool:
    if is_blank(value):
        raise _REQUIRED
    # A float 1.0 equals 1, but is no 1.
    known = _BOOLEANS.get(str(value).strip().lower()) if isinstance(value, bool | int | str) else None
    if known is None:
        raise refusal("must be true or false")
    return known


def _productable_type(value: object) -> ProductableType:
    if isinstance(value, str) and value.strip().capitalize() in set(ProductableType):
        return ProductableType(value.strip().capitalize())
    raise refusal('must be "Course" or "Bundle"')


def _written_date(value: object) -> WrittenDate:
    try:
        return dates.parse(_trimmed(value))
    except UnreadableDate as error:
        raise refusal(str(error)) from None


def is_blank(value: object) -> bool:
    """What form builders send for a field that is not filled in."""
    return value is None or (isinstance(value, str) and not value.strip())


def entries(value: object, *, most: int) -> dict[str, object]:
    """The entries of a list by their places; blank ones are dropped.

    A list may be text with commas, an object whose values are the entries (what PHP makes of an array with gaps, and
    what ``name[]`` in a form becomes), or a single entry. Raises a refusal where it is blank, true or false, or has
    more than ``most`` entries.
    """
    if is_blank(value):
        raise _REQUIRED
    if isinstance(value, bool):
        raise refusal("must be an array")
    found = {place: entry for place, entry in _placed(value).items() if not is_blank(entry)}
    if len(found) > most:
        raise refusal(f"must not have more than {most} items")
    return found


def _placed(value: object) -> dict[str, object]:
    if isinstance(value, dict):
        return value
    listed = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else [value]
    return {str(place): entry for place, entry in enumerate(listed)}


class _NullMeansSomething:
    """Marks a field in which ``null`` is a value and not as good as nothing."""


class RequestBody(BaseModel):
    """What a route reads its body as: optional fields that came blank are as if they had not come."""

    @model_validator(mode="before")
    @classmethod
    def _without_blanks(cls, content: object) -> object:
        if not isinstance(content, dict):
            return content
        return {name: value for name, value in content.items() if not cls._is_not_given(name, value)}

    @classmethod
    def _is_not_given(cls, name: str, value: object) -> bool:
        field = cls.model_fields.get(name)
        if field is None or field.is_required() or not is_blank(value):
            return False
        return value is not None or _NullMeansSomething not in field.metadata

    @classmethod
    def __get_pydantic_json_schema__(cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler) -> Schema:
        """One plain type for each field: ``null`` only where it means something."""
        schema = handler(core_schema)
        for name, described in handler.resolve_ref_schema(schema).get("properties", {}).items():
            others = [one for one in described.get("anyOf", ()) if one != {"type": "null"}]
            if len(others) == 1 and _NullMeansSomething not in cls.model_fields[name].metadata:
                del described["anyOf"]
                described.update(others[0])
        return schema


def integers(least: int, most: int) -> Schema:
    return {"type": "integer", "format": "int64", "minimum": least, "maximum": most}


_SEATS = integers(0, MAX_SEATS)
_DATE: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
ID: Schema = integers(1, MAX_ID)
TEXT: Schema = {"type": "string", "minLength": 1, "maxLength": MAX_TEXT}
_EMAIL: Schema = {"type": "string", "format": "email", "maxLength": MAX_KEY_BYTES}
_PASSWORD: Schema = {"type": "string", "format": "password", "minLength": MIN_PASSWORD, "maxLength": MAX_TEXT}

Text = Annotated[str, BeforeValidator(_trimmed), Field(max_length=MAX_TEXT), WithJsonSchema(TEXT)]
Email = Annotated[Text, AfterValidator(_email), WithJsonSchema(_EMAIL)]
# Kept to the letter: a blank may be part of it.
Password = Annotated[
    str,
    BeforeValidator(_password),
    Field(min_length=MIN_PASSWORD, max_length=MAX_TEXT),
    WithJsonSchema(_PASSWORD),
]
Integer = Annotated[int, BeforeValidator(_integer)]
Boolean = Annotated[bool, BeforeValidator(_boolean), WithJsonSchema({"type": "boolean"})]
Seats = Annotated[Integer, Field(ge=0, le=MAX_SEATS), WithJsonSchema(_SEATS)]
# ``null``: unlimited.
SeatLimit = Annotated[Seats | None, _NullMeansSomething, WithJsonSchema(_SEATS | {"type": ["integer", "null"]})]
MoreSeats = Annotated[Integer, Field(ge=1, le=MAX_SEATS), WithJsonSchema(integers(1, MAX_SEATS))]
Days = Annotated[Integer, Field(ge=0, le=MAX_DAYS), WithJsonSchema(integers(0, MAX_DAYS))]
DaysFromNow = Annotated[Integer, Field(ge=1, le=MAX_DAYS), WithJsonSchema(integers(1, MAX_DAYS))]
ThinkificId = Annotated[int, BeforeValidator(_thinkific_id), WithJsonSchema(ID)]
ProductableTypeField = Annotated[ProductableType, BeforeValidator(_productable_type)]
# In requests, in any of the forms that ``b2b.domain.dates`` reads.
Date = Annotated[
    WrittenDate,
    GetPydanticSchema(lambda _source, _handler: no_info_plain_validator_function(_written_date)),
    WithJsonSchema(_DATE),
]
# In answers: ``b2b.domain.timestamps`` has written it.
Moment = Annotated[str, WithJsonSchema({"type": "string", "format": "date-time"})]
