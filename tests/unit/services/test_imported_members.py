"""Members of a Thinkific group who are imported, whatever else Thinkific and we know of them."""

from collections.abc import Callable

import pytest
from tests.unit.services.refused import FREE, OTHER, TAKEN, Story, called
from tests.unit.services.world import ADA, World

from b2b.domain.identity.users import User

GROUP = "Acme"
MEMBER = "member@example.com"


@pytest.fixture
def story(world: World, boss: User) -> Story:
    course = world.course()
    story = Story(world, boss, course, world.brought(boss, course))
    story.world.upstream.call("POST", "/groups", name=GROUP)
    return story


def comes(story: Story, email: str = MEMBER, **fields: str) -> None:
    """Who is nobody's student becomes a member."""
    body = {"first_name": "Mem", "last_name": "Ber", "email": email} | fields
    joins(story, story.world.upstream.call("POST", "/users", **body)["id"])


def joins(story: Story, account: int) -> None:
    story.world.upstream.call("POST", "/group_users", user_id=account, group_names=[GROUP])


def ada_joins(story: Story) -> None:
    joins(story, story.account()["id"])


def a_new_one(story: Story) -> str:
    comes(story)
    return MEMBER


def one_in_capitals(story: Story) -> str:
    story.world.upstream.switch(email_case="insensitive")
    comes(story, MEMBER.upper())
    return MEMBER


def one_whose_name_has_a_blank_part(story: Story) -> str:
    comes(story)
    # As a school's import, or another provider's sign-in, leaves it.
    story.world.upstream._store.execute("update users set last_name = '' where email = ?", MEMBER)
    return MEMBER


def a_student_with_that_account(story: Story) -> str:
    ada_joins(story)
    return ADA


def a_student_whose_enrollment_waits(story: Story) -> str:
    comes(story, OTHER)
    story.world.enroll(story.boss, story.course, email=OTHER)
    return OTHER


def a_student_who_was_refused_an_account(story: Story) -> str:
    story.limit_names(20)
    story.enroll_second(OTHER, called(last="L" * 30))
    comes(story, OTHER)
    return OTHER


def a_student_with_another_account(story: Story) -> str:
    """Thinkific has the student's new e-mail with somebody else, who is the member."""
    story.come_from_elsewhere()
    story.put(TAKEN)
    joins(story, story.outsider)
    return TAKEN


def a_student_whom_the_group_was_refused(story: Story) -> str:
    story.limit_names(3)
    story.join("Long name")
    story.limit_names("off")
    ada_joins(story)
    return ADA


def a_student_who_has_left_the_user(story: Story) -> str:
    story.join(GROUP)
    story.world.students.dissociate(ADA, story.leads[0].email)
    story.leads.clear()
    return ADA


BROUGHT: list[Callable[[Story], str]] = [
    a_new_one,
    one_in_capitals,
    one_whose_name_has_a_blank_part,
    a_student_with_that_account,
    a_student_whose_enrollment_waits,
    a_student_who_was_refused_an_account,
    a_student_with_another_account,
    a_student_whom_the_group_was_refused,
    a_student_who_has_left_the_user,
]


@pytest.mark.parametrize("member", BROUGHT, ids=lambda member: member.__name__.replace("_", " "))
def test_a_member_comes_under_the_user_and_its_account_is_in_the_group(
    story: Story, member: Callable[[Story], str]
) -> None:
    email = member(story)
    lead = story.leads[0] if story.leads else story.world.user("lead@example.com")
    assert story.import_group(lead, GROUP) == []
    story.deliveries.day()
    student_id = story.world.store.lookups.find(student_email=email).student_id
    assert student_id is not None
    record = story.record(student_id)
    association = record.association(lead.id)
    assert association is not None
    assert (association.in_group, association.group_error) == (True, None)
    assert record.student.thinkific_id in story.world.upstream.members(GROUP)
    assert {found.status(story.world.clock()).value for found in record.enrollments} <= {"active"}


def of_another_student(story: Story) -> str:
    """Who changed the e-mail in Thinkific: by it nobody is known here."""
    story.change_there(story.first, FREE)
    ada_joins(story)
    return "student 1"


def of_another_student_while_a_new_one_waits_for_it(story: Story) -> str:
    story.change_there(story.first, FREE)
    story.enroll_second(FREE)
    ada_joins(story)
    return "student 1"


@pytest.mark.parametrize("member", [of_another_student, of_another_student_while_a_new_one_waits_for_it])
def test_the_account_of_another_student_is_a_failure_that_names_it(
    story: Story, member: Callable[[Story], str]
) -> None:
    reason = member(story)
    (failure,) = story.import_group(story.world.user("lead@example.com"), GROUP)
    assert reason in failure
    assert story.account()["email"] == FREE
