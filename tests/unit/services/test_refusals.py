"""What Thinkific refuses of names, e-mails and groups: it shows, harms nothing else, and is tried again."""

from collections.abc import Callable

import pytest
from tests.unit.aws import Aws
from tests.unit.services.refused import FREE, OTHER, TAKEN, Story, called
from tests.unit.services.world import ADA, World

from b2b.domain.enrollment.redaction import without_names
from b2b.domain.identity.users import User
from b2b.domain.kinds import Kind
from b2b.domain.work.operations import OperationStatus
from b2b.storage import keys
from b2b.storage.actions import Update

Does = Callable[[Story], object]
LONG = "L" * 30


@pytest.fixture
def story(world: World, boss: User) -> Story:
    course = world.course()
    return Story(world, boss, course, world.brought(boss, course))


# Each makes Thinkific refuse something of Ada, whom it has.


def email_of_an_outsider(story: Story) -> None:
    story.come_from_elsewhere()
    story.put(TAKEN)


def email_of_another_who_cannot_give_it_up(story: Story) -> None:
    story.come_from_elsewhere()
    story.enroll_second()
    story.put(TAKEN, student_id=story.second)
    story.put(OTHER)


def email_that_another_has_taken_in_thinkific(story: Story) -> None:
    story.enroll_second()
    story.change_there(story.second, FREE)
    story.put(FREE)


def email_of_a_client(story: Story) -> None:
    story.world.user(TAKEN)
    email_of_an_outsider(story)


def long_first_name(story: Story) -> None:
    story.limit_names(20)
    story.put(FREE, called(first=LONG))


def long_last_name(story: Story) -> None:
    story.limit_names(20)
    story.put(FREE, called(last=LONG))


def long_names(story: Story) -> None:
    story.limit_names(20)
    story.put(FREE, called(LONG, LONG))


def name_and_email(story: Story) -> None:
    story.limit_names(20)
    story.come_from_elsewhere()
    story.put(TAKEN, called(first=LONG, last="King"))


def long_group(story: Story) -> None:
    story.limit_names(20)
    story.join(LONG)


def two_groups(story: Story) -> None:
    story.limit_names(20)
    story.join(LONG)
    story.join(LONG + " too")


def group_and_email(story: Story) -> None:
    email_of_an_outsider(story)
    long_group(story)


def without_a_reason(story: Story) -> None:
    story.world.upstream.fault("error_before", "PUT", "^/users/", status=422)
    story.put(FREE)


REFUSED: list[tuple[Does, tuple[str, ...], str, tuple[str, str]]] = [
    (email_of_an_outsider, ("Thinkific has this e-mail with another account (user ",), ADA, ("Ada", "Lovelace")),
    (email_of_a_client, ("Thinkific has this e-mail with another account (user ",), ADA, ("Ada", "Lovelace")),
    (
        email_of_another_who_cannot_give_it_up,
        ("Thinkific has this e-mail with the account of student 2.",),
        ADA,
        ("Ada", "Lovelace"),
    ),
    (
        email_that_another_has_taken_in_thinkific,
        ("the account of student 2, who has another one here", "delete this student"),
        ADA,
        ("Ada", "Lovelace"),
    ),
    (long_first_name, ("first_name is too long",), FREE, ("Ada", "Lovelace")),
    (long_last_name, ("last_name is too long",), FREE, ("Ada", "Lovelace")),
    (long_names, ("first_name is too long", "last_name is too long"), FREE, ("Ada", "Lovelace")),
    (name_and_email, ("first_name is too long", "another account"), ADA, ("Ada", "King")),
    (long_group, (f'The group "{LONG}": Thinkific: name is too long',), ADA, ("Ada", "Lovelace")),
    (two_groups, (f'The group "{LONG}":', f'The group "{LONG} too":'), ADA, ("Ada", "Lovelace")),
    (group_and_email, ("another account", f'The group "{LONG}":'), ADA, ("Ada", "Lovelace")),
    (without_a_reason, ("Thinkific: Bad Request",), ADA, ("Ada", "Lovelace")),
]


def name(does: Does) -> str:
    return getattr(does, "__name__", "").replace("_", " ")


