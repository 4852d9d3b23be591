"""The simulator under a client that others wrote: `thinkific` 0.1.1 from PyPI.

It calls a fixed host, which is replaced where its client module keeps it. What works is used. What does not, in 0.1.1:
`bundles.create_enrollment_in_bundle` posts to `/bundles/{id}/courses`; `bundles.retrieve_courses_in_bundle`,
`get_enrollments_in_bundle` and `update_enrollments_in_bundle`, and `products.retrieve_product_related`, lack the slash
before their path; parameters that are false or 0 are dropped; an error is a bare Exception holding the status only. It
has no calls for groups.
"""

from collections.abc import Iterator

import pytest
from tests.integration.simulator.server import API_KEY, SUBDOMAIN, Server
from thinkific import Thinkific  # type: ignore[import-untyped]  # it ships no types


@pytest.fixture
def school(server: Server) -> Iterator[Thinkific]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("thinkific.client.BASE_URL", f"{server.url}/api")
        patch.setenv("NO_PROXY", "127.0.0.1")
        yield Thinkific(API_KEY, SUBDOMAIN)


def test_users(school: Thinkific) -> None:
    created = school.users.create_user({"first_name": "Grace", "last_name": "Hopper", "email": "Grace+1@example.com"})
    assert school.users.retrieve_user(created["id"]) == created
    assert school.users.list(email="grace+1@example.com")["items"] == [created]
    assert school.users.update_user(created["id"], {"company": "Navy"}) == {}
    assert school.users.retrieve_user(created["id"]) == created | {"company": "Navy"}
    with pytest.raises(Exception, match="422"):
        school.users.create_user({"first_name": "Grace", "last_name": "H", "email": "grace+1@example.com"})
    assert school.users.delete_user(created["id"]) == {}
    with pytest.raises(Exception, match="404"):
        school.users.retrieve_user(created["id"])


def test_catalogue(school: Thinkific) -> None:
    pages = [school.products.list(page=page, limit=4) for page in (1, 2, 3)]
    products = [product for page in pages for product in page["items"]]
    assert [page["meta"]["pagination"]["next_page"] for page in pages] == [2, 3, None]
    assert len(products) == 11
    assert school.products.retrieve_product(products[0]["id"]) == products[0]
    course = school.courses.retrieve_course(products[0]["productable_id"])
    assert course["product_id"] == products[0]["id"]
    chapter = school.courses.retrieve_chapters(course["id"])["items"][0]
    assert school.chapters.retrieve_chapter(chapter["id"]) == chapter
    content = school.chapters.retrieve_contents_of_chapter(chapter["id"])["items"][0]
    assert school.contents.retrieve_content(content["id"]) == content
    bundle = school.bundles.retrieve_bundle(products[-1]["productable_id"])
    assert len(bundle["course_ids"]) == 7


def test_enrollments(school: Thinkific) -> None:
    user = school.users.create_user({"first_name": "Alan", "last_name": "Turing", "email": "alan@example.com"})
    course_id = school.courses.list(limit=1)["items"][0]["id"]
    created = school.enrollments.create_enrollment(
        {"user_id": user["id"], "course_id": course_id, "activated_at": "2026-01-01T00:00:00Z"}
    )
    assert school.enrollments.retrieve_enrollment(created["id"]) == created
    assert school.enrollments.list(user_id=user["id"], course_id=course_id)["items"] == [created]
    assert school.enrollments.update_enrollment(created["id"], {"expiry_date": "2026-01-02T23:59:59Z"}) == {}
    (expired,) = school.enrollments.list(email="alan@example.com", expired=True)["items"]
    assert (expired["id"], expired["expired"]) == (created["id"], True)
    assert school.enrollments.list(user_id=user["id"], free_trial=True)["items"] == []


def test_a_wrong_key(server: Server, school: Thinkific) -> None:
    with pytest.raises(Exception, match="401"):
        Thinkific("wrong", SUBDOMAIN).users.list()
