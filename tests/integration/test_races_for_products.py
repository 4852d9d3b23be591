"""Who adds the same course at the same time, by hand or by a refresh of the catalogue: it is one product."""

from dataclasses import replace

from tests.integration.crowd import THREADS, crowd, granted, refused
from tests.integration.desk import Desk
from tests.integration.recount import recount

from b2b.domain.catalogue.products import Product, ProductableType, ProductSource
from b2b.domain.errors import InvalidInput
from b2b.domain.timestamps import utc_now
from b2b.domain.work.upstream import CatalogueEntry
from b2b.services.catalogue.entries import ProductEntries

MANY = range(THREADS)
COURSE = ProductableType.COURSE


def test_a_course_added_by_many_is_one_product_and_every_other_call_is_refused(desk: Desk, rounds: range) -> None:
    for turn in rounds:

        def add(_: int, course_id: int = turn + 1) -> Product:
            return desk.products.add_product(COURSE, course_id, "Remote")

        answers = crowd(add, MANY)
        (made,) = granted(answers)
        assert {type(refusal) for refusal in refused(answers)} == {InvalidInput}
        assert desk.store.products.find_selling(COURSE, turn + 1) == made
    assert len(desk.store.products.all()) == len(rounds)
    assert recount(desk.school) == []


def test_a_course_added_while_refreshes_find_it_is_one_product(desk: Desk, rounds: range) -> None:
    for turn in rounds:
        course_id, product_id = turn + 1, 7_000 + turn
        shown = CatalogueEntry(
            id=product_id,
            productable_id=course_id,
            productable_type=COURSE,
            name="Shown",
            status="published",
            slug=None,
        )

        def add_or_find(number: int, shown: CatalogueEntry = shown) -> int:
            if number % 4 == 0:
                return desk.products.add_product(COURSE, shown.productable_id, "Added").id
            entry = shown if number % 2 else replace(shown, id=None)
            source = ProductSource.REST if number % 2 else ProductSource.GRAPHQL
            (known,) = desk.store.products.known([entry])
            return ProductEntries(desk.store, utc_now).save_entry(entry, source, known)

        answers = crowd(add_or_find, MANY)
        assert len({*granted(answers)}) == 1
        assert {type(refusal) for refusal in refused(answers)} <= {InvalidInput}
        product = desk.products.get(product_id)
        assert product == desk.store.products.find_selling(COURSE, course_id)
        assert product.thinkific_id == product_id
    assert len(desk.store.products.all()) == len(rounds)
    assert recount(desk.school) == []
