"""What may be wanted of one student, known of it and there in Thinkific when the sync looks at it, and what goes wrong.

What is made up can occur. Left out is what cannot:

* Knowledge of an account that is not known: ``unlink_account`` takes it from enrollments and groups too. That a
  worker may die over that is tried by letting it die.
* Rows that nobody confirmed in an account that we made and have not looked at since (``newly_created``), unless a
  worker died at it: a lost answer ends ``newly_created``, and so does the end of the work.
* An end set as such (``is_exact``) that is none: every kind of expiry change is a date.
* Slow answers: in time they are answers, and too late they are lost ones (``reset_after``).

And what nobody could know:

* Enrollments that outlive their account there (switch ``deleted_user_enrollments``): a call to such a row succeeds.
* Lists that lag for longer than ``LIST_LAG_SECONDS``: what they do not show then has not happened, as far as one sees.
* An account that is deleted there within the minutes in which a bundle is built.
* A bundle's course that the student has or is to have by itself as well: what becomes of its end is not known (fact
  sheet, 5.4), and two wishes for one row may contradict each other. test_sync_gaps.py has the clear case.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal, get_args

from hypothesis import strategies as st
from tests.unit.clock import START

MOST_WISHES = 3

Days = float | None  # from START; None: without end
Account = Literal["unknown", "right", "deleted there"]
Profile = Literal["as it is there", "renamed", "another e-mail"]
GroupState = Literal["none", "joined", "missing there", "there", "member there"]
Kind = Literal["course", "bundle"]
# How far the sync has come with it. "changed": since it was confirmed, "retried": after it had failed. "learnt": it saw
# a row there, and got no further. "ordered": a bundle answered with 202, for this wish or for the one before it.
# "asked before": the same, but for an answer that was lost.
Progress = Literal[
    "new", "learnt", "confirmed", "changed", "failed", "retried", "ordered", "ordered before", "asked before"
]
Known = Literal["nothing", "right", "deleted there"]
Building = Literal["no", "partly", "wholly"]

ENDS: tuple[Days, ...] = (None, 30, 60, -0.1, -2, -400)
NEVER = datetime.max.replace(tzinfo=START.tzinfo)


@dataclass(frozen=True)
class There:
    """What Thinkific has. ``building``: the courses of a bundle come some minutes later, "partly": one is there."""

    end: Days
    access: bool = True
    building: Building = "no"


@dataclass(frozen=True)
class Wish:
    """An enrollment: what is wanted, how far it has come, and what there is. ``known``: the id of a course's row."""

    kind: Kind
    end: Days
    exact: bool
    progress: Progress
    known: Known
    there: There | None

    @property
    def has_ended(self) -> bool:
        return self.end is not None and self.end < 0


@dataclass(frozen=True)
class Fault:
    """One call goes wrong. ``call``: method and path."""

    kind: str
    call: str

    def planned(self) -> dict[str, Any]:
        method, _, path = self.call.partition(" ")
        return {"kind": self.kind, "method": method, "path": path, "seconds": 20}


@dataclass(frozen=True)
class Scenario:
    """``account``: the id that is stored; ``there``: there is an account with the student's e-mail, if "deleted there"
    then a new one. ``dies``: the worker, after so many calls to Thinkific and writes to the table.
    """

    account: Account
    there: bool
    newly_created: bool
    profile: Profile
    group: GroupState
    wishes: tuple[Wish, ...]
    abandoned: bool
    switches: dict[str, Any]
    lag: int
    faults: tuple[Fault, ...]
    dies: int | None


def moment(days: Days) -> datetime:
    return NEVER if days is None else START + timedelta(days=days)


CALLS = (
    "* ",
    *("GET ^/users$", "POST ^/users$", "PUT ^/users/"),
    *("POST ^/group_users$", "GET ^/groups$", "POST ^/groups$"),
    *("GET ^/enrollments$", "POST ^/enrollments$", "PUT ^/enrollments/"),
    *("GET ^/bundles/.*/enrollments$", "POST ^/bundles/", "PUT ^/bundles/"),
)
KINDS = ("error_before", "error_after", "reset_before", "reset_after", "rate_limited")
ANY_FAULT = st.sampled_from([Fault(kind, call) for call in CALLS for kind in KINDS])
LOST_ORDER = st.sampled_from([Fault("reset_after", call) for call in CALLS if call.startswith("POST")])
ACCOUNTS: st.SearchStrategy[Account] = st.sampled_from(("unknown", "right", "right", "deleted there"))
# Each either as the simulator has it, or as here; those that the sync does not meet are left out.
SWITCHES = st.fixed_dictionaries(
    {},
    optional={
        "existing_enrollment": st.sampled_from(("reject", "duplicate")),
        "put_status": st.just(200),
        "group_single": st.just("bare"),
        "group_add_existing": st.just(422),
        "group_dup_name": st.just("allow"),
        "bundle_async_threshold": st.just(1),
        "async_delay": st.just(600),
        "bundle_overlap": st.just("later_date"),
        "bundle_rows": st.just("per_user"),
        "bundle_put_missing": st.just(404),
        "list_order": st.just("descending"),
        "email_case": st.just("insensitive"),
        "retry_after": st.just("present"),
        "429_body": st.sampled_from(("html", "empty")),
    },
)


