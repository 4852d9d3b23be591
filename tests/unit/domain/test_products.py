import pytest
from tests.unit.domain.records import product

from b2b.domain.catalogue.products import (
    DELETED,
    Candidates,
    Product,
    ProductableType,
    ProductReference,
    UnresolvedReference,
    resolve,
)

COURSE, BUNDLE = ProductableType.COURSE, ProductableType.BUNDLE

course = product(55)
bundle = product(55, BUNDLE, id=2055)
gone = product(55, status=DELETED)
other = product(7, id=55, name="The product 55")


@pytest.mark.parametrize(
    ("kind", "candidates", "meant"),
    [
        (None, Candidates((course,)), course),
        (None, Candidates((bundle,)), bundle),
        (None, Candidates((), other), other),
        (None, Candidates((course,), other), course),
        (BUNDLE, Candidates((course, bundle)), bundle),
        (COURSE, Candidates((course, bundle)), course),
        (COURSE, Candidates((), other), other),
        (None, Candidates((gone, bundle)), bundle),
    ],
    ids=[
        "a course",
        "a bundle",
        "a product where no course or bundle has the number",
        "the course before the product of that number",
        "the bundle where the type says so",
        "the course where the type says so",
        "a product of the type asked for",
        "what is left where the other was deleted",
    ],
)
def test_a_reference_means(kind: ProductableType | None, candidates: Candidates, meant: Product) -> None:
    assert resolve(ProductReference(55, kind), candidates) is meant


@pytest.mark.parametrize(
    ("kind", "candidates", "sentence"),
    [
        (None, Candidates(), "There is no course, bundle or product with the id 55."),
        (BUNDLE, Candidates(), "There is no bundle with the id 55."),
        (BUNDLE, Candidates((course,)), "There is no bundle with the id 55."),
        (BUNDLE, Candidates((), other), "There is no bundle with the id 55."),
        (
            None,
            Candidates((course, bundle)),
            "Both a course and a bundle have the id 55: say which with `productable_type`.",
        ),
        (None, Candidates((gone,)), '"Course 55" (id 55) no longer exists in Thinkific.'),
        (COURSE, Candidates((gone, bundle)), '"Course 55" (id 55) no longer exists in Thinkific.'),
        (
            None,
            Candidates((), product(7, id=55, status=DELETED)),
            '"Course 7" (id 55) no longer exists in Thinkific.',
        ),
    ],
    ids=[
        "nothing",
        "nothing of the type",
        "only the other type",
        "only a product of the other type",
        "a course and a bundle",
        "a deleted course",
        "a deleted course beside a bundle",
        "a deleted product",
    ],
)
def test_a_reference_that_cannot_be_resolved_says_why(
    kind: ProductableType | None, candidates: Candidates, sentence: str
) -> None:
    with pytest.raises(UnresolvedReference) as refused:
        resolve(ProductReference(55, kind), candidates)
    assert str(refused.value) == sentence


def test_a_deleted_course_does_not_let_a_product_of_its_number_slip_in() -> None:
    with pytest.raises(UnresolvedReference):
        resolve(ProductReference(55), Candidates((gone,), other))


@pytest.mark.parametrize(
    ("term", "found"),
    [("safety", True), ("FIRE SAF", True), ("1009", True), ("9", True), ("100", False), ("first aid", False)],
)
def test_a_search_finds_a_product_by_part_of_its_name_or_a_whole_id(term: str, found: bool) -> None:
    assert product(9, name="Fire Safety").matches(term) is found


def test_a_deleted_product_is_found_for_calls_that_may_still_have_to_end_it() -> None:
    assert resolve(ProductReference(55), Candidates((gone,)), with_deleted=True) is gone
    assert resolve(ProductReference(55), Candidates((gone, bundle)), with_deleted=True) is bundle
