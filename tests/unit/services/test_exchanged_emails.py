"""E-mails that go from one student to another: Thinkific gives no address to two accounts, not for a moment."""

from dataclasses import dataclass

import pytest
from tests.unit.services.deliveries import Deliveries
from tests.unit.services.mortal import Life, mortal_http
from tests.unit.services.world import World

from b2b.domain.identity.users import User
from b2b.services.enrollment.students import Names

Puts = tuple[tuple[str, str], ...]


@dataclass(frozen=True)
class Exchange:
    """``students``: the name of each with its e-mail. ``puts``: what each is changed to before the sync looks."""

    what: str
    students: tuple[str, ...]
    puts: Puts


def email(text: str) -> str:
    return text if "@" in text else f"{text}@example.com"


EXCHANGES = [
    Exchange("a swap", ("a", "b"), (("a", "tmp"), ("b", "a"), ("a", "b"))),
    Exchange("a swap, the other way about", ("a", "b"), (("b", "tmp"), ("a", "b"), ("b", "a"))),
    Exchange("a circle of three", ("a", "b", "c"), (("a", "tmp"), ("c", "a"), ("b", "c"), ("a", "b"))),
    Exchange(
        "a circle of five",
        ("a", "b", "c", "d", "e"),
        (("a", "tmp"), ("e", "a"), ("d", "e"), ("c", "d"), ("b", "c"), ("a", "b")),
    ),
    Exchange(
        "two swaps", ("a", "b", "c", "d"), (("a", "x"), ("b", "a"), ("a", "b"), ("c", "x"), ("d", "c"), ("c", "d"))
    ),
    Exchange("a chain of two", ("a", "b"), (("a", "new"), ("b", "a"))),
    Exchange("a chain of four", ("a", "b", "c", "d"), (("a", "new"), ("b", "a"), ("c", "b"), ("d", "c"))),
    Exchange(
        "a swap, and one who comes after it",
        ("a", "b", "c"),
        (("a", "tmp"), ("b", "a"), ("c", "b"), ("b", "new"), ("a", "c")),
    ),
    Exchange("there and back again", ("a", "b"), (("a", "tmp"), ("b", "a"), ("b", "b"), ("a", "a"))),
    Exchange("a swap twice", ("a", "b"), (("a", "t"), ("b", "a"), ("a", "b"), ("a", "t"), ("b", "b"), ("a", "a"))),
    Exchange("a swap in other letters", ("a", "b"), (("a", "tmp"), ("b", "A@Example.com"), ("a", "B@EXAMPLE.com"))),
    Exchange(
        "a swap of addresses with a plus",
        ("ann+one@example.com", "ann+two@example.com"),
        (
            ("ann+one@example.com", "tmp"),
            ("ann+two@example.com", "ann+one@example.com"),
            ("ann+one@example.com", "ann+two@example.com"),
        ),
    ),
    Exchange(
        "a swap beyond ASCII",
        ("ünal@exämple.de", "çelik@exämple.de"),
        (("ünal@exämple.de", "tmp"), ("çelik@exämple.de", "ünal@exämple.de"), ("ünal@exämple.de", "çelik@exämple.de")),
    ),
]


class Class:
    """Students whom Thinkific has, each in a course. ``names`` has the first name of each by its first e-mail."""

    def __init__(self, world: World, boss: User, students: tuple[str, ...]) -> None:
        self.world = world
        self.course = world.course()
        self.ids = {name: world.brought(boss, self.course, email=email(name)) for name in students}
        self.accounts = {name: world.record(found).student.thinkific_id for name, found in self.ids.items()}
        self.deliveries = Deliveries(world)

    def put(self, name: str, new_email: str) -> None:
        names = Names(first_name=f"First {name}", last_name=f"Last {name}")
        self.world.students.update(self.ids[name], names, email(new_email))

    def look_at_all(self) -> None:
        self.deliveries.all()

    def wanted(self) -> dict[int, tuple[str, str]]:
        """E-mail and first name of each account."""
        students = [self.world.record(found).student for found in self.ids.values()]
        return {student.thinkific_id or 0: (student.email.lower(), student.first_name) for student in students}

    def there(self) -> dict[int, tuple[str, str]]:
        users = {user["id"]: (user["email"], user["first_name"]) for user in self.world.upstream.users()}
        return {account or 0: users[account] for account in self.accounts.values()}

    def errors(self) -> list[str]:
        records = [self.world.record(student_id) for student_id in self.ids.values()]
        return [record.sync_error for record in records if record.sync_error is not None]


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.what)
def test_each_account_ends_with_the_e_mail_of_its_student(world: World, boss: User, exchange: Exchange) -> None:
    students = Class(world, boss, exchange.students)
    for put in exchange.puts:
        students.put(*put)
    students.look_at_all()
    assert students.there() == students.wanted()
    assert students.errors() == []
    assert world.store.refusals.count() == 0


