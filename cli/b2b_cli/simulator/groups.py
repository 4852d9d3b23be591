"""/groups, /group_users and /group_analysts: users are added to a group by its name and never taken out again."""

import json
import secrets
from collections.abc import Iterable
from typing import Any

from b2b_cli.simulator.lists import Source, list_answer
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row
from b2b_cli.simulator.users import find_user
from b2b_cli.simulator.wire import (
    Answer,
    Call,
    body_id,
    is_blank,
    is_longer,
    path_id,
    refuse,
    refuse_missing,
    too_long,
    write_time,
)


def list_groups(site: Site, call: Call) -> Answer:
    return list_answer(site, call, Source("*", "groups", created="created_at"), group_json)


def create_group(site: Site, call: Call) -> Answer:
    name = call.body.get("name")
    if is_blank(name):
        refuse(422, {"name": ["can't be blank"]})
    longest = site.switches.longest_name
    if is_longer(name, longest):
        refuse(422, {"name": [too_long(longest)]})
    if site.switches.group_dup_name == "reject" and _named(site, str(name)) is not None:
        refuse(422, {"name": ["has already been taken"]})
    group_id = site.store.insert(
        "groups", {"created_at": site.clock.now(), "name": str(name), "token": secrets.token_hex(4)}
    )
    # 200, not 201, is what is documented.
    return Answer(200, _single(site, _row(site, group_id)))


def get_group(site: Site, _call: Call, group_id: str) -> Answer:
    return Answer(200, _single(site, _row(site, path_id(group_id))))


def delete_group(site: Site, _call: Call, group_id: str) -> Answer:
    """Its members stay users of the school."""
    group = _row(site, path_id(group_id))
    site.store.execute("delete from groups where id = ?", group["id"])
    return Answer(204)


def add_user(site: Site, call: Call) -> Answer:
    """POST /group_users: the groups named are added to those the user is in."""
    user_id, names = call.body.get("user_id"), call.body.get("group_names")
    blank = [field for field, value in (("user_id", user_id), ("group_names", names)) if is_blank(value) or value == []]
    if blank:
        refuse(422, {field: ["can't be blank"] for field in blank})
    user = find_user(site, body_id(user_id))
    if user is None:
        refuse(422, ["User could not be found."])
    found = [_named(site, str(name)) for name in (names if isinstance(names, list) else [names])]
    groups = [group for group in found if group is not None]
    if len(groups) < len(found):
        if site.switches.group_add_partial == "partial":
            _add_members(site, groups, user["id"])
        refuse(422, ["Invalid group_names"])
    if site.switches.group_add_existing == 422 and any(_is_member(site, group, user["id"]) for group in groups):
        refuse(422, ["User is already in the group"])
    _add_members(site, groups, user["id"])
    return Answer(201)


def list_analysts(site: Site, _call: Call, group_id: str) -> Answer:
    """User ids, without paging and without the list envelope."""
    group = site.store.get("groups", path_id(group_id) or 0)
    if group is None:
        refuse_missing([{"group_id": f"Could not find group with ID {group_id}."}])
    rows = site.store.rows("select user_id from group_analysts where group_id = ? order by user_id", group["id"])
    return Answer(200, {"group_analysts": [user_id for (user_id,) in rows]})


def add_analysts(site: Site, call: Call, group_id: str) -> Answer:
    group = site.store.get("groups", path_id(group_id) or 0)
    user_ids = _ids(call.body.get("user_ids"))
    users = {user_id: find_user(site, body_id(user_id)) for user_id in user_ids}
    problems = {}
    if unable := [user_id for user_id, user in users.items() if user is not None and not _is_analyst(user)]:
        # The doubled colon is in the documented example.
        problems["group_analysts"] = f"User IDs missing group_analysts role:: {_listed(unable)}"
    if unknown := [user_id for user_id, user in users.items() if user is None]:
        problems["user_id"] = f"Invalid user IDs: {_listed(unknown)}"
    if group is None:
        problems["group_id"] = f"Invalid group ID: {group_id}"
    if problems or group is None:
        refuse(422, problems)
    _add_analysts(site, [(group["id"], user["id"]) for user in users.values() if user is not None])
    return Answer(201)


def remove_analyst(site: Site, _call: Call, group_id: str, user_id: str) -> Answer:
    return _remove_analyst(site, group_id, user_id)


def add_analyst_groups(site: Site, call: Call, user_id: str) -> Answer:
    user = find_user(site, path_id(user_id))
    if user is None:
        refuse_missing({"user_id": [f"Could not find user with ID {user_id}."]})
    group_ids = _ids(call.body.get("group_ids"))
    groups = {group_id: site.store.get("groups", body_id(group_id) or 0) for group_id in group_ids}
    problems = {}
    if not _is_analyst(user):
        problems["group_analysts"] = f"User IDs missing group_analysts role: {user_id}"
    if unknown := [group_id for group_id, group in groups.items() if group is None]:
        problems["group_id"] = f"Invalid group IDs: {_listed(unknown)}"
    if problems:
        refuse(422, problems)
    _add_analysts(site, [(group["id"], user["id"]) for group in groups.values() if group is not None])
    return Answer(201)


def remove_analyst_group(site: Site, _call: Call, user_id: str, group_id: str) -> Answer:
    return _remove_analyst(site, group_id, user_id)


def group_json(group: Row) -> dict[str, Any]:
    return {
        "id": group["id"],
        "name": group["name"],
        "token": group["token"],
        "created_at": write_time(group["created_at"]),
    }


def _single(site: Site, group: Row) -> dict[str, Any]:
    return {"group": group_json(group)} if site.switches.group_single == "wrapped" else group_json(group)


def _row(site: Site, group_id: int | None) -> Row:
    group = site.store.get("groups", group_id or 0)
    if group is None:
        refuse_missing(["Record not found."])
    return group


def _named(site: Site, name: str) -> Row | None:
    return site.store.row("select * from groups where name = ? order by id limit 1", name)


def _is_member(site: Site, group: Row, user_id: int) -> bool:
    query = "select 1 from group_members where group_id = ? and user_id = ?"
    return site.store.row(query, group["id"], user_id) is not None


def _is_analyst(user: Row) -> bool:
    return "group_analyst" in json.loads(user["roles"])


def _add_members(site: Site, groups: Iterable[Row], user_id: int) -> None:
    site.store.insert_new("group_members", ("group_id", "user_id"), [(group["id"], user_id) for group in groups])


def _add_analysts(site: Site, pairs: list[tuple[int, int]]) -> None:
    site.store.insert_new("group_analysts", ("group_id", "user_id"), pairs)


def _remove_analyst(site: Site, group_id: str, user_id: str) -> Answer:
    problems = {}
    if find_user(site, path_id(user_id)) is None:
        problems["user_id"] = [f"Could not find user with ID {user_id}."]
    if site.store.get("groups", path_id(group_id) or 0) is None:
        problems["group_id"] = [f"Could not find group with ID {group_id}."]
    if problems:
        refuse_missing(problems)
    site.store.execute(
        "delete from group_analysts where group_id = ? and user_id = ?", path_id(group_id), path_id(user_id)
    )
    return Answer(204)


def _ids(value: Any) -> list[Any]:
    """The distinct ids of a body, in their order."""
    return list(dict.fromkeys(str(item) for item in value)) if isinstance(value, list) else []


def _listed(identifiers: Iterable[Any]) -> str:
    return ", ".join(str(identifier) for identifier in identifiers)
