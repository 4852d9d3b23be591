"""What the document says of each call, in the order of the contract."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from b2b.domain.identity.tokens import SCOPES
from b2b_cli.openapi import records
from b2b_cli.openapi.records import (
    ADDED,
    BUNDLE,
    CLIENT,
    COURSE,
    OPERATION_ID,
    OTHER_USER_ID,
    SETTINGS,
    TOKEN,
    enrollment,
    grant,
    operation,
    page,
    student,
    user,
)

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``example`` None: no body. ``schema``: where the route itself has none. ``headers``: beside those of all."""

    meaning: str
    example: Json | None = None
    schema: Json | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Call:
    """``bodies``: examples by name. ``not_found``, ``invalid``: what an example of 404 and of 422 says.

    ``id``: the example of the id in the path, where it is not that of all calls of the tag.
    """

    text: str
    answers: Mapping[int, Answer]
    bodies: Mapping[str, Json] = field(default_factory=dict)
    not_found: str | None = None
    invalid: Mapping[str, str] = field(default_factory=dict)
    id: int | None = None
    deprecated: bool = False


def _found(example: Json, meaning: str = "What was asked for") -> dict[int, Answer]:
    return {200: Answer(meaning=meaning, example=example)}


def _of(resource: Any) -> Json:
    return {"data": resource}


def _started(resource: Json, operation_: Json) -> dict[int, Answer]:
    return _found(_of(resource) | {"operation": operation_}, "As it is now, and the operation that goes on")


_DELETED = {204: Answer(meaning="It is gone; there is no body")}
_NO_USER = "There is no user with the id 2."
_NO_STUDENT = "There is no student with the id 1."
_NO_PRODUCT = "There is no course, bundle or product with the id 3000001."
_NO_SUCH_ORDER = {"sort": 'The sort field must be "id" or "-id".'}
_TAKEN = {"email": "The email has already been taken."}
_UNKNOWN_BOTH = {
    "email": "There is no student with the e-mail grace.hopper@acme.example.",
    "user_email": f"There is no user with the e-mail {CLIENT}.",
}

_INITECH, _UMBRELLA = "training@initech.example", "training@umbrella.example"
_MARY: Json = {"first_name": "Mary", "last_name": "Jackson", "email": "mary.jackson@acme.example"}
_ADA_KING: Json = {"first_name": "Ada", "last_name": "King", "email": "ada.lovelace@acme.example"}
_GRACE: Json = {"first_name": "Grace", "last_name": "Hopper", "email": "grace.hopper@acme.example"}
_ASSIGNMENT: Json = {"email": _GRACE["email"], "user_email": CLIENT}
_ITEMS = [COURSE["productable_id"], BUNDLE["productable_id"]]
_ENROLLED = student(enrollments=[enrollment(COURSE), enrollment(BUNDLE)])
_MARY_ENROLLED = _ENROLLED | {"id": 4} | _MARY
_ACTIVE = student(
    thinkific_id=1000001,
    enrollments=[enrollment(COURSE, status="active", percentage_completed=40.0), enrollment(BUNDLE)],
)
_ASSIGNED = student(**_GRACE | {"id": 2})
_DISSOCIATED = student(**_GRACE | {"id": 2}, users=[], enrollments=[enrollment(COURSE)])

