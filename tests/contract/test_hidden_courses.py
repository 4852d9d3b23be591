"""Contract, section 5: courses that Thinkific's REST lists leave out, read through GraphQL or added by hand."""

from random import randrange
from typing import Any

import httpx
import pytest
from tests.contract.at_once import at_once
from tests.contract.operations import finished, sync_catalogue
from tests.contract.people import (
    Json,
    await_settled,
    create_student,
    create_user,
    data_of,
    enroll,
    enrollment_in,
    errors_of,
    grant_in,
    rows_of,
    set_access,
    statuses,
    unique,
)
from tests.contract.school import School
from tests.contract.shapes import PRODUCT, assert_shape
from tests.contract.tokens import Tokens


def fields(**changes: Any) -> Json:
    """A course that nobody knows."""
    number = randrange(10**10, 10**11)
    return {"productable_id": number, "productable_type": "Course", "name": unique("Hidden")} | changes


def add(api: httpx.Client, **changes: Any) -> Json:
    return data_of(api.post("/products", json=fields(**changes)), status=201)


def listed(api: httpx.Client, product: Json) -> list[Json]:
    """All products of the course or bundle that the search shows."""
    found = rows_of(api.get("/products/search", params={"term": str(product["productable_id"])}))
    return [row for row in found if row["productable_id"] == product["productable_id"]]


class TestAddingByHand:
    def test_the_answer_is_the_product(self, api: httpx.Client) -> None:
        given = fields()
        product = data_of(api.post("/products", json=given), status=201)
        assert_shape(product, PRODUCT)
        assert {name: product[name] for name in given} == given
        assert (product["source"], product["status"], product["course_ids"]) == ("manual", "published", [])
        assert product["id"] == product["thinkific_id"]
        assert product["id"] < 2**53
        assert data_of(api.get(f"/products/{product['id']}")) == product

    @pytest.mark.parametrize(
        "spelling",
        [
            {"productable_type": " Course "},
            {"name": "  Padded  "},
            {"name": "N" * 255},
            {"name": "Ünïcode 漢字"},
            {"ignored": True},
        ],
        ids=str,
    )
    def test_spellings_that_are_understood(self, api: httpx.Client, spelling: Json) -> None:
        product = add(api, **spelling)
        assert product["productable_type"] in ("Course", "Bundle")
        assert product["name"] == product["name"].strip()

    @pytest.mark.parametrize("text", [str, lambda number: f" {number} "])
    def test_the_id_may_be_text(self, api: httpx.Client, text: Any) -> None:
        number = randrange(10**10, 10**11)
        assert add(api, productable_id=text(number))["productable_id"] == number

    @pytest.mark.parametrize(
        ("wrong", "field"),
        [
            ({"productable_id": None}, "productable_id"),
            ({"productable_id": 0}, "productable_id"),
            ({"productable_id": -5}, "productable_id"),
            ({"productable_id": 2**53 + 1}, "productable_id"),
            ({"productable_id": 10**30}, "productable_id"),
            ({"productable_id": 5.5}, "productable_id"),
            ({"productable_id": True}, "productable_id"),
            ({"productable_id": "a course"}, "productable_id"),
            ({"productable_id": [5]}, "productable_id"),
            ({"productable_type": "Community"}, "productable_type"),
            ({"productable_type": None}, "productable_type"),
            ({"productable_type": 1}, "productable_type"),
            ({"name": ""}, "name"),
            ({"name": "   "}, "name"),
            ({"name": None}, "name"),
            ({"name": "x" * 256}, "name"),
            ({"name": 5}, "name"),
        ],
        ids=str,
    )
    def test_a_new_product_with_a_bad_field_is_not_added(self, api: httpx.Client, wrong: Json, field: str) -> None:
        given = fields() | wrong
        before = api.get("/products").json()["meta"]["total"]
        assert errors_of(api.post("/products", json=given)) == {field}
        assert api.get("/products").json()["meta"]["total"] == before

    def test_a_product_of_the_catalogue_is_not_added_again(
        self, api: httpx.Client, school: School, courses: list[Json]
    ) -> None:
        hidden = school.add_course(newer_builder=True)
        sync_catalogue(api)
        for known in (courses[0], hidden, add(api)):
            again = {name: known[name] for name in ("productable_id", "productable_type")} | {"name": "Again"}
            assert errors_of(api.post("/products", json=again)) == {"productable_id"}
            assert [row["name"] for row in listed(api, known)] == [known["name"]]

    def test_a_bundle_may_have_the_number_of_a_course(self, api: httpx.Client) -> None:
        course = add(api)
        bundle = add(api, productable_id=course["productable_id"], productable_type="Bundle")
        user = create_user(api)
        grant = {"thinkific_id": course["productable_id"], "active": True, "max_seats": 1, "enrollment_days": 0}
        path = f"/users/access/{user['id']}"
        assert errors_of(api.post(path, json=grant)) == {"thinkific_id"}
        granted = data_of(api.post(path, json=grant | {"productable_type": "Bundle"}))
        assert [row["product_id"] for row in granted["products"]] == [bundle["id"]]

    def test_of_many_at_once_one_adds(self, api: httpx.Client) -> None:
        given = fields()
        answers = at_once(lambda _: api.post("/products", json=given), range(8))
        assert sorted(answer.status_code for answer in answers) == [201] + 7 * [422]
        (made,) = [data_of(answer, status=201) for answer in answers if answer.status_code == 201]
        assert listed(api, made) == [made]

    def test_with_an_idempotency_key_it_may_be_repeated(self, api: httpx.Client) -> None:
        given, headers = fields(), {"Idempotency-Key": unique("key")}
        first, second = (api.post("/products", json=given, headers=headers) for _ in range(2))
        assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())
        assert second.headers["Idempotency-Replayed"] == "true"

    def test_it_needs_the_scope_to_write_products(self, api: httpx.Client, tokens: Tokens) -> None:
        for scopes, status in ((("products:read",), 403), (("products:write",), 201)):
            assert api.post("/products", json=fields(), headers=tokens.with_only(*scopes)).status_code == status

    def test_it_can_be_granted_enrolled_and_searched(self, api: httpx.Client, school: School) -> None:
        made = school.add_course(newer_builder=True)
        product = add(api, productable_id=made["productable_id"], name=unique("Ours"))
        for term in (product["id"], product["productable_id"], product["name"].upper()):
            assert product in rows_of(api.get("/products/search", params={"term": str(term)}))
        user, student = create_user(api), create_student(api)
        set_access(api, user, product, max_seats=5)
        enroll(api, student, user, product)
        assert statuses(await_settled(api, student)) == {"active"}
        assert len(school.enrollments(student["email"])) == 1
        assert grant_in(data_of(api.get(f"/users/{user['id']}")), product)["seats_used"] == 1

    def test_a_refresh_completes_it_and_it_is_found_by_either_id(self, api: httpx.Client, school: School) -> None:
        made = school.add_course(newer_builder=True)
        product = add(api, productable_id=made["productable_id"])
        user, student = create_user(api), create_student(api)
        set_access(api, user, product, max_seats=5)
        enroll(api, student, user, product)
        for source in ("graphql", "rest"):
            school.change(made, newer_builder=source == "graphql")
            sync_catalogue(api)
            completed = data_of(api.get(f"/products/{product['id']}"))
            assert (completed["id"], completed["source"]) == (product["id"], source)
            assert (completed["thinkific_id"], completed["name"]) == (made["id"], made["name"])
            assert data_of(api.get(f"/products/{made['id']}")) == completed
            for term in (product["id"], made["id"]):
                assert rows_of(api.get("/products/search", params={"term": str(term)})) == [completed]
            assert listed(api, product) == [completed]
        assert enrollment_in(await_settled(api, student), product)["status"] == "active"
        assert grant_in(data_of(api.get(f"/users/{user['id']}")), product)["name"] == made["name"]

    def test_no_refresh_ever_marks_it_deleted(self, api: httpx.Client) -> None:
        product = add(api)
        for _ in range(2):
            sync_catalogue(api)
            assert data_of(api.get(f"/products/{product['id']}")) == product


