"""What a field accepts, and the sentence for what it does not."""

from datetime import UTC, datetime
from functools import partial
from typing import Annotated, Any

import pytest
from pydantic import BaseModel, BeforeValidator, Field

from b2b.domain.catalogue.products import ProductableType
from b2b.domain.errors import InvalidInput
from b2b.http.api.requests.bodies import validated
from b2b.http.api.requests.fields import (
    Boolean,
    Date,
    Days,
    Email,
    Integer,
    Password,
    ProductableTypeField,
    RequestBody,
    SeatLimit,
    Text,
    ThinkificId,
    entries,
)


class Everything(RequestBody):
    """Each type once; a test sends what it is about."""

    first_name: Text | None = None
    email: Email | None = None
    password: Password | None = None
    number: Integer | None = None
    active: Boolean | None = None
    max_seats: SeatLimit = None
    expiry_date: Date | None = None
    enrollment_days: Days | None = None
    thinkific_id: ThinkificId | None = None
    productable_type: ProductableTypeField | None = None
    enrollments: (
        Annotated[dict[str, Integer], BeforeValidator(partial(entries, most=3)), Field(min_length=1)] | None
    ) = None


class Required(RequestBody):
    first_name: Text
    email: Email
    active: Boolean
    thinkific_id: ThinkificId
    max_seats: SeatLimit


def accepted(name: str, value: object) -> Any:
    return getattr(validated(Everything, {name: value}), name)


def refused(content: dict[str, Any], model: type[BaseModel] = Everything) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as refusal:
        validated(model, content)
    return refusal.value.errors


@pytest.mark.parametrize(
    ("value", "number"),
    [
        *((55, 55), ("55", 55), (" 55 ", 55), ("\t55\n", 55), (0, 0), ("0", 0), ("007", 7), (-3, -3), ("-3", -3)),
        *((55.0, 55), (0.0, 0), (-0.0, 0), (-3.0, -3), (1e3, 1000), (2.0**53, 2**53)),
    ],
)
def test_integers_may_come_as_digits_or_without_a_fraction(value: object, number: int) -> None:
    assert accepted("number", value) == number


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        1.5,
        0.1,
        -0.5,
        float("inf"),
        "1.0",
        "55.",
        "5,0",
        "1 000",
        "true",
        "null",
        "1e3",
        "abc",
        "0x10",
        "1_000",
        "+5",
        "-0",
        "\u0661",
        "\uff11",
        "9" * 20,
        "\u221255",
        [],
        [1],
        {},
        {"0": 1},
    ],
)
def test_an_integer_field_refuses_what_is_no_integer(value: object) -> None:
    assert refused({"number": value}) == {"number": ["The number field must be an integer."]}


@pytest.mark.parametrize(
    ("value", "flag"),
    [
        *((True, True), (1, True), ("1", True), ("true", True), ("True", True), ("TRUE", True), (" true ", True)),
        *((False, False), (0, False), ("0", False), ("false", False), ("False", False), ("fAlSe", False)),
    ],
)
def test_booleans(value: object, flag: bool) -> None:
    assert accepted("active", value) is flag


@pytest.mark.parametrize(
    "value",
    [
        *("yes", "no", "on", "off", "t", "f", "y", "truee", "01", "1.0", "-1", "null", "None", "\uff11"),
        *(2, -1, 1.0, 0.0, 0.5, [], {}, [True], {"0": True}),
    ],
)
def test_what_is_no_boolean(value: object) -> None:
    assert refused({"active": value}) == {"active": ["The active field must be true or false."]}


@pytest.mark.parametrize(
    ("value", "text"), [("Ada", "Ada"), ("  Ada \n", "Ada"), ("x" * 255, "x" * 255), (" " + "é" * 255, "é" * 255)]
)
def test_texts_are_trimmed(value: str, text: str) -> None:
    assert accepted("first_name", value) == text


@pytest.mark.parametrize("value", [1, True, 1.5, ["Ada"], {"a": 1}])
def test_what_is_no_text(value: object) -> None:
    assert refused({"first_name": value}) == {"first_name": ["The first name field must be a string."]}


@pytest.mark.parametrize("value", ["Ada@Example.com", " ada@example.com "])
def test_an_address_is_trimmed_and_kept_as_typed(value: str) -> None:
    assert accepted("email", value) == value.strip()


@pytest.mark.parametrize("value", ["ada", "ada@example", "a b@example.com", "ada@example.com, b@example.com"])
def test_what_is_no_address(value: str) -> None:
    assert refused({"email": value}) == {"email": ["The email field must be a valid e-mail address."]}


@pytest.mark.parametrize("value", ["12345678", "  blanks  ", "x" * 255])
def test_a_password_is_kept_to_the_letter(value: str) -> None:
    assert accepted("password", value) == value