@pytest.mark.parametrize("exchange", EXCHANGES, ids=lambda exchange: exchange.what)
def test_so_it_does_when_each_change_is_looked_at_before_the_next(world: World, boss: User, exchange: Exchange) -> None:
    students = Class(world, boss, exchange.students)
    for put in exchange.puts:
        students.put(*put)
        students.look_at_all()
    assert students.there() == students.wanted()
    assert students.errors() == []


@pytest.mark.parametrize("calls", range(1, 10))
def test_so_it_does_when_the_worker_is_killed_after_any_of_its_calls(world: World, boss: User, calls: int) -> None:
    exchange = EXCHANGES[0]
    students = Class(world, boss, exchange.students)
    for put in exchange.puts:
        students.put(*put)
    life = Life()
    life.left = calls
    world.sync = world.worker("worker-2", world.thinkific_over(mortal_http(world.upstream, life)))
    students.look_at_all()
    assert students.there() == students.wanted()
    assert students.errors() == []


@pytest.mark.parametrize("calls", range(1, 9))
def test_so_it_does_where_the_other_had_been_refused_before(world: World, boss: User, calls: int) -> None:
    """A swap done slowly: each of the two is refused, and nobody but the circle itself could tell them."""
    students = Class(world, boss, ("a", "b"))
    world.upstream.call("POST", "/users", first_name="Z", last_name="Z", email="z@example.com")
    for put in (("a", "z"), ("b", "a")):
        students.put(*put)
        students.look_at_all()
    assert len(students.errors()) == 2
    students.put("a", "b")
    life = Life()
    life.left = calls
    world.sync = world.worker("worker-2", world.thinkific_over(mortal_http(world.upstream, life)))
    students.look_at_all()
    assert students.there() == students.wanted()
    assert students.errors() == []


@pytest.mark.parametrize("kind", ["reset_after", "reset_before", "error_after", "rate_limited"])
def test_so_it_does_when_answers_are_lost(world: World, boss: User, kind: str) -> None:
    exchange = EXCHANGES[2]
    students = Class(world, boss, exchange.students)
    for put in exchange.puts:
        students.put(*put)
    world.upstream.fault(kind, "PUT", "^/users/", times=3)
    students.look_at_all()
    assert students.there() == students.wanted()


def test_a_swap_takes_seconds_and_few_calls(world: World, boss: User) -> None:
    students = Class(world, boss, ("a", "b"))
    for put in EXCHANGES[0].puts:
        students.put(*put)
    start = world.clock()
    world.upstream.forget_calls()
    students.look_at_all()
    assert (world.clock() - start).total_seconds() < 10
    assert len(world.upstream.calls()) <= 8


def test_an_account_that_makes_way_has_a_mailbox_of_the_same_person_meanwhile(world: World, boss: User) -> None:
    students = Class(world, boss, ("a", "b"))
    for put in EXCHANGES[0].puts:
        students.put(*put)
    first = students.ids["a"]
    world.look(first)
    emails = {user["id"]: user["email"] for user in world.upstream.users()}
    assert emails[students.accounts["a"]] == f"b+seats-{first}@example.com"
    assert world.record(first).student.email_before_stand_in == "a@example.com"
    students.look_at_all()
    assert students.there() == students.wanted()
    assert world.record(first).student.email_before_stand_in is None


def test_an_account_that_made_way_in_vain_gets_its_e_mail_back(world: World, boss: User) -> None:
    """The other is given an e-mail that somebody else has in Thinkific before it could take this one's."""
    students = Class(world, boss, ("a", "b"))
    world.upstream.call("POST", "/users", first_name="Z", last_name="Z", email="z@example.com")
    for put in EXCHANGES[0].puts:
        students.put(*put)
    world.look(students.ids["a"])
    students.put("b", "z")
    students.look_at_all()
    emails = {user["id"]: user["email"] for user in world.upstream.users()}
    assert emails[students.accounts["a"]] == "a@example.com"
    assert emails[students.accounts["b"]] == "b@example.com"
    errors = [world.record(students.ids[name]).sync_error or "" for name in ("a", "b")]
    assert f"student {students.ids['b']}" in errors[0]
    assert "another account" in errors[1]
    students.put("b", "free")
    students.look_at_all()
    assert students.there() == students.wanted()
    assert students.errors() == []


def test_where_thinkific_takes_no_stand_in_another_of_the_circle_makes_way(world: World, boss: User) -> None:
    students = Class(world, boss, ("a", "b"))
    for put in EXCHANGES[0].puts:
        students.put(*put)
    # Somebody has the first one's stand-in already.
    taken = f"b+seats-{students.ids['a']}@example.com"
    world.upstream.call("POST", "/users", first_name="Z", last_name="Z", email=taken)
    students.look_at_all()
    assert students.there() == students.wanted()


def test_waiting_for_another_student_keeps_nobody_from_a_course(world: World, boss: User) -> None:
    students = Class(world, boss, ("a", "b"))
    students.put("a", "new")
    students.put("b", "a")
    more = world.course("More")
    world.enroll(boss, more, email=email("a"), names=None)
    student_id = students.ids["b"]
    world.look(student_id)
    assert world.status(student_id, more) == "active"
    assert world.record(student_id).wish is not None
    students.look_at_all()
    assert students.there() == students.wanted()
