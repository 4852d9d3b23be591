"""Users and their grants over the table."""

from dataclasses import replace

import pytest
from tests.unit.services.world import World, reference

from b2b.domain.catalogue.products import ProductReference
from b2b.domain.errors import InvalidInput, NotFound
from b2b.domain.identity.users import GrantTerms, Role, User, UserView
from b2b.services.identity.users import UserFields
from b2b.services.pages import Page, PageRequest
from b2b.storage import keys

EMAIL = "boss@example.com"
TERMS = GrantTerms(active=True, enrollment_days=30)


def grant_of(view: UserView) -> tuple[int | None, int, bool, int]:
    ((grant, _),) = view.grants
    return grant.max_seats, grant.seats_used, grant.active, grant.enrollment_days


def test_a_new_user_is_as_asked(world: World) -> None:
    made = world.users.create("Boss@Example.com", UserFields(name="Boss", password="12345678", max_seats=5)).user
    assert (made.name, made.email, made.role, made.max_seats) == ("Boss", "Boss@Example.com", Role.USER, 5)
    assert world.users.get(made.id).user == made


def test_a_password_is_kept_as_a_hash_only(world: World) -> None:
    user_id = world.users.create(EMAIL, UserFields(password="12345678")).user.id
    stored = str(world.store._table.get(keys.user(user_id)))
    assert "$argon2id$" in stored
    assert "12345678" not in stored


@pytest.mark.parametrize("spelling", [EMAIL, "BOSS@example.com", " boss@EXAMPLE.com "])
def test_a_taken_address_is_refused_and_costs_no_user(world: World, spelling: str) -> None:
    world.users.create(EMAIL, UserFields())
    with pytest.raises(InvalidInput) as refused:
        world.users.create(spelling, UserFields())
    assert refused.value.errors == {"email": ["The email has already been taken."]}
    assert world.users.list_page(PageRequest(1, 15)).total == 1


def test_ids_ascend_and_are_found_by_address(world: World) -> None:
    users = [world.user(f"boss{number}@example.com") for number in range(3)]
    assert [user.id for user in users] == sorted(user.id for user in users)
    assert world.users.find_by_email("BOSS1@example.com").user == users[1]


def test_nobody_is_found_by_an_unknown_address_or_id(world: World) -> None:
    with pytest.raises(NotFound):
        world.users.find_by_email(EMAIL)
    with pytest.raises(NotFound):
        world.users.get(1)


def test_limits_default_to_the_setting(world: World) -> None:
    assert world.user("a@example.com").max_seats is None
    world.store.settings.change_settings(default_max_seats=7)
    assert world.user("b@example.com").max_seats == 7
    assert world.user("c@example.com", max_seats=None).max_seats is None
    assert world.user("d@example.com", max_seats=0).max_seats == 0


def test_an_upsert_creates_with_the_local_part_as_name(world: World) -> None:
    view, created = world.users.upsert("big.boss@example.com", UserFields())
    assert (view.user.name, created) == ("big.boss", True)


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (UserFields(), ("Boss", 5)),
        (UserFields(name="Other"), ("Other", 5)),
        (UserFields(max_seats=9), ("Boss", 9)),
        (UserFields(max_seats=0), ("Boss", 0)),
        (UserFields(max_seats=None), ("Boss", None)),
        (UserFields(name="Other", max_seats=9), ("Other", 9)),
    ],
)
def test_an_upsert_changes_what_is_given(world: World, fields: UserFields, expected: tuple[str, int | None]) -> None:
    first = world.users.create(EMAIL, UserFields(name="Boss", max_seats=5)).user
    view, created = world.users.upsert("BOSS@example.com", fields)
    assert (view.user.id, created) == (first.id, False)
    assert (view.user.name, view.user.max_seats) == expected
    assert world.users.get(first.id).user == view.user


def test_an_upsert_keeps_the_address_as_it_was_typed_first(world: World) -> None:
    world.users.create(EMAIL, UserFields())
    assert world.users.upsert("BOSS@EXAMPLE.COM", UserFields(name="Boss"))[0].user.email == EMAIL


def test_a_changed_address_is_free_for_others_again(world: World) -> None:
    first = world.user(EMAIL)
    world.users.update(first.id, UserFields(), "new@example.com")
    assert world.users.find_by_email("new@example.com").user.id == first.id
    assert world.user(EMAIL).id != first.id


def test_only_the_spelling_of_an_address_may_change(world: World) -> None:
    first = world.user(EMAIL)
    assert world.users.update(first.id, UserFields(), "Boss@Example.com").user.email == "Boss@Example.com"


