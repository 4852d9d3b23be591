"""Users: `/users`."""

from collections.abc import Mapping

from b2b_cli.openapi import records
from b2b_cli.openapi.calls.call import NO_SUCH_ORDER, TAKEN, Answer, Call, found, of, started
from b2b_cli.openapi.records import CLIENT, COURSE, OTHER_USER_ID, grant, operation, page, user

_NO_USER = "There is no user with the id 2."
_NO_PRODUCT = "There is no course, bundle or product with the id 3000001."
_INITECH, _UMBRELLA = "training@initech.example", "training@umbrella.example"

CALLS: Mapping[str, Call] = {
    "listUsers": Call(
        text="Your clients' managers and the admins, by id, each with its seats and grants.",
        answers=found(page("/api/users", user(products=[grant(max_seats=20)])), "A page of the list"),
        invalid=NO_SUCH_ORDER,
    ),
    "getUser": Call(
        text="One user with its seats, its group and its grants. A password is never shown.",
        answers=found(of(user(**records.seats(100, 1), products=[grant(max_seats=20, used=1)]))),
        not_found=_NO_USER,
    ),
    "createUser": Call(
        text="Creates a user: a client's manager, whose role is `user`. It has no students and no grants yet; "
        "`POST /api/users/access/{id}` and `POST /api/users/seat/{id}` give it products. An e-mail address that "
        "another user has is refused; a student may have it.",
        bodies={"user": {"name": "Initech", "email": _INITECH, "password": "a secret phrase", "max_seats": 100}},
        answers={201: Answer(meaning="The user, created", example=of(user("Initech", _INITECH, id=4)))},
        invalid=TAKEN,
    ),
    "updateUser": Call(
        text="Changes a user. Every field is optional, and only what is given changes; `password` too.",
        bodies={"user": {"name": "Acme Corporation", "max_seats": 60}},
        answers=found(of(user("Acme Corporation", **records.seats(60, 3))), "The user as it is now"),
        not_found=_NO_USER,
        invalid=TAKEN,
    ),
    "upsertUser": Call(
        text="Creates the user with this e-mail address, or changes the one that has it. Only `email` is required. "
        "An existing user keeps what is not given; a new one is called by the part of its address before the @, and "
        "cannot sign in until a password is set. Two calls at once for one address make one user.",
        bodies={"user": {"email": _UMBRELLA, "name": "Umbrella", "max_seats": 35}},
        answers={
            200: Answer(
                meaning="The user, changed where something was given",
                example=of(user("Umbrella", _UMBRELLA, id=5, **records.seats(35, 12))),
            ),
            201: Answer(
                meaning="The user, created",
                example=of(user("Umbrella", _UMBRELLA, id=5, **records.seats(35, 0))),
            ),
        },
        invalid={"password": "The password field must be at least 8 characters."},
    ),
    "searchUser": Call(
        text="Finds the one user with exactly this e-mail address, without regard to capitals. Students are not "
        "searched. Changes nothing.",
        bodies={"email": {"email": CLIENT}},
        answers=found(of(user()), "The user"),
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
        answers=started(user(group={"id": None, "name": "Acme Corp"}), operation("group_import")),
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
        answers=found(of(user(products=[grant(max_seats=20)])), "The user with the grant"),
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
        answers=found(of(user(products=[grant(max_seats=30)])), "The user with the grant"),
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
        answers=started(
            user(**records.seats(100, 12), products=[grant(max_seats=20, used=12)]), operation("expiry_change")
        ),
        not_found=_NO_USER,
        invalid={"expiry_days": "The expiry days field is required when type is days."},
    ),
}
