"""Students: the learners, each with the users they belong to and their enrolments."""

from dataclasses import dataclass
from datetime import datetime

from b2b.domain.enrollments import Enrollment
from b2b.domain.products import Product
from b2b.domain.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """``version`` counts the wishes for name and e-mail, ``confirmed_version`` the last that Thinkific has.

    ``thinkific_id`` is Thinkific's user id, None until known. ``newly_created``: the Thinkific user was created
    by us and the wishes of that time are not fulfilled yet, so nothing needs to be looked up there first.
    ``profile_error``: why Thinkific refuses the name or e-mail of the confirmed version.
    ``memberships`` counts how often the student has come under a user since it was created.
    """

    id: int
    first_name: str
    last_name: str
    email: str
    thinkific_id: int | None = None
    newly_created: bool = False
    version: int = 1
    confirmed_version: int = 0
    profile_error: str | None = None
    memberships: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def is_confirmed(self) -> bool:
        """Whether Thinkific has the name and e-mail."""
        return self.confirmed_version == self.version


@dataclass(frozen=True, slots=True)
class Account:
    """A user in Thinkific. ``owner_id``: the student who was linked to it last; ``holder``: that one, if it still is.

    Two students are never linked to one: what is written for one, or deleted with it, would befall the other.
    """

    thinkific_id: int
    owner_id: int | None
    holder: Student | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Association:
    """A student under a user.

    ``version`` counts what has been built on it. ``group_name``: the user's Thinkific group when the student came
    under it.
    """

    user_id: int
    student_id: int
    version: int = 1
    group_name: str | None = None
    in_group: bool = False
    group_error: str | None = None
    created_at: datetime

    @property
    def awaits_group(self) -> bool:
        return self.group_name is not None and not self.in_group and self.group_error is None


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncWish:
    """That a student is not yet in Thinkific as wanted. There is at most one for a student.

    ``version`` rises with every wish; ``lease_owner`` is the worker that is at it, until
    ``lease_until``; ``abandoned``: an earlier one never gave it back. ``bulk``: it comes behind what single calls
    asked for. ``attempts``: how many have failed so far; ``trouble``: what the last of them met, without a word about
    the person.
    """

    student_id: int
    version: int
    attempts: int = 0
    trouble: str | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    abandoned: bool = False
    bulk: bool = False
    due_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class StudentRecord:
    """All that the table holds of one student, read in one query."""

    student: Student
    associations: tuple[Association, ...]
    enrollments: tuple[Enrollment, ...]
    wish: SyncWish | None

    def association(self, user_id: int) -> Association | None:
        return next((found for found in self.associations if found.user_id == user_id), None)

    def enrollment(self, product_id: int) -> Enrollment | None:
        return next((found for found in self.enrollments if found.product_id == product_id), None)

    @property
    def needs_sync(self) -> bool:
        """Whether Thinkific has still to be told something.

        A student without any enrolment is not brought to Thinkific: an account there is made by the first.
        """
        if any(enrollment.is_open for enrollment in self.enrollments):
            return True
        if self.student.thinkific_id is None:
            return False
        return not self.student.is_confirmed or any(found.awaits_group for found in self.associations)


@dataclass(frozen=True, slots=True)
class StudentView:
    """A student as the API shows it: with the users, and each enrolment beside its product."""

    student: Student
    users: tuple[User, ...]
    enrollments: tuple[tuple[Enrollment, Product], ...]