def test_an_address_of_another_user_is_not_taken_over(world: World) -> None:
    first, _ = world.user(EMAIL), world.user("other@example.com")
    with pytest.raises(InvalidInput) as refused:
        world.users.update(first.id, UserFields(), "Other@example.com")
    assert refused.value.errors == {"email": ["The email has already been taken."]}


# Grants


def test_a_grant_is_set_and_set_again(world: World, boss: User) -> None:
    course = world.course()
    assert grant_of(world.grant(boss, course, 5, days=30)) == (5, 0, True, 30)
    assert grant_of(world.grant(boss, course, None, days=0, active=False)) == (None, 0, False, 0)


def test_seats_are_added_from_none_and_on_top(world: World, boss: User) -> None:
    course = reference(world.course())
    assert grant_of(world.users.add_seats(boss.id, course, TERMS, 3)) == (3, 0, True, 30)
    later = GrantTerms(active=False, enrollment_days=7)
    assert grant_of(world.users.add_seats(boss.id, course, later, 4)) == (7, 0, False, 7)


def test_unlimited_stays_unlimited(world: World, boss: User) -> None:
    course = world.course()
    world.grant(boss, course, None)
    assert grant_of(world.users.add_seats(boss.id, reference(course), TERMS, 3)) == (None, 0, True, 30)


def test_a_grant_stays_reusable_until_told_otherwise(world: World, boss: User) -> None:
    course = reference(world.course())

    def reusable(wanted: bool | None) -> bool:
        terms = GrantTerms(active=True, enrollment_days=0, reusable=wanted)
        return world.users.set_access(boss.id, course, terms, 5).grants[0][0].reusable

    assert [reusable(wanted) for wanted in (None, True, None, False)] == [False, True, True, False]


def test_what_was_enrolled_before_the_grant_counts_in_it(world: World, boss: User) -> None:
    course = world.course()
    world.enroll(boss, course, email="a@example.com")
    world.enroll(boss, course, email="b@example.com")
    assert world.users.get(boss.id).grants == ()
    assert grant_of(world.users.add_seats(boss.id, reference(course), TERMS, 5)) == (5, 2, True, 30)


def test_a_course_and_a_bundle_of_one_number_have_to_be_told_apart(world: World, boss: User) -> None:
    course, bundle = world.course(), world.bundle()
    for product in (course, bundle):
        world.store.transact(world.store.products.save(replace(product, productable_id=77), product))
    with pytest.raises(InvalidInput) as refused:
        world.users.set_access(boss.id, ProductReference(77), TERMS, 5)
    assert "productable_type" in refused.value.errors["thinkific_id"][0]
    chosen = ProductReference(77, bundle.productable_type)
    assert world.users.set_access(boss.id, chosen, TERMS, 5).grants[0][1].id == bundle.id


def test_an_unknown_product_is_refused_on_its_field(world: World, boss: User) -> None:
    with pytest.raises(InvalidInput) as refused:
        world.users.set_access(boss.id, ProductReference(999), TERMS, 5)
    assert refused.value.errors == {"thinkific_id": ["There is no course, bundle or product with the id 999."]}


@pytest.mark.parametrize("known", [True, False], ids=["a known product", "an unknown product"])
def test_an_unknown_user_is_said_before_anything_else(world: World, known: bool) -> None:
    product = reference(world.course()) if known else ProductReference(999)
    with pytest.raises(NotFound):
        world.users.set_access(12, product, TERMS, 5)
    with pytest.raises(NotFound):
        world.users.add_seats(12, product, TERMS, 5)


# Lists


def ids(page: Page[UserView]) -> list[int]:
    return [view.user.id for view in page.records]


def test_pages_by_number_and_by_cursor(world: World) -> None:
    users = [world.user(f"boss{number}@example.com").id for number in range(5)]
    first = world.users.list_page(PageRequest(1, 2))
    assert (ids(first), first.total, first.position) == (users[:2], 5, 0)
    second = world.users.list_page(PageRequest(2, 2))
    assert (ids(second), second.position) == (users[2:4], 2)
    third = world.users.list_page(PageRequest(3, 2, second.next_cursor))
    assert (ids(third), third.position, third.next_cursor) == (users[4:], 4, None)
    beyond = world.users.list_page(PageRequest(4, 2))
    assert (ids(beyond), beyond.next_cursor) == ([], None)


def test_a_user_is_listed_with_its_grants(world: World, boss: User) -> None:
    world.user("none@example.com")
    world.grant(boss, world.course("A"), 5)
    world.grant(boss, world.course("B"), 6)
    listed = world.users.list_page(PageRequest(1, 15)).records
    assert [[product.name for _, product in view.grants] for view in listed] == [["A", "B"], []]