@pytest.mark.parametrize(("refuse", "reasons", "email", "names"), REFUSED, ids=[name(row[0]) for row in REFUSED])
def test_what_is_refused_shows_and_the_rest_gets_through(
    story: Story, refuse: Does, reasons: tuple[str, ...], email: str, names: tuple[str, str]
) -> None:
    refuse(story)
    error = str(story.record().sync_error)
    assert all(reason in error for reason in reasons), error
    account = story.account()
    assert (account["email"], account["first_name"], account["last_name"]) == (email, *names)
    assert story.statuses() == {"active"}
    assert story.first in story.world.store.refusals.ids()
    assert any(f"Student {story.first}: Thinkific refuses." in found for found in story.differences())
    assert story.record().wish is None


# Of students who have no account there yet: with it their enrollments fail.


def new_with_a_long_name(story: Story) -> None:
    story.limit_names(20)
    story.enroll_second(names=called(last=LONG))


def new_with_an_email_that_another_cannot_give_up(story: Story) -> None:
    story.come_from_elsewhere()
    story.put(TAKEN)
    story.enroll_second(ADA)


def new_with_an_email_that_another_has_taken_in_thinkific(story: Story) -> None:
    story.change_there(story.first, FREE)
    story.enroll_second(FREE)


NEW: list[tuple[Does, str]] = [
    (new_with_a_long_name, "last_name is too long"),
    (new_with_an_email_that_another_cannot_give_up, "the account of student 1"),
    (new_with_an_email_that_another_has_taken_in_thinkific, "the account of student 1, who has another one here"),
]


@pytest.mark.parametrize(("refuse", "reason"), NEW, ids=[name(row[0]) for row in NEW])
def test_who_can_have_no_account_fails_within_seconds_and_shows_why(story: Story, refuse: Does, reason: str) -> None:
    start = story.world.clock()
    refuse(story)
    assert (story.world.clock() - start).total_seconds() < 20
    enrollment = story.world.enrollment(story.second, story.course)
    assert enrollment.status(story.world.clock()).value == "failed"
    assert reason in str(enrollment.error)
    assert story.record(story.second).sync_error == enrollment.error
    assert story.record(story.second).student.thinkific_id is None


@pytest.mark.parametrize("refuse", [row[0] for row in NEW], ids=[name(row[0]) for row in NEW])
def test_no_reader_sees_failed_enrollments_without_the_students_sync_error(
    story: Story, aws: Aws, refuse: Does
) -> None:
    """Another reads between any two calls to the table."""
    seen: list[tuple[str, bool]] = []
    is_reading = False

    def read(*_: object) -> None:
        nonlocal is_reading
        if is_reading or not story.second:
            return
        is_reading = True
        enrollment = story.world.enrollment(story.second, story.course)
        has_error = story.record(story.second).sync_error is not None
        seen.append((enrollment.status(story.world.clock()).value, has_error))
        is_reading = False

    with aws.watched(read):
        refuse(story)
        read()
    assert seen[-1] == ("failed", True)
    assert ("failed", False) not in seen


def test_one_who_changed_the_e_mail_there_keeps_the_account_and_the_e_mail(story: Story) -> None:
    account = story.account()["id"]
    new_with_an_email_that_another_has_taken_in_thinkific(story)
    assert (story.account()["id"], story.account()["email"]) == (account, FREE)
    assert len(story.world.upstream.users()) == 1


# What heals it


def the_next_day(story: Story) -> None:
    story.deliveries.day()


def outsider_leaves_and_a_day_passes(story: Story) -> None:
    story.outsider_leaves()
    story.deliveries.day()


def outsider_leaves_and_verify_fixes(story: Story) -> None:
    story.outsider_leaves()
    story.fix()


def outsider_leaves_and_the_same_is_put_again(story: Story) -> None:
    student = story.record().student
    story.outsider_leaves()
    story.put(student.email, called(student.first_name, student.last_name))


def another_email_is_put(story: Story) -> None:
    story.put("another@example.com")


def own_email_is_put_back(story: Story) -> None:
    story.put(ADA)


def the_other_gets_another_email(story: Story) -> None:
    story.put("another@example.com", student_id=story.second)


def the_first_gets_another_email(story: Story) -> None:
    story.put("another@example.com")


