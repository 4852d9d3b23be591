"""What each call sends, and what it makes of a good answer."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from tests.unit.thinkific.wire import KEY, URL, Asked, Wire, enrollment, ok, page, user

from b2b.config import ThinkificConfig
from b2b.domain.work.upstream import CatalogueEntry, MembersPage, ThinkificEnrollment, ThinkificUser
from b2b.gateways.thinkific import FixedKey, Thinkific, http_client

START = datetime(2026, 3, 10, 12, tzinfo=UTC)
END = datetime(2026, 4, 9, 12, 0, 0, 999_999, tzinfo=UTC)
DATES = {"activated_at": "2026-03-10T12:00:00Z", "expiry_date": "2026-04-09T12:00:00Z"}
NAMES = {"first_name": "Ada", "last_name": "Lovelace", "email": "ada@example.com"}
PAGE = {"page": "1", "limit": "250"}


@pytest.mark.parametrize(
    ("call", "answer", "asked", "result"),
    [
        (
            lambda client: client.accounts.find("ada+x@example.com"),
            page(user(email="ada+x@example.com")),
            Asked("GET", "/users", {"query[email]": "ada+x@example.com"}, None),
            ThinkificUser(id=4, email="ada+x@example.com", first_name="Ada"),
        ),
        (
            lambda client: client.accounts.find("ada@example.com"),
            page(),
            Asked("GET", "/users", {"query[email]": "ada@example.com"}, None),
            None,
        ),
        (lambda client: client.accounts.exists(4), ok(user()), Asked("GET", "/users/4", {}, None), True),
        (
            lambda client: client.accounts.exists(4),
            ok({"error": "Record not found."}, 404),
            Asked("GET", "/users/4", {}, None),
            False,
        ),
        (
            lambda client: client.accounts.create(**NAMES),
            ok(user(), 201),
            Asked("POST", "/users", {}, NAMES | {"skip_custom_fields_validation": True}),
            ThinkificUser(id=4, email="ada@example.com", first_name="Ada"),
        ),
        (
            lambda client: client.accounts.update(4, **NAMES),
            ok(status=204),
            Asked("PUT", "/users/4", {}, NAMES),
            None,
        ),
        (lambda client: client.accounts.delete(4), ok(status=204), Asked("DELETE", "/users/4", {}, None), None),
        (
            lambda client: client.accounts.delete(4),
            ok({"error": "Record not found."}, 404),
            Asked("DELETE", "/users/4", {}, None),
            None,
        ),
        (
            lambda client: client.groups.read_members(2, 3),
            page(user()),
            Asked("GET", "/users", {"query[group_id]": "2", "page": "3", "limit": "50"}, None),
            MembersPage(
                members=(ThinkificUser(id=4, email="ada@example.com", first_name="Ada"),), next_page=None, total=1
            ),
        ),
        (
            lambda client: client.groups.add_member("Acme & Söhne", 4),
            ok(status=201),
            Asked("POST", "/group_users", {}, {"user_id": 4, "group_names": ["Acme & Söhne"]}),
            None,
        ),
        (
            lambda client: client.groups.find("Acme"),
            page({"id": 1, "name": "acme"}, {"id": 2, "name": "Acme"}),
            Asked("GET", "/groups", PAGE, None),
            2,
        ),
        (
            lambda client: client.groups.create("Acme"),
            ok({"group": {"id": 2, "name": "Acme", "token": "c2395613"}}),
            Asked("POST", "/groups", {}, {"name": "Acme"}),
            2,
        ),
        (
            lambda client: client.groups.create("Acme"),
            ok({"id": 2, "name": "Acme", "token": "c2395613"}, 201),
            Asked("POST", "/groups", {}, {"name": "Acme"}),
            2,
        ),
        (
            lambda client: client.enrollments.create(user_id=4, course_id=7, activated_at=START, expiry_date=END),
            ok(enrollment(), 201),
            Asked("POST", "/enrollments", {}, {"user_id": 4, "course_id": 7} | DATES),
            9,
        ),
        (
            lambda client: client.enrollments.create(user_id=4, course_id=7, activated_at=START, expiry_date=None),
            ok(enrollment(), 201),
            Asked("POST", "/enrollments", {}, {"user_id": 4, "course_id": 7, "activated_at": DATES["activated_at"]}),
            9,
        ),
        (
            lambda client: client.enrollments.update(9, activated_at=START, expiry_date=END),
            ok(status=204),
            Asked("PUT", "/enrollments/9", {}, DATES),
            None,
        ),
        (
            lambda client: client.enrollments.find(4, 7),
            page(enrollment()),
            Asked("GET", "/enrollments", {"query[user_id]": "4", "query[course_id]": "7"}, None),
            ThinkificEnrollment(
                id=9,
                user_id=4,
                course_id=7,
                activated_at=datetime(2024, 2, 22, 20, 32, 52, tzinfo=UTC),
                expiry_date=None,
                percentage_completed=0.0,
            ),
        ),
        (
            lambda client: client.enrollments.list_of_user(4),
            page(),
            Asked("GET", "/enrollments", {"query[user_id]": "4"} | PAGE, None),
            [],
        ),
        (
            lambda client: client.bundles.course_ids(3),
            ok({"id": 3, "name": "Pack", "course_ids": [7, 8]}),
            Asked("GET", "/bundles/3", {}, None),
            (7, 8),
        ),
        (
            lambda client: [row.id for row in client.bundles.find_enrollments(4, 3)],
            page(enrollment(1), enrollment(2, course_id=8)),
            Asked("GET", "/bundles/3/enrollments", {"query[user_id]": "4", "limit": "250"}, None),
            [1, 2],
        ),
        (
            lambda client: client.bundles.enroll(user_id=4, bundle_id=3, activated_at=START, expiry_date=END),
            ok(status=201),
            Asked("POST", "/bundles/3/enrollments", {}, {"user_id": 4} | DATES),
            True,
        ),
        (
            lambda client: client.bundles.enroll(user_id=4, bundle_id=3, activated_at=START, expiry_date=END),
            ok(status=202),
            Asked("POST", "/bundles/3/enrollments", {}, {"user_id": 4} | DATES),
            False,
        ),
        (
            lambda client: client.bundles.update_enrollment(
                user_id=4, bundle_id=3, activated_at=START, expiry_date=END
            ),
            ok(status=204),
            Asked("PUT", "/bundles/3/enrollments", {}, {"user_id": 4} | DATES),
            None,
        ),
    ],
)
def test_a_call_and_its_answer(
    wire: Wire, call: Callable[[Thinkific], Any], answer: httpx.Response, asked: Asked, result: object
) -> None:
    assert call(wire.answers(answer)) == result
    assert wire.asked == [asked]


def test_filters_are_nested_and_encoded(wire: Wire) -> None:
    wire.answers(page()).accounts.find("ada+x@example.com")
    assert wire.requests[0].url.query == b"query%5Bemail%5D=ada%2Bx%40example.com"


def test_every_call_says_who_calls_and_that_it_speaks_json(wire: Wire) -> None:
    client = wire.answers(page(), ok(status=204))
    client.accounts.find("ada@example.com")
    client.accounts.update(4, **NAMES)
    for request in wire.requests:
        assert request.headers["User-Agent"].startswith("b2b-seats/")
        assert request.headers["Accept"] == "application/json"
    assert wire.requests[1].headers["Content-Type"] == "application/json"


def test_an_api_key_goes_with_its_subdomain(wire: Wire) -> None:
    wire.answers(page()).accounts.find("ada@example.com")
    headers = wire.requests[0].headers
    assert (headers["X-Auth-API-Key"], headers["X-Auth-Subdomain"]) == (KEY, "acme")
    assert "Authorization" not in headers


def test_a_longer_key_is_sent_as_an_access_token_too(wire: Wire) -> None:
    wire.replies = [page()]
    wire.client(FixedKey("t" * 33)).accounts.find("ada@example.com")
    assert wire.requests[0].headers["Authorization"] == "Bearer " + "t" * 33


def test_every_phase_of_a_call_has_a_time_out_and_no_redirect_is_followed() -> None:
    client = http_client(ThinkificConfig(thinkific_subdomain="acme").thinkific_url, subdomain="acme")
    assert None not in client.timeout.as_dict().values()
    assert not client.follow_redirects


def test_a_user_found_in_another_spelling_is_the_same(wire: Wire) -> None:
    found = wire.answers(page(user(email="ADA@example.com"))).accounts.find("Ada@Example.com")
    assert found is not None
    assert found.id == 4


def test_rows_of_others_are_not_taken_for_the_user_asked_for(wire: Wire) -> None:
    assert wire.answers(page(user(1, "a@x.io"), user(2, "b@x.io"))).accounts.find("ada@example.com") is None


def test_rows_of_others_are_not_taken_for_the_enrollment_asked_for(wire: Wire) -> None:
    rows = [enrollment(1, user_id=5), enrollment(2, course_id=8), enrollment(3)]
    found = wire.answers(page(*rows)).enrollments.find(4, 7)
    assert found is not None
    assert found.id == 3


def test_rows_of_others_are_left_out_of_a_users_enrollments(wire: Wire) -> None:
    rows = [enrollment(1, user_id=5), enrollment(2, course_id=8), enrollment(3)]
    assert [found.id for found in wire.answers(page(*rows)).enrollments.list_of_user(4)] == [2, 3]


def test_rows_of_others_do_not_put_a_user_into_a_bundle(wire: Wire) -> None:
    assert wire.answers(page(enrollment(user_id=5))).bundles.find_enrollments(4, 3) == []


@pytest.mark.parametrize(
    ("ends", "chosen"),
    [
        (["2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z", "2026-03-01T00:00:00Z"], 1),
        (["2026-01-01T00:00:00Z", None, "2026-03-01T00:00:00Z"], 1),
    ],
)
def test_of_several_enrollments_the_one_that_lasts_longest_counts(
    wire: Wire, ends: list[str | None], chosen: int
) -> None:
    rows = [enrollment(number, expiry_date=end) for number, end in enumerate(ends)]
    found = wire.answers(page(*rows)).enrollments.find(4, 7)
    assert found is not None
    assert found.id == chosen


@pytest.mark.parametrize(
    ("sent", "end"),
    [
        ("2026-01-01T00:00:00Z", "2026-01-01T00:00:00"),
        ("2026-01-01T00:00:00.000+02:00", "2025-12-31T22:00:00"),
        ("2026-01-01T00:00:00", "2026-01-01T00:00:00"),
        ("9999-12-31T23:59:59-23:00", "9999-12-31T23:59:59"),
        ("0001-01-01T00:00:00+23:00", "0001-01-01T00:00:00"),
    ],
)
def test_an_end_is_read_as_utc_up_to_the_ends_of_the_calendar(wire: Wire, sent: str, end: str) -> None:
    found = wire.answers(page(enrollment(expiry_date=sent))).enrollments.find(4, 7)
    assert found is not None
    assert found.expiry_date == datetime.fromisoformat(end).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("sent", "percent"), [("0.0", 0.0), ("0.25", 25.0), (0.3333, 33.33), (1, 100.0), ("1.0", 100.0), (None, None)]
)
def test_progress_may_be_text_or_a_number(wire: Wire, sent: object, percent: float | None) -> None:
    found = wire.answers(page(enrollment(percentage_completed=sent))).enrollments.find(4, 7)
    assert found is not None
    assert found.percentage_completed == percent


def test_a_free_preview_is_told_from_access(wire: Wire) -> None:
    found = wire.answers(page(enrollment(activated_at=None, is_free_trial=True))).enrollments.find(4, 7)
    assert found is not None
    assert found.activated_at is None


def test_all_pages_are_read(wire: Wire) -> None:
    client = wire.answers(
        page(enrollment(1), next_page=2), page(enrollment(2), next_page=3), page(enrollment(3), next_page=None)
    )
    assert [found.id for found in client.enrollments.list_of_user(4)] == [1, 2, 3]
    assert [asked.query["page"] for asked in wire.asked] == ["1", "2", "3"]


def test_a_group_on_a_later_page_is_found_and_reading_stops_there(wire: Wire) -> None:
    client = wire.answers(page({"id": 1, "name": "A"}, next_page=2), page({"id": 2, "name": "B"}, next_page=3), page())
    assert client.groups.find("B") == 2
    assert len(wire.asked) == 2


@pytest.mark.parametrize(
    "read",
    [lambda client: client.enrollments.list_of_user(4), lambda client: client.groups.find("Acme")],
    ids=["enrollments", "groups"],
)
def test_paging_that_never_says_it_is_the_last_ends_at_an_empty_page(
    wire: Wire, read: Callable[[Thinkific], Any]
) -> None:
    rows = [enrollment(number) | {"name": "Other"} for number in (1, 2)]
    client = wire.answers(page(rows[0], next_page=1), page(rows[1], next_page=1), page(next_page=1))
    read(client)
    assert len(wire.asked) == 3


def test_paging_that_never_ends_at_all_does_not_go_on_forever(wire: Wire) -> None:
    calls = 0

    def same_page(_: httpx.Request) -> httpx.Response:
        nonlocal calls
        calls += 1
        assert calls < 50, "still asking"
        return page(enrollment(), next_page=1)

    assert {found.id for found in wire.answers(same_page).enrollments.list_of_user(4)} == {9}


def test_a_page_of_the_catalogue(wire: Wire) -> None:
    product = {"id": 1, "productable_id": 7, "productable_type": "Course", "name": "Safety", "price": "1.0"}
    found = wire.answers(page(product | {"status": "draft", "slug": "safety"}, next_page=4)).catalogue.read_page(3)
    entry = CatalogueEntry(
        id=1, productable_id=7, productable_type="Course", name="Safety", status="draft", slug="safety"
    )
    assert (found.entries, found.next_page) == ((entry,), 4)
    assert wire.asked == [Asked("GET", "/products", {"page": "3", "limit": "250"}, None)]


def test_products_of_other_kinds_are_left_out_whatever_they_look_like(wire: Wire) -> None:
    course = {"id": 2, "productable_id": 8, "productable_type": "Course", "name": "Safety"}
    strange: list[dict[str, Any]] = [{"id": 1, "productable_id": None, "productable_type": "Community"}, {"id": "x"}]
    found = wire.answers(page(*strange, course)).catalogue.read_page(1)
    assert [entry.id for entry in found.entries] == [2]


def test_a_page_of_products_of_other_kinds_is_not_the_last(wire: Wire) -> None:
    community = {"id": 1, "productable_id": 7, "productable_type": "Community", "name": "Club"}
    assert wire.answers(page(community, next_page=2)).catalogue.read_page(1).next_page == 2
    assert wire.answers(page(next_page=3)).catalogue.read_page(2).next_page is None


@pytest.mark.parametrize("answer", [httpx.Response(204), httpx.Response(200), httpx.Response(200, content=b"")])
def test_a_change_may_be_answered_with_nothing(wire: Wire, answer: httpx.Response) -> None:
    client = wire.answers(answer)
    client.accounts.update(4, **NAMES)
    client.enrollments.update(9, activated_at=START, expiry_date=None)
    client.bundles.update_enrollment(user_id=4, bundle_id=3, activated_at=START, expiry_date=None)
    client.groups.add_member("Acme", 4)


def test_a_base_url_may_end_with_a_slash(wire: Wire) -> None:
    assert str(http_client(URL + "/", subdomain="acme").base_url) == URL + "/"
