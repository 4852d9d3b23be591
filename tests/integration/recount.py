"""Counting a school's rows anew: what the counters of the table should say, and which of them do not.

Written without the product's own keys, so that the two have to agree. Only for tables at rest.
"""

import unicodedata
from collections import Counter, defaultdict
from collections.abc import Iterator

import idna
from tests.emulated import Emulated

from b2b.storage.items import Item, unmarshal


def recount(school: Emulated) -> list[str]:
    """What is wrong, a line each; empty when every counter, guard and pair of rows agrees."""
    rows = _Rows(school)
    return [*_users(rows), *_grants(rows), *_associations(rows), *_totals(rows), *_guards(rows)]


def without_form(school: Emulated) -> list[tuple[str, str]]:
    """The keys of rows that do not say their form."""
    return [key for key, item in _Rows(school).all.items() if "schema" not in item]


class _Rows:
    """All rows, by partition and sort key."""

    def __init__(self, school: Emulated) -> None:
        self.all: dict[tuple[str, str], Item] = {}
        pages = school.dynamodb.get_paginator("scan").paginate(
            TableName=school.resources.table_name, ConsistentRead=True
        )
        for page in pages:
            for raw in page["Items"]:
                item = unmarshal(raw)
                self.all[item["pk"], item["sk"]] = item

    def like(self, partition: str, sort: str) -> Iterator[tuple[int, str, Item]]:
        """The number of the partition (``USER#7``: 7), the rest of the sort key behind ``sort``, the row."""
        for (pk, sk), item in self.all.items():
            if pk.startswith(partition) and sk.startswith(sort):
                yield int(pk.removeprefix(partition)), sk.removeprefix(sort), item


def _users(rows: _Rows) -> Iterator[str]:
    students = Counter(user_id for user_id, _, _ in rows.like("USER#", "STUDENT#"))
    for user_id, _, user in rows.like("USER#", "A#USER"):
        if user.get("seats_used", 0) != students[user_id]:
            yield f"user {user_id} counts {user.get('seats_used', 0)} students and has {students[user_id]}"


def _grants(rows: _Rows) -> Iterator[str]:
    """A seat is counted on the grant, has a row under the user, and its holder is named by the enrollment."""
    counted = {
        (user_id, int(product)): int(grant.get("seats_used", 0))
        for user_id, product, grant in rows.like("USER#", "B#GRANT#")
    }
    taken = {(user_id, *map(int, rest.split("#"))) for user_id, rest, _ in rows.like("USER#", "SEAT#")}
    held = {
        (int(holder), int(product), student_id)
        for student_id, product, enrollment in rows.like("STUDENT#", "C#ENROLLMENT#")
        for holder in enrollment.get("seat_holders", ())
    }
    if taken != held:
        yield f"seat rows without a holder: {sorted(taken - held)}, holders without a seat row: {sorted(held - taken)}"
    seats = Counter((user_id, product_id) for user_id, product_id, _ in taken)
    for pair in sorted(counted.keys() | seats.keys()):
        if counted.get(pair, 0) != seats[pair]:
            yield f"user {pair[0]} counts {counted.get(pair, 0)} seats of product {pair[1]} and has {seats[pair]}"
    associated = {(user_id, int(student)) for user_id, student, _ in rows.like("USER#", "STUDENT#")}
    strangers = {(user_id, student_id) for user_id, _, student_id in taken} - associated
    if strangers:
        yield f"seats of students who are not under the user: {sorted(strangers)}"


def _associations(rows: _Rows) -> Iterator[str]:
    of_users = {(user_id, int(student)) for user_id, student, _ in rows.like("USER#", "STUDENT#")}
    of_students = {(int(user), student_id) for student_id, user, _ in rows.like("STUDENT#", "B#USER#")}
    if of_users != of_students:
        yield f"associations on one side only (user, student): {sorted(of_users ^ of_students)}"
    users = {user_id for user_id, _, _ in rows.like("USER#", "A#USER")}
    students = {student_id for student_id, _, _ in rows.like("STUDENT#", "A#STUDENT")}
    dangling = {pair for pair in of_users | of_students if pair[0] not in users or pair[1] not in students}
    if dangling:
        yield f"associations of users or students that are not there: {sorted(dangling)}"


def _totals(rows: _Rows) -> Iterator[str]:
    totals: dict[str, int] = defaultdict(int)
    for (pk, _), item in rows.all.items():
        if pk.startswith("TOTAL#"):
            totals[pk.split("#")[1]] += item["records"]
    records = Counter(item["gsi1pk"] for item in rows.all.values() if "gsi1pk" in item)
    for kind in sorted(totals.keys() | records.keys()):
        if totals[kind] != records[kind]:
            yield f"the total of {kind} is {totals[kind]}, and there are {records[kind]}"


def _guards(rows: _Rows) -> Iterator[str]:
    """One guard for each user's and student's e-mail, owned by it; ids within what was given out."""
    for kind, name in (("USER", "A#USER"), ("STUDENT", "A#STUDENT")):
        owners = {
            pk.removeprefix(f"EMAIL#{kind}#"): item["owner_id"]
            for (pk, _), item in rows.all.items()
            if pk.startswith(f"EMAIL#{kind}#")
        }
        records = {number: item for number, _, item in rows.like(f"{kind}#", name)}
        found_by_email = {number: item for number, item in records.items() if "email_held_by" not in item}
        emails = {_address(item): number for number, item in found_by_email.items()}
        if owners != emails or len(emails) != len(found_by_email):
            yield f"e-mail guards and records of {kind} differ: {dict(owners.items() ^ emails.items())}"
        for number in records.keys() - found_by_email.keys():
            if records[number]["email_held_by"] not in records:
                yield f"{kind} {number} has lost its address to one that is not there"
        last = rows.all.get((f"LASTID#{kind}S", f"LASTID#{kind}S"), {}).get("last", 0)
        if max(records, default=0) > last:
            yield f"there is a {kind} {max(records)}, and the last id given out is {last}"


def _address(item: Item) -> str:
    """As the release that wrote the item compares it."""
    if "schema" not in item:
        return str(item["email"]).strip().casefold()
    local, _, domain = unicodedata.normalize("NFC", str(item["email"]).strip()).rpartition("@")
    in_ascii = idna.encode(unicodedata.normalize("NFC", domain.lower()), strict=True).decode()
    return unicodedata.normalize("NFC", local.lower()) + "@" + in_ascii
