"""Students: `/students`."""

from collections.abc import Mapping

from b2b_cli.openapi.calls.call import DELETED, NO_SUCH_ORDER, TAKEN, Answer, Call, Json, found, of
from b2b_cli.openapi.records import BUNDLE, CLIENT, COURSE, enrollment, page, student

_NO_STUDENT = "There is no student with the id 1."
_UNKNOWN_BOTH = {
    "email": "There is no student with the e-mail grace.hopper@acme.example.",
    "user_email": f"There is no user with the e-mail {CLIENT}.",
}
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

CALLS: Mapping[str, Call] = {
    "listStudents": Call(
        text="All students, by id, each with its users and enrollments.",
        answers=found(page("/api/students", _ACTIVE), "A page of the list"),
        invalid=NO_SUCH_ORDER,
    ),
    "getStudent": Call(
        text="One student, by the id it has here, with its users and enrollments. Read it again to see a `pending` "
        "enrollment become `active` or `failed`.",
        answers=found(of(_ACTIVE)),
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
            200: Answer(meaning="The student, who was there", example=of(_MARY_ENROLLED)),
            201: Answer(meaning="The student, created", example=of(_MARY_ENROLLED)),
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
        answers=found(of(_ASSIGNED), "The student with its users"),
        invalid=_UNKNOWN_BOTH,
    ),
    "dissociateStudent": Call(
        text="Takes a student from a user, and frees the user's seats: its own and those in its products. The student "
        "keeps its enrollments. Doing so twice is as good as once. Also spelt `/api/students/disassociate`.",
        bodies={"assignment": _ASSIGNMENT},
        answers=found(of(_DISSOCIATED), "The student with its other users"),
        invalid=_UNKNOWN_BOTH,
    ),
    "disassociateStudent": Call(
        text="The same call as `/api/students/dissociate`, spelt the other way: takes a student from a user, and frees "
        "the user's seats. The student keeps its enrollments. Use that one: both go on working.",
        deprecated=True,
        bodies={"assignment": _ASSIGNMENT},
        answers=found(of(_DISSOCIATED), "The student with its other users"),
        invalid=_UNKNOWN_BOTH,
    ),
    "updateStudent": Call(
        text="Changes a student's names and e-mail address; all three are required. The change follows in Thinkific "
        "after the answer.",
        bodies={"student": _ADA_KING},
        answers=found(of(student(**_ADA_KING)), "The student as it is now"),
        not_found=_NO_STUDENT,
        invalid=TAKEN,
    ),
    "deleteStudent": Call(
        text="Deletes a student for all users and frees their seats. It is gone with the answer. Its account in "
        "Thinkific stays, unless the setting `delete_students_in_thinkific` is on: then it goes after the answer.",
        answers=DELETED,
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
        answers=found(of(_ENROLLED), "The student, whose new enrollments are pending"),
        invalid={"enrollments": "The enrollments field must have at least 1 items."},
    ),
}
