"""Waiting for what the API does in the background."""

import httpx
from tests.contract.people import Json, data_of
from tests.local_stack import await_that

DONE = ("succeeded", "failed", "partial")


def finished(api: httpx.Client, operation: Json) -> Json:
    """The operation once it is done, whichever way."""

    def ended() -> Json | None:
        seen = data_of(api.get(f"/operations/{operation['id']}"))
        return seen if seen["status"] in DONE else None

    found: Json = await_that(ended, what=f"The end of {operation['type']}")
    return found


def sync_catalogue(api: httpx.Client) -> Json:
    """The finished operation that made the catalogue what Thinkific sells now."""
    operation = finished(api, api.post("/products/sync").raise_for_status().json()["operation"])
    assert operation["status"] == "succeeded", operation
    return operation
