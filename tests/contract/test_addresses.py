"""Contract, section 1: who is who, and texts that show nothing."""

from collections.abc import Iterator

import httpx
import pytest
from tests.contract.people import (
    Json,
    create_student,
    create_user,
    data_of,
    errors_of,
    student_fields,
    unique,
    user_fields,
)
from tests.e2e.deployment import Deployment
from tests.local_stack import LocalStack

ONE_PERSON = [
    ("{}@example.com", "{}@EXAMPLE.COM"),
    ("Ada.{}@example.com", "aDA.{}@example.com"),
    ("é.{}@example.com", "e\u0301.{}@example.com"),
    ("É.{}@example.com", "e\u0301.{}@example.com"),
    ("weiß.{}@example.com", "WEI\u1e9e.{}@example.com"),
    ("{}@bücher.example", "{}@xn--bcher-kva.example"),
    ("{}@BU\u0308CHER.example", "{}@XN--BCHER-KVA.EXAMPLE"),
    ("{}@straße.example", "{}@xn--strae-oqa.example"),
    ("{}@例子.公司", "{}@xn--fsqu00a.xn--55qx5d"),
    ("{}@हिन्दी.example", "{}@xn--j2bd4cyah0f.example"),
    (" {}@example.com ", "\u00a0{}@example.com\u3000"),
]
TWO_PERSONS = [
    ("weiß.{}@example.com", "weiss.{}@example.com"),
    ("{}@straße.example", "{}@strasse.example"),
    ("{}οδος@example.com", "{}οδοσ@example.com"),
    ("\u0131.{}@example.com", "i.{}@example.com"),
    ("İ.{}@example.com", "i.{}@example.com"),
    ("é.{}@example.com", "e.{}@example.com"),
    ("\u01f0.{}@example.com", "j.{}@example.com"),
    ("\u0430.{}@example.com", "a.{}@example.com"),
    ("{}@bücher.example", "{}@bucher.example"),
    ("{}+1@example.com", "{}@example.com"),
]
REFUSED = [
    "\u200bada@example.com",
    "a\u00adda@example.com",
    "ada\ufeff@example.com",
    "\u3164@example.com",
    "\u2800ada@example.com",
    "\ufb01nn@example.com",
    "\u212aelvin@example.com",
    "\uff41da@example.com",
    "ada@exam\u200dple.com",
    "ada@\u2460.example",
    "\u202eada@example.com",
    "a\x00da@example.com",
    "ada@\U0001f600.example",
    "ada@xn--a.example",
    "\u0390" * 168 + "@example.com",
    "a" * 243 + "@example.com",
    "İ" * 81 + "@example.com",
]
UNSEEN = [
    "\u200b",
    "\u3164",
    "\u2800",
    "\u00ad",
    "\ufeff",
    "\u2060\u2060",
    "\u115f",
    "\ufe0f",
    "\u202e",
    "\u0000",
    "Ada\u0000",
]


@pytest.fixture
def plain(stack: LocalStack | Deployment, catalogue: None) -> Iterator[httpx.Client]:
    """Nobody compares its calls with the document: JSON Schema's "email", which generators know, is ASCII only."""
    with stack.api() as client:
        yield client


def name_of() -> str:
    return unique("a").replace("-", "")


@pytest.mark.parametrize(("first", "second"), ONE_PERSON)
def test_two_spellings_are_one_person(plain: httpx.Client, first: str, second: str) -> None:
    name = name_of()
    one, other = first.format(name), second.format(name)
    user = create_user(plain, email=one)
    assert user["email"] == one.strip()
    assert data_of(plain.post("/users/search", json={"email": other})) == user
    assert set(errors_of(plain.post("/users", json=user_fields(email=other)))) == {"email"}
    student = create_student(plain, email=one)
    assert data_of(plain.post("/students", json=student_fields(email=other)))["id"] == student["id"]


@pytest.mark.parametrize(("first", "second"), TWO_PERSONS)
def test_two_addresses_are_two_persons(plain: httpx.Client, first: str, second: str) -> None:
    name = name_of()
    emails = [first.format(name), second.format(name)]
    users: list[Json] = [create_user(plain, email=email) for email in emails]
    students: list[Json] = [create_student(plain, email=email) for email in emails]
    assert [data_of(plain.post("/users/search", json={"email": email})) for email in emails] == users
    assert len({student["id"] for student in students}) == 2


@pytest.mark.parametrize("email", REFUSED)
def test_an_address_that_cannot_be_told_apart_by_looking_is_refused(api: httpx.Client, user: Json, email: str) -> None:
    assert set(errors_of(api.post("/users", json=user_fields(email=email)))) == {"email"}
    assert set(errors_of(api.post("/students", json=student_fields(email=email)))) == {"email"}
    assert set(errors_of(api.post("/users/search", json={"email": email}))) == {"email"}
    assert set(errors_of(api.put(f"/users/{user['id']}", json={"email": email}))) == {"email"}


@pytest.mark.parametrize("text", UNSEEN)
def test_a_text_that_shows_nothing_or_holds_nul_is_refused(api: httpx.Client, user: Json, text: str) -> None:
    assert set(errors_of(api.post("/users", json=user_fields(name=text)))) == {"name"}
    assert set(errors_of(api.put(f"/users/{user['id']}", json={"name": text}))) == {"name"}
    assert set(errors_of(api.post("/students", json=student_fields(first_name=text)))) == {"first_name"}
    assert set(errors_of(api.post(f"/users/group/{user['id']}", json={"name": text}))) == {"name"}
    assert set(errors_of(api.post("/tokens", json={"name": text}))) == {"name"}
    assert set(errors_of(api.get("/products/search", params={"term": text}))) == {"term"}
