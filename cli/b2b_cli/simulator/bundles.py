"""/bundles: several courses sold as one, and enrollments in all of them at once."""

from typing import Any

from b2b_cli.simulator import catalogue
from b2b_cli.simulator.enrollments import (
    COLUMNS,
    JOINS,
    SOURCE,
    Access,
    add_common_filters,
    enroll,
    enrollment_json,
    find_enrollment,
    read_access,
    read_changes,
)
from b2b_cli.simulator.lists import Filter, Source, list_answer
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row
from b2b_cli.simulator.users import find_user
from b2b_cli.simulator.wire import Answer, Call, body_id, is_blank, path_id, refuse, refuse_missing

_TIME_FILTERS = (
    *("created_on", "created_before", "created_on_or_before", "created_after", "created_on_or_after"),
    *("updated_on", "updated_before", "updated_on_or_before", "updated_after", "updated_on_or_after"),
)


def get_bundle(site: Site, _call: Call, bundle_id: str) -> Answer:
    return Answer(200, catalogue.bundle_json(site.store, _row(site, bundle_id)))


def list_courses(site: Site, call: Call, bundle_id: str) -> Answer:
    bundle = _row(site, bundle_id)
    where = Filter()
    where.add("id in (select course_id from bundle_courses where bundle_id = ?)", bundle["id"])
    return list_answer(site, call, catalogue.COURSES, lambda row: catalogue.course_json(site.store, row), where)


def list_enrollments(site: Site, call: Call, bundle_id: str) -> Answer:
    bundle = _row(site, bundle_id)
    if site.switches.bundle_rows == "per_course":
        source, where = SOURCE, _course_rows(bundle["id"])
    else:
        source, where = _user_rows(bundle["id"]), Filter(["e.created_at <= ?"], [site.clock.now()])
    add_common_filters(site, call, where, _TIME_FILTERS)
    return list_answer(site, call, source, lambda row: enrollment_json(site, row), where)


def create_enrollment(site: Site, call: Call, bundle_id: str) -> Answer:
    """201 where the course rows are there at once, 202 where they come later (`bundle_async_threshold`)."""
    bundle = _row(site, bundle_id)
    user = _user(site, call)
    if user is None:
        refuse(422, ["User could not be found."])
    access = read_access(call.body)
    course_ids = catalogue.course_ids(site.store, bundle["id"])
    existing = _find(site, bundle["id"], user["id"])
    if existing is not None and site.switches.existing_enrollment == "reject":
        refuse(422, ["User is already enrolled in this bundle."])
    waits = len(course_ids) > site.switches.bundle_async_threshold
    now = site.clock.now()
    due_at = now + int(site.switches.async_delay * 1000) if waits else now
    _write(site, bundle["id"], user["id"], access, existing, due_at)
    _schedule(site, [(bundle["id"], user["id"], course_id, due_at) for course_id in course_ids])
    settle(site)
    return Answer(202 if waits else 201)


def update_enrollment(site: Site, call: Call, bundle_id: str) -> Answer:
    """The dates of the user's enrollment in the bundle and in each of its courses; rows still to come get them too."""
    bundle = _row(site, bundle_id)
    user = _user(site, call)
    existing = None if user is None else _find(site, bundle["id"], user["id"])
    if existing is None:
        if site.switches.bundle_put_missing == 404:
            refuse_missing()
        refuse(422, ["User could not be found." if user is None else "Enrollment could not be found."])
    changes = read_changes(site, call.body) | {"updated_at": site.clock.now()}
    site.store.update("bundle_enrollments", existing["id"], changes)
    for course_id in catalogue.course_ids(site.store, bundle["id"]):
        row = find_enrollment(site, existing["user_id"], course_id)
        if row is not None:
            site.store.update("enrollments", row["id"], changes)
    return Answer(site.switches.put_status)


