"""What the document says of each parameter: in the query, in headers, in the path."""

from typing import Any

from b2b.http.api.pagination import DEFAULT_PER_PAGE, MAX_PER_PAGE
from b2b_cli.openapi.records import OPERATION_ID

Json = dict[str, Any]

# Programs that make calls from a document send a parameter's example, or "<string>" where there is none (Postman does):
# a cursor of no list, and the same key with every call. Where there is a default they send that.
_NOT_GIVEN: Json = {"default": ""}

# None of those that may be left out has an example, for the same reason.
PARAMETERS: dict[str, Json] = {
    "page": {
        "description": "Which page, from 1. What is no number, or out of range, is clamped. A page beyond the end is "
        "empty. A page is shorter than asked for where it would be larger than 5 MB. A numbered page is a plain "
        "offset: to see every row once, follow `links.next`.",
    },
    "per_page": {
        "description": f"Rows on a page, 1 to {MAX_PER_PAGE}; what is no number, or out of range, is clamped.",
        "schema": {"default": DEFAULT_PER_PAGE},
    },
    "sort": {
        "description": "`id`: in order of creation. `-id`: the newest first.",
        "schema": {"default": "id"},
    },
    "cursor": {
        "description": "Where the page before ended: `meta.next_cursor` of that page, and a part of its `links.next`. "
        "It alone is enough to go on, and decides wherever `page` is absent or 1. Pages that are reached so are stable "
        "while rows come and go. Empty = not given. A cursor of another list, or for another `sort` or filter, is "
        "refused.",
        "schema": _NOT_GIVEN,
    },
    "email": {
        "description": "Only the student with exactly this e-mail address, without regard to capitals; an empty list "
        "where there is none. Empty = not given.",
        "schema": _NOT_GIVEN,
    },
    "term": {
        "required": True,
        "description": "A part of the name, in any case, or the whole of a product's id or of its course's or "
        "bundle's id. 1 to 255 characters.",
        "example": "safety",
    },
    "Idempotency-Key": {
        "description": "A text of your choice, at most 255 characters. The same key with the same token, route and "
        "body is carried out once within 24 hours, and answered alike. A refused call may be repeated with its key "
        "once the cause is mended. Empty = not given.",
        "schema": _NOT_GIVEN,
    },
}
# By the tag of the call.
PATH_IDS: dict[str, Json] = {
    "Users": {"description": "The user's id.", "example": 2},
    "Students": {"description": "The student's id here (not Thinkific's).", "example": 1},
    "Products": {
        "description": "The product's id in Thinkific (not that of the course or bundle it sells).",
        "example": 2000001,
    },
    "Tokens": {"description": "The token's id.", "example": 2},
    "Operations": {
        "description": "The operation's id, from the answer of the call that started it.",
        "example": OPERATION_ID,
    },
}
