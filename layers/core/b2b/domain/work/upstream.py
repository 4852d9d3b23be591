"""Thinkific, as the product sees it: what it says of a person, and the ways in which a call to it can end.

ThinkificError
├── ThinkificDelay       try again later, nothing was done
│   ├── BudgetSpent      the calls allowed are used up for now
│   ├── SitePaused       the school's key is refused, or there is none: a person has to act
│   └── ThinkificDown    no answer, or a passing fault
├── AnswerLost           what a call did is not known: look before repeating it
├── ThinkificMissing     an id that Thinkific does not know (any more)
├── ThinkificRejected    it will never accept this; ``reason`` is for a person
│   ├── EmailTaken       another account has the e-mail
│   ├── NameTaken        there is a group of that name
│   └── QueryTooCostly   GraphQL: ask for less at once
└── KeyRefused           a key that was only tried, or GraphQL's token, is not accepted
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkificUser:
    id: int
    email: str
    first_name: str = ""
    last_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ThinkificEnrollment:
    """A course enrollment there. ``percentage_completed`` 0..100; ``activated_at`` None: a free preview, no access."""

    id: int
    user_id: int
    course_id: int
    activated_at: datetime | None
    expiry_date: datetime | None
    percentage_completed: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CatalogueEntry:
    """A product of the catalogue that is a course or a bundle; ``productable_type`` as the Admin API spells it.

    GraphQL may leave out ``id`` (the product's), ``name`` ("") and ``slug``.
    """

    id: int | None
    productable_id: int
    productable_type: str
    name: str
    status: str
    slug: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class CataloguePage:
    entries: tuple[CatalogueEntry, ...]
    next_page: int | None
    total: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class GraphPage:
    """A page of a GraphQL connection. ``next_cursor`` None: the last one."""

    entries: tuple[CatalogueEntry, ...]
    next_cursor: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class MembersPage:
    """``total``: members of the group on all pages, None where Thinkific does not say."""

    members: tuple[ThinkificUser, ...]
    next_page: int | None
    total: int | None


# Thinkific's lists may lag behind its writes.
LIST_LAG_SECONDS = 5.0


class ThinkificError(Exception):
    """Base of the ways in which a call does not do what it should."""


class ThinkificDelay(ThinkificError):
    """Nothing was done; worth another try after ``retry_after`` seconds.

    ``is_failed_attempt``: whether the call was made at all.
    """

    is_failed_attempt = False

    def __init__(self, message: str, *, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class BudgetSpent(ThinkificDelay):
    """The calls allowed to the site are used up for now."""


class SitePaused(ThinkificDelay):
    """There is no key, or Thinkific refuses it (401) or the plan (403): nothing works until a person has acted."""


class ThinkificDown(ThinkificDelay):
    """No answer, an answer that is none, or one that says try later."""

    is_failed_attempt = True


class AnswerLost(ThinkificError):
    """A call was made and its answer did not arrive or makes no sense: a write may have happened."""


class ThinkificMissing(ThinkificError):
    """404: an id that Thinkific does not know."""


class ThinkificRejected(ThinkificError):
    """Thinkific will never accept this. ``fields``: those that it names, as it spells them."""

    def __init__(self, reason: str, fields: Iterable[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.fields = frozenset(fields)


class EmailTaken(ThinkificRejected):
    """422 on ``email``: another account has it."""


class NameTaken(ThinkificRejected):
    """422 on ``name``: another record has it."""


class QueryTooCostly(ThinkificRejected):
    """A GraphQL query that costs more points than one request may; nothing was charged for it."""


class KeyRefused(ThinkificError):
    """A key that was only tried, or GraphQL's token, is refused: 401, or 403. ``reason``: Thinkific's own words."""

    def __init__(self, status: int, reason: str, *, what: str = "key") -> None:
        super().__init__(f"Thinkific refuses the {what}: it answered {status} ({reason}).")
        self.status = status
        self.reason = reason
