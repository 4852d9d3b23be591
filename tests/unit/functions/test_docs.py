"""The page on which the API is tried, as the admin function serves it: deployed, and in the local stack."""

import gzip
import re
from base64 import b64decode

import pytest
from tests.unit.functions.api import Api
from tests.unit.functions.test_handlers import Context, Load, event

_FILES = ("favicon-32x32.png", "swagger-ui.css", "try.css", "swagger-ui-bundle.js", "try.js")


def named_by_the_page(api: Api) -> dict[str, str]:
    """The addresses of its files, by name."""
    page = api.call("GET", "/docs", token=None)
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    found = re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text)
    return {address.rpartition("/")[2]: address for address in found}


@pytest.mark.parametrize("path", ["/docs", "/docs/"])
def test_the_page_needs_no_token_and_nothing_from_elsewhere(api: Api, path: str) -> None:
    page = api.call("GET", path, token=None)
    assert page.status_code == 200
    assert tuple(named_by_the_page(api)) == _FILES
    for address in re.findall(r'(?:src|href)="([^"]+)"', page.text):
        assert address.startswith(("/docs/", "/api/", "#"))


def test_the_page_runs_no_script_and_takes_no_style_but_its_own(api: Api) -> None:
    page = api.call("GET", "/docs", token=None)
    policy = dict(rule.split(" ", 1) for rule in page.headers["content-security-policy"].split("; "))
    assert (policy["default-src"], policy["script-src"], policy["connect-src"]) == ("'none'", "'self'", "'self'")
    assert policy["frame-ancestors"] == "'none'"
    assert re.findall(r"<script(?! src=)|<style|\son\w+=|style=", page.text) == []
    assert page.headers["x-content-type-options"] == "nosniff"


def test_the_page_fits_a_phone_and_asks_for_the_token_first(api: Api) -> None:
    page = api.call("GET", "/docs", token=None).text
    assert 'name="viewport" content="width=device-width' in page
    assert page.index('id="authorize"') < page.index("Quick start") < page.index('id="api"')


def test_the_page_is_asked_for_each_time_and_its_files_are_kept(api: Api) -> None:
    assert api.call("GET", "/docs", token=None).headers["cache-control"] == "no-cache"
    for address in named_by_the_page(api).values():
        kept = api.call("GET", address, token=None).headers
        assert kept["cache-control"] == "public, max-age=31536000, immutable"
        assert (kept["vary"], kept["x-content-type-options"]) == ("Accept-Encoding", "nosniff")


@pytest.mark.parametrize("name", _FILES)
def test_a_file_is_sent_compressed_to_who_can_read_it(api: Api, name: str) -> None:
    address = named_by_the_page(api)[name]
    plain = api.call("GET", address, token=None, headers={"Accept-Encoding": "identity"})
    assert "content-encoding" not in plain.headers
    small = api.call("GET", address, token=None, headers={"Accept-Encoding": "br, gzip"})
    assert small.headers["content-encoding"] == "gzip"
    assert small.content == plain.content
    assert len(plain.content) > 200


def test_a_page_of_another_release_gets_the_files_of_this_one_for_once(api: Api) -> None:
    answer = api.call("GET", "/docs/000000000000/try.js", token=None)
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")


@pytest.mark.parametrize(
    "path",
    [
        "/docs/x/page.html",
        "/docs/x/routes.py",
        "/docs/x/__init__.py",
        "/docs/x/openapi.json",
        "/docs/x/..%2froutes.py",
        "/docs/x/%2e%2e",
        "/docs/x/swagger-ui-bundle.js.map",
        "/docs/x/y/try.js",
        "/docs/try.js",
        "/docs/x/TRY.JS",
        "/docs/x/try.js%00",
        "/docsx",
    ],
)
def test_no_other_file_is_served(api: Api, path: str) -> None:
    answer = api.call("GET", path, token=None)
    assert (answer.status_code, answer.json()["message"][:17]) == (404, "There is no route")


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
def test_the_page_is_only_read(api: Api, method: str) -> None:
    answer = api.call(method, "/docs")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD")


def test_files_pass_the_gateway_compressed(load: Load, api: Api) -> None:
    address = named_by_the_page(api)["swagger-ui-bundle.js"]
    asked = event("apigateway-v2-get-user")
    asked["rawPath"] = asked["requestContext"]["http"]["path"] = address
    asked["headers"]["accept-encoding"] = "gzip"
    answer = load("api.platform")(asked, Context())
    assert (answer["statusCode"], answer["isBase64Encoded"]) == (200, True)
    assert len(answer["body"]) < 1_000_000
    assert b"SwaggerUIBundle" in gzip.decompress(b64decode(answer["body"]))


def test_the_document_names_the_gateway_that_it_was_read_through(load: Load) -> None:
    asked = event("apigateway-v2-get-user")
    asked["rawPath"] = asked["requestContext"]["http"]["path"] = "/api/openapi.json"
    asked["headers"] |= {"host": "api.school.example", "x-forwarded-proto": "https", "x-forwarded-port": "443"}
    answer = load("api.platform")(asked, Context())
    assert '"servers":[{"url":"https://api.school.example"}]' in answer["body"]
