"""What the document says of each field of the components."""

from typing import Any

Json = dict[str, Any]

SCHEMAS = {
    "AddProduct": "A course or bundle that Thinkific's lists do not show.",
    "AddSeats": "Seats to add to the grant of one product, and its other terms, which are overwritten.",
    "AssignGroup": "A Thinkific group by its name.",
    "AssignStudent": "Who, and to or from whom.",
    "Conflict": "What a retry does not cure.",
    "ConflictCode": "`idempotency_key_reused`: the key was used for another body or route. `idempotency_in_progress`: "
    "the same call is being carried out right now. `seats_exhausted`: there are not enough free seats for a call with "
    "`enforce_seats`.",
    "ChangeExpiry": "When the enrollments in one product end: `type` says which other field counts.",
    "ChangeSettings": "What is not given stays as it is.",
    "CreateToken": "A token to be made.",
    "CreateUser": "A user to be created.",
    "EnrollStudent": "Whom to enroll in what, and by whom.",
    "Enrollment": "One student in one product.",
    "EnrollmentStatus": "`pending`: Thinkific has not confirmed it yet. `active`: it has. `expired`: the end has come. "
    "`failed`: Thinkific refused for good; enrolling again retries.",
    "ExpiryKind": "`days`: `expiry_days` from now. `date`: `expiry_date`. `expire_now`: yesterday, so that access ends "
    "at once. `no_expiry`: ten years from now.",
    "Failure": "What went wrong with one student, or, without one, with the operation as a whole.",
    "Grant": "What a user may fill of one product.",
    "Group": "A Thinkific group.",
    "Health": "The API answers.",
    "Invalid": "What is wrong with the request, by field.",
    "Links": "Addresses of other pages of the list.",
    "Message": "A refusal in a sentence.",
    "Meta": "Where in the list this page is.",
    "Operation": "Work that goes on after the answer of the call that started it.",
    "OperationStatus": "`pending` and `running`: it is under way. `succeeded`; `partial`: some failed; `failed`: all "
    "did, or the operation as a whole.",
    "OperationType": "What is being done.",
    "Product": "A course or bundle as Thinkific sells it.",
    "ProductableType": "What a product sells.",
    "ProductSource": "`rest`: Thinkific's REST list shows it. `graphql`: GraphQL alone shows it, as it does courses "
    "made with the newer course builder. `manual`: somebody has added it, and no list has shown it yet.",
    "Role": "`admin`: of the school. `user`: a client's manager.",
    "SearchUser": "An e-mail address.",
    "Scope": "A group of calls that a token may make: those that read, or those that write.",
    "SeatScope": "`account`: the user's own `max_seats`. `product`: its grant of a product.",
    "SeatShortage": "One limit that the call would have broken.",
    "SetAccess": "The grant of one product as it is to be.",
    "Settings": "What holds for the whole school.",
    "Sort": "`id`: in order of creation. `-id`: the newest first.",
    "Student": "A learner, with the users it belongs to and all that it is enrolled in.",
    "SyncCatalogue": "Nothing to say: an empty object, or no body at all.",
    "Token": "An API token without its secret.",
    "TokenWithSecret": "A token with its secret, which is shown this once.",
    "UpdateStudent": "The student as it is to be.",
    "UpdateUser": "What is not given stays as it is.",
    "UpsertStudent": "A student to be created or renamed, whom it comes under, and what it is enrolled in.",
    "UpsertUser": "A user to be created, or to be changed where something is given.",
    "User": "A client's manager, or an admin, with its grants.",
    "UserBrief": "A user that a student belongs to.",
}

