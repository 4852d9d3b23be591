"""The catalogue as the API shows it, and as the controls change it."""

from typing import Any

import pytest
from tests.unit.simulator.school import School

from b2b_cli.simulator import Store, create_app


def error(school: School, method: str, path: str, **body: Any) -> tuple[int, str]:
    response = school.request(method, f"/_simulator{path}", json=body)
    return response.status_code, response.json()["error"]


def test_a_course_is_its_product(school: School) -> None:
    made = school.control("POST", "/courses", json={"name": "Fire Safety", "price": "79.0", "private": True})
    product = made["product"]
    assert (product["productable_type"], product["status"], product["slug"]) == ("Course", "published", "fire-safety")
    assert (product["price"], product["private"], product["hidden"]) == ("79.0", True, False)
    assert product["product_prices"][0]["payment_type"] == "one-time"
    assert school.items("/products") == [product]
    assert school.api("GET", f"/products/{product['id']}").json() == product
    course = school.api("GET", f"/courses/{product['productable_id']}").json()
    assert (course["name"], course["product_id"], course["chapter_ids"]) == ("Fire Safety", product["id"], [])
    assert school.items("/courses") == [course]
    assert school.items(f"/products/{product['id']}/related") == []


def test_ids_of_ones_own(school: School) -> None:
    course = school.control("POST", "/courses", json={"name": "A", "id": 77, "product_id": 5})
    bundle = school.control("POST", "/bundles", json={"name": "B", "id": 77, "product_id": 6, "course_ids": [77]})
    other = school.control("POST", "/products", json={"name": "C", "id": 7, "productable_type": "Community"})
    shown = [(item["product"]["id"], item["product"]["productable_id"]) for item in (course, bundle, other)]
    assert shown == [(5, 77), (6, 77), (7, 1)]
    assert school.api("GET", "/bundles/77").json()["course_ids"] == [77]


def test_a_product_of_a_course_that_is_there(school: School, store: Store) -> None:
    course_id = store.insert("courses", {"name": "A", "slug": "a"})
    school.control("POST", "/products", json={"name": "A", "productable_id": course_id})
    assert [course["id"] for course in school.items("/courses")] == [course_id]


def test_ids_that_are_taken(school: School) -> None:
    school.control("POST", "/courses", json={"name": "A", "id": 77, "product_id": 5})
    assert error(school, "POST", "/courses", name="B", id=77) == (409, "the Course 77 has a product already")
    assert error(school, "POST", "/products", name="B", id=5) == (409, "there is a product 5 already")
    assert error(school, "POST", "/bundles", name="B", course_ids=[1]) == (422, "there is no course 1")
    assert len(school.items("/products")) == len(school.items("/courses")) == 1


@pytest.mark.parametrize("kind", ["products", "courses", "bundles"])
def test_renaming(school: School, kind: str) -> None:
    bundle, courses = school.bundle(1)
    product = next(item for item in school.items("/products") if item["productable_type"] == "Bundle")
    identifier = {"products": product["id"], "courses": courses[0], "bundles": bundle}[kind]
    changed = school.control("PUT", f"/{kind}/{identifier}", json={"name": "New Name", "status": "draft"})["product"]
    assert (changed["name"], changed["slug"], changed["status"]) == ("New Name", "new-name", "draft")
    path = f"/courses/{courses[0]}" if kind == "courses" else f"/bundles/{bundle}"
    assert school.api("GET", path).json()["name"] == "New Name"
    assert [item["name"] for item in school.items("/products")].count("New Name") == 1


def test_removing_a_course(school: School) -> None:
    bundle, courses = school.bundle(2)
    school.enrolled(school.user()["id"], courses[0])
    assert school.control("DELETE", f"/courses/{courses[0]}") is None
    assert school.api("GET", f"/courses/{courses[0]}").status_code == 404
    assert school.api("GET", f"/bundles/{bundle}").json()["course_ids"] == courses[1:]
    assert school.items("/enrollments") == []
    school.control("DELETE", f"/bundles/{bundle}")
    assert [item["productable_id"] for item in school.items("/products")] == courses[1:]


def test_ids_are_never_given_twice(school: School) -> None:
    course = school.course()
    school.control("DELETE", f"/courses/{course}")
    assert school.course() == course + 1
    user = school.user()["id"]
    school.control("POST", "/reset")
    assert school.user()["id"] == user + 1


@pytest.mark.parametrize("method", ["PUT", "DELETE"])
@pytest.mark.parametrize("kind", ["product", "course", "bundle"])
def test_what_is_not_sold(school: School, method: str, kind: str) -> None:
    assert error(school, method, f"/{kind}s/1") == (404, f"there is no {kind} 1")


@pytest.mark.parametrize(
    ("body", "status"), [({}, 422), ({"name": "A", "nmae": "B"}, 422), ({"name": "A", "price": "free"}, 422)]
)
def test_a_course_that_cannot_be(school: School, body: dict[str, Any], status: int) -> None:
    assert error(school, "POST", "/courses", **body)[0] == status


def test_the_demo_catalogue(store: Store, school: School) -> None:
    for _ in range(2):
        create_app(store, demo_catalogue=True)
    products = school.items("/products")
    assert len(products) == 11
    sizes = [
        len(school.api("GET", f"/bundles/{product['productable_id']}").json()["course_ids"])
        for product in products
        if product["productable_type"] == "Bundle"
    ]
    assert sizes == [3, 2, 7]
    course = school.items("/courses")[0]
    chapters = school.items(f"/courses/{course['id']}/chapters")
    assert [chapter["id"] for chapter in chapters] == course["chapter_ids"]
    assert chapters[0] == school.api("GET", f"/chapters/{chapters[0]['id']}").json()
    contents = school.items(f"/chapters/{chapters[0]['id']}/contents")
    assert [content["id"] for content in contents] == chapters[0]["content_ids"]
    assert contents[0] == school.api("GET", f"/contents/{contents[0]['id']}").json()
    assert contents[0].keys() == {"id", "name", "position", "chapter_id", "contentable_type", "free", "take_url"}
