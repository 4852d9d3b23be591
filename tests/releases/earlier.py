"""The table of a school as the earlier release wrote it, put into a table of today's."""

import base64
import json
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from tests.emulated import Emulated
from tests.releases.make_fixture import AWKWARD, COMMIT

WireItem = dict[str, Any]

# A student of the fixture that is under one user, enrolled in one course, and known to Thinkific.
MODEL = 10

_IN_ONE_WRITE = 25  # BatchWriteItem's limit

_ACCOUNTS = 1_000_000_000

# The local stack's admin is user 1, so a user's id is one more than that of the student with the same address.
STUDENT_IDS = {email: number for number, email in enumerate(AWKWARD, start=1)}
USER_IDS = {email: number for number, email in enumerate(AWKWARD, start=2)}


def items() -> list[WireItem]:
    """In DynamoDB's notation, as boto3 takes them."""
    content = json.loads(Path(__file__).with_name(f"{COMMIT}.json").read_text(encoding="ascii"))
    return [{name: _with_bytes(value) for name, value in item.items()} for item in content["items"]]


def fill(school: Emulated, rows: Iterable[WireItem]) -> None:
    left = iter(rows)
    while chunk := [{"PutRequest": {"Item": item}} for item in islice(left, _IN_ONE_WRITE)]:
        answer = school.dynamodb.batch_write_item(RequestItems={school.resources.table_name: chunk})
        assert not answer.get("UnprocessedItems")


def rows_of(school: Emulated) -> Iterator[WireItem]:
    """All that there are now."""
    pages = school.dynamodb.get_paginator("scan").paginate(TableName=school.resources.table_name, ConsistentRead=True)
    for page in pages:
        yield from page["Items"]


def with_more_students(rows: list[WireItem], count: int) -> Iterator[WireItem]:
    """``rows``, and ``count`` students more, each with all the rows that one of the fixture has, under its user."""
    model = [row for row in rows if _is_of(row, MODEL)]
    seats = [row["sk"]["S"].split("#")[1] for row in model if row["sk"]["S"].startswith("SEAT#")]
    (user,) = {row["pk"]["S"] for row in model if row["pk"]["S"].startswith("USER#")}
    counters = {
        ("LASTID#STUDENTS", "LASTID#STUDENTS"): "last",
        ("TOTAL#STUDENTS#0", "TOTAL#STUDENTS#0"): "records",
        (user, "A#USER"): "seats_used",
        **{(user, f"B#GRANT#{product}"): "seats_used" for product in seats},
    }
    for row in rows:
        counter = counters.pop((row["pk"]["S"], row["sk"]["S"]), None)
        yield row if counter is None else row | {counter: {"N": str(int(row[counter]["N"]) + count)}}
    assert not counters
    for student_id in more_ids(rows, count):
        yield from (_cast(row, student_id) for row in model)


def more_ids(rows: list[WireItem], count: int) -> range:
    """Of the students that ``with_more_students`` adds."""
    last = next(int(row["last"]["N"]) for row in rows if row["pk"]["S"] == "LASTID#STUDENTS")
    return range(last + 1, last + 1 + count)


def address(student_id: int) -> str:
    """Of one of ``with_more_students``; each tenth is one that this release keeps under another key."""
    return f"wei\u00df.{student_id}@example.com" if student_id % 10 == 0 else f"s{student_id}@example.com"


def _is_of(row: WireItem, student_id: int) -> bool:
    pk, sk = row["pk"]["S"], row["sk"]["S"]
    if pk.startswith(("EMAIL#STUDENT#", "ACCOUNT#")):
        return bool(row["owner_id"]["N"] == str(student_id))
    is_under_user = pk.startswith("USER#") and sk.startswith(("SEAT#", "STUDENT#"))
    return bool(pk == f"STUDENT#{student_id}" or (is_under_user and sk.endswith(_padded(student_id))))


def _cast(row: WireItem, new_id: int) -> WireItem:
    pk, sk = row["pk"]["S"], row["sk"]["S"]
    cast = row | {name: {"N": str(new_id)} for name in ("student_id", "owner_id") if name in row}
    if sk == "A#STUDENT":
        cast |= {"id": {"N": str(new_id)}, "email": {"S": address(new_id)}, "gsi1sk": {"S": _padded(new_id)}}
        cast["thinkific_id"] = {"N": str(_ACCOUNTS + new_id)}
    if "due_pk" in row:
        cast["due_pk"] = {"S": f"{row['due_pk']['S'].split('#')[0]}#{new_id % 8}"}
    if pk.startswith("EMAIL#"):
        pk = sk = f"EMAIL#STUDENT#{address(new_id).casefold()}"
    elif pk.startswith("ACCOUNT#"):
        pk = sk = f"ACCOUNT#{_ACCOUNTS + new_id}"
    elif pk.startswith("STUDENT#"):
        pk = f"STUDENT#{new_id}"
    else:
        sk = sk.replace(_padded(MODEL), _padded(new_id))
    return cast | {"pk": {"S": pk}, "sk": {"S": sk}}


def _padded(number: int) -> str:
    return f"{number:019d}"


def _with_bytes(value: dict[str, Any]) -> dict[str, Any]:
    ((kind, content),) = value.items()
    match kind:
        case "B":
            return {kind: base64.b64decode(content)}
        case "M":
            return {kind: {name: _with_bytes(part) for name, part in content.items()}}
        case "L":
            return {kind: [_with_bytes(part) for part in content]}
    return value
