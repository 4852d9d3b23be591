"""From whatever is wanted, known and there, the sync makes Thinkific as wanted, and then has nothing left to do.

SYNC_EXAMPLES sets how many scenarios are made up; without it there are as many as take two seconds, the same each
time. More than some 4,000 take longer than the time-out for a test: ``-o faulthandler_timeout=0``.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from tests.unit.aws import Aws
from tests.unit.clock import START, Clock
from tests.unit.in_process import Open
from tests.unit.services.mortal import Died, Life, MortalTable, mortal_http
from tests.unit.services.scenarios import MOST_WISHES, NEVER, Building, Kind, Scenario, Wish, moment, scenarios
from tests.unit.services.upstream import Upstream
from tests.unit.services.world import World

from b2b.domain import timestamps
from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment import expiry
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.students import Association, Student, StudentRecord
from b2b.services.enrollment.reconciliation import LEASE
from b2b.services.enrollment.sync.student import SyncOutcome
from b2b.services.work.backoff import LONGEST_SECONDS
from b2b.storage import keys
from b2b.storage.actions import Action, put
from b2b.storage.enrollment import enrollments as enrollment_items
from b2b.storage.enrollment import students as student_items
from b2b_cli.simulator import Store

LOOKS = 60
# The simulator gives greater ones.
DELETED_USER, DELETED_ROW = 999_999, 399_999_999


class School:
    """One for all scenarios, with a student for each: to make one anew would take most of the time."""

    def __init__(self, client: Any, table_name: str, upstream: Upstream, clock: Clock) -> None:
        self.life = Life()
        self.world = World(MortalTable(client, table_name, self.life), upstream, clock)
        http = mortal_http(upstream, self.life)
        self.world.sync = self.world.worker("worker-1", self.world.thinkific_over(http))
        self.products: dict[Kind, list[Product]] = {
            "course": [self.world.course(f"Course {number}") for number in range(MOST_WISHES)],
            "bundle": [self.world.bundle(name=f"Bundle {number}") for number in range(MOST_WISHES)],
        }
        self.students = 0


@pytest.fixture(scope="module")
def school(aws: Aws, open_app: Open) -> Iterator[School]:
    name, store, clock = aws.new_table(), Store(), Clock()
    yield School(aws.client, name, Upstream(store, clock, open_app), clock)
    store.close()
    aws.delete_table(name)


@dataclass(frozen=True)
class Row:
    """An enrollment in a course, in Thinkific."""

    id: int
    is_activated: bool
    end: datetime | None

    def gives_access(self, now: datetime) -> bool:
        return self.is_activated and not expiry.is_past(self.end, now)

    @property
    def lasts_until(self) -> datetime:
        """An end that is lifted is sent as a date a hundred years away."""
        return NEVER if self.end is None or self.end > START + timedelta(days=99 * 365) else self.end


Rows = dict[int, list[Row]]  # by course


class Case:
    """One scenario: a student of the school, in the table and in Thinkific. ``start``: what the table has first."""

    def __init__(self, school: School, scenario: Scenario) -> None:
        self.world = school.world
        self.life = school.life
        self.scenario = scenario
        school.students += 1
        self.student_id = school.students
        self.email = f"Ada.{self.student_id}@Example.com"
        self.former_email = f"Byron.{self.student_id}@Example.com"
        self.group = f"Group {self.student_id}"
        self.products = [school.products[wish.kind][number] for number, wish in enumerate(scenario.wishes)]
        self.courses = {found.id: found.course_ids or (found.productable_id,) for found in self.products}
        self._prepare_thinkific()
        self.start = self._record()
        self.world.store.transact(self._items())
        self.before = self.rows()
        faults = [fault.planned() for fault in scenario.faults]
        self.world.upstream.control("PUT", "/faults", stale_seconds=scenario.lag, next=faults)

    def close(self) -> None:
        """A group is looked for among all of the school."""
        self.life.left = None
        self.world.upstream._store.execute("delete from groups")

    # What there is first

    def _prepare_thinkific(self) -> None:
        """A minute ago, so that no list that lags misses it."""
        upstream, scenario = self.world.upstream, self.scenario
        upstream.control("DELETE", "/switches")
        upstream.heal()
        upstream.switch(**scenario.switches)
        self.world.clock.moment = START - timedelta(seconds=60)
        if scenario.group in ("joined", "there", "member there"):
            upstream.call("POST", "/groups", name=self.group)
        self.user_id: int | None = None
        self.row_ids: list[int] = []
        if scenario.there:
            self.user_id = self._make_account()
            if scenario.group in ("joined", "member there"):
                upstream.call("POST", "/group_users", user_id=self.user_id, group_names=[self.group])
            self.row_ids = [self._make_row(*found) for found in zip(scenario.wishes, self.products, strict=True)]
        self.world.clock.moment = START

    def _make_account(self) -> int:
        is_moving = self.scenario.account == "right" and self.scenario.profile == "another e-mail"
        email = self.former_email if is_moving else self.email
        made = self.world.upstream.call("POST", "/users", first_name="Augusta", last_name="King", email=email.lower())
        return int(made["id"])

    def _make_row(self, wish: Wish, product: Product) -> int:
        """Its id; 0 of a bundle, and where there is none."""
        there = wish.there
        if there is None:
            return 0
        dates = {"activated_at": START - timedelta(days=90)} if there.access else {}
        dates |= {} if there.end is None else {"expiry_date": moment(there.end)}
        body = {"user_id": self.user_id} | {name: moment.isoformat() for name, moment in dates.items()}
        if wish.kind == "course":
            body["course_id"] = product.productable_id
            return int(self.world.upstream.call("POST", "/enrollments", **body)["id"])
        self.world.upstream.call("POST", f"/bundles/{product.productable_id}/enrollments", **body)
        self._build(product, there.building)
        return 0

    def _build(self, bundle: Product, building: Building) -> None:
        """Sets when its courses come: some of them now, or some minutes later."""
        store, now = self.world.upstream._store, int(self.world.clock.seconds() * 1000)
        due_at = now if building == "no" else now + 600_000
        where = (self.user_id, bundle.productable_id)
        order = "update due_enrollments set due_at = ? where user_id = ? and bundle_id = ?"
        store.execute(order, due_at, *where)
        store.execute(
            "update bundle_enrollments set created_at = ? where user_id = ? and bundle_id = ?", due_at, *where
        )
        if building == "partly":
            store.execute(f"{order} and course_id = ?", now, *where, bundle.course_ids[0])

    def _record(self) -> StudentRecord:
        scenario, long_ago = self.scenario, START - timedelta(days=90)
        thinkific_id = {"unknown": None, "right": self.user_id, "deleted there": DELETED_USER}[scenario.account]
        student = Student(
            id=self.student_id,
            first_name="Ada",
            last_name="Lovelace",
            email=self.email,
            thinkific_id=thinkific_id,
            newly_created=scenario.newly_created,
            version=1 if scenario.profile == "as it is there" else 2,
            confirmed_version=0 if thinkific_id is None else 1,
            created_at=long_ago,
            updated_at=long_ago,
        )
        association = Association(
            user_id=1,
            student_id=self.student_id,
            group_name=None if scenario.group == "none" else self.group,
            in_group=scenario.group == "joined",
            created_at=long_ago,
        )
        enrollments = [self._enrollment(number, wish) for number, wish in enumerate(scenario.wishes)]
        in_order = tuple(sorted(enrollments, key=lambda found: found.product_id))
        return StudentRecord(student=student, associations=(association,), enrollments=in_order, wish=None)

    def _enrollment(self, number: int, wish: Wish) -> Enrollment:
        product = self.products[number]
        version, confirmed, failed, ordered = {
            "new": (1, 0, 0, 0),
            "learnt": (1, 0, 0, 0),
            "confirmed": (1, 1, 0, 0),
            "changed": (2, 1, 0, 0),
            "failed": (1, 0, 1, 0),
            "retried": (2, 0, 1, 0),
            "ordered": (1, 0, 0, 1),
            "ordered before": (2, 0, 0, 1),
            "asked before": (2, 0, 0, 0),
        }[wish.progress]
        known = {"nothing": None, "right": self.row_ids[number] if self.row_ids else 0, "deleted there": DELETED_ROW}
        # A wish may be old: of before an outage, or of before its account was deleted in Thinkific.
        long_ago = START - timedelta(days=40)
        wished_at = START - timedelta(minutes=1) if ordered else long_ago
        return Enrollment(
            student_id=self.student_id,
            product_id=product.id,
            productable_id=product.productable_id,
            productable_type=product.productable_type,
            version=version,
            confirmed_version=confirmed,
            failed_version=failed,
            error="Refused." if failed else None,
            activated_at=long_ago,
            expiry_date=None if wish.end is None else moment(wish.end),
            is_exact=wish.exact,
            thinkific_id=known[wish.known],
            known_in_thinkific=wish.progress in ("confirmed", "changed", "learnt"),
            bundle_ordered_version=ordered,
            bundle_ordered_at=wished_at if ordered else None,
            bundle_asked=wish.progress == "asked before",
            created_at=long_ago,
            updated_at=wished_at,
        )

    def _items(self) -> list[Action]:
        student, (association,) = self.start.student, self.start.associations
        wish = {
            "student_id": self.student_id,
            "version": 1,
            keys.DUE_PARTITION: keys.wish_shard(self.student_id),
            keys.DUE_AT: timestamps.to_text(START),
        }
        if self.scenario.abandoned:
            wish |= {"lease_owner": "worker-0", "lease_until": timestamps.to_text(START - LEASE)}
        newly_created = {"newly_created": student.newly_created or None}
        return [
            put(keys.student(self.student_id), student_items._item(student) | newly_created),
            put(keys.student_user(self.student_id, 1), student_items._association_item(association)),
            put(keys.wish(self.student_id), wish),
            *(_enrollment_put(found) for found in self.start.enrollments),
        ]

    # What happens

    def settle(self) -> None:
        """Look as often as the messages ask for it, until there is nothing left to do."""
        for _ in range(LOOKS):
            try:
                outcome = self.world.look(self.student_id)
            except Died:
                self.world.clock.advance(seconds=LEASE.total_seconds() + 1)
                continue
            if outcome is SyncOutcome.POSTPONED:
                self.world.wait()
            elif outcome is SyncOutcome.FULFILLED or self.record().wish is None:
                return
            else:
                # It died before it enqueued the student; repair would.
                self.world.clock.advance(seconds=LONGEST_SECONDS)
        pytest.fail(f"not fulfilled after {LOOKS} looks")

    def enqueue(self) -> None:
        """A wish for nothing new."""
        self.world.store.write(self.world.store.wishes.add_wish(self.student_id, self.world.clock(), bulk=False))

    def open_again(self, record: StudentRecord) -> StudentRecord:
        """As what has drifted apart is wanted again: the record then."""
        enrollments = tuple(_opened(found) for found in record.enrollments)
        for enrollment in record.enrollments:
            self.world.store.write(self.world.store.enrollments.reopen_enrollment(enrollment))
        self.enqueue()
        return replace(record, enrollments=enrollments)

    # What there is then

    def writes(self) -> list[str]:
        return [call for call in self.world.upstream.calls() if not call.startswith("GET")]

    def record(self) -> StudentRecord:
        return self.world.record(self.student_id)

    def accounts(self) -> list[dict[str, Any]]:
        """Those with the student's e-mail."""
        return self.world.upstream._items("/users", email=self.email)

    def rows(self) -> Rows:
        """Of those who have the student's e-mail, or had it."""
        found: Rows = {}
        for email in {self.email, self.former_email if self.scenario.profile == "another e-mail" else self.email}:
            for row in self.world.upstream.enrollments(email=email):
                end = None if row["expiry_date"] is None else datetime.fromisoformat(row["expiry_date"])
                found.setdefault(row["course_id"], []).append(Row(row["id"], row["activated_at"] is not None, end))
        return found