_USERS = {
    "listUsers": Call(
        text="Your clients' managers and the admins, by id, each with its seats and grants.",
        answers=_found(page("/api/users", user(products=[grant(max_seats=20)])), "A page of the list"),
        invalid=_NO_SUCH_ORDER,
    ),
    "getUser": Call(
        text="One user with its seats, its group and its grants. A password is never shown.",
        answers=_found(_of(user(**records.seats(100, 1), products=[grant(max_seats=20, used=1)]))),
        not_found=_NO_USER,
    ),
    "createUser": Call(
        text="Creates a user: a client's manager, whose role is `user`. It has no students and no grants yet; "
        "`POST /api/users/access/{id}` and `POST /api/users/seat/{id}` give it products. An e-mail address that "
        "another user has is refused; a student may have it.",
        bodies={"user": {"name": "Initech", "email": _INITECH, "password": "a secret phrase", "max_seats": 100}},
        answers={201: Answer(meaning="The user, created", example=_of(user("Initech", _INITECH, id=4)))},
        invalid=_TAKEN,
    ),
    "updateUser": Call(
        text="Changes a user. Every field is optional, and only what is given changes; `password` too.",
        bodies={"user": {"name": "Acme Corporation", "max_seats": 60}},
        answers=_found(_of(user("Acme Corporation", **records.seats(60, 3))), "The user as it is now"),
        not_found=_NO_USER,
        invalid=_TAKEN,
    ),
    "upsertUser": Call(
        text="Creates the user with this e-mail address, or changes the one that has it. Only `email` is required. "
        "An existing user keeps what is not given; a new one is called by the part of its address before the @, and "
        "cannot sign in until a password is set. Two calls at once for one address make one user.",
        bodies={"user": {"email": _UMBRELLA, "name": "Umbrella", "max_seats": 35}},
        answers={
            200: Answer(
                meaning="The user, changed where something was given",
                example=_of(user("Umbrella", _UMBRELLA, id=5, **records.seats(35, 12))),
            ),
            201: Answer(
                meaning="The user, created",
                example=_of(user("Umbrella", _UMBRELLA, id=5, **records.seats(35, 0))),
            ),
        },
        invalid={"password": "The password field must be at least 8 characters."},
    ),
    "searchUser": Call(
        text="Finds the one user with exactly this e-mail address, without regard to capitals. Students are not "
        "searched. Changes nothing.",
        bodies={"email": {"email": CLIENT}},
        answers=_found(_of(user()), "The user"),
        not_found=f"There is no user with the e-mail {CLIENT}.",
        invalid={"email": "The email field must be a valid e-mail address."},
    ),
    "deleteUser": Call(
        text="Deletes a user: it and its e-mail address are gone with the answer. Its students are dissociated and "
        "stay, or, by the setting `delete_students_with_user`, those of this user alone are deleted; where there are "
        "many, that goes on after the answer, as the operation that the header `Location` names. By the setting "
        "`delete_users_in_thinkific` the user's account in Thinkific is deleted as well, after the answer. The last "
        "admin and the token's own user cannot be deleted.",
        answers={204: Answer(meaning="It is gone; there is no body", headers=("Location",))},
        id=OTHER_USER_ID,
        not_found=f"There is no user with the id {OTHER_USER_ID}.",
        invalid={"id": "This user is the one whose token you use: it cannot be deleted."},
    ),
    "assignGroup": Call(
        text="Gives the user a Thinkific group, which replaces the one it had. Students who come under the user from "
        "now on are added to it, with their next enrollment at the latest; earlier ones are not moved. The group is "
        "found by its name or created in Thinkific after the answer, and then has an `id`. With `sync` every student "
        "of that group is imported from Thinkific and comes under the user, whatever its seats say: that is the "
        "operation.",
        bodies={"group": {"name": "Acme Corp", "sync": True}},
        answers=_started(user(group={"id": None, "name": "Acme Corp"}), operation("group_import")),
        not_found=_NO_USER,
        invalid={"name": "The name field is required."},
    ),
    "setAccess": Call(
        text="*Sets* the user's grant of one product, whatever it was: its seats, whether it is good for new "
        "enrollments, and how long those last. `active: false` ends it for new enrollments made in the dashboard. "
        "Existing enrollments are not touched.",
        bodies={
            "access": {
                "thinkific_id": COURSE["productable_id"],
                "active": True,
                "max_seats": 20,
                "enrollment_days": 365,
            }
        },
        answers=_found(_of(user(products=[grant(max_seats=20)])), "The user with the grant"),
        not_found=_NO_USER,
        invalid={"thinkific_id": _NO_PRODUCT},
    ),
    "addSeats": Call(
        text="*Adds* seats to the user's grant of one product, exactly, however many calls do so at once; where there "
        "is no grant yet, one is made. `active` and `enrollment_days` are overwritten. An unlimited grant stays "
        "unlimited. Send an `Idempotency-Key` if you may have to repeat the call.",
        bodies={
            "seats": {"thinkific_id": COURSE["productable_id"], "active": True, "add_seats": 10, "enrollment_days": 365}
        },
        answers=_found(_of(user(products=[grant(max_seats=30)])), "The user with the grant"),
        not_found=_NO_USER,
        invalid={"add_seats": "The add seats field must be at least 1."},
    ),
    "changeExpiry": Call(
        text="Changes when enrollments in one product end: those of every student who is associated with the user, "
        "whoever enrolled it. Ended ones are re-activated where the new end is to come, students who are shared with "
        "other users change for all, nobody is enrolled anew. A bundle changes with its courses. An end that is past "
        "takes the access away and frees the seats; an end to come takes them again. The operation writes this and "
        "waits for Thinkific to confirm it; `total` 0 = no one is affected.",
        bodies={
            "days": {"product": COURSE["productable_id"], "type": "days", "expiry_days": 30},
            "date": {"product": COURSE["productable_id"], "type": "date", "expiry_date": "Jun 30 2036"},
            "expire_now": {"product": COURSE["productable_id"], "type": "expire_now"},
            "no_expiry": {"product": COURSE["productable_id"], "type": "no_expiry"},
        },
        answers=_started(
            user(**records.seats(100, 12), products=[grant(max_seats=20, used=12)]), operation("expiry_change")
        ),
        not_found=_NO_USER,
        invalid={"expiry_days": "The expiry days field is required when type is days."},
    ),
}