class TestGraphQL:
    def test_a_course_that_rest_hides_comes_through_it(self, api: httpx.Client, school: School) -> None:
        made = school.add_course(newer_builder=True)
        sync_catalogue(api)
        product = data_of(api.get(f"/products/{made['id']}"))
        assert_shape(product, PRODUCT)
        assert (product["id"], product["thinkific_id"], product["source"]) == (made["id"], made["id"], "graphql")
        assert (product["productable_id"], product["name"]) == (made["productable_id"], made["name"])

    @pytest.mark.parametrize("shown", ["listed", "by_id", "unseen"])
    def test_a_student_is_enrolled_once_whatever_the_lists_show(
        self, api: httpx.Client, school: School, shown: str
    ) -> None:
        hidden, other = school.add_course(newer_builder=True), school.add_course()
        sync_catalogue(api)
        user, student = create_user(api), create_student(api)
        with school.switched(hidden_enrollments=shown):
            enroll(api, student, user, hidden, other)
            assert statuses(await_settled(api, student)) == {"active"}
            expired = {"product": hidden["productable_id"], "type": "expire_now"}
            answer = api.post(f"/users/enrollments/{user['id']}", json=expired).json()
            assert finished(api, answer["operation"])["status"] == "succeeded"
        rows = {row["course_id"]: row["expired"] for row in school.enrollments(student["email"])}
        assert rows == {hidden["productable_id"]: True, other["productable_id"]: False}
        assert len(school.enrollments(student["email"])) == 2

    def test_a_course_moved_to_the_newer_builder_stays_and_a_deleted_one_goes(
        self, api: httpx.Client, school: School
    ) -> None:
        moved, gone = school.add_course(), school.add_course(id=randrange(10**9, 2 * 10**9))
        sync_catalogue(api)
        school.change(moved, newer_builder=True)
        school.remove(gone)
        sync_catalogue(api)
        shown = [data_of(api.get(f"/products/{product['id']}")) for product in (moved, gone)]
        assert [product["status"] for product in shown] == ["published", "deleted"]
        assert shown[0]["source"] == "graphql"

    @pytest.mark.parametrize("kind", ["refused", "unknown_field", "stuck_cursor"])
    def test_its_failure_is_told_and_stops_nothing(self, api: httpx.Client, school: School, kind: str) -> None:
        moved = school.add_course()
        sync_catalogue(api)
        school.change(moved, newer_builder=True)
        new = school.add_course()
        with school.graphql_troubled(kind, times=9):
            operation = finished(api, api.post("/products/sync").json()["operation"])
        assert operation["status"] == "partial"
        ((failure),) = operation["failures"]
        assert (failure["student_id"], failure["email"]) == (None, None)
        assert failure["error"]
        assert data_of(api.get(f"/products/{new['id']}"))["source"] == "rest"
        assert data_of(api.get(f"/products/{moved['id']}"))["status"] == "published"
        sync_catalogue(api)
