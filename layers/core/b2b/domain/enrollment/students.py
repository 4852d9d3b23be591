"""Students: the learners, each with the users they belong to and their enrollments."""

from dataclasses import dataclass, replace
from datetime import datetime

from b2b.domain.catalogue.products import Product
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.identity.emails import Holding
from b2b.domain.identity.users import User


@dataclass(frozen=True, slots=True, kw_only=True)
class Student:
    """``version`` counts the wishes for name and e-mail, ``confirmed_version`` the last that Thinkific has.

    ``thinkific_id`` is Thinkific's user id, None until known. ``newly_created``: the Thinkific user was created
    by us and the wishes of that time are not fulfilled yet, so nothing needs to be looked up there first.
    ``profile_error``: why Thinkific refuses the name or e-mail, or an account with them; until it takes them, or
    others are wanted. ``retry_at``: when what it refuses, that or a group, is tried again though nothing has changed.
    ``email_before_stand_in``: the e-mail that the account had before it made way for another, None = it has a real one.
    ``memberships`` counts how often the student has come under a user since it was created.
    """

    id: int
    first_name: str
    last_name: str
    email: str
    email_holding: Holding = Holding.OWN
    thinkific_id: int | None = None
    newly_created: bool = False
    version: int = 1
    confirmed_version: int = 0
    profile_error: str | None = None
    retry_at: datetime | None = None
    email_before_stand_in: str | None = None
    memberships: int = 0
    created_at: datetime
    updated_at: datetime

    @property
    def is_confirmed(self) -> bool:
        """Whether Thinkific has the name and e-mail, or has refused them."""
        return self.confirmed_version == self.version

    @property
    def wants_another_profile(self) -> bool:
        """Whether the account has another name or e-mail than is wanted, as far as we know."""
        return not self.is_confirmed or self.profile_error is not None


@dataclass(frozen=True, slots=True)
class Account:
    """A user in Thinkific. ``owner_id``: the student who was linked to it last; ``holder``: that one, if it still is.

    Two students are never linked to one: what is written for one, or deleted with it, would befall the other.
    """

    thinkific_id: int
    owner_id: int | None
    holder: Student | None

    def is_of_another(self, student: Student) -> bool:
        return self.holder is not None and self.holder.id != student.id


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
    asked for. ``retry_refused``: what Thinkific refused before is tried once more, too. ``attempts``: how many have
    failed so far; ``trouble``: what the last of them met, without a word about the person.
    """

    student_id: int
    version: int
    attempts: int = 0
    trouble: str | None = None
    lease_owner: str | None = None
    lease_until: datetime | None = None
    abandoned: bool = False
    bulk: bool = False
    retry_refused: bool = False
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

        A student without any enrollment is not brought to Thinkific: an account there is made by the first.
        """
        to_do = self.reopened()
        if any(enrollment.is_open for enrollment in to_do.enrollments):
            return True
        if self.student.thinkific_id is None:
            return False
        return not to_do.student.is_confirmed or any(found.awaits_group for found in to_do.associations)

    @property
    def refusals(self) -> tuple[str, ...]:
        """What Thinkific refuses beside enrollments, a sentence each: name or e-mail, and groups."""
        profile = (self.student.profile_error,) if self.student.profile_error is not None else ()
        groups = (
            f'The group "{found.group_name}": {found.group_error}'
            for found in self.associations
            if found.group_error is not None and not found.in_group
        )
        return (*profile, *groups)

    @property
    def sync_error(self) -> str | None:
        return " ".join(self.refusals) or None

    def reopened(self) -> "StudentRecord":
        """With all that is to be tried now as open, although Thinkific has refused it before.

        Enrollments that failed for want of an account are tried when the account may have become possible.
        """
        again = self.wish is not None and self.wish.retry_refused
        student, associations = self.student, self.associations
        if again:
            associations = tuple(replace(found, group_error=None) for found in associations)
        if again and student.thinkific_id is not None and student.profile_error is not None:
            student = replace(student, confirmed_version=0)
        tries_account = again or student.thinkific_id is not None or not student.is_confirmed
        return replace(
            self,
            student=student,
            associations=associations,
            enrollments=tuple(
                replace(found, failed_version=0) if tries_account and found.failed_for_account else found
                for found in self.enrollments
            ),
        )


@dataclass(frozen=True, slots=True)
class StudentView:
    """A student as the API shows it: with the users, and each enrollment beside its product.

    ``sync_error``: what Thinkific refuses beside enrollments, None = nothing.
    """

    student: Student
    sync_error: str | None
    users: tuple[User, ...]
    enrollments: tuple[tuple[Enrollment, Product], ...]
