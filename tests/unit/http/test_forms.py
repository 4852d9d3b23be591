"""Forms, as PHP reads them."""

import time
from contextlib import suppress
from typing import Any

import pytest

from b2b.http.api.errors import BadRequest, UnsupportedMediaType
from b2b.http.api.requests.forms import MAX_DEPTH, MAX_FIELDS, multipart, urlencoded


@pytest.mark.parametrize(
    ("text", "fields"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a=1&b=2", {"a": "1", "b": "2"}),
        ("a=1&a=2", {"a": "2"}),
        ("a=0&a=1&a=", {"a": ""}),
        ("a", {"a": ""}),
        ("a=", {"a": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("&&a=1&", {"a": "1"}),
        ("a=1;b=2", {"a": "1;b=2"}),
        ("a=1\r\n", {"a": "1"}),
        ("a=%E2%82%AC+%26+1%2B1", {"a": "€ & 1+1"}),
        ("a=ë", {"a": "ë"}),
        ("a=100%", {"a": "100%"}),
        ("a%5B%5D=1&a%5B%5D=2", {"a": {"0": "1", "1": "2"}}),
        ("a[]=1&a[]=2&a[]=", {"a": {"0": "1", "1": "2", "2": ""}}),
        ("a[0]=1&a[2]=3", {"a": {"0": "1", "2": "3"}}),
        ("a[1]=1&a[0]=0", {"a": {"1": "1", "0": "0"}}),
        ("a[5]=5&a[]=6", {"a": {"5": "5", "6": "6"}}),
        ("a[]=0&a[0]=1&a[]=2", {"a": {"0": "1", "1": "2"}}),
        ("a[x]=1&a[y]=2&a[]=3", {"a": {"x": "1", "y": "2", "0": "3"}}),
        ("a[0][id]=1&a[0][t]=B&a[1][id]=2", {"a": {"0": {"id": "1", "t": "B"}, "1": {"id": "2"}}}),
        ("a[][id]=1&a[][id]=2", {"a": {"0": {"id": "1"}, "1": {"id": "2"}}}),
        ("a[b][c][d]=1", {"a": {"b": {"c": {"d": "1"}}}}),
        ("a=1&a[]=2", {"a": {"0": "2"}}),
        ("a[]=1&a=2", {"a": "2"}),
        ("a[x][y]=1&a[x]=2", {"a": {"x": "2"}}),
        ("a[x]=1&a[x][y]=2", {"a": {"x": {"y": "2"}}}),
        ("a[b]c=1", {"a": {"b": "1"}}),
        ("a[b=1", {"a_b": "1"}),
        ("first name=A&user.email=b", {"first_name": "A", "user_email": "b"}),
        ("a[b c.d]=1", {"a": {"b c.d": "1"}}),
        ("a[99999999999999999999]=1&a[]=2", {"a": {"99999999999999999999": "1", "0": "2"}}),
    ],
)
def test_a_form_has_the_fields_that_php_sees(text: str, fields: dict[str, Any]) -> None:
    assert urlencoded(text) == fields


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("a=%FF", "not UTF-8"),
        ("%FF=a", "not UTF-8"),
        ("a=%ED%A0%80", "not UTF-8"),
        ("a" + "[x]" * (MAX_DEPTH + 1) + "=1", "nested too deeply"),
        ("a" + "[]" * 200_000 + "=1", "nested too deeply"),
        ("&".join("a[]=1" for _ in range(MAX_FIELDS + 1)), "more than 10000 fields"),
        ("&" * 1_000_000, "more than 10000 fields"),
    ],
    ids=["value", "name", "surrogate", "deep", "deeper", "fields", "ampersands"],
)
def test_a_form_that_is_refused(text: str, sentence: str) -> None:
    started = time.process_time()
    with pytest.raises(BadRequest, match=sentence):
        urlencoded(text)
    assert time.process_time() - started < 1.5


def test_as_many_fields_as_are_taken_take_no_time() -> None:
    started = time.process_time()
    assert len(urlencoded("&".join(f"a[]={number}" for number in range(MAX_FIELDS)))["a"]) == MAX_FIELDS
    assert time.process_time() - started < 1.5