@pytest.mark.parametrize(
    ("name", "value", "sentence"),
    [
        ("first_name", "x" * 256, "The first name field must not be greater than 255 characters."),
        ("email", "a@" + "b." * 130 + "co", "The email field must not be greater than 255 characters."),
        ("password", "1234567", "The password field must be at least 8 characters."),
        ("password", "x" * 256, "The password field must not be greater than 255 characters."),
        ("max_seats", -1, "The max seats field must be at least 0."),
        ("max_seats", "-1", "The max seats field must be at least 0."),
        ("max_seats", 10**9 + 1, "The max seats field must not be greater than 1000000000."),
        ("max_seats", 10**18, "The max seats field must not be greater than 1000000000."),
        ("max_seats", 10**400, "The max seats field must not be greater than 1000000000."),
        ("max_seats", 1.5, "The max seats field must be an integer."),
        ("enrollment_days", -1, "The enrollment days field must be at least 0."),
        ("enrollment_days", 36_501, "The enrollment days field must not be greater than 36500."),
        ("thinkific_id", 0, "The thinkific id field must be a positive id."),
        ("thinkific_id", -5, "The thinkific id field must be a positive id."),
        ("thinkific_id", 2**53 + 1, "The thinkific id field must be a positive id."),
        ("thinkific_id", "x", "The thinkific id field must be an integer."),
        ("productable_type", "Video", 'The productable type field must be "Course" or "Bundle".'),
        ("productable_type", 1, 'The productable type field must be "Course" or "Bundle".'),
        ("max_seats", 1e300, "The max seats field must not be greater than 1000000000."),
        ("enrollments", True, "The enrollments field must be an array."),
        ("enrollments", False, "The enrollments field must be an array."),
        ("enrollments", [], "The enrollments field must have at least 1 items."),
        ("enrollments", ["", None], "The enrollments field must have at least 1 items."),
        ("enrollments", ",,", "The enrollments field must have at least 1 items."),
        ("enrollments", "1,2,3,4", "The enrollments field must not have more than 3 items."),
        ("expiry_date", 1820102400, "The expiry date field must be a string."),
        ("expiry_date", 20270630.0, "The expiry date field must be a string."),
        ("expiry_date", True, "The expiry date field must be a string."),
        ("expiry_date", ["2027-06-30"], "The expiry date field must be a string."),
        ("expiry_date", {"date": "2027-06-30 00:00:00.000000"}, "The expiry date field must be a string."),
        ("expiry_date", "x" * 256, "The expiry date field must not be greater than 255 characters."),
        ("enrollments", [1, 2, 3, 4], "The enrollments field must not have more than 3 items."),
    ],
)
def test_what_is_said_against_a_value(name: str, value: object, sentence: str) -> None:
    assert refused({name: value}) == {name: [sentence]}


@pytest.mark.parametrize("value", [0, "0", 10**9, None])
def test_seats_from_none_to_unlimited(value: object) -> None:
    assert accepted("max_seats", value) == (None if value is None else int(str(value)))


@pytest.mark.parametrize("value", ["Bundle", "bundle", " BUNDLE "])
def test_the_type_of_a_product_in_any_case(value: str) -> None:
    assert accepted("productable_type", value) is ProductableType.BUNDLE


@pytest.mark.parametrize("content", [{}, dict.fromkeys(Required.model_fields)], ids=["missing", "null"])
def test_a_required_field_is_asked_for(content: dict[str, Any]) -> None:
    assert refused(content, Required) == {
        "first_name": ["The first name field is required."],
        "email": ["The email field is required."],
        "active": ["The active field is required."],
        "thinkific_id": ["The thinkific id field is required."],
    } | ({} if content else {"max_seats": ["The max seats field is required."]})


@pytest.mark.parametrize("name", Required.model_fields)
@pytest.mark.parametrize("value", ["", "   ", "\t\n"])
def test_blank_is_nothing_where_something_is_required(name: str, value: str) -> None:
    content: dict[str, Any] = {"first_name": "Ada", "email": "ada@example.com", "active": True, "thinkific_id": 1}
    content |= {"max_seats": 5, name: value}
    assert refused(content, Required) == {name: [f"The {name.replace('_', ' ')} field is required."]}