_STUDENTS = {
    "listStudents": Call(
        text="All students, by id, each with its users and enrollments.",
        answers=_found(page("/api/students", _ACTIVE), "A page of the list"),
        invalid=_NO_SUCH_ORDER,
    ),
    "getStudent": Call(
        text="One student, by the id it has here, with its users and enrollments. Read it again to see a `pending` "
        "enrollment become `active` or `failed`.",
        answers=_found(_of(_ACTIVE)),
        not_found=_NO_STUDENT,
    ),
    "upsertStudent": Call(
        text="Creates the student with this e-mail address, or renames the one that has it; brings it under the user "
        "`user_email`, or under the token's own; and enrolls it in what `enrollments` names. Nothing is ever removed: "
        "neither other users nor other enrollments. An enrollment lasts as the user's grant says, else as the setting "
        "`default_enrollment_days` says; enrolled already, the later end wins. Thinkific follows after the answer: "
        "new enrollments are `pending`. Lack of seats or of a grant is no reason to refuse, unless `enforce_seats` is "
        "true; what goes beyond shows as `over_allocated`.",
        bodies={"student": _MARY | {"user_email": CLIENT, "enrollments": _ITEMS}},
        answers={
            200: Answer(meaning="The student, who was there", example=_of(_MARY_ENROLLED)),
            201: Answer(meaning="The student, created", example=_of(_MARY_ENROLLED)),
        },
        invalid={
            "user_email": f"There is no user with the e-mail {CLIENT}.",
            "enrollments.1": "There is no course, bundle or product with the id 4000001.",
        },
    ),
    "associateStudent": Call(
        text="Brings a student under a user, and takes one of the user's seats. Enrolls in nothing. Doing so twice is "
        "as good as once.",
        bodies={"assignment": _ASSIGNMENT},
        answers=_found(_of(_ASSIGNED), "The student with its users"),
        invalid=_UNKNOWN_BOTH,
    ),
    "dissociateStudent": Call(
        text="Takes a student from a user, and frees the user's seats: its own and those in its products. The student "
        "keeps its enrollments. Doing so twice is as good as once. Also spelt `/api/students/disassociate`.",
        bodies={"assignment": _ASSIGNMENT},
        answers=_found(_of(_DISSOCIATED), "The student with its other users"),
        invalid=_UNKNOWN_BOTH,
    ),
    "disassociateStudent": Call(
        text="The same call as `/api/students/dissociate`, spelt the other way: takes a student from a user, and frees "
        "the user's seats. The student keeps its enrollments. Use that one: both go on working.",
        deprecated=True,
        bodies={"assignment": _ASSIGNMENT},
        answers=_found(_of(_DISSOCIATED), "The student with its other users"),
        invalid=_UNKNOWN_BOTH,
    ),
    "updateStudent": Call(
        text="Changes a student's names and e-mail address; all three are required. The change follows in Thinkific "
        "after the answer.",
        bodies={"student": _ADA_KING},
        answers=_found(_of(student(**_ADA_KING)), "The student as it is now"),
        not_found=_NO_STUDENT,
        invalid=_TAKEN,
    ),
    "deleteStudent": Call(
        text="Deletes a student for all users and frees their seats. It is gone with the answer. Its account in "
        "Thinkific stays, unless the setting `delete_students_in_thinkific` is on: then it goes after the answer.",
        answers=_DELETED,
        id=3,
        not_found="There is no student with the id 3.",
    ),
    "enrollStudent": Call(
        text="Enrolls an existing student in at least one product, and brings it under the user if it is not yet. An "
        "enrollment lasts as the user's grant says, else as the setting `default_enrollment_days` says. Enrolled "
        "already, the later end wins, an ended one is re-activated, and none is ever shortened. Thinkific follows "
        "after the answer: new enrollments are `pending`. Lack of seats or of a grant is no reason to refuse, unless "
        "`enforce_seats` is true; what goes beyond shows as `over_allocated`.",
        bodies={"enrollment": {"email": _ADA_KING["email"], "user_email": CLIENT, "enrollments": _ITEMS}},
        answers=_found(_of(_ENROLLED), "The student, whose new enrollments are pending"),
        invalid={"enrollments": "The enrollments field must have at least 1 items."},
    ),
}

