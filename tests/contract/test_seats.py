"""Contract, section 2: seats, counted always and enforced where a call asks for it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.contract.at_once import at_once
from tests.contract.operations import finished
from tests.contract.people import (
    Json,
    create_student,
    create_user,
    data_of,
    enroll,
    errors_of,
    grant_in,
    read_student,
    read_user,
    set_access,
    statuses,
    student_fields,
)
from tests.contract.school import School
from tests.local_stack import await_that


class TestTheUsersSeats:
    def test_each_distinct_student_takes_one(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        first = create_student(api, user_email=user["email"])
        enroll(api, first, user, *courses[:3])
        data_of(api.post("/students", json=student_fields(email=first["email"], user_email=user["email"])))
        assert read_user(api, user)["seats_used"] == 1
        create_student(api, user_email=user["email"])
        assert read_user(api, user)["seats_used"] == 2

    def test_no_student_is_refused_for_lack_of_them(self, api: httpx.Client) -> None:
        user = create_user(api, max_seats=1)
        for _ in range(3):
            create_student(api, user_email=user["email"])
        assert _counts(read_user(api, user)) == (1, 3, 0, 2)

    def test_free_ones_are_shown(self, api: httpx.Client) -> None:
        user = create_user(api, max_seats=5)
        create_student(api, user_email=user["email"])
        assert _counts(read_user(api, user)) == (5, 1, 4, 0)

    def test_unlimited_ones_are_never_short(self, api: httpx.Client, user: Json) -> None:
        create_student(api, user_email=user["email"])
        assert _counts(read_user(api, user)) == (None, 1, None, 0)

    def test_lowering_them_below_use_is_accepted(self, api: httpx.Client, user: Json) -> None:
        for _ in range(2):
            create_student(api, user_email=user["email"])
        lowered = data_of(api.post("/users/upsert", json={"email": user["email"], "max_seats": 1}))
        assert _counts(lowered) == (1, 2, 0, 1)


class TestTheSeatsOfAGrant:
    def test_each_student_the_user_enrolled_takes_one(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], max_seats=5)
        student = create_student(api)
        for _ in range(2):
            enroll(api, student, user, courses[0])
        assert _counts(grant_in(read_user(api, user), courses[0])) == (5, 1, 4, 0)
        create_student(api, user_email=user["email"], enrollments=[courses[0]["productable_id"]])
        assert _counts(grant_in(read_user(api, user), courses[0])) == (5, 2, 3, 0)

    def test_a_student_who_is_only_associated_takes_none(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        set_access(api, user, courses[0], max_seats=5)
        create_student(api, user_email=user["email"])
        assert grant_in(read_user(api, user), courses[0])["seats_used"] == 0

    def test_a_bundle_is_one_seat(self, api: httpx.Client, user: Json, bundle: Json, courses: list[Json]) -> None:
        inside = next(course for course in courses if course["productable_id"] in bundle["course_ids"])
        set_access(api, user, inside, max_seats=5)
        set_access(api, user, bundle, max_seats=5)
        enroll(api, create_student(api), user, bundle)
        shown = read_user(api, user)
        assert _counts(grant_in(shown, bundle)) == (5, 1, 4, 0)
        assert _counts(grant_in(shown, inside)) == (5, 0, 5, 0)

    def test_a_shared_student_takes_a_seat_of_each_that_enrolled_them(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        other, bystander = create_user(api), create_user(api)
        for owner in (user, other, bystander):
            set_access(api, owner, courses[0], max_seats=5)
        student = create_student(api, user_email=bystander["email"])
        enroll(api, student, user, courses[0])
        enroll(api, student, other, courses[0])
        used = [grant_in(read_user(api, owner), courses[0])["seats_used"] for owner in (user, other, bystander)]
        assert used == [1, 1, 0]

    def test_going_beyond_them_is_shown_and_never_refused(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        set_access(api, user, courses[0], max_seats=1)
        for _ in range(3):
            enroll(api, create_student(api), user, courses[0])
        assert _counts(grant_in(read_user(api, user), courses[0])) == (1, 3, 0, 2)

    def test_neither_is_an_inactive_grant_or_none(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], active=False, max_seats=1)
        enroll(api, create_student(api), user, courses[0], courses[1])
        shown = read_user(api, user)
        assert grant_in(shown, courses[0])["seats_used"] == 1
        assert len(shown["products"]) == 1

    def test_enrollments_made_before_a_grant_count_once_there_is_one(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        for _ in range(2):
            enroll(api, create_student(api), user, courses[0])
        assert _counts(grant_in(set_access(api, user, courses[0], max_seats=5), courses[0])) == (5, 2, 3, 0)

    def test_lowering_them_below_use_is_accepted(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], max_seats=5)
        for _ in range(2):
            enroll(api, create_student(api), user, courses[0])
        assert _counts(grant_in(set_access(api, user, courses[0], max_seats=1), courses[0])) == (1, 2, 0, 1)

    def test_none_is_lost_when_many_are_taken_at_once(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], max_seats=4)
        fields = {"user_email": user["email"], "enrollments": [courses[0]["productable_id"]]}
        at_once(lambda _: create_student(api, **fields), range(8))
        shown = read_user(api, user)
        assert (shown["seats_used"], _counts(grant_in(shown, courses[0]))) == (8, (4, 8, 0, 4))


class TestTheEndOfAnEnrolment:
    def test_a_natural_one_frees_the_seat_only_where_it_is_reusable(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        reusable, spent = courses[:2]
        assert grant_in(set_access(api, user, spent, max_seats=5), spent)["reusable"] is False
        assert grant_in(set_access(api, user, reusable, max_seats=5, reusable=True), reusable)["reusable"] is True
        student = enroll(api, create_student(api), user, reusable, spent)
        soon = datetime.now(UTC) + timedelta(seconds=3)
        for course in (spent, reusable):
            body = {"product": course["productable_id"], "type": "date", "expiry_date": soon.isoformat()}
            assert api.post(f"/users/enrollments/{user['id']}", json=body).status_code == 200

        def used(course: Json) -> int:
            number: int = grant_in(read_user(api, user), course)["seats_used"]
            return number

        assert (used(reusable), used(spent)) == (1, 1)
        await_that(lambda: statuses(read_student(api, student)) == {"expired"}, what="The end")
        await_that(lambda: used(reusable) == 0, what="The freeing of the seat")
        assert used(spent) == 1

    def test_expire_now_frees_it_and_an_end_to_come_takes_it_again(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        set_access(api, user, courses[0], max_seats=5)
        enroll(api, create_student(api), user, courses[0])
        body = {"product": courses[0]["productable_id"], "expiry_days": 30}
        for kind, used in (("expire_now", 0), ("days", 1)):
            answer = api.post(f"/users/enrollments/{user['id']}", json=body | {"type": kind})
            finished(api, answer.json()["operation"])
            assert _counts(grant_in(read_user(api, user), courses[0])) == (5, used, 5 - used, 0)


class TestEnforcing:
    """``"enforce_seats": true`` makes a call all-or-nothing."""

    def test_within_the_limits_it_is_a_call_like_any_other(self, api: httpx.Client, courses: list[Json]) -> None:
        user = create_user(api, max_seats=1)
        set_access(api, user, courses[0], max_seats=1)
        body = _enforced(user, courses[0])
        student = data_of(api.post("/students", json=body), status=201)
        repeated = data_of(api.post("/students", json=body))
        assert repeated["id"] == student["id"]
        shown = read_user(api, user)
        assert (_counts(shown), _counts(grant_in(shown, courses[0]))) == ((1, 1, 0, 0), (1, 1, 0, 0))

    def test_without_a_seat_in_the_product_it_is_refused(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        set_access(api, user, courses[0], max_seats=1)
        enroll(api, create_student(api), user, courses[0])
        response = api.post("/students", json=_enforced(user, courses[0]))
        assert _exhausted(response) == [_short("product", courses[0], max_seats=1, seats_used=1)]

    def test_without_a_seat_of_the_user_it_is_refused(self, api: httpx.Client, courses: list[Json]) -> None:
        user = create_user(api, max_seats=1)
        create_student(api, user_email=user["email"])
        set_access(api, user, courses[0], max_seats=5)
        response = api.post("/students", json=_enforced(user, courses[0]))
        (shortage,) = _exhausted(response)
        assert shortage | {"product_id": None} == _short("account", None, max_seats=1, seats_used=1)

    @pytest.mark.parametrize("grant", [None, {"active": False, "max_seats": 5}, {"max_seats": 0}])
    def test_a_product_without_an_active_grant_has_no_seats(
        self, api: httpx.Client, user: Json, courses: list[Json], grant: Json | None
    ) -> None:
        if grant is not None:
            set_access(api, user, courses[0], **grant)
        (shortage,) = _exhausted(api.post("/students", json=_enforced(user, courses[0])))
        assert (shortage["scope"], shortage["product_id"], shortage["requested"]) == ("product", courses[0]["id"], 1)
        assert shortage["seats_used"] == 0
        assert shortage["max_seats"] == 0

    def test_every_shortage_is_named(self, api: httpx.Client, courses: list[Json]) -> None:
        user = create_user(api, max_seats=0)
        set_access(api, user, courses[0], max_seats=5)
        shortages = _exhausted(api.post("/students", json=_enforced(user, *courses[:3])))
        found = {
            (shortage["scope"], shortage["product_id"]) for shortage in shortages if shortage["scope"] == "product"
        }
        assert found == {("product", courses[1]["id"]), ("product", courses[2]["id"])}
        assert [shortage["scope"] for shortage in shortages].count("account") == 1

    @pytest.mark.parametrize("path", ["/students", "/students/enroll"])
    def test_a_refusal_changes_nothing(
        self, api: httpx.Client, school: School, user: Json, courses: list[Json], path: str
    ) -> None:
        set_access(api, user, courses[0], max_seats=5)
        set_access(api, user, courses[1], max_seats=0)
        student, before = create_student(api), read_user(api, user)
        body = _enforced(user, *courses[:2]) | {"email": student["email"], "first_name": "Other"}
        (shortage,) = _exhausted(api.post(path, json=body))
        assert shortage == _short("product", courses[1], max_seats=0, seats_used=0)
        assert read_user(api, user) == before
        assert read_student(api, student) == student
        assert school.calls_about(student["email"]) == []

    def test_a_refused_new_student_does_not_exist(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        body = _enforced(user, courses[0])
        _exhausted(api.post("/students", json=body))
        del body["enforce_seats"]
        assert api.post("/students", json=body).status_code == 201

    def test_unlimited_seats_are_enough(self, api: httpx.Client, user: Json, courses: list[Json]) -> None:
        set_access(api, user, courses[0], max_seats=None)
        assert api.post("/students", json=_enforced(user, courses[0])).status_code == 201

    def test_a_student_who_has_the_seat_needs_no_other(
        self, api: httpx.Client, user: Json, courses: list[Json]
    ) -> None:
        set_access(api, user, courses[0], max_seats=0)
        student = create_student(api)
        enroll(api, student, user, courses[0])
        enroll(api, student, user, courses[0], enforce_seats=True)
        assert _counts(grant_in(read_user(api, user), courses[0])) == (0, 1, 0, 1)

    @pytest.mark.parametrize(
        ("value", "status"),
        [(False, 201), ("0", 201), (0, 201), ("False", 201), ("", 201), ("1", 409), (1, 409), ("TRUE", 409)],
    )
    def test_it_is_a_boolean(self, api: httpx.Client, user: Json, courses: list[Json], value: Any, status: int) -> None:
        body = _enforced(user, courses[0]) | {"enforce_seats": value}
        assert api.post("/students", json=body).status_code == status

    @pytest.mark.parametrize("value", ["truth", 2, [], "yes", 0.5])
    def test_nothing_else_is(self, api: httpx.Client, unchanged_user: Json, courses: list[Json], value: Any) -> None:
        body = _enforced(unchanged_user, courses[0]) | {"enforce_seats": value}
        assert errors_of(api.post("/students", json=body)) == {"enforce_seats"}

    @pytest.mark.parametrize(("count", "enforced", "status"), [(25, True, 201), (26, True, 422), (26, False, 201)])
    @pytest.mark.parametrize("path", ["/students", "/students/enroll"])
    def test_it_is_for_at_most_25_enrollments(
        self, api: httpx.Client, user: Json, courses: list[Json], path: str, count: int, enforced: bool, status: int
    ) -> None:
        set_access(api, user, courses[0], max_seats=1)
        fields = create_student(api) if path == "/students/enroll" else student_fields()
        body = _enforced(user, *[courses[0]] * count) | {"email": fields["email"], "enforce_seats": enforced}
        response = api.post(path, json=body)
        if status == 422:
            assert errors_of(response) == {"enrollments"}
            assert read_user(api, user)["seats_used"] == 0
        else:
            assert response.status_code == (200 if path == "/students/enroll" else 201), response.text

    @pytest.mark.parametrize("limited", ["account", "product"])
    def test_of_many_at_once_as_many_succeed_as_there_are_seats(
        self, api: httpx.Client, courses: list[Json], limited: str
    ) -> None:
        user = create_user(api, max_seats=3 if limited == "account" else None)
        set_access(api, user, courses[0], max_seats=3 if limited == "product" else None)
        responses = at_once(lambda _: api.post("/students", json=_enforced(user, courses[0])), range(10))
        assert sorted(response.status_code for response in responses) == [*[201] * 3, *[409] * 7]
        shown = read_user(api, user)
        assert (shown["seats_used"], grant_in(shown, courses[0])["seats_used"]) == (3, 3)


def _counts(seats: Json) -> tuple[int | None, int, int | None, int]:
    return seats["max_seats"], seats["seats_used"], seats["seats_available"], seats["over_allocated"]


def _enforced(user: Json, *products: Json) -> Json:
    numbers = [product["productable_id"] for product in products]
    return student_fields(user_email=user["email"], enrollments=numbers, enforce_seats=True)


def _exhausted(response: httpx.Response) -> list[Json]:
    """The shortages that a 409 names."""
    assert response.status_code == 409, response.text
    body = response.json()
    assert body.keys() == {"message", "code", "seats"}
    assert body["message"]
    assert body["code"] == "seats_exhausted"
    seats: list[Json] = body["seats"]
    for shortage in seats:
        assert shortage.keys() == {"scope", "product_id", "max_seats", "seats_used", "requested"}
    return seats


def _short(scope: str, product: Json | None, *, max_seats: int, seats_used: int) -> Json:
    return {
        "scope": scope,
        "product_id": product and product["id"],
        "max_seats": max_seats,
        "seats_used": seats_used,
        "requested": 1,
    }