_PRODUCT_ID = "The product's id in Thinkific."
_COURSE_ID = "The id of the course or bundle in Thinkific."
_PRODUCT_NAME = "The name of the course or bundle."
_REFERENCE = "The course or bundle by its id in Thinkific; where none has this number, the product with this id."
_WANTED_PRODUCT = f"{_REFERENCE} One that does not exist, or vanished from Thinkific, is refused."
_WHICH = (
    '"Course" or "Bundle" (capitals do not matter): which of the two is meant where a course and a bundle share the '
    "number. Without it such a number is refused."
)
_EMAIL = "A valid e-mail address; trimmed, kept as typed, compared without regard to capitals."
_TEXT = "1 to 255 characters; trimmed."
_PASSWORD = "8 to 255 characters, kept to the letter. It is never shown again."  # noqa: S105 - words about one
_ACTIVE = (
    "Whether the grant is good for new enrollments: without it, a call with `enforce_seats` finds no seats here. "
    "Existing enrollments stay as they are."
)
_DAYS = "How long an enrollment made from now on lasts, in days of 24 hours; 0 = it does not end."
_REUSABLE = (
    "Whether a seat is free again when an enrollment ends by itself. Not given = as it was; a new grant's seats are "
    "not."
)
_ENFORCE = (
    "True makes the call all-or-nothing: where a seat is missing, of the user or in a product, nothing is changed and "
    "the answer is 409 `seats_exhausted`. Not given or false = nothing is refused for lack of seats."
)
_ITEMS = (
    "Courses and bundles by their ids in Thinkific; where none has the number, the product with this id. At most 500, "
    "with `enforce_seats` at most 25; duplicates count once. An entry may also be an object with `id` and "
    "`productable_type`, or an enrollment as it was read from here."
)
_CREATED, _UPDATED = "When it was created.", "When it was last changed."
_FOR_A_PERSON = "A sentence for a person."

_PRODUCT_OF_A_GRANT = {"thinkific_id": _WANTED_PRODUCT, "active": _ACTIVE}
_TERMS_OF_A_GRANT = {"enrollment_days": f"{_DAYS} 0 to 36,500.", "productable_type": _WHICH, "reusable": _REUSABLE}
_SEATS_OF_A_GRANT = {
    "max_seats": "Seats in this product; null = unlimited.",
    "seats_used": "Students whom this user enrolled in this product. A bundle is one seat.",
    "seats_available": "Seats left, never negative; null = unlimited.",
    "over_allocated": "Seats used beyond `max_seats`, else 0.",
}
_SETTINGS = {
    "default_max_seats": "`max_seats` of users who are created without; null = unlimited.",
    "default_enrollment_days": "How long an enrollment without a grant lasts, in days of 24 hours; 0 = it does "
    "not end.",
    "delete_students_with_user": "Whether students who belong to no other user are deleted together with their user. "
    "Otherwise they are dissociated and stay.",
    "delete_students_in_thinkific": "Whether a deleted student's account in Thinkific is deleted too.",
    "delete_users_in_thinkific": "Whether a deleted user's account in Thinkific, if there is one, is deleted too.",
    "timezone": 'The IANA time zone, such as "UTC" or "Europe/Berlin", in which a date without a time ends.',
}
_TOKEN = {
    "id": "The token's id.",
    "name": "What it is for.",
    "scopes": "What it may do.",
    "last_four": "The last four characters of the secret, to tell tokens apart.",
    "created_at": "When it was made.",
    "last_used_at": "When it was last used, to the minute; null = never.",
    "expires_at": "When it ceases to be good; null = it does not.",
}

