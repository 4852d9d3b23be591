"""Tokens, settings, operations, health and the document itself."""

from collections.abc import Mapping

from b2b.domain.identity.tokens import SCOPES
from b2b_cli.openapi.calls.call import DELETED, NO_SUCH_ORDER, Answer, Call, found, of
from b2b_cli.openapi.records import OPERATION_ID, SETTINGS, TOKEN, operation, page

CALLS: Mapping[str, Call] = {
    "listTokens": Call(
        text="The tokens that are not revoked, by id ascending, without their secrets. One that may do more than the "
        "token of this call is not among them.",
        answers=found(page("/api/tokens", TOKEN), "A page of the list"),
        invalid=NO_SUCH_ORDER,
    ),
    "createToken": Call(
        text="Makes a token that acts as the same admin as the token of this call. Its secret is in this answer and "
        "nowhere else. Without `scopes` it may do everything; a scope that the token of this call lacks is 403. "
        "It ends with the token of this call at the latest.",
        bodies={
            "token": {
                "name": "Zapier",
                "scopes": ["users:read", "students:read", "students:write"],
                "expires_at": "2036-01-01T00:00:00Z",
            }
        },
        answers={
            201: Answer(
                meaning="The token with its secret",
                example=of(TOKEN | {"token": "b2b_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefk3Xq"}),
            )
        },
        invalid={"scopes.0": f"The scopes.0 field must be one of {', '.join(SCOPES)}."},
    ),
    "deleteToken": Call(
        text="Revokes a token: every call that starts 60 seconds later or after is refused with 401. One that may do "
        "more than the token of this call is not found.",
        answers=DELETED,
        not_found="There is no token with the id 2.",
    ),
    "getSettings": Call(text="All settings.", answers=found(of(SETTINGS), "The settings")),
    "changeSettings": Call(
        text="Changes the settings that are given, and answers all. They hold for calls from now on.",
        bodies={"settings": {"default_enrollment_days": 365, "timezone": "Europe/Berlin"}},
        answers=found(of(SETTINGS), "All settings as they are now"),
        invalid={"timezone": 'The timezone field must be a time zone such as "UTC" or "Europe/Berlin".'},
    ),
    "getOperation": Call(
        text="How far an operation is, with what went wrong. Ask again until `status` is `succeeded`, `partial` or "
        "`failed`.",
        answers=found(
            of(
                operation(
                    "expiry_change",
                    status="partial",
                    total=12,
                    done=11,
                    failed=1,
                    failures=[
                        {
                            "student_id": 2,
                            "email": "grace.hopper@acme.example",
                            "error": "Thinkific refused: the course does not exist.",
                        }
                    ],
                )
            )
        ),
        not_found=f"There is no operation with the id {OPERATION_ID}.",
    ),
    "getHealth": Call(
        text="Says that the API answers, without touching data.",
        answers=found({"status": "ok"}, "It does"),
    ),
    "getDocument": Call(
        text="This description of the API, for programs: OpenAPI 3.1.",
        answers={
            200: Answer(
                meaning="The document",
                example={"openapi": "3.1.0", "info": {"title": "B2B seats for Thinkific", "version": "1.0.0"}},
                schema={
                    "type": "object",
                    "required": ["openapi", "info"],
                    "properties": {"openapi": {"type": "string"}, "info": {"type": "object"}},
                },
            )
        },
    ),
}

# By operation id.
