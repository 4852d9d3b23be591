"""What the document says of the API as a whole."""

TITLE = "B2B seats for Thinkific"
VERSION = "1.0.0"
CONTACT = {"name": "The school that runs this API"}

DESCRIPTION = """\
Sell seats in your Thinkific courses and bundles in bulk. *Users* are your clients' managers. A *grant* says which
product a user may fill, how many seats it has there, and for how long an enrollment lasts. *Students* come under users
and are enrolled in Thinkific.

### In four calls

1. `POST /api/users`: a client with room for 100 people.
2. `POST /api/users/seat/{id}`: 20 seats for it in a course.
3. `POST /api/students`: one of its people, enrolled in that course. The answer says `pending`.
4. `GET /api/students/{id}`: a few seconds later it says `active`.

### Requests

Send `Authorization: Bearer <token>` and JSON in UTF-8. Texts are trimmed. Unknown keys are ignored. E-mail addresses
are compared without regard to capitals and kept as typed. Days are 24 hours each, from the moment of the call.

More is understood than the fields' types say. An integer may come as a string of digits or as `55.0`, a boolean as `1`,
`0` or one of `true`, `false`, `1`, `0` in a string. `""` and `null` in an optional field count as not given, unless
`null` is one of its types. A list may be a single entry, text with commas, or an object whose values are the entries;
empty ones are dropped. Forms are understood too, `application/x-www-form-urlencoded` and `multipart/form-data` without
files, with arrays as PHP writes them (`enrollments[]=1`); so is JSON that is called a form or `text/plain`, and a body
with `Content-Encoding: gzip` or `deflate`. A single trailing comma is tolerated; an empty body and `[]` count as `{}`.

### Answers

One resource is `{"data": {...}}`. A list is `{"data": [...], "links": {...}, "meta": {...}}`: follow `links.next` until
it is `null`, or send `meta.next_cursor` as `cursor`, to see every row exactly once, even while others are added or
deleted. Times are ISO 8601 in UTC with
microseconds and `Z`. Every answer has a `X-Request-Id`, by which the log line of the call is found.

### What goes on after the answer

Enrollments reach Thinkific after the answer: an enrollment is `pending`, then `active`, or `failed` with the reason. A
call that touches many students answers an `operation` beside `data`; `GET /api/operations/{id}` tells how far it is.
Whatever has been answered is durable.

### The same call twice

Every POST, PUT and DELETE takes an `Idempotency-Key`. The same key with the same token, route and body is carried out
once within 24 hours and answered alike, with the header `Idempotency-Replayed: true` and null for a new secret. With
another body or route it is 409 `idempotency_key_reused`: take a new key for each call that is meant to be another. A
refused call has used up nothing: repeat it, with the same key, once its cause is mended.

### Refusals

| status | meaning |
|---|---|
| 400 | the body is neither a JSON object nor a form; of JSON the message names line and column |
| 401 | no token, or one that is wrong, expired or revoked |
| 403 | the token lacks the scope |
| 404 | there is no such record, or no such route |
| 405 | the route knows other methods, which `Allow` names |
| 409 | a conflict that a retry does not cure; `code` says which |
| 413 | the body is larger than 1 MiB |
| 415 | a content type or `Content-Encoding` that is not understood |
| 422 | something in the request is not acceptable; `errors` says of each field what |
| 429 | too many calls; come again after `Retry-After` seconds |
| 500 | our fault |

401, 403 and 404 come before the others. A refused call has changed nothing.
"""

TAGS = {
    "Users": "Your clients' managers: their seats, their grants of products, their Thinkific group.",
    "Students": "Your clients' people: whom they belong to and what they are enrolled in.",
    "Products": "Your courses and bundles, as Thinkific sells them.",
    "Tokens": "API tokens. Each acts as the admin who made it, within its scopes.",
    "Settings": "What holds for the whole school.",
    "Operations": "Work that goes on after the answer of the call that started it.",
    "Service": "The API itself. No token is needed.",
}

BEARER = (
    "An API token, `b2b_` and 46 letters and digits: `POST /api/tokens` makes one, the operator's command line the "
    "first. Its scopes say which calls it may make."
)