# Component -> field -> what it is.
FIELDS: dict[str, dict[str, str]] = {
    "CreateUser": {
        "name": _TEXT,
        "email": f"{_EMAIL} No other user may have it.",
        "password": _PASSWORD,
        "max_seats": "How many distinct students the user may have, 0 to 1,000,000,000; null = unlimited. Not given = "
        "the setting `default_max_seats`.",
    },
    "UpsertUser": {
        "email": f"{_EMAIL} Says which user is meant.",
        "name": f"{_TEXT} Not given = as it was; for a new user the part of the e-mail before the @.",
        "password": f"{_PASSWORD} Not given = as it was; a new user without one cannot sign in.",
        "max_seats": "How many distinct students the user may have, 0 to 1,000,000,000; null = unlimited. Not given = "
        "as it was; for a new user the setting `default_max_seats`.",
    },
    "UpdateUser": {
        "name": f"{_TEXT} Not given = as it was.",
        "email": f"{_EMAIL} No other user may have it. Not given = as it was.",
        "password": f"{_PASSWORD} Not given = as it was.",
        "max_seats": "How many distinct students the user may have, 0 to 1,000,000,000; null = unlimited. Not given = "
        "as it was. Less than are in use is accepted, and shows as `over_allocated`.",
    },
    "SearchUser": {"email": _EMAIL},
    "SetAccess": {
        **_PRODUCT_OF_A_GRANT,
        "max_seats": "Seats in this product, 0 to 1,000,000,000; null = unlimited. It has to be given.",
        **_TERMS_OF_A_GRANT,
    },
    "AddSeats": {
        **_PRODUCT_OF_A_GRANT,
        "add_seats": "Seats to add, 1 to 1,000,000,000, to 0 where there is no grant yet. An unlimited grant stays so.",
        **_TERMS_OF_A_GRANT,
    },
    "AssignGroup": {
        "name": f"The group's name. {_TEXT}",
        "sync": "Whether the students whom the group has in Thinkific are imported now. Not given = false.",
    },
    "ChangeExpiry": {
        "product": f"{_REFERENCE} One that does not exist is refused.",
        "type": "How the end is given; see ExpiryKind.",
        "expiry_days": "With type `days`, where it is required: days of 24 hours from now, 1 to 36,500.",
        "expiry_date": "With type `date`, where it is required: ISO 8601, or English such as `Jun 30 2023`. A date "
        "without a time means the end of that day in the setting `timezone`; a past one ends access. Refused is what "
        "could mean two days, such as 06/07/2027, a time-stamp, and years before 1990 or after 2200.",
        "productable_type": _WHICH,
    },
    "UpsertStudent": {
        "first_name": _TEXT,
        "last_name": _TEXT,
        "email": f"{_EMAIL} Says which student is meant.",
        "user_email": "The user whom the student comes under, who must exist. Not given = the token's own user.",
        "enrollments": f"{_ITEMS} Not given = none. Enrollments are added, never removed.",
        "productable_type": _WHICH,
        "enforce_seats": _ENFORCE,
    },
    "EnrollStudent": {
        "email": "The student, who must exist.",
        "user_email": "The user who enrolls, and who must exist.",
        "enrollments": f"{_ITEMS} At least one.",
        "productable_type": _WHICH,
        "enforce_seats": _ENFORCE,
    },
    "AddProduct": {
        "productable_id": _COURSE_ID,
        "productable_type": '"Course" or "Bundle" (capitals do not matter).',
        "name": f"{_PRODUCT_NAME} {_TEXT} Thinkific's own takes its place once a list shows it.",
    },
    "UpdateStudent": {
        "first_name": _TEXT,
        "last_name": _TEXT,
        "email": f"{_EMAIL} No other student may have it.",
    },
    "AssignStudent": {
        "email": "The student, who must exist.",
        "user_email": "The user, who must exist.",
    },
    "CreateToken": {
        "name": f"What it is for. {_TEXT}",
        "scopes": "What it may do. Not given = everything. A token cannot give a scope that it lacks.",
        "expires_at": "When it ceases to be good: in the future, in the forms of `expiry_date`. A date without a time "
        "means the end of that day in the setting `timezone`. Not given = it does not expire.",
    },
    "ChangeSettings": _SETTINGS
    | {
        "default_max_seats": f"{_SETTINGS['default_max_seats']} 0 to 1,000,000,000.",
        "default_enrollment_days": f"{_SETTINGS['default_enrollment_days']} 0 to 36,500.",
    },
    "User": {
        "id": "The user's id, ascending in order of creation.",
        "name": "The user's name.",
        "email": "The user's e-mail address, as typed.",
        "role": "What the user is; see Role.",
        "max_seats": "How many distinct students the user may have; null = unlimited.",
        "seats_used": "How many it has.",
        "seats_available": "Seats left, never negative; null = unlimited.",
        "over_allocated": "Seats used beyond `max_seats`, else 0.",
        "group": "The Thinkific group that students who come under the user are added to; null = none.",
        "products": "The user's grants.",
        "created_at": _CREATED,
        "updated_at": _UPDATED,
    },
    "Group": {"id": "The group's id in Thinkific; null until Thinkific answered.", "name": "The group's name."},
    "Grant": {
        "product_id": _PRODUCT_ID,
        "thinkific_id": _COURSE_ID,
        "productable_type": "What the product sells.",
        "name": _PRODUCT_NAME,
        "active": "Whether the grant is good for new enrollments.",
        **_SEATS_OF_A_GRANT,
        "enrollment_days": "How long an enrollment lasts, in days of 24 hours; 0 = it does not end.",
        "reusable": "Whether a seat is free again when an enrollment ends by itself.",
    },
    "Student": {
        "id": "The student's id here, ascending in order of creation.",
        "thinkific_id": "The student's id in Thinkific; null until known.",
        "first_name": "The first name.",
        "last_name": "The last name.",
        "email": "The student's e-mail address, as typed.",
        "sync_error": "What Thinkific refuses of name, e-mail or group, and why; null = nothing. It is tried again "
        "when the student changes, or the account that has the e-mail, and once a day.",
        "users": "The users whom the student belongs to.",
        "enrollments": "All that the student is enrolled in, whoever enrolled it.",
        "created_at": _CREATED,
        "updated_at": _UPDATED,
    },
    "UserBrief": {"id": "The user's id.", "name": "The user's name.", "email": "The user's e-mail address."},
    "Enrollment": {
        "product_id": _PRODUCT_ID,
        "thinkific_id": _COURSE_ID,
        "productable_type": "What the product sells.",
        "name": _PRODUCT_NAME,
        "status": "How far it is; see EnrollmentStatus.",
        "error": "Why it failed; null unless `status` is `failed`.",
        "activated_at": "From when on the student has access.",
        "expiry_date": "When access ends; null = it does not.",
        "percentage_completed": "How far the student is, 0 to 100; null until known.",
    },
    "Product": {
        "id": "The product's id, which never changes: Thinkific's product id, or a number from 9,000,000,000,000,000 "
        "on where that was not known when the product was added.",
        "thinkific_id": "The product's id in Thinkific. It differs from `id` only where it was learned after the "
        "product had been added; until then it equals `id`.",
        "productable_id": _COURSE_ID,
        "productable_type": "What the product sells.",
        "name": _PRODUCT_NAME,
        "status": "Thinkific's word, such as `published` or `draft`; `deleted` = it vanished from Thinkific, and can "
        "be neither granted nor enrolled in.",
        "slug": "Its name in addresses; null where Thinkific tells none.",
        "course_ids": "The courses of a bundle; empty for a course.",
        "source": "Where it was last seen; see ProductSource.",
        "created_at": "When it was first seen.",
        "updated_at": _UPDATED,
    },
    "Operation": {
        "id": "The operation's id.",
        "type": "What is being done.",
        "status": "How far it is; see OperationStatus.",
        "total": "How many students are concerned (products for a `catalogue_sync`), as far as is known yet.",
        "done": "How many of them are done: written, and confirmed by Thinkific where it is concerned.",
        "failed": "How many of them failed.",
        "failures": "What went wrong, with each student that failed.",
        "created_at": "When it was started.",
        "updated_at": "When it last got on.",
    },
    "Failure": {
        "student_id": "The student's id; null where there is none.",
        "email": "The student's e-mail address; null where it is not about one.",
        "error": "What went wrong, in a sentence.",
    },
    "Token": _TOKEN,
    "TokenWithSecret": _TOKEN
    | {
        "token": "The secret, to be sent as `Authorization: Bearer <token>`. Nobody can read it again: where an "
        "`Idempotency-Key` brings this answer again, it is null."
    },
    "Settings": _SETTINGS,
    "Health": {"status": "Always `ok`."},
    "Links": {
        "first": "The first page.",
        "last": "The last page.",
        "prev": "The page before; null on the first.",
        "next": "The page after; null on the last. Follow it to see every row exactly once.",
    },
    "Meta": {
        "current_page": "The number of this page, from 1.",
        "from": "The position of the page's first row in the list, from 1; null on an empty page.",
        "last_page": "The number of the last page; 1 for an empty list.",
        "path": "The address of the list without a query.",
        "per_page": "Rows on a page.",
        "to": "The position of the page's last row in the list; null on an empty page.",
        "total": "Rows in the list, exact once writes have settled.",
        "next_cursor": "The `cursor` of the page after; null on the last.",
    },
    "Message": {"message": _FOR_A_PERSON},
    "Invalid": {
        "message": "The first error, and how many more there are.",
        "errors": "Field -> what is wrong with it, in sentences. An item of a list is named as `enrollments.0`.",
    },
    "Conflict": {
        "message": _FOR_A_PERSON,
        "code": "Which conflict it is; see ConflictCode.",
        "seats": "With `seats_exhausted`: each limit that the call would have broken.",
    },
    "SeatShortage": {
        "scope": "Whose limit it is; see SeatScope.",
        "product_id": "The product's id in Thinkific; null with scope `account`.",
        "max_seats": "The limit; 0 without an active grant.",
        "seats_used": "Seats in use now.",
        "requested": "Seats that the call needed.",
    },
}

# Of the components that wrap a resource.
OF_EVERY_WRAPPER = {
    "data": "What was asked for.",
    "operation": "What goes on after this answer; `GET /api/operations/{id}` tells how far it is.",
    "links": "Addresses of other pages.",
    "meta": "Where in the list this page is.",
}
