"""What a field accepts, and the sentence for what it does not."""

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field

from b2b.domain.errors import InvalidInput
from b2b.domain.products import ProductableType
from b2b.http.bodies import validated
from b2b.http.fields import (
    Boolean,
    Days,
    Email,
    Integer,
    OptionalEmail,
    OptionalPassword,
    OptionalText,
    ProductableTypeField,
    Seats,
    Text,
    ThinkificId,
)


class Everything(BaseModel):
    """Each type once; a test sends what it is about."""

    first_name: OptionalText = None
    email: OptionalEmail = None
    password: OptionalPassword = None
    number: Integer | None = None
    active: Boolean | None = None
    max_seats: Seats | None = None
    enrollment_days: Days | None = None
    thinkific_id: ThinkificId | None = None
    productable_type: ProductableTypeField | None = None
    enrollments: Annotated[list[Integer], Field(min_length=1, max_length=3)] | None = None


class Required(BaseModel):
    first_name: Text
    email: Email
    active: Boolean
    thinkific_id: ThinkificId


def accepted(name: str, value: object) -> Any:
    return getattr(validated(Everything, {name: value}), name)


def refused(content: dict[str, Any], model: type[BaseModel] = Everything) -> dict[str, list[str]]:
    with pytest.raises(InvalidInput) as refusal:
        validated(model, content)
    return refusal.value.errors


@pytest.mark.parametrize(("value", "number"), [(55, 55), ("55", 55), (" 55 ", 55), (0, 0), ("007", 7), (-3, -3)])
def test_integers_may_come_as_digits(value: object, number: int) -> None:
    assert accepted("number", value) == number


@pytest.mark.parametrize(
    "value",
    [
        True,
        False,
        1.0,
        1.5,
        1e300,
        "",
        "1.0",
        "1e3",
        "abc",
        "0x10",
        "1_000",
        "+5",
        "-0",
        "\u0661",
        "\uff11",
        "9" * 20,
        [],
        [1],
        {},
    ],
)
def test_what_is_no_integer(value: object) -> None:
    assert refused({"number": value}) == {"number": ["The number field must be an integer."]}


@pytest.mark.parametrize(
    ("value", "flag"), [(True, True), (False, False), (1, True), (0, False), ("1", True), ("0", False)]
)
def test_booleans(value: object, flag: bool) -> None:
    assert accepted("active", value) is flag


@pytest.mark.parametrize("value", ["true", "false", "yes", "on", "", " 1", 2, -1, 1.0, 0.0, [], {}, [True]])
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
        ("enrollments", "55", "The enrollments field must be an array."),
        ("enrollments", {"0": 55}, "The enrollments field must be an array."),
        ("enrollments", [], "The enrollments field must have at least 1 items."),
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
    }


@pytest.mark.parametrize("name", ["first_name", "email"])
@pytest.mark.parametrize("value", ["", "   ", "\t\n"])
def test_a_blank_text_is_no_text_where_one_is_required(name: str, value: str) -> None:
    content = {"first_name": "Ada", "email": "ada@example.com", "active": True, "thinkific_id": 1, name: value}
    assert refused(content, Required) == {name: [f"The {name.replace('_', ' ')} field is required."]}


@pytest.mark.parametrize("name", ["first_name", "email", "password"])
@pytest.mark.parametrize("value", ["", "  "])
def test_an_empty_text_counts_as_not_given_where_none_is_required(name: str, value: str) -> None:
    assert accepted(name, value) is None


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
