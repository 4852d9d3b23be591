"""JSON bodies as bytes: what is read as which object, and what is refused with which sentence."""

import time
from contextlib import suppress
from typing import Any

import pytest

from b2b.http.api.errors import BadRequest
from b2b.http.api.requests.content import content_of


def parse_object(raw: bytes) -> dict[str, Any]:
    return content_of(raw, "application/json", "")


def refusal(raw: bytes) -> str:
    with pytest.raises(BadRequest) as refused:
        parse_object(raw)
    return str(refused.value)


@pytest.mark.parametrize("raw", [b"", b"  \r\n\t", b"\xef\xbb\xbf", b"{}", b" { } ", b"[]", b" [ ]\n"])
def test_an_empty_body_and_an_empty_array_count_as_an_empty_object(raw: bytes) -> None:
    assert parse_object(raw) == {}


@pytest.mark.parametrize(
    ("raw", "content"),
    [
        (b'{"a": 1,}', {"a": 1}),
        (b'{"a": 1 \n , \n }', {"a": 1}),
        (b'{"a": [1, 2,]}', {"a": [1, 2]}),
        (b'{"a": [1, 2,], "b": {"c": null,},}', {"a": [1, 2], "b": {"c": None}}),
        (b'{"a": [[1,],],}', {"a": [[1]]}),
        (b'{"a": "x",}', {"a": "x"}),
        (b'{"a": [true,], "b": [{},],}', {"a": [True], "b": [{}]}),
    ],
)
def test_a_single_trailing_comma_is_let_through(raw: bytes, content: dict[str, Any]) -> None:
    assert parse_object(raw) == content


@pytest.mark.parametrize("text", [",}", ",]", "a,}b", '\\",}', "\\\\", '\\\\\\",]', ", }"])
def test_what_looks_like_a_trailing_comma_inside_a_text_stays(text: str) -> None:
    tolerated = '{"a": "%s",}' % text  # noqa: UP031 - braces
    strict = '{"a": "%s"}' % text  # noqa: UP031 - braces
    assert parse_object(tolerated.encode()) == parse_object(strict.encode())


@pytest.mark.parametrize("raw", [b"{,}", b'{"a": [,]}', b'{"a": [1,,]}', b'{"a": 1,,}', b'{"a":,}', b'{, "a": 1}'])
def test_more_than_a_single_trailing_comma_is_malformed(raw: bytes) -> None:
    assert refusal(raw).startswith("The body is not valid JSON: ")


def test_a_byte_order_mark_is_let_through() -> None:
    assert parse_object(b'\xef\xbb\xbf{"a": 1}') == {"a": 1}


def test_text_beyond_ascii_arrives_as_sent() -> None:
    assert parse_object('{"a": "Ærøskøbing 例 😀 \\ud83d\\ude00"}'.encode()) == {"a": "Ærøskøbing 例 😀 😀"}


@pytest.mark.parametrize(
    ("raw", "place"),
    [
        (b'{"a": 1 "b": 2}', "(line 1, column 9)"),
        (b'{\n  "a": 1,\n  "b": tru\n}', "(line 3, column 8)"),
        (b'{\n  "a": [1,],\n  "b": x\n}', "(line 3, column 8)"),
        (b'{"a": 1', "(line 1, column 8)"),
        (b'{"a": 1} {"b": 2}', "(line 1, column 10)"),
        (b"{'a': 1}", "(line 1, column 2)"),
        (b'{"a": "x\ny"}', "(line 1, column 9)"),
        (b'{"a": \\x}', "(line 1, column 7)"),
        (b'{"a": 01}', "(line 1, column 8)"),
    ],
    ids=[
        "no comma",
        "a later line",
        "a later line behind a trailing comma",
        "cut off",
        "two objects",
        "single quotes",
        "a line break in a text",
        "a stray escape",
        "a leading zero",
    ],
)
def test_malformed_json_is_refused_with_its_place(raw: bytes, place: str) -> None:
    message = refusal(raw)
    assert message.startswith("The body is not valid JSON: ")
    assert message.endswith(f"{place}.")


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
@pytest.mark.parametrize("comma", ["", ","])
def test_numbers_that_json_does_not_have_are_refused(name: str, comma: str) -> None:
    assert refusal(f'{{"a": {name}{comma}}}'.encode()).endswith("(line 1, column 7).")


def test_the_place_of_a_number_that_json_does_not_have_is_named() -> None:
    assert refusal(b'{\n  "a": 1,\n  "b": NaN\n}').endswith("(line 3, column 8).")


@pytest.mark.parametrize("raw", [b"[1,]", b"[{}]", b"[[]]", b'"a"', b'""', b"0", b"1", b"null", b"true"])
def test_a_body_that_is_no_object_is_refused(raw: bytes) -> None:
    assert refusal(raw) == "The body must be a JSON object (line 1, column 1)."


def test_a_body_that_is_not_utf_8_is_refused() -> None:
    assert refusal(b'{"a": "\xff"}') == "The body is not UTF-8 (line 1, column 8)."


@pytest.mark.parametrize("depth", [5_000, 200_000])
@pytest.mark.parametrize("brackets", [("[", "]"), ('{"a":', "}")])
def test_a_body_that_is_nested_too_deeply_is_refused(depth: int, brackets: tuple[str, str]) -> None:
    opening, closing = brackets
    text = '{"a":' + opening * depth + "1" + closing * depth + "}"
    assert "nested too deeply" in refusal(text.encode())


@pytest.mark.parametrize("text", ["\\ud800", "\\udc00", "x\\ud83dx", "\\ude00\\ud83d"])
@pytest.mark.parametrize("body", ['{"a": "%s"}', '{"%s": 1}', '{"a": [{"b": "%s"}]}'])
def test_half_a_surrogate_pair_is_no_text(text: str, body: str) -> None:
    assert "is no character" in refusal((body % text).encode())


def test_a_number_of_thousands_of_digits_is_refused_in_words_about_the_body() -> None:
    message = refusal(b'{"a": ' + b"9" * 5_000 + b"}")
    assert "sys." not in message, "names the interpreter's settings"


@pytest.mark.parametrize(
    "raw",
    [
        b'{"a": "' + b'\\"' * 12_000,
        b'{"a": "' + b"\\\\" * 200_000,
        b'{"a": [' + b"[1,]," * 200_000 + b"1]}",
        b'{"a": [' + b"1," + b" " * 900_000 + b"]}",
        b'{"a": [' + b"1, " * 300_000 + b",]}",
    ],
    ids=["escaped quotes, not ended", "backslashes, not ended", "many trailing commas", "blanks", "many items"],
)
def test_no_body_takes_seconds_to_be_read_or_refused(raw: bytes) -> None:
    started = time.process_time()
    with suppress(BadRequest):
        parse_object(raw)
    assert time.process_time() - started < 1.5
