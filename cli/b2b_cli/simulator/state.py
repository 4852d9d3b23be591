"""Reading the whole school, or what of it a person looks at first."""

from typing import Any

from b2b_cli.simulator import bundles, calls, catalogue, enrollments, groups, profile_fields, users
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.wire import write_time

_SHOWN_USERS = 40
_SHOWN_GROUPS = 50
_SHOWN_PRODUCTS = 200
_SHOWN_CALLS = 40


def full_state(site: Site) -> dict[str, Any]:
    """Every user, group and enrollment, as the API shows them, with the memberships the API cannot list."""
    store = site.store
    with store.transaction():
        bundles.settle(site)
        # Columns and joins are constants of this package.
        enrolled = store.rows(f"select {enrollments.COLUMNS} from enrollments e {enrollments.JOINS} order by e.id")  # noqa: S608 - made of constants only
        return {
            "now": write_time(site.clock.now()),
            "users": [
                users.user_json(user) for user in store.rows("select * from users where deleted_at is null order by id")
            ],
            "groups": [
                groups.group_json(group)
                | {"member_ids": _members(site, group["id"]), "analyst_ids": _analysts(site, group["id"])}
                for group in store.rows("select * from groups order by id")
            ],
            "enrollments": [enrollments.enrollment_json(site, row) for row in enrolled],
            "bundle_enrollments": [
                {
                    "id": row["id"],
                    "bundle_id": row["bundle_id"],
                    "user_id": row["user_id"],
                    "activated_at": write_time(row["activated_at"]),
                    "expiry_date": write_time(row["expiry_date"]),
                }
                for row in store.rows("select * from bundle_enrollments order by id")
            ],
            "due_enrollments": [
                {name: row[name] for name in ("bundle_id", "user_id", "course_id")}
                | {"due_at": write_time(row["due_at"])}
                for row in store.rows("select * from due_enrollments order by due_at")
            ],
            "custom_profile_field_definitions": [
                profile_fields.definition_json(row)
                for row in store.rows("select * from custom_profile_field_definitions order by id")
            ],
        }


def overview(site: Site) -> dict[str, Any]:
    """What the page shows: the users something happened to last, and the last calls."""
    store = site.store
    with store.transaction():
        bundles.settle(site)
        return {
            "now": write_time(site.clock.now()),
            "offset_seconds": site.clock.offset_ms / 1000,
            "rate": {
                "used": site.window.used(site.clock.wall()),
                "limit": site.switches.rate_limit,
                "in_flight": site.in_flight,
                "concurrency_limit": site.switches.concurrency_limit,
            },
            "totals": {
                "users": store.scalar("select count(*) from users where deleted_at is null"),
                "groups": store.scalar("select count(*) from groups"),
                "enrollments": store.scalar("select count(*) from enrollments"),
                "products": store.scalar("select count(*) from products"),
                "calls": store.scalar("select count(*) from calls"),
            },
            "users": _latest_users(site),
            "groups": [
                {"id": row["id"], "name": row["name"], "members": row["members"]}
                for row in store.rows(
                    "select g.id, g.name, (select count(*) from group_members where group_id = g.id) as members"
                    " from groups g order by g.id desc limit ?",
                    _SHOWN_GROUPS,
                )
            ],
            "products": [
                catalogue.product_json(row)
                for row in store.rows("select * from products order by productable_type, id limit ?", _SHOWN_PRODUCTS)
            ],
            "calls": [
                calls.call_json(row) for row in store.rows("select * from calls order by id desc limit ?", _SHOWN_CALLS)
            ],
        }


def _latest_users(site: Site) -> list[dict[str, Any]]:
    rows = site.store.rows(
        "with touched as ("
        " select * from (select user_id, updated_at as at from enrollments order by updated_at desc limit 200)"
        " union all select * from (select id, created_at from users order by id desc limit 40))"
        " select u.*, max(t.at) as touched_at from touched t join users u on u.id = t.user_id"
        " where u.deleted_at is null group by u.id order by touched_at desc, u.id desc limit ?",
        _SHOWN_USERS,
    )
    return [
        {
            "id": row["id"],
            "name": users.full_name(row),
            "email": row["email"],
            "groups": _group_names(site, row["id"]),
            "enrollments": _enrollments_of(site, row["id"]),
        }
        for row in rows
    ]


def _enrollments_of(site: Site, user_id: int) -> list[dict[str, Any]]:
    """A user's courses; those of a bundle that are still to come have no id."""
    bundle_names = (
        "(select group_concat(b.name, ', ') from bundle_enrollments x join bundles b on b.id = x.bundle_id"
        " join bundle_courses bc on bc.bundle_id = b.id where x.user_id = e.user_id and bc.course_id = e.course_id)"
    )
    # Columns, joins and the subquery are constants of this package.
    present = site.store.rows(
        f"select {enrollments.COLUMNS}, {bundle_names} as bundle"  # noqa: S608 - made of constants only
        f" from enrollments e {enrollments.JOINS} where e.user_id = ? order by e.id",
        user_id,
    )
    coming = site.store.rows(
        "select c.name as course, b.name as bundle, x.expiry_date from due_enrollments d"
        " join courses c on c.id = d.course_id join bundles b on b.id = d.bundle_id"
        " join bundle_enrollments x on x.bundle_id = d.bundle_id and x.user_id = d.user_id"
        " where d.user_id = ? order by c.name",
        user_id,
    )
    return [
        {
            "id": row["id"],
            "course": row["course_name"],
            "bundle": row["bundle"],
            "status": _status(enrollments.enrollment_json(site, row)),
            "expiry_date": write_time(row["expiry_date"]),
        }
        for row in present
    ] + [
        {
            "id": None,
            "course": row["course"],
            "bundle": row["bundle"],
            "status": "coming",
            "expiry_date": write_time(row["expiry_date"]),
        }
        for row in coming
    ]


def _status(enrollment: dict[str, Any]) -> str:
    if enrollment["expired"]:
        return "expired"
    return "preview" if enrollment["is_free_trial"] else "active"


def _group_names(site: Site, user_id: int) -> list[str]:
    query = "select g.name from group_members m join groups g on g.id = m.group_id where m.user_id = ? order by g.name"
    return [name for (name,) in site.store.rows(query, user_id)]


def _members(site: Site, group_id: int) -> list[int]:
    query = "select user_id from group_members where group_id = ? order by user_id"
    return [user_id for (user_id,) in site.store.rows(query, group_id)]


def _analysts(site: Site, group_id: int) -> list[int]:
    query = "select user_id from group_analysts where group_id = ? order by user_id"
    return [user_id for (user_id,) in site.store.rows(query, group_id)]