def the_other_is_deleted_there_too(story: Story) -> None:
    story.delete(story.second, in_thinkific=True)


def the_first_is_deleted(story: Story) -> None:
    story.delete(story.first)


def the_first_is_deleted_there_too(story: Story) -> None:
    story.delete(story.first, in_thinkific=True)


def the_other_was_deleted_there_which_its_next_course_shows(story: Story) -> None:
    account = story.record(story.second).student.thinkific_id
    story.world.upstream.call("DELETE", f"/users/{account}")
    story.world.students.update(story.second, called("Other"), "another@example.com")
    story.deliveries.all()


def the_limit_is_lifted_and_a_day_passes(story: Story) -> None:
    story.limit_names("off")
    story.deliveries.day()


def the_limit_is_lifted_and_verify_fixes(story: Story) -> None:
    story.limit_names("off")
    story.fix()


def a_shorter_name_is_put(story: Story) -> None:
    story.put(story.record().student.email, called("Augusta", "King"))


def a_shorter_name_is_put_for_the_new_one(story: Story) -> None:
    story.put(OTHER, called("Augusta", "King"), student_id=story.second)


def the_group_is_set_again(story: Story) -> None:
    story.limit_names("off")
    assert story.set_group(LONG) is OperationStatus.SUCCEEDED


def another_group_is_set(story: Story) -> None:
    assert story.set_group("Short") is OperationStatus.SUCCEEDED


HEALED: list[tuple[Does, Does]] = [
    (email_of_an_outsider, outsider_leaves_and_a_day_passes),
    (email_of_an_outsider, outsider_leaves_and_verify_fixes),
    (email_of_an_outsider, outsider_leaves_and_the_same_is_put_again),
    (email_of_an_outsider, another_email_is_put),
    (email_of_an_outsider, own_email_is_put_back),
    (email_of_another_who_cannot_give_it_up, the_other_gets_another_email),
    (email_of_another_who_cannot_give_it_up, the_other_is_deleted_there_too),
    (email_of_another_who_cannot_give_it_up, the_other_was_deleted_there_which_its_next_course_shows),
    (email_that_another_has_taken_in_thinkific, the_other_gets_another_email),
    (email_that_another_has_taken_in_thinkific, the_other_is_deleted_there_too),
    (long_first_name, a_shorter_name_is_put),
    (long_last_name, the_limit_is_lifted_and_a_day_passes),
    (long_names, the_limit_is_lifted_and_verify_fixes),
    (long_group, the_limit_is_lifted_and_a_day_passes),
    (long_group, the_limit_is_lifted_and_verify_fixes),
    (long_group, the_group_is_set_again),
    (long_group, another_group_is_set),
    (two_groups, the_limit_is_lifted_and_a_day_passes),
    (without_a_reason, the_next_day),
    (new_with_a_long_name, a_shorter_name_is_put_for_the_new_one),
    (new_with_a_long_name, the_limit_is_lifted_and_a_day_passes),
    (new_with_a_long_name, the_limit_is_lifted_and_verify_fixes),
    (new_with_an_email_that_another_cannot_give_up, the_first_gets_another_email),
    (new_with_an_email_that_another_cannot_give_up, the_first_is_deleted),
    (new_with_an_email_that_another_cannot_give_up, the_first_is_deleted_there_too),
    (new_with_an_email_that_another_has_taken_in_thinkific, the_first_gets_another_email),
    (new_with_an_email_that_another_has_taken_in_thinkific, the_first_is_deleted),
]


@pytest.mark.parametrize(("refuse", "heal"), HEALED, ids=[f"{name(refuse)}, {name(heal)}" for refuse, heal in HEALED])
def test_it_is_tried_again_when_that_may_help(story: Story, refuse: Does, heal: Does) -> None:
    refuse(story)
    heal(story)
    for student_id in story.world.store.listing.behind(Kind.STUDENTS, 0, 10).ids:
        record = story.record(student_id)
        assert record.sync_error is None
        assert {found.status(story.world.clock()).value for found in record.enrollments} == {"active"}
        assert story.account(student_id)["email"] == record.student.email
    assert story.world.store.refusals.ids() == []
    assert story.differences() == []


