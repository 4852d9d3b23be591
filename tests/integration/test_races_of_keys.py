"""Calls with the same idempotency key at once: one is carried out, whoever dies, is slow, or comes again."""

import itertools
import threading
import uuid
from datetime import UTC, datetime, timedelta

import pytest
from tests.integration.crowd import THREADS, crowd, granted, refused
from tests.integration.desk import TERMS, Desk, reference

from b2b.domain.errors import Conflict, NotFound, Unauthenticated
from b2b.domain.identity.tokens import ALL_SCOPES, Principal, Token, new_secret
from b2b.domain.identity.users import Role
from b2b.domain.kinds import Kind
from b2b.domain.work.idempotency import Claim
from b2b.services.identity.users import UserFields
from b2b.services.work.idempotency import Answer, IdempotencyService

MANY = range(THREADS)
SECRET = new_secret()
REQUEST = b"POST /api/users/seat/1 {}"
DONE = Answer(200, (("content-type", "application/json"),), b'{"data":{"id":1}}')
IN_PROGRESS = "idempotency_in_progress"
REFUSED = Answer(422, (), b"{}")


def begin(keys: IdempotencyService, key: str) -> Claim | Answer | None:
    return keys.begin(1, SECRET, key, REQUEST, uuid.uuid4().hex)


def begin_at_once(keys: IdempotencyService, key: str) -> list[Claim | Answer | None]:
    return granted(crowd(lambda _: begin(keys, key), MANY))


def claims(answers: list[Claim | Answer | None]) -> list[Claim]:
    return [answer for answer in answers if isinstance(answer, Claim)]


def test_one_of_many_may_carry_the_call_out_and_all_others_get_its_answer(desk: Desk, rounds: range) -> None:
    keys = desk.idempotency
    for turn in rounds:
        answers = begin_at_once(keys, f"k{turn}")
        (claim,) = claims(answers)
        assert answers.count(None) == THREADS - 1
        keys.end(claim, DONE)
        assert begin_at_once(keys, f"k{turn}") == [DONE] * THREADS


def test_one_of_many_takes_over_from_who_died(desk: Desk, rounds: range) -> None:
    later = IdempotencyService(desk.store, lambda: datetime.now(UTC) + timedelta(seconds=61))
    for turn in rounds:
        assert isinstance(begin(desk.idempotency, f"k{turn}"), Claim)
        answers = begin_at_once(later, f"k{turn}")
        assert (len(claims(answers)), answers.count(None)) == (1, THREADS - 1)


def test_one_of_many_has_the_key_again_when_its_day_is_over(desk: Desk, rounds: range) -> None:
    later = IdempotencyService(desk.store, lambda: datetime.now(UTC) + timedelta(hours=25))
    for turn in rounds:
        first = begin(desk.idempotency, f"k{turn}")
        assert isinstance(first, Claim)
        desk.idempotency.end(first, DONE)
        answers = begin_at_once(later, f"k{turn}")
        assert (len(claims(answers)), answers.count(None)) == (1, THREADS - 1)


def test_a_call_that_is_always_refused_is_carried_out_by_one_after_the_other(desk: Desk, rounds: range) -> None:
    keys = desk.idempotency
    for turn in rounds:
        busy = threading.Lock()

        def call(_: int, key: str = f"k{turn}", busy: threading.Lock = busy) -> bool:
            while not isinstance(claim := begin(keys, key), Claim):
                assert claim is None
            alone = busy.acquire(blocking=False)
            if alone:
                busy.release()
            keys.end(claim, REFUSED)
            return alone

        assert granted(crowd(call, range(8), threads=8)) == [True] * 8
        assert isinstance(begin(keys, f"k{turn}"), Claim)


def test_seats_are_added_once_however_often_the_call_is_taken_over(desk: Desk, rounds: range) -> None:
    """A minute passes with every look at the clock: each takes the one before it for dead, which nobody is."""
    (course,) = desk.add_courses(1)
    minutes = itertools.count(1)
    keys = IdempotencyService(desk.store, lambda: datetime.now(UTC) + timedelta(seconds=61 * next(minutes)))
    for turn in rounds:
        user = desk.add_user(f"client-{turn}@example.com")

        def call(_: int, key: str = f"k{turn}", user_id: int = user.id) -> int | None:
            claim = begin(keys, key)
            if not isinstance(claim, Claim):
                return None
            view = desk.users.add_seats(user_id, reference(course), TERMS, 5, claim)
            keys.end(claim, DONE)
            return view.grants[0][0].max_seats

        answers = crowd(call, MANY)
        assert {seats for seats in granted(answers) if seats is not None} == {5}
        assert {refusal.code for refusal in refused(answers) if isinstance(refusal, Conflict)} <= {IN_PROGRESS}
        ((grant, _),) = desk.users.get(user.id).grants
        assert grant.max_seats == 5
        assert begin(desk.idempotency, f"k{turn}") == DONE


# Tokens


@pytest.fixture
def admin(desk: Desk) -> int:
    return desk.users.create("admin@example.com", UserFields(), role=Role.ADMIN).user.id


def test_a_token_revoked_while_it_is_used_stays_revoked(desk: Desk, rounds: range, admin: int) -> None:
    operator = Principal(0, admin, ALL_SCOPES)
    for _ in rounds:
        token, _ = desk.tokens.create("Used", user_id=admin)

        def act(number: int, token: Token = token) -> None:
            if number == THREADS // 2:
                desk.tokens.revoke(token.id, operator)
            else:
                desk.store.tokens.mark_used(token, datetime.now(UTC))

        assert refused(crowd(act, MANY)) == []
        assert (desk.store.tokens.get(token.id), desk.store.tokens.find(token.digest)) == (None, None)


def test_a_token_revoked_by_many_is_counted_down_once(desk: Desk, rounds: range, admin: int) -> None:
    operator = Principal(0, admin, ALL_SCOPES)
    for _ in rounds:
        token, _ = desk.tokens.create("Revoked", user_id=admin)

        def revoke(_: int, token_id: int = token.id) -> None:
            desk.tokens.revoke(token_id, operator)

        answers = crowd(revoke, MANY)
        assert len(granted(answers)) == 1
        assert {type(refusal) for refusal in refused(answers)} == {NotFound}
        assert desk.store.counters.total(Kind.TOKENS) == 0


def test_no_token_is_made_by_one_that_is_revoked_meanwhile(desk: Desk, rounds: range, admin: int) -> None:
    """Whatever it had made before is listed when the revocation has answered, and nothing comes after."""
    operator = Principal(0, admin, ALL_SCOPES)
    for _ in rounds:
        maker = desk.tokens.authenticate(desk.tokens.create("Leaked", user_id=admin)[1])

        def act(number: int, maker: Principal = maker) -> list[Token]:
            if number == 6:
                desk.tokens.revoke(maker.token_id, operator)
                return desk.store.tokens.all()
            return [desk.tokens.create("Minted", user_id=admin, maker=maker)[0]]

        answers = crowd(act, range(16))
        assert {type(refusal) for refusal in refused(answers)} <= {Unauthenticated}
        listed = answers[6]
        assert isinstance(listed, list)
        made = {token.id for found in granted(answers) for token in found}
        assert made == {token.id for token in listed}
        for token_id in made:
            desk.tokens.revoke(token_id, operator)
        with pytest.raises(Unauthenticated):
            desk.tokens.create("Later", user_id=admin, maker=maker)
