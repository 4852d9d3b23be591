"""/enrollments: a user's access to one course."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from b2b_cli.simulator.lists import Filter, Source, list_answer
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row
from b2b_cli.simulator.users import email_condition, find_user, full_name
from b2b_cli.simulator.wire import (
    Answer,
    Call,
    body_id,
    day_of,
    is_blank,
    is_true,
    path_id,
    read_span,
    read_time,
    refuse,
    refuse_missing,
    write_time,
)

JOINS = "join users u on u.id = e.user_id join courses c on c.id = e.course_id"
COLUMNS = "e.*, u.email as user_email, u.first_name, u.last_name, c.name as course_name"
SOURCE = Source(COLUMNS, "enrollments e", JOINS, key="e.id", created="e.created_at")

# In a course that the newer course builder has made.
_HIDDEN = (
    "exists (select 1 from products p where p.productable_type = 'Course' and p.newer_builder = 1"
    " and p.productable_id = e.course_id)"
)

_LAST_MS_OF_DAY = 86_400_000 - 1
# `updated_on_or_after` exists on the enrollments of bundles only.
_TIME_FILTERS = (
    *("created_on", "created_before", "created_on_or_before", "created_after", "created_on_or_after"),
    *("updated_on", "updated_before", "updated_on_or_before", "updated_after"),
)


@dataclass(frozen=True, slots=True)
class Access:
    """From when (None: free preview only) and until when (None: for ever)."""

    activated_at: int | None
    expiry_date: int | None


def list_enrollments(site: Site, call: Call) -> Answer:
    where = Filter()
    if course := call.filter("course_id"):
        where.add("e.course_id = ?", path_id(course))
    add_flag(site, call, where, "free_trial", "e.activated_at is null")
    add_flag(site, call, where, "full", "e.activated_at is not null")
    add_common_filters(site, call, where, _TIME_FILTERS)
    if site.switches.hidden_enrollments != "listed":
        where.add(f"not {_HIDDEN}")
    return list_answer(site, call, SOURCE, lambda row: enrollment_json(site, row), where)


def create_enrollment(site: Site, call: Call) -> Answer:
    course = site.store.get("courses", body_id(call.body.get("course_id")) or 0)
    user = find_user(site, body_id(call.body.get("user_id")))
    problems = [] if course is not None else ["Course could not be found."]
    problems += [] if user is not None else ["User could not be found."]
    if course is None or user is None:
        refuse(422, problems)
    access = read_access(call.body)
    if site.switches.existing_enrollment == "duplicate":
        enrollment_id = _insert(site, user["id"], course["id"], access, site.clock.now())
    else:
        existing = find_enrollment(site, user["id"], course["id"])
        if existing is not None and site.switches.existing_enrollment == "reject":
            refuse(422, ["User is already enrolled in this course."])
        enrollment_id = enroll(site, user["id"], course["id"], access, site.clock.now())
    return Answer(201, enrollment_json(site, _row(site, enrollment_id)))


def get_enrollment(site: Site, _call: Call, enrollment_id: str) -> Answer:
    row = _row(site, path_id(enrollment_id))
    is_hidden = site.store.scalar(f"select {_HIDDEN} from enrollments e where e.id = ?", row["id"])  # noqa: S608 - made of constants only
    if is_hidden and site.switches.hidden_enrollments == "unseen":
        refuse_missing()
    return Answer(200, enrollment_json(site, row))


def update_enrollment(site: Site, call: Call, enrollment_id: str) -> Answer:
    """Only `activated_at` and `expiry_date` can be written, and what is absent stays."""
    enrollment = _row(site, path_id(enrollment_id))
    changes = read_changes(site, call.body)
    site.store.update("enrollments", enrollment["id"], changes | {"updated_at": site.clock.now()})
    return Answer(site.switches.put_status)


def enroll(site: Site, user_id: int, course_id: int, access: Access, at: int) -> int:
    """Makes the user's row in the course, or overwrites its dates; progress stays. Answers the row's id."""
    existing = find_enrollment(site, user_id, course_id)
    if existing is None:
        return _insert(site, user_id, course_id, access, at)
    identifier: int = existing["id"]
    site.store.update(
        "enrollments",
        identifier,
        {"activated_at": access.activated_at, "expiry_date": access.expiry_date, "updated_at": at},
    )
    return identifier


def find_enrollment(site: Site, user_id: int, course_id: int) -> Row | None:
    """The newest row of the pair."""
    return site.store.row(
        "select * from enrollments where user_id = ? and course_id = ? order by id desc limit 1", user_id, course_id
    )


def read_access(body: Mapping[str, Any]) -> Access:
    problems: dict[str, list[str]] = {}
    access = Access(_date(body, "activated_at", problems), _date(body, "expiry_date", problems))
    if problems:
        refuse(422, problems)
    return access


def read_changes(site: Site, body: Mapping[str, Any]) -> dict[str, int | None]:
    """The columns that a PUT changes; null clears an expiry only where the switch says so."""
    access = read_access(body)
    changes: dict[str, int | None] = {}
    if access.activated_at is not None:
        changes["activated_at"] = access.activated_at
    clears = site.switches.put_null_clears_expiry and "expiry_date" in body
    if access.expiry_date is not None or clears:
        changes["expiry_date"] = access.expiry_date
    return changes


def add_common_filters(site: Site, call: Call, where: Filter, time_filters: tuple[str, ...]) -> None:
    """The filters that course and bundle enrollments share; the row is called `e`."""
    if user := call.filter("user_id"):
        where.add("e.user_id = ?", path_id(user))
    if email := call.filter("email"):
        condition, *values = email_condition(site, email)
        # The condition is one of two constants.
        where.add(f"e.user_id in (select id from users where {condition})", *values)  # noqa: S608 - made of constants only
    add_flag(site, call, where, "completed", "e.completed_at is not null")
    add_flag(site, call, where, "expired", "(e.expiry_date is not null and e.expiry_date <= ?)", _expired_until(site))
    for name in time_filters:
        _add_time(call, where, name)


def add_flag(site: Site, call: Call, where: Filter, name: str, condition: str, *values: Any) -> None:
    """A filter that narrows the list when set to true; whether false has an effect is a switch."""
    value = call.filter(name)
    if value is None:
        return
    if is_true(value):
        where.add(condition, *values)
    elif site.switches.false_filters == "inverted":
        where.add(f"not ({condition})", *values)


def enrollment_json(site: Site, row: Row) -> dict[str, Any]:
    return {
        "id": row["id"],
        "created_at": write_time(row["created_at"]),
        "user_email": row["user_email"],
        "user_name": full_name(row),
        "expiry_date": write_time(row["expiry_date"]),
        "user_id": row["user_id"],
        "course_name": row["course_name"],
        "course_id": row["course_id"],
        "percentage_completed": str(float(row["percentage_completed"])),
        "completed_at": write_time(row["completed_at"]),
        "expired": row["expiry_date"] is not None and row["expiry_date"] <= _expired_until(site),
        "is_free_trial": row["activated_at"] is None,
        "completed": row["completed_at"] is not None,
        "started_at": write_time(row["started_at"]),
        "activated_at": write_time(row["activated_at"]),
        "updated_at": write_time(row["updated_at"]),
    }


def _insert(site: Site, user_id: int, course_id: int, access: Access, at: int) -> int:
    return site.store.insert(
        "enrollments",
        {
            "created_at": at,
            "updated_at": at,
            "user_id": user_id,
            "course_id": course_id,
            "activated_at": access.activated_at,
            "expiry_date": access.expiry_date,
        },
    )


def _row(site: Site, enrollment_id: int | None) -> Row:
    # Columns and joins are constants of this module.
    row = site.store.row(f"select {COLUMNS} from enrollments e {JOINS} where e.id = ?", enrollment_id)  # noqa: S608 - made of constants only
    if row is None:
        refuse_missing()
    return row


def _date(body: Mapping[str, Any], name: str, problems: dict[str, list[str]]) -> int | None:
    value = body.get(name)
    if is_blank(value):
        return None
    try:
        return read_time(value)
    except ValueError:
        problems[name] = ["is invalid"]
        return None


def _expired_until(site: Site) -> int:
    """The latest expiry date that has passed; a whole day passes at 00:00 UTC where the switch says so."""
    now = site.clock.now()
    return now if site.switches.expiry == "instant" else day_of(now) + _LAST_MS_OF_DAY


def _add_time(call: Call, where: Filter, name: str) -> None:
    value = call.filter(name)
    if value is None:
        return
    try:
        start, end = read_span(value)
    except ValueError:
        return
    column, _, relation = name.partition("_")
    column = f"e.{column}_at"
    match relation:
        case "on":
            where.add(f"{column} >= ? and {column} < ?", day_of(start), day_of(start) + _LAST_MS_OF_DAY + 1)
        case "before":
            where.add(f"{column} < ?", start)
        case "on_or_before":
            where.add(f"{column} < ?", end)
        case "after":
            where.add(f"{column} >= ?", end)
        case "on_or_after":
            where.add(f"{column} >= ?", start)