@pytest.mark.parametrize("refuse", [email_of_an_outsider, long_group, new_with_a_long_name], ids=name)
def test_it_is_tried_once_a_day_and_what_shows_stays_meanwhile(story: Story, refuse: Does) -> None:
    refuse(story)
    student_id = story.second or story.first
    error, statuses = story.record(student_id).sync_error, story.statuses()
    assert error is not None
    world = story.world
    world.clock.advance(hours=23)
    assert world.retries.retry_due() == 0
    world.clock.advance(hours=2)
    world.upstream.forget_calls()
    assert [world.retries.retry_due(), world.retries.retry_due()] == [1, 0]
    assert (story.record(student_id).sync_error, story.statuses()) == (error, statuses)
    story.deliveries.all()
    assert 1 <= len(world.upstream.calls()) <= 5
    assert (story.record(student_id).sync_error, story.statuses()) == (error, statuses)
    assert world.record(student_id).wish is None


def test_a_refusal_of_an_earlier_release_shows_and_is_fixed(story: Story) -> None:
    """Its row says why, and has no moment to try it again."""
    story.put(FREE)
    world = story.world
    world.store.write(Update(keys.student(story.first)).set(profile_error="Thinkific: email is odd").always())
    assert story.record().sync_error == "Thinkific: email is odd"
    assert story.differences() == [f"Student {story.first}: Thinkific refuses. Thinkific: email is odd"]
    world.enroll(story.boss, world.course("More"), email=FREE, names=None)
    story.deliveries.all()
    assert world.store.refusals.ids() == [story.first]
    story.fix()
    assert (story.record().sync_error, world.store.refusals.ids()) == (None, [])


def test_a_group_that_was_deleted_there_is_made_anew(story: Story) -> None:
    story.join("Acme")
    (group,) = story.world.upstream.call("GET", "/groups")["items"]
    story.world.upstream.call("DELETE", f"/groups/{group['id']}")
    story.enroll_second()
    story.world.enroll(story.leads[0], story.course, email=OTHER)
    story.deliveries.all()
    assert story.record(story.second).sync_error is None
    assert story.world.upstream.members("Acme") == [story.account(story.second)["id"]]


def test_who_is_in_the_group_already_is_not_refused_even_under_another_e_mail(story: Story) -> None:
    email_of_an_outsider(story)
    story.world.upstream.switch(group_add_existing=422)
    story.world.upstream.call("POST", "/groups", name="Acme")
    story.world.upstream.call("POST", "/group_users", user_id=story.account()["id"], group_names=["Acme"])
    story.join("Acme")
    assert "Acme" not in str(story.record().sync_error)
    assert story.record().associations[-1].in_group


def test_leaving_the_user_ends_what_its_group_refused(story: Story) -> None:
    long_group(story)
    story.world.students.dissociate(ADA, story.leads[0].email)
    assert story.record().sync_error is None
    story.deliveries.day()
    assert story.world.store.refusals.ids() == []


def test_the_logs_are_told_what_and_of_whom_and_no_reason(story: Story) -> None:
    group_and_email(story)
    assert story.world.refusals == [(story.first, "profile"), (story.first, "group")]


@pytest.mark.parametrize(
    ("sentence", "shown"),
    [
        ("Thinkific: email ada@example.com is invalid", "Thinkific: email ... is invalid"),
        ("Thinkific: Ada Lovelace is too long", "Thinkific: ... ... is too long"),
        ("Thinkific: LOVELACE is odd", "Thinkific: ... is odd"),
        ("Thinkific: 'Ada' is odd", "Thinkific: '...' is odd"),
        ("Thinkific: Adaptable people", "Thinkific: Adaptable people"),
        ("Thinkific: taken by bob@x.org (Bob)", "Thinkific: taken by ... (Bob)"),
        ("Thinkific: <ada@example.com>", "Thinkific: ..."),
        ('The group "Acme": Thinkific: Invalid group_names', 'The group "Acme": Thinkific: Invalid group_names'),
        ("Thinkific has this e-mail with the account of student 2.",) * 2,
        ("",) * 2,
    ],
)
def test_what_an_operator_sees_names_nobody(story: Story, sentence: str, shown: str) -> None:
    assert without_names(sentence, story.record().student) == shown