@dataclass(frozen=True)
class Circumstances:
    """Of the scenario, on which depends what an enrollment can be like."""

    account: Account
    there: bool
    newly_created: bool
    abandoned: bool
    builds_later: bool

    @property
    def is_ours_alone(self) -> bool:
        """Nothing is there but what we confirmed."""
        return self.account == "right" and self.newly_created and not self.abandoned


@st.composite
def scenarios(draw: st.DrawFn) -> Scenario:
    account = draw(ACCOUNTS)
    is_known = account != "unknown"
    there = account == "right" or draw(st.booleans())
    newly_created = is_known and draw(st.sampled_from((False, False, True)))
    abandoned = draw(st.sampled_from((False, False, True)))
    switches = draw(SWITCHES)
    groups: tuple[GroupState, ...] = ("none", "missing there", "there")
    groups += ("member there",) if there and not newly_created else ()
    groups += ("joined",) if is_known else ()
    around = Circumstances(account, there, newly_created, abandoned, "bundle_async_threshold" in switches)
    wanted = draw(st.lists(wishes(around), min_size=1, max_size=MOST_WISHES))
    is_done = all(wish.progress in ("confirmed", "failed") for wish in wanted)
    return Scenario(
        account=account,
        there=there,
        newly_created=newly_created and (abandoned or not is_done),
        profile=draw(st.sampled_from(get_args(Profile))) if is_known else "as it is there",
        group=draw(st.sampled_from(groups)),
        wishes=tuple(wanted),
        abandoned=abandoned,
        switches=switches,
        lag=draw(st.sampled_from((0, 4))),
        faults=tuple(draw(st.lists(ANY_FAULT | LOST_ORDER, max_size=2))),
        dies=draw(st.none() | st.integers(1, 12)),
    )


@st.composite
def wishes(draw: st.DrawFn, related: Circumstances) -> Wish:
    kind: Kind = draw(st.sampled_from(get_args(Kind)))
    end = draw(st.sampled_from(ENDS))
    exact = end is not None and draw(st.booleans())
    progress = draw(st.sampled_from(_progresses(kind, related)))
    wish = Wish(kind, end, exact, progress, "nothing", None)
    wish = replace(wish, known=draw(st.sampled_from(_knowns(wish, related))))
    return replace(wish, there=draw(_theres(wish, related)) if related.there else None)


def _progresses(kind: Kind, related: Circumstances) -> tuple[Progress, ...]:
    """What there is most to go wrong with comes more often."""
    if related.account == "unknown":
        return ("new", "new", "retried", "failed")
    if kind == "bundle" and related.builds_later and related.account == "right":
        orders: tuple[Progress, ...] = ("ordered", "ordered before", "ordered before")
        orders += () if related.is_ours_alone else ("asked before",)
        return ("new", "changed", *orders, "confirmed", "retried", "failed")
    if kind == "bundle" or related.newly_created:
        return ("new", "new", "changed", "changed", "confirmed", "retried", "failed")
    return ("new", "new", "changed", "changed", "learnt", "confirmed", "retried", "failed")


def _knowns(wish: Wish, related: Circumstances) -> tuple[Known, ...]:
    if wish.kind == "bundle" or wish.progress not in ("learnt", "confirmed", "changed"):
        return ("nothing",)
    known: tuple[Known, ...] = ("deleted there",)
    if related.account == "right":
        known = ("right",) if related.newly_created else ("right", "deleted there")
    # That there was nothing to end, when it had ended, may have been confirmed as well.
    may_be_nothing = wish.progress == "changed" or (wish.progress == "confirmed" and wish.has_ended)
    return (*known, "nothing") if may_be_nothing and not related.newly_created else known


def _theres(wish: Wish, related: Circumstances) -> st.SearchStrategy[There | None]:
    is_confirmed = wish.progress == "confirmed"
    building: st.SearchStrategy[Building] = st.sampled_from(get_args(Building))
    order = st.builds(There, st.just(wish.end), building=building)
    # Only an end set as such is an earlier one.
    ends_before = ENDS if wish.exact else tuple(end for end in ENDS if moment(end) <= moment(wish.end))
    order_before = st.builds(There, st.sampled_from(ends_before), building=building)
    if wish.progress == "ordered":
        return order
    if wish.progress == "ordered before":
        return order_before
    if wish.progress == "asked before":
        return st.none() | order_before
    if related.is_ours_alone:
        if not is_confirmed and wish.progress != "changed":
            return st.none()
        return st.builds(There, st.just(wish.end) if is_confirmed else st.sampled_from(ENDS))
    anything = st.builds(There, st.sampled_from(ENDS), access=st.booleans())
    if wish.known == "right":
        return anything
    is_maybe_ordered = wish.kind == "bundle" and wish.progress == "new" and related.builds_later and related.abandoned
    return st.none() | anything | order if is_maybe_ordered and not wish.has_ended else st.none() | anything