def part(disposition: str, value: bytes = b"1", *headers: str) -> bytes:
    head = "\r\n".join([f"Content-Disposition: form-data; {disposition}", *headers])
    return b"--x\r\n" + head.encode() + b"\r\n\r\n" + value + b"\r\n"


END = b"--x--\r\n"


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        (part('name="a"') + END, {"a": "1"}),
        (part('name="a"') + b"--x--", {"a": "1"}),
        (part('name="a"') + END + b"epilogue", {"a": "1"}),
        (part("name=a", b"1", "Content-Type: text/plain; charset=utf-8") + END, {"a": "1"}),
        (part('name="a"', b"1") + part('name="a"', b"2") + END, {"a": "2"}),
        (part('name="a[]"', b"1") + part('name="a[]"', b"2") + END, {"a": {"0": "1", "1": "2"}}),
        (
            part('name="a[0][id]"', b"1") + part('name="a[2][id]"', b"2") + END,
            {"a": {"0": {"id": "1"}, "2": {"id": "2"}}},
        ),
        (part('name="a"', b"") + END, {"a": ""}),
        (part('name="a"', "Zoë\r\n--y".encode()) + END, {"a": "Zoë\r\n--y"}),
        (part('name="a"', b'{"id": 1}', "Content-Type: application/json") + END, {"a": '{"id": 1}'}),
        (part('name="é"', b"1") + part('name="b"', b"2") + END, {"é": "1", "b": "2"}),
        (
            part('name="f"; filename=""', b"", "Content-Type: application/octet-stream") + part('name="a"') + END,
            {"a": "1"},
        ),
        (part('name="[x][y]"') + END, {"[x][y]": "1"}),
        (END, {}),
        (b"", {}),
        (b"\r\n", {}),
    ],
)
def test_a_multipart_form_has_the_fields_that_php_sees(body: bytes, fields: dict[str, Any]) -> None:
    assert multipart(body, "x") == fields


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (part('name="a"'), "cut off"),
        (part('name="a"')[:-2], "cut off"),
        (part('name="a"') + b"--x", "cut off"),
        (part('name="a"') + b"--", "cut off"),
        (b"a=1&b=2", "not a valid form"),
        (b"--y\r\n" + part('name="a"') + END, "not a valid form"),
        (part('name="a"').replace(b"\r\n", b"\n") + b"--x--\n", "not a valid form"),
        (part("") + END, "not a valid form"),
        (b"--x\r\nContent-Type: text/plain\r\n\r\n1\r\n" + END, "not a valid form"),
        (part('name="a"', b"\xff") + END, "not UTF-8"),
        (part('name="a' + "[x]" * 40 + '"') + END, "nested too deeply"),
        (part('name="a"') * (MAX_FIELDS + 1) + END, "more than 10000 fields"),
    ],
)
def test_a_multipart_form_that_is_refused(body: bytes, sentence: str) -> None:
    started = time.process_time()
    with pytest.raises(BadRequest, match=sentence):
        multipart(body, "x")
    assert time.process_time() - started < 3


@pytest.mark.parametrize("boundary", [None, ""])
def test_a_multipart_form_names_its_boundary(boundary: str | None) -> None:
    with pytest.raises(BadRequest, match="no boundary"):
        multipart(part('name="a"') + END, boundary)


@pytest.mark.parametrize(
    "disposition", ['name="f"; filename="a.csv"', "name=f; filename=a.csv", 'name="a"; filename="x"']
)
def test_a_file_is_not_understood(disposition: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="without files"):
        multipart(part(disposition) + END, "x")


@pytest.mark.parametrize(
    "body",
    [b"--x\r\n" * 200_000, b"\r\n" * 500_000 + b"--x--", part('name="a"', b"\r\n--" * 250_000) + END, b"-" * 1_000_000],
    ids=["boundaries", "line breaks", "almost boundaries", "hyphens"],
)
def test_no_multipart_form_takes_seconds(body: bytes) -> None:
    started = time.process_time()
    with suppress(BadRequest):
        multipart(body, "x")
    assert time.process_time() - started < 3
