"""/users: the people of a school, whom enrollments, groups and external ids point to."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

from b2b_cli.simulator import profile_fields
from b2b_cli.simulator.lists import Filter, Source, list_answer
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row
from b2b_cli.simulator.wire import (
    Answer,
    Call,
    is_blank,
    is_longer,
    path_id,
    refuse,
    refuse_missing,
    too_long,
    write_time,
)

Problems = dict[str, list[str]]

_ROLES = ("affiliate", "course_admin", "group_analyst", "site_admin")
_PROVIDERS = ("SSO", "OPENID_CONNECT")
_REQUIRED = ("first_name", "last_name", "email")
_NAMES = ("first_name", "last_name")
_OPTIONAL = ("company", "bio", "headline", "affiliate_code", "affiliate_payout_email")
_UPDATE_ONLY = ("avatar_url", "external_source")
_AFFILIATE_REQUIRED = ("affiliate_code", "affiliate_commission", "affiliate_payout_email")
_SHORTEST_PASSWORD = 6
_LARGEST_COMMISSION = {"%": 100.0, "$": 9_999.98}
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_DEPENDENT_TABLES = ("authentications", "group_members", "group_analysts", "bundle_enrollments", "due_enrollments")


def list_users(site: Site, call: Call) -> Answer:
    where = Filter(["deleted_at is null"])
    if email := call.filter("email"):
        where.add(*email_condition(site, email))
    if role := call.filter("role"):
        where.add("exists (select 1 from json_each(roles) where value = ?)", role)
    if source := call.filter("external_source"):
        where.add("external_source = ?", source)
    if group := call.filter("group_id"):
        where.add("id in (select user_id from group_members where group_id = ?)", path_id(group))
    label, value = call.filter("custom_profile_field_label"), call.filter("custom_profile_field_value")
    if label and value:
        where.add(
            "exists (select 1 from json_each(custom_profile_fields) as field"
            " where field.value ->> 'label' = ? and field.value ->> 'value' = ?)",
            label,
            value,
        )
    return list_answer(site, call, Source("*", "users", created="created_at"), user_json, where)


def create_user(site: Site, call: Call) -> Answer:
    body = call.body
    problems = _problems(site, body, required=_REQUIRED, before=None)
    problems |= profile_fields.problems(site.store, body, creating=True)
    problems |= _external_id_problems(site, body)
    if problems:
        refuse(422, problems)
    texts = [*_REQUIRED, *_OPTIONAL]
    if site.switches.external_source_on_create == "stored":
        texts.append("external_source")
    user_id = site.store.insert(
        "users",
        {
            "created_at": site.clock.now(),
            "affiliate_commission_type": "%",
            "roles": "[]",
            "custom_profile_fields": "[]",
        }
        | _columns(site, body, texts),
    )
    if not is_blank(body.get("external_id")):
        site.store.insert(
            "authentications",
            {"user_id": user_id, "provider": _provider(body), "external_id": str(body["external_id"])},
        )
    return Answer(201, user_json(_row(site, user_id)))


def get_user(site: Site, call: Call, user_id: str) -> Answer:
    return Answer(200, user_json(_addressed(site, call, user_id)))


def update_user(site: Site, call: Call, user_id: str) -> Answer:
    """Only what is given changes."""
    user = _addressed(site, call, user_id)
    given = [name for name in _REQUIRED if name in call.body]
    problems = _problems(site, call.body, required=given, before=user)
    problems |= profile_fields.problems(site.store, call.body, creating=False)
    if problems:
        refuse(422, problems)
    site.store.update(
        "users", user["id"], _columns(site, call.body, [*_REQUIRED, *_OPTIONAL, *_UPDATE_ONLY], before=user)
    )
    return Answer(site.switches.put_status)


def delete_user(site: Site, call: Call, user_id: str) -> Answer:
    """Whether enrollments go with the user: switch `deleted_user_enrollments`. The e-mail is free at once."""
    user = _addressed(site, call, user_id)
    removed = [*_DEPENDENT_TABLES]
    if site.switches.deleted_user_enrollments == "removed":
        removed.append("enrollments")
    for table in removed:
        site.store.execute(f"delete from {table} where user_id = ?", user["id"])  # noqa: S608 - a constant
    site.store.update("users", user["id"], {"deleted_at": site.clock.now()})
    return Answer(204)


def get_authentication(site: Site, _call: Call, user_id: str, provider: str) -> Answer:
    external_id = site.store.scalar(
        "select external_id from authentications where user_id = ? and provider = ?", path_id(user_id), provider
    )
    if external_id is None:
        refuse_missing()
    return Answer(200, {"provider": provider, "external_id": external_id})


def find_user(site: Site, user_id: int | None) -> Row | None:
    """A user who is not deleted."""
    return site.store.row("select * from users where id = ? and deleted_at is null", user_id)


def email_condition(site: Site, email: str) -> tuple[str, ...]:
    """The users of an address, compared as the switch `email_case` says: a condition and its values."""
    if site.switches.email_case == "sensitive":
        return "email_key = ? and email = ?", email.strip().lower(), email.strip()
    return "email_key = ?", email.strip().lower()


def full_name(user: Row) -> str:
    return f"{user['first_name']} {user['last_name']}"


def user_json(user: Row) -> dict[str, Any]:
    return {
        "id": user["id"],
        "created_at": write_time(user["created_at"]),
        "first_name": user["first_name"],
        "last_name": user["last_name"],
        "full_name": full_name(user),
        "company": user["company"],
        "email": user["email"],
        "roles": json.loads(user["roles"]),
        "avatar_url": user["avatar_url"],
        "bio": user["bio"],
        "headline": user["headline"],
        "external_source": user["external_source"],
        "affiliate_code": user["affiliate_code"],
        "affiliate_commission": user["affiliate_commission"],
        "affiliate_commission_type": user["affiliate_commission_type"],
        "affiliate_payout_email": user["affiliate_payout_email"],
        "administered_course_ids": [],
        "custom_profile_fields": json.loads(user["custom_profile_fields"]),
    }


def _row(site: Site, user_id: int | None) -> Row:
    user = find_user(site, user_id)
    if user is None:
        refuse_missing()
    return user


def _addressed(site: Site, call: Call, identifier: str) -> Row:
    """The user of a path: by id, or by external id where `?provider=` says so."""
    provider = call.query.get("provider")
    if not provider:
        return _row(site, path_id(identifier))
    user_id = site.store.scalar(
        "select user_id from authentications where provider = ? and external_id = ?", provider, identifier
    )
    return _row(site, user_id)


def _problems(site: Site, body: Mapping[str, Any], required: Iterable[str], before: Row | None) -> Problems:
    problems: Problems = {name: ["can't be blank"] for name in required if is_blank(body.get(name))}
    longest = site.switches.longest_name
    problems |= {name: [too_long(longest)] for name in _NAMES if is_longer(body.get(name), longest)}
    if "email" in body and "email" not in problems:
        problems |= _email_problems(site, str(body["email"]), None if before is None else before["id"])
    password = body.get("password")
    if password is not None and len(str(password)) < _SHORTEST_PASSWORD:
        problems["password"] = [f"is too short (minimum is {_SHORTEST_PASSWORD} characters)"]
    roles = body.get("roles") or []
    if not isinstance(roles, list) or any(role not in _ROLES for role in roles):
        problems["roles"] = ["is invalid"]
    elif "affiliate" in roles:
        known = {} if before is None else dict(before)
        problems |= {name: ["can't be blank"] for name in _AFFILIATE_REQUIRED if is_blank((known | {**body}).get(name))}
    return problems | _commission_problems(body)


def _email_problems(site: Site, email: str, user_id: int | None) -> Problems:
    if not _EMAIL.fullmatch(email.strip()):
        return {"email": ["is invalid"]}
    condition, *values = email_condition(site, email)
    # The condition is one of two constants.
    query = f"select id from users where {condition} and deleted_at is null"  # noqa: S608 - made of constants only
    holder = site.store.scalar(query, *values)
    return {} if holder in (None, user_id) else {"email": ["has already been taken"]}


def _commission_problems(body: Mapping[str, Any]) -> Problems:
    kind, commission = body.get("affiliate_commission_type") or "%", body.get("affiliate_commission")
    if kind not in _LARGEST_COMMISSION:
        return {"affiliate_commission_type": ["is not included in the list"]}
    if is_blank(commission):
        return {}
    try:
        fits = 0 < float(str(commission)) <= _LARGEST_COMMISSION[kind]
    except ValueError:
        fits = False
    return {} if fits else {"affiliate_commission": ["is invalid"]}


def _external_id_problems(site: Site, body: Mapping[str, Any]) -> Problems:
    if is_blank(body.get("external_id")):
        return {}
    if _provider(body) not in _PROVIDERS:
        return {"provider": ["is not included in the list"]}
    taken = site.store.scalar(
        "select user_id from authentications where provider = ? and external_id = ?",
        _provider(body),
        str(body["external_id"]),
    )
    return {"external_id": ["has already been taken"]} if taken else {}


def _provider(body: Mapping[str, Any]) -> str:
    return str(body.get("provider") or "SSO")


def _columns(site: Site, body: Mapping[str, Any], texts: Iterable[str], before: Row | None = None) -> dict[str, Any]:
    """The columns that a valid body sets."""
    columns: dict[str, Any] = {name: _text(body[name]) for name in texts if name in body}
    if "email" in columns:
        email = str(body["email"]).strip()
        columns["email"] = email.lower() if site.switches.email_case == "lowercase" else email
        columns["email_key"] = email.lower()
    if "roles" in body:
        columns["roles"] = json.dumps(body["roles"] or [])
    if not is_blank(body.get("affiliate_commission")):
        columns["affiliate_commission"] = float(str(body["affiliate_commission"]))
    if body.get("affiliate_commission_type"):
        columns["affiliate_commission_type"] = body["affiliate_commission_type"]
    if body.get("custom_profile_fields"):
        known = json.loads(before["custom_profile_fields"]) if before else []
        columns["custom_profile_fields"] = json.dumps(profile_fields.merged(site.store, known, body))
    return columns


def _text(value: Any) -> str | None:
    return None if value is None else str(value)
