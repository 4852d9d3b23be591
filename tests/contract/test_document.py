"""Contract, section 6: the API describes itself, for programs and for people."""

import re
from urllib.parse import urljoin

import httpx
import pytest
from tests.contract.calls import CALLS


def test_the_document_needs_no_token_and_has_every_call(anonymous: httpx.Client) -> None:
    document = anonymous.get("/openapi.json").raise_for_status().json()
    assert document["openapi"].startswith("3.1")
    for call in CALLS:
        assert call.method.lower() in document["paths"][f"/api{call.path}"], str(call)


@pytest.mark.local
def test_the_page_for_trying_the_api_needs_nothing_from_elsewhere(anonymous: httpx.Client) -> None:
    page = urljoin(str(anonymous.base_url), "/docs")
    wanted = re.findall(r'(?:src|href)="(/docs/[^"]+)"', _file(page).text)
    assert len(wanted) == 5
    for file in wanted:
        assert _file(urljoin(page, file)).content
    # Swagger UI before 5 shows nothing of an OpenAPI 3.1 document.
    (script,) = [file for file in wanted if file.endswith("bundle.js")]
    assert "isOAS31" in _file(urljoin(page, script)).text


@pytest.mark.local
def test_the_document_names_its_own_address(anonymous: httpx.Client) -> None:
    document = anonymous.get("/openapi.json").raise_for_status().json()
    assert [urljoin(server["url"], "/api") for server in document["servers"]] == [str(anonymous.base_url).rstrip("/")]


def _file(url: str) -> httpx.Response:
    """The page is no call of the API, which has headers of its own."""
    return httpx.get(url, trust_env=False).raise_for_status()
