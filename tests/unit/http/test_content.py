"""Which content types, encodings and charsets a body may come with, and as what it is read then."""

import gzip
import time
import zlib
from contextlib import suppress

import pytest

from b2b.http.api.errors import BadRequest, PayloadTooLarge, UnsupportedMediaType
from b2b.http.api.requests.content import MAX_BODY_BYTES, content_of

JSON = b'{"name": "Zo\xc3\xab"}'
FORM = b"name=Zo%C3%AB"
ZOE = {"name": "Zoë"}


@pytest.mark.parametrize(
    "content_type",
    [
        "",
        " ",
        "application/json",
        "APPLICATION/JSON",
        "application/json; charset=utf-8",
        'application/json;charset="UTF-8"',
        "application/json; charset=utf8;",
        "application/json; odata.metadata=minimal",
        "application/json, application/json",
        "application/json; charset=utf-8, application/json; charset=utf-8",
        "application/vnd.api+json",
        "application/problem+json; charset=us-ascii",
        "application/x.acme.v2+json",
        "image/x+json",
        "text/json",
        "text/x-json+json",
        "text/plain",
        "text/plain;charset=UTF-8",
        "text/plain; Charset=utf-8",
        "application/x-www-form-urlencoded",
        "application/x-www-form-urlencoded; charset=UTF-8",
        "multipart/form-data",
        "multipart/form-data; boundary=----WebKitFormBoundaryx",
    ],
)
@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf", b" \r\n"], ids=["", "BOM", "blanks"])
def test_json_may_be_called_json_text_or_a_form(content_type: str, before: bytes) -> None:
    assert content_of(before + JSON, content_type, "") == ZOE


@pytest.mark.parametrize("content_type", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"])
@pytest.mark.parametrize("raw", [b'{"name": "Zoe"', b"{'name': 1}", b'[{"name": 1}]', b'{"name": Zoe}'])
def test_what_looks_like_json_is_refused_as_json(content_type: str, raw: bytes) -> None:
    with pytest.raises(BadRequest, match=r"line 1, column \d+"):
        content_of(raw, content_type, "")


@pytest.mark.parametrize(
    "content_type",
    [
        "application/x-www-form-urlencoded",
        "Application/X-WWW-Form-Urlencoded; Charset=utf-8",
        "application/x-www-form-urlencoded;charset=ISO-8859-1",
    ],
)
def test_a_form_is_read_as_one(content_type: str) -> None:
    assert content_of(b"name=Ada+L%2E", content_type, "") == {"name": "Ada L."}


@pytest.mark.parametrize("raw", [b"name=Ada", b"name=Ada\r\nage=5\r\n", b"Ada"])
def test_a_form_that_is_called_text_is_no_json(raw: bytes) -> None:
    with pytest.raises(BadRequest, match="not valid JSON"):
        content_of(raw, "text/plain", "")


@pytest.mark.parametrize(
    "content_type",
    [
        *("application/xml", "text/xml", "text/html", "text/csv", "application/octet-stream", "application/jsonp"),
        *("json", "JSON", "application", "/", "*/*", "application/x-json", "application/ld+jsonx", "multipart/mixed"),
        *("application/x-ndjson", "application/vnd.ms-excel", "application/soap+xml", "application/javascript"),
    ],
)
def test_other_types_are_not_understood(content_type: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="is not supported"):
        content_of(JSON, content_type, "")


@pytest.mark.parametrize(
    "content_type", ["", "application/xml", "text/csv", "multipart/form-data", "application/x-www-form-urlencoded"]
)
def test_an_empty_body_has_no_type(content_type: str) -> None:
    assert content_of(b"", content_type, "br") == {}


@pytest.mark.parametrize("content_type", ["", "text/plain", "multipart/form-data", "application/x-www-form-urlencoded"])
@pytest.mark.parametrize("raw", [b" \r\n", b"[]", b"{}"])
def test_what_holds_nothing_is_an_empty_object(content_type: str, raw: bytes) -> None:
    assert content_of(raw, content_type, "") == {}


# Charsets


@pytest.mark.parametrize(
    ("codec", "charset"),
    [
        ("utf-8", "utf-8"),
        ("utf-8-sig", "utf-8"),
        ("utf-8", "UTF8"),
        ("latin-1", "ISO-8859-1"),
        ("latin-1", "latin1"),
        ("cp1252", "windows-1252"),
        ("cp1252", "iso-8859-1"),
        ("utf-16", "utf-16"),
        ("utf-16-le", "utf-16le"),
        ("utf-16-be", "UTF-16BE"),
        ("utf-16", ""),
        ("utf-16", "utf-8"),
    ],
)
def test_text_is_read_in_the_charset_that_it_says(codec: str, charset: str) -> None:
    content_type = f"application/json; charset={charset}" if charset else "application/json"
    assert content_of('{"name": "Zoë"}'.encode(codec), content_type, "") == ZOE


def test_windows_calls_its_own_charset_latin_1() -> None:
    assert content_of('{"name": "5 €"}'.encode("cp1252"), "application/json; charset=iso-8859-1", "") == {"name": "5 €"}


def test_a_form_is_unescaped_in_the_charset_that_it_says() -> None:
    assert content_of(b"name=Zo%EB", "application/x-www-form-urlencoded; charset=ISO-8859-1", "") == ZOE
    assert content_of(FORM, "application/x-www-form-urlencoded; charset=UTF-8", "") == ZOE


@pytest.mark.parametrize("charset", ["koi8-r", "utf-7", "utf-32", "binary", "rot13", "idna", "x" * 300, "os"])
def test_other_charsets_are_not_understood(charset: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="charset"):
        content_of(JSON, f"application/json; charset={charset}", "")


@pytest.mark.parametrize("content_type", ["application/json", "text/plain", "application/x-www-form-urlencoded"])
def test_what_is_not_utf_8_is_refused_with_its_place(content_type: str) -> None:
    with pytest.raises(BadRequest, match=r"not UTF-8 \(line 2, column 3\)"):
        content_of(b"{\n  \xff}", content_type, "")


# Encodings


def _test_name(value: str | bytes) -> str:
    """Packed bytes hold the time: they are no name for a test."""
    return value or "none" if isinstance(value, str) else f"{len(value)} bytes"


def _raw_deflate(body: bytes) -> bytes:
    packer = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    return packer.compress(body) + packer.flush()


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (JSON, "identity"),
        (JSON, "Identity"),
        (JSON, ""),
        (JSON, " , "),
        (gzip.compress(JSON), "gzip"),
        (gzip.compress(JSON), "GZIP"),
        (gzip.compress(JSON), "x-gzip"),
        (gzip.compress(JSON), "identity, gzip"),
        (gzip.compress(JSON, 0), "gzip"),
        (zlib.compress(JSON), "deflate"),
        (zlib.compress(JSON, 9), "deflate"),
        (_raw_deflate(JSON), "deflate"),
    ],
    ids=_test_name,
)
def test_a_packed_body_is_unpacked(packed: bytes, encoding: str) -> None:
    assert content_of(packed, "application/json", encoding) == ZOE