_PRODUCTS = {
    "listProducts": Call(
        text="The catalogue as it was last read from Thinkific, by id ascending.",
        answers=_found(page("/api/products", COURSE, BUNDLE), "A page of the list"),
        invalid=_NO_SUCH_ORDER,
    ),
    "addProduct": Call(
        text="Adds a course or bundle that Thinkific's lists leave out: with an API Access Token "
        "(`b2b key set --graphql`) courses made with Thinkific's newer course builder are found without this. The "
        "product can be granted and enrolled in at once. Its `id` stays what it is; what a list shows of it later, its "
        "product id in Thinkific (`thinkific_id`) too, completes it, and it is found by either. No refresh ever marks "
        "it `deleted` because no list shows it.",
        bodies={"course": {"productable_id": 789, "productable_type": "Course", "name": ADDED["name"]}},
        answers={201: Answer(meaning="The product, added", example=_of(ADDED))},
        invalid={
            "productable_id": f'The course 789 is known already: it is the product 9000000000000001, "{ADDED["name"]}".'
        },
    ),
    "getProduct": Call(
        text="One product, by its `id` or its product id in Thinkific. The id of a course or bundle is neither.",
        answers=_found(_of(COURSE)),
        not_found="There is no product with the id 2000001.",
    ),
    "searchProducts": Call(
        text="The products whose name has `term` in it, in any case, or one of whose ids (its own, Thinkific's, its "
        "course's or bundle's) equals it. All matches in a plain list, by name.",
        answers=_found(_of([BUNDLE, COURSE]), "The matches; an empty list where there are none"),
        invalid={"term": "The term field is required."},
    ),
    "syncProducts": Call(
        text="Reads the catalogue from Thinkific now; a schedule does so too. It goes on after the answer, as the "
        "operation that is both in `data` and in `operation`. Where an API Access Token is set, courses that "
        "Thinkific's REST lists leave out are read through GraphQL; if that fails, the operation ends `partial`, with "
        "the reason in `failures`, and nothing is marked as deleted. Products that vanished from Thinkific stay, with "
        "the status `deleted`, and can be neither granted nor enrolled in.",
        bodies={"nothing": {}},
        answers=_found(
            _of(operation("catalogue_sync")) | {"operation": operation("catalogue_sync")}, "The operation, started"
        ),
    ),
}

_OTHERS = {
    "listTokens": Call(
        text="The tokens that are not revoked, by id ascending, without their secrets. One that may do more than the "
        "token of this call is not among them.",
        answers=_found(page("/api/tokens", TOKEN), "A page of the list"),
        invalid=_NO_SUCH_ORDER,
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
                example=_of(TOKEN | {"token": "b2b_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefk3Xq"}),
            )
        },
        invalid={"scopes.0": f"The scopes.0 field must be one of {', '.join(SCOPES)}."},
    ),
    "deleteToken": Call(
        text="Revokes a token: every call that starts 60 seconds later or after is refused with 401. One that may do "
        "more than the token of this call is not found.",
        answers=_DELETED,
        not_found="There is no token with the id 2.",
    ),
    "getSettings": Call(text="All settings.", answers=_found(_of(SETTINGS), "The settings")),
    "changeSettings": Call(
        text="Changes the settings that are given, and answers all. They hold for calls from now on.",
        bodies={"settings": {"default_enrollment_days": 365, "timezone": "Europe/Berlin"}},
        answers=_found(_of(SETTINGS), "All settings as they are now"),
        invalid={"timezone": 'The timezone field must be a time zone such as "UTC" or "Europe/Berlin".'},
    ),
    "getOperation": Call(
        text="How far an operation is, with what went wrong. Ask again until `status` is `succeeded`, `partial` or "
        "`failed`.",
        answers=_found(
            _of(
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
        answers=_found({"status": "ok"}, "It does"),
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
CALLS: Mapping[str, Call] = _USERS | _STUDENTS | _PRODUCTS | _OTHERS