@pytest.mark.parametrize("name", Everything.model_fields)
@pytest.mark.parametrize("value", ["", "  ", "\r\n", None])
def test_blank_counts_as_not_given_in_every_optional_field(name: str, value: str | None) -> None:
    body = validated(Everything, {name: value})
    assert getattr(body, name) is None
    assert body.model_fields_set == ({name} if (name, value) == ("max_seats", None) else set())


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ([1, 2], {"0": 1, "1": 2}),
        (["1", 2.0], {"0": 1, "1": 2}),
        (1, {"0": 1}),
        (1.0, {"0": 1}),
        ("1", {"0": 1}),
        (" 1 ", {"0": 1}),
        ("1,2", {"0": 1, "1": 2}),
        ("1, 2 ,3", {"0": 1, "1": 2, "2": 3}),
        ("1,,3,", {"0": 1, "2": 3}),
        ({"0": 1, "2": "3"}, {"0": 1, "2": 3}),
        ({"first": 1, "second": None}, {"first": 1}),
        ([None, 1, "", " ", 2], {"1": 1, "4": 2}),
    ],
)
def test_a_list_may_be_one_entry_text_or_an_object(value: object, found: dict[str, int]) -> None:
    assert accepted("enrollments", value) == found


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ([1, None, "x"], "2"),
        ("1,,x", "2"),
        ({"7": 1, "9": "x"}, "9"),
        ("x", "0"),
        ([[1]], "0"),
        ("[1]", "0"),
        ("1;2", "0"),
    ],
)
def test_a_wrong_entry_is_named_by_the_place_at_which_it_was_sent(value: object, place: str) -> None:
    assert refused({"enrollments": value}) == {
        f"enrollments.{place}": [f"The enrollments.{place} field must be an integer."]
    }


@pytest.mark.parametrize("value", ["2027-06-30", " Jun 30 2027 ", "Wednesday, 30-Jun-27 23:59:59 UTC"])
def test_a_date_in_any_of_its_forms(value: str) -> None:
    assert accepted("expiry_date", value).end("UTC") == datetime(2027, 6, 30, 23, 59, 59, tzinfo=UTC)


@pytest.mark.parametrize("value", ["1820102400000", "06/07/2027", "1820-10-24", "tomorrow", "Mon, 30 Jun 2027"])
def test_why_a_date_is_refused_is_said(value: str) -> None:
    (sentence,) = refused({"expiry_date": value})["expiry_date"]
    assert sentence.startswith(
        ("The expiry date field must be a date", "The expiry date field names the wrong weekday")
    )


def test_the_document_has_one_plain_type_for_each_field() -> None:
    described = Everything.model_json_schema()["properties"]
    assert all("anyOf" not in schema and "pattern" not in schema for schema in described.values())
    types = {name: schema.get("type") for name, schema in described.items()}
    assert types == {
        "first_name": "string",
        "email": "string",
        "password": "string",
        "number": "integer",
        "active": "boolean",
        "max_seats": ["integer", "null"],
        "expiry_date": "string",
        "enrollment_days": "integer",
        "thinkific_id": "integer",
        "productable_type": None,
        "enrollments": "object",
    }
    formats = {described[name]["format"] for name in ("max_seats", "enrollment_days", "thinkific_id")}
    assert formats == {"int64"}


def test_a_nested_field_is_named_with_its_position() -> None:
    assert refused({"enrollments": [1, "x"]}) == {"enrollments.1": ["The enrollments.1 field must be an integer."]}


def test_unknown_keys_are_ignored() -> None:
    assert accepted("number", 1) == 1
    assert validated(Everything, {"number": 1, "nunber": "x"}).number == 1


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ({"number": "x"}, "The number field must be an integer."),
        ({"number": "x", "active": "x"}, "The number field must be an integer. (and 1 more error)"),
        ({"number": "x", "active": "x", "email": "x"}, "must be a valid e-mail address. (and 2 more errors)"),
    ],
)
def test_the_message_is_the_first_error_and_how_many_more(content: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput) as refusal:
        validated(Everything, content)
    assert str(refusal.value).endswith(message)


UNSEEN = [
    "\u200b",
    "\u3164",
    "\u2800",
    "\u00ad\u2060",
    "\ufeff",
    "\u115f",
    "\u200d \u200d",
    "\ufe0f",
    "\u202e",
    "\u2800" * 9,
]


@pytest.mark.parametrize("text", UNSEEN)
def test_a_text_that_shows_nothing_is_refused(text: str) -> None:
    message = "The first name field must contain a character that can be seen."
    assert refused({"first_name": text}) == {"first_name": [message]}
    assert list(refused({"password": text * 8})) == ["password"]


@pytest.mark.parametrize("text", ["\0", "Ada\0", "\0Ada", "A\0da Lovelace", "\u200b\0"])
def test_a_text_that_holds_nul_is_refused(text: str) -> None:
    message = "The first name field must not contain a NUL character."
    assert refused({"first_name": text}) == {"first_name": [message]}
    assert list(refused({"password": "correct horse" + text})) == ["password"]


@pytest.mark.parametrize(
    "text", ["Ada\u200b", "\u0646\u0627\u0645\u0647\u200c\u0627\u06cc", "\u2764\ufe0f", "\U0001f468\u200d\U0001f469"]
)
def test_what_shows_nothing_may_stand_beside_what_does(text: str) -> None:
    assert accepted("first_name", text) == text