def test_a_packed_form_is_unpacked() -> None:
    assert content_of(gzip.compress(FORM), "application/x-www-form-urlencoded", "gzip") == ZOE


def test_an_empty_body_may_be_packed() -> None:
    assert content_of(gzip.compress(b""), "application/json", "gzip") == {}


@pytest.mark.parametrize(
    "encoding", ["br", "zstd", "compress", "lzma", "utf-8", "base64", "gzip, gzip", "deflate, gzip", "aws-chunked", "*"]
)
def test_other_encodings_are_not_understood(encoding: str) -> None:
    with pytest.raises(UnsupportedMediaType, match="content encoding"):
        content_of(JSON, "application/json", encoding)


@pytest.mark.parametrize(
    ("packed", "encoding"),
    [
        (JSON, "gzip"),
        (JSON, "deflate"),
        (zlib.compress(JSON), "gzip"),
        (gzip.compress(JSON), "deflate"),
        (gzip.compress(JSON)[:-1], "gzip"),
        (gzip.compress(JSON)[:10], "gzip"),
        (zlib.compress(JSON)[:-4], "deflate"),
        (gzip.compress(JSON) + b"x", "gzip"),
        (gzip.compress(JSON) + gzip.compress(JSON), "gzip"),
        (gzip.compress(JSON)[:-8] + bytes(8), "gzip"),
        (b"\x1f", "gzip"),
        (bytes(100), "gzip"),
    ],
    ids=_test_name,
)
def test_what_is_not_packed_as_it_says_is_refused(packed: bytes, encoding: str) -> None:
    with pytest.raises(BadRequest, match="packed"):
        content_of(packed, "application/json", encoding)


def _packed_zeros(size: int, encoding: str) -> bytes:
    """A full flush forgets what was before, so that a block of zeros may come again and again."""
    packer = zlib.compressobj(wbits=zlib.MAX_WBITS + (16 if encoding == "gzip" else 0))
    times, rest = divmod(size, MAX_BODY_BYTES)
    packed = packer.compress(bytes(rest)) + packer.flush(zlib.Z_FULL_FLUSH)
    return packed + times * (packer.compress(bytes(MAX_BODY_BYTES)) + packer.flush(zlib.Z_FULL_FLUSH))


@pytest.mark.parametrize("encoding", ["gzip", "deflate"])
@pytest.mark.parametrize("size", [MAX_BODY_BYTES + 1, 2 * MAX_BODY_BYTES, 500 * MAX_BODY_BYTES])
def test_what_unpacks_to_more_than_a_mebibyte_is_too_large(encoding: str, size: int) -> None:
    bomb = _packed_zeros(size, encoding)
    unpacked = zlib.decompressobj(wbits=zlib.MAX_WBITS + 32).decompress(bomb, 2 * MAX_BODY_BYTES)
    assert unpacked == bytes(min(size, 2 * MAX_BODY_BYTES))
    started = time.process_time()
    with pytest.raises(PayloadTooLarge):
        content_of(bomb[:MAX_BODY_BYTES], "application/json", encoding)
    assert time.process_time() - started < 0.5


def test_a_mebibyte_is_unpacked() -> None:
    fitting = b" " * (MAX_BODY_BYTES - len(JSON)) + JSON
    assert content_of(gzip.compress(fitting), "application/json", "gzip") == ZOE


def test_many_empty_members_take_no_time() -> None:
    many = gzip.compress(b"") * (MAX_BODY_BYTES // len(gzip.compress(b"")))
    started = time.process_time()
    with suppress(BadRequest):
        content_of(many, "application/json", "gzip")
    assert time.process_time() - started < 0.5
