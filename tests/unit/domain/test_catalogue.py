"""What an entry of Thinkific's lists means for the products that there are."""

from dataclasses import replace
from typing import Any

import pytest
from tests.unit.clock import START

from b2b.domain.catalogue.entries import Known, added, free_id, matching_product, updated
from b2b.domain.catalogue.products import FIRST_OWN_ID, Product, ProductableType, ProductSource
from b2b.domain.work.upstream import CatalogueEntry

REST, GRAPHQL, MANUAL = ProductSource
OWN = FIRST_OWN_ID + 1


def entry(**fields: Any) -> CatalogueEntry:
    given = {"id": 5, "productable_id": 70, "productable_type": "Course", "name": "N", "status": "draft", "slug": "n"}
    return CatalogueEntry(**{**given, **fields})


def product(product_id: int, source: ProductSource = REST, **fields: Any) -> Product:
    given = {"productable_id": 70, "productable_type": ProductableType.COURSE, "name": "Old", "status": "published"}
    return Product(id=product_id, slug="old", source=source, created_at=START, updated_at=START, **{**given, **fields})


NATIVE, OTHER = product(5), product(6, productable_id=71)
ADDED, FOUND = product(OWN, MANUAL), product(OWN, GRAPHQL)


@pytest.mark.parametrize(
    ("source", "known", "meant"),
    [
        (REST, Known(), None),
        (REST, Known(by_id=NATIVE, by_productable=NATIVE), NATIVE),
        (REST, Known(by_id=NATIVE), NATIVE),
        (REST, Known(by_id=NATIVE, by_productable=OTHER), NATIVE),
        (REST, Known(by_productable=ADDED), ADDED),
        (REST, Known(by_productable=FOUND), FOUND),
        (REST, Known(by_productable=NATIVE), None),
        (REST, Known(by_productable=replace(NATIVE, source=GRAPHQL)), replace(NATIVE, source=GRAPHQL)),
        (GRAPHQL, Known(), None),
        (GRAPHQL, Known(by_productable=NATIVE), NATIVE),
        (GRAPHQL, Known(by_productable=ADDED), ADDED),
        (GRAPHQL, Known(by_id=OTHER), None),
        (GRAPHQL, Known(by_id=OTHER, by_productable=ADDED), ADDED),
    ],
)
def test_which_product_an_entry_is_about(source: ProductSource, known: Known, meant: Product | None) -> None:
    assert matching_product(source, known) == meant


@pytest.mark.parametrize(
    ("shown", "before", "known", "ids"),
    [
        (entry(), NATIVE, Known(by_id=NATIVE), (5,)),
        (entry(), ADDED, Known(by_productable=ADDED), (OWN, 5)),
        (entry(id=None), ADDED, Known(by_productable=ADDED), (OWN,)),
        (entry(id=6), ADDED, Known(by_id=OTHER, by_productable=ADDED), (OWN,)),
        (entry(id=OWN + 7), ADDED, Known(by_productable=ADDED), (OWN,)),
        (entry(id=9), replace(ADDED, learned_id=5), Known(by_productable=ADDED), (OWN, 9)),
        (entry(id=None), replace(ADDED, learned_id=5), Known(by_productable=ADDED), (OWN, 5)),
        (entry(id=9), replace(NATIVE, source=GRAPHQL), Known(by_productable=NATIVE), (5, 9)),
    ],
)
def test_an_id_never_changes_and_thinkifics_is_learned(
    shown: CatalogueEntry, before: Product, known: Known, ids: tuple[int, ...]
) -> None:
    after = updated(before, shown, REST, known)
    assert after.ids == ids
    assert after.id == before.id
    assert (after.name, after.status, after.source) == ("N", "draft", REST)
    assert all(after.matches(str(number)) for number in (*ids, 70))


def test_what_an_entry_leaves_open_stays_as_it_was() -> None:
    after = updated(NATIVE, entry(name="", slug=None), GRAPHQL, Known(by_productable=NATIVE))
    assert (after.name, after.slug, after.source) == ("Old", "old", GRAPHQL)


@pytest.mark.parametrize(
    ("shown", "known", "product_id"),
    [
        (entry(), Known(), 5),
        (entry(id=None), Known(), None),
        (entry(id=6), Known(by_id=OTHER), None),
        (entry(id=FIRST_OWN_ID), Known(), None),
        (entry(id=FIRST_OWN_ID - 1), Known(), FIRST_OWN_ID - 1),
    ],
)
def test_a_new_product_has_thinkifics_id_where_that_is_known_and_free(
    shown: CatalogueEntry, known: Known, product_id: int | None
) -> None:
    assert free_id(shown, known) == product_id


def test_a_course_without_a_name_has_one_for_a_person() -> None:
    made = added(entry(id=None, name=""), GRAPHQL, OWN, START)
    assert (made.name, made.thinkific_id, made.is_hidden) == ("Course 70", None, True)