def _enrollment_put(enrollment: Enrollment) -> Action:
    learnt = {
        "is_exact": enrollment.is_exact or None,
        "confirmed_version": enrollment.confirmed_version or None,
        "failed_version": enrollment.failed_version or None,
        "error": enrollment.error,
        "known_in_thinkific": enrollment.known_in_thinkific or None,
        "thinkific_id": enrollment.thinkific_id,
        "bundle_ordered_version": enrollment.bundle_ordered_version or None,
        "bundle_ordered_at": timestamps.optional_text(enrollment.bundle_ordered_at),
        "bundle_asked": enrollment.bundle_asked or None,
    }
    key = keys.enrollment(enrollment.student_id, enrollment.product_id)
    return put(key, enrollment_items._enrollment_item(enrollment) | learnt)


def _opened(enrollment: Enrollment) -> Enrollment:
    return replace(
        enrollment,
        confirmed_version=0,
        thinkific_id=None,
        known_in_thinkific=False,
        bundle_ordered_version=0,
        bundle_asked=False,
    )


# What has to be


@settings(
    max_examples=int(os.environ.get("SYNC_EXAMPLES", "60")),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
@given(scenario=scenarios())
def test_the_planned_calls_lead_to_what_is_wanted_and_then_there_are_none(school: School, scenario: Scenario) -> None:
    note(str(scenario))
    case = Case(school, scenario)
    try:
        bring_twice(case)
    finally:
        case.close()


def bring_twice(case: Case) -> None:
    case.life.left = case.scenario.dies
    case.settle()
    case.life.left = None
    case.world.upstream.heal()
    case.world.clock.advance(minutes=11)  # until all that Thinkific is building is there
    record, rows = case.record(), case.rows()
    told = check(case, case.start, record, case.before, rows)

    case.enqueue()
    case.world.upstream.forget_calls()
    case.settle()
    assert case.world.upstream.calls() == [], "a second plan is empty"

    opened = case.open_again(record)
    case.world.upstream.forget_calls()
    case.settle()
    if len(told) == sum(map(len, case.courses.values())):
        assert case.writes() == [], "a second plan, by one who looks anew, is empty too"
    case.world.clock.advance(minutes=11)
    again = case.rows()
    check(case, opened, case.record(), rows, again)
    assert [again.get(course_id) for course_id in told] == [rows.get(course_id) for course_id in told]


def check(case: Case, start: StudentRecord, record: StudentRecord, before: Rows, after: Rows) -> list[int]:
    """All of the student. Answers the courses that Thinkific had to be told of."""
    user_id = record.student.thinkific_id
    is_made_anew = user_id != start.student.thinkific_id
    told = []
    for was, enrollment in zip(start.enrollments, record.enrollments, strict=True):
        is_failed = was.failed_version == was.version
        assert is_failed or enrollment.failed_version != enrollment.version, enrollment.error
        assert is_failed or enrollment.confirmed_version == enrollment.version
        is_told = not is_failed and (was.is_open or is_made_anew)
        is_unnoticed = user_id == DELETED_USER
        assert not (is_told and is_unnoticed) or expiry.is_past(enrollment.expiry_date, case.world.clock())
        for course_id in case.courses[enrollment.product_id]:
            rows = before.get(course_id, []), after.get(course_id, [])
            if not is_told or is_unnoticed:
                assert rows[0] == rows[1], "what nobody asked for stays as it is"
                continue
            told.append(course_id)
            check_course(was, enrollment, *rows, case.world.clock())
    check_account(case, start, record)
    (association,) = start.associations
    is_told = start.needs_sync and user_id is not None
    if is_told and association.group_name is not None and (is_made_anew or association.awaits_group):
        assert case.world.upstream.members(case.group) == [user_id]
        assert record.associations[0].in_group
    return told


def check_course(
    was_wanted: Enrollment, wanted: Enrollment, before: list[Row], after: list[Row], now: datetime
) -> None:
    assert len(after) <= 1, "one enrollment for a person and a course"
    was, row = next(iter(before), None), next(iter(after), None)
    if not expiry.is_past(wanted.expiry_date, now):
        assert row is not None, "there is an enrollment"
        assert row.is_activated, "it is more than a preview"
        end = wanted.expiry_date or NEVER
        if was is not None and was.is_activated and not wanted.is_exact:
            end = max(end, was.lasts_until)
        assert abs(row.lasts_until - end) <= timedelta(seconds=1), "it ends as wanted"
    elif row is None:
        assert was is None, "nothing vanishes"
    elif was is None:
        assert was_wanted.bundle_ordered_version or was_wanted.bundle_asked, "nothing is made merely to end it"
        assert not row.gives_access(now), "what was still to come has ended too"
    elif not wanted.is_exact and was.gives_access(now):
        assert row.lasts_until == was.lasts_until, "what there is by other ways is not shortened"
    elif wanted.is_exact:
        is_ended = expiry.is_past(row.end, expiry.end_of_yesterday(now)) or not row.is_activated
        assert is_ended or row.end == wanted.expiry_date, "what ends access is yesterday or earlier, or came by itself"
    else:
        assert not row.gives_access(now), "it has ended"


def check_account(case: Case, start: StudentRecord, record: StudentRecord) -> None:
    user_id, accounts = record.student.thinkific_id, case.accounts()
    assert len(accounts) <= 1, "one account for an e-mail"
    if user_id in (None, DELETED_USER):
        assert [account["id"] for account in accounts] == ([case.user_id] if case.user_id else [])
    elif start.needs_sync:
        assert [account["id"] for account in accounts] == [user_id]
        assert case.user_id in (None, user_id), "the account that there was is the one"
        is_renamed = case.scenario.account == "right" and case.scenario.profile != "as it is there"
        is_made = case.user_id is None
        assert accounts[0]["first_name"] == ("Ada" if is_renamed or is_made else "Augusta")
