"""Contract, sections 1, 2 and 5: the catalogue, and the operation that refreshes it."""

from random import randrange

import httpx
import pytest
from tests.contract.operations import finished, sync_catalogue
from tests.contract.people import (
    Json,
    create_student,
    create_user,
    data_of,
    enrollment_in,
    errors_of,
    grant_fields,
    grant_in,
    read_student,
    rows_of,
    set_access,
    unique,
)
from tests.contract.school import School
from tests.contract.shapes import OPERATION, PRODUCT, assert_shape


class TestTheResource:
    def test_it_has_exactly_its_keys(self, api: httpx.Client) -> None:
        products = rows_of(api.get("/products", params={"per_page": 100}))
        assert {product["productable_type"] for product in products} == {"Course", "Bundle"}
        assert_shape(products, [PRODUCT])

    def test_its_id_is_the_thinkific_product_id(self, api: httpx.Client, school: School) -> None:
        sold = school.add_course()
        sync_catalogue(api)
        product = data_of(api.get(f"/products/{sold['id']}"))
        assert (product["id"], product["thinkific_id"]) == (sold["id"], sold["id"])
        assert product["productable_id"] == sold["productable_id"]
        assert {key: product[key] for key in ("name", "slug", "status", "productable_type")} == {
            key: sold[key] for key in ("name", "slug", "status", "productable_type")
        }

    def test_a_bundle_names_its_courses(self, api: httpx.Client, bundle: Json, courses: list[Json]) -> None:
        assert bundle["course_ids"]
        assert set(bundle["course_ids"]) <= {course["productable_id"] for course in courses}


class TestReading:
    def test_it_goes_by_the_product_id_only(self, api: httpx.Client, courses: list[Json]) -> None:
        assert data_of(api.get(f"/products/{courses[0]['id']}")) == courses[0]
        assert api.get(f"/products/{courses[0]['productable_id']}").status_code == 404


class TestSearching:
    def test_a_part_of_the_name_in_any_case_is_enough(self, api: httpx.Client, courses: list[Json]) -> None:
        name = courses[0]["name"]
        for term in (name, name.upper(), name[2:-2].lower()):
            assert courses[0] in _search(api, term)

    def test_it_finds_the_product_and_the_productable_id(self, api: httpx.Client, courses: list[Json]) -> None:
        for term in (courses[0]["id"], courses[0]["productable_id"]):
            assert _search(api, str(term)) == [courses[0]]
            assert _search(api, str(term)[:-1]) == []

    def test_every_match_is_in_a_plain_list(self, api: httpx.Client, school: School) -> None:
        word = unique("Ünïque")
        sold = [school.add_course(name=f"{word} {number}") for number in range(20)]
        sync_catalogue(api)
        response = api.get("/products/search", params={"term": word.swapcase()})
        assert response.json().keys() == {"data"}
        assert {product["id"] for product in rows_of(response)} == {product["id"] for product in sold}
        assert_shape(rows_of(response), [PRODUCT])

    @pytest.mark.parametrize("term", ["no such thing", "%", "*", ".*", "' or '1'='1"])
    def test_no_match_is_an_empty_list(self, api: httpx.Client, term: str) -> None:
        assert _search(api, term) == []

    @pytest.mark.parametrize("term", [None, "", "   ", "x" * 256])
    def test_a_term_of_1_to_255_characters_is_required(self, api: httpx.Client, term: str | None) -> None:
        query = {} if term is None else {"term": term}
        assert errors_of(api.get("/products/search", params=query)) == {"term"}

    def test_255_characters_are_fine(self, api: httpx.Client) -> None:
        assert _search(api, "zq" * 127 + "z") == []


class TestRefreshing:
    def test_it_is_an_operation(self, api: httpx.Client) -> None:
        response = api.post("/products/sync")
        assert response.status_code == 200
        assert response.json().keys() == {"data", "operation"}
        started = response.json()["operation"]
        assert started.keys() >= {"id", "status"}
        read = data_of(api.get(f"/operations/{started['id']}"))
        assert_shape(read, OPERATION)
        ended = finished(api, started)
        assert_shape(ended, OPERATION)
        assert (ended["id"], ended["type"], ended["created_at"]) == (read["id"], read["type"], read["created_at"])

    def test_its_totals_count_products(self, api: httpx.Client) -> None:
        operation = sync_catalogue(api)
        products = rows_of(api.get("/products", params={"per_page": 100}))
        sold = [product for product in products if product["status"] != "deleted"]
        assert operation["total"] == operation["done"] == len(sold)
        assert (operation["status"], operation["failed"], operation["failures"]) == ("succeeded", 0, [])

    def test_a_sync_adds_new_products_and_updates_changed_ones(self, api: httpx.Client, school: School) -> None:
        first, second = school.add_course(), school.add_course()
        bundle = school.add_bundle(first)
        sync_catalogue(api)
        assert data_of(api.get(f"/products/{bundle['id']}"))["course_ids"] == [first["productable_id"]]
        name = unique("Renamed")
        school.change(first, name=name, status="draft")
        school.change(bundle, course_ids=[first["productable_id"], second["productable_id"]])
        sync_catalogue(api)
        changed = data_of(api.get(f"/products/{first['id']}"))
        assert (changed["name"], changed["status"]) == (name, "draft")
        assert [product["id"] for product in _search(api, name)] == [first["id"]]
        assert _search(api, first["name"]) == []
        bundled = data_of(api.get(f"/products/{bundle['id']}"))["course_ids"]
        assert sorted(bundled) == [first["productable_id"], second["productable_id"]]

    def test_what_vanished_from_thinkific_stays_as_deleted(self, api: httpx.Client, school: School) -> None:
        course = school.add_course(id=randrange(10**9, 2 * 10**9))
        sync_catalogue(api)
        student = create_student(api, enrollments=[course["productable_id"]])
        school.remove(course)
        sync_catalogue(api)
        product = data_of(api.get(f"/products/{course['id']}"))
        assert (product["status"], product["name"]) == ("deleted", course["name"])
        assert enrollment_in(read_student(api, student), course)["name"] == course["name"]
        school.restore(course)
        sync_catalogue(api)
        assert data_of(api.get(f"/products/{course['id']}"))["status"] == "published"

    def test_of_what_vanished_a_grant_can_be_ended_but_not_made(self, api: httpx.Client, school: School) -> None:
        course = school.add_course(id=randrange(10**9, 2 * 10**9))
        sync_catalogue(api)
        granted, other = create_user(api), create_user(api)
        set_access(api, granted, course, max_seats=5)
        school.remove(course)
        sync_catalogue(api)
        for user, active in ((granted, True), (other, True), (other, False)):
            answer = api.post(f"/users/access/{user['id']}", json=grant_fields(course, active=active))
            assert errors_of(answer) == {"thinkific_id"}
        ended = set_access(api, granted, course, active=False, max_seats=5)
        assert grant_in(ended, course)["active"] is False


def _search(api: httpx.Client, term: str) -> list[Json]:
    return rows_of(api.get("/products/search", params={"term": term}))