def settle(site: Site) -> None:
    """Makes the course rows whose time has come, as of that time. Called before anything is read."""
    now = site.clock.now()
    due = site.store.rows(
        "select d.*, b.activated_at, b.expiry_date from due_enrollments d"
        " join bundle_enrollments b on b.bundle_id = d.bundle_id and b.user_id = d.user_id"
        " where d.due_at <= ? order by d.due_at, d.bundle_id, d.user_id, d.course_id",
        now,
    )
    for row in due:
        access = _overlapped(site, row)
        enroll(site, row["user_id"], row["course_id"], access, row["due_at"])
    if due:
        site.store.execute("delete from due_enrollments where due_at <= ?", now)


def grow(site: Site, bundle_id: int, added_course_ids: list[int]) -> None:
    """Courses were added to a bundle: those enrolled in it get them after `bundle_growth_delay`."""
    due_at = site.clock.now() + int(site.switches.bundle_growth_delay * 1000)
    users = site.store.rows("select user_id from bundle_enrollments where bundle_id = ?", bundle_id)
    _schedule(site, [(bundle_id, user_id, course_id, due_at) for (user_id,) in users for course_id in added_course_ids])


def _row(site: Site, bundle_id: str) -> Row:
    bundle = site.store.get("bundles", path_id(bundle_id) or 0)
    if bundle is None:
        refuse_missing()
    return bundle


def _user(site: Site, call: Call) -> Row | None:
    user_id = call.body.get("user_id")
    if is_blank(user_id):
        refuse(422, {"user_id": ["can't be blank"]})
    return find_user(site, body_id(user_id))


def _find(site: Site, bundle_id: int, user_id: int) -> Row | None:
    return site.store.row("select * from bundle_enrollments where bundle_id = ? and user_id = ?", bundle_id, user_id)


def _write(site: Site, bundle_id: int, user_id: int, access: Access, existing: Row | None, at: int) -> None:
    row: dict[str, Any] = {
        "updated_at": at,
        "activated_at": access.activated_at,
        "expiry_date": access.expiry_date,
    }
    if existing is None:
        site.store.insert("bundle_enrollments", row | {"created_at": at, "bundle_id": bundle_id, "user_id": user_id})
    else:
        site.store.update("bundle_enrollments", existing["id"], row)


def _schedule(site: Site, rows: list[tuple[int, int, int, int]]) -> None:
    """Course rows to come; one that is on its way already comes at the earlier time."""
    for row in rows:
        site.store.execute(
            "insert into due_enrollments (bundle_id, user_id, course_id, due_at) values (?, ?, ?, ?)"
            " on conflict do update set due_at = min(due_at, excluded.due_at)",
            *row,
        )


def _overlapped(site: Site, due: Row) -> Access:
    """What a bundle's course row is given where the user has one already."""
    access = Access(due["activated_at"], due["expiry_date"])
    if site.switches.bundle_overlap == "overwrite":
        return access
    existing = find_enrollment(site, due["user_id"], due["course_id"])
    if existing is None:
        return access
    limits = (access.expiry_date, existing["expiry_date"])
    latest = None if None in limits else max(limits)
    return Access(access.activated_at or existing["activated_at"], latest)


def _course_rows(bundle_id: int) -> Filter:
    return Filter(
        [
            "e.course_id in (select course_id from bundle_courses where bundle_id = ?)",
            "e.user_id in (select user_id from bundle_enrollments where bundle_id = ?)",
        ],
        [bundle_id, bundle_id],
    )


def _user_rows(bundle_id: int) -> Source:
    """The enrollments in the bundle, shaped like enrollments in a course of the bundle's id and name."""
    table = (
        "(select id, created_at, updated_at, user_id, bundle_id as course_id, activated_at, expiry_date,"
        " null as started_at, null as completed_at, 0.0 as percentage_completed"
        " from bundle_enrollments where bundle_id = ?) e"
    )
    joins = JOINS.replace("join courses c", "join bundles c")
    return Source(COLUMNS, table, joins, values=(bundle_id,), key="e.id", created="e.created_at")
