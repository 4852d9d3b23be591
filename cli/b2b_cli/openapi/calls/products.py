"""Products: `/products`."""

from collections.abc import Mapping

from b2b_cli.openapi.calls.call import NO_SUCH_ORDER, Answer, Call, found, of
from b2b_cli.openapi.records import ADDED, BUNDLE, COURSE, operation, page

CALLS: Mapping[str, Call] = {
    "listProducts": Call(
        text="The catalogue as it was last read from Thinkific, by id ascending.",
        answers=found(page("/api/products", COURSE, BUNDLE), "A page of the list"),
        invalid=NO_SUCH_ORDER,
    ),
    "addProduct": Call(
        text="Adds a course or bundle that Thinkific's lists leave out: with an API Access Token "
        "(`b2b key set --graphql`) courses made with Thinkific's newer course builder are found without this. The "
        "product can be granted and enrolled in at once. Its `id` stays what it is; what a list shows of it later, its "
        "product id in Thinkific (`thinkific_id`) too, completes it, and it is found by either. No refresh ever marks "
        "it `deleted` because no list shows it.",
        bodies={"course": {"productable_id": 789, "productable_type": "Course", "name": ADDED["name"]}},
        answers={201: Answer(meaning="The product, added", example=of(ADDED))},
        invalid={
            "productable_id": f'The course 789 is known already: it is the product 9000000000000001, "{ADDED["name"]}".'
        },
    ),
    "getProduct": Call(
        text="One product, by its `id` or its product id in Thinkific. The id of a course or bundle is neither.",
        answers=found(of(COURSE)),
        not_found="There is no product with the id 2000001.",
    ),
    "searchProducts": Call(
        text="The products whose name has `term` in it, in any case, or one of whose ids (its own, Thinkific's, its "
        "course's or bundle's) equals it. All matches in a plain list, by name.",
        answers=found(of([BUNDLE, COURSE]), "The matches; an empty list where there are none"),
        invalid={"term": "The term field is required."},
    ),
    "syncProducts": Call(
        text="Reads the catalogue from Thinkific now; a schedule does so too. It goes on after the answer, as the "
        "operation that is both in `data` and in `operation`. Where an API Access Token is set, courses that "
        "Thinkific's REST lists leave out are read through GraphQL; if that fails, the operation ends `partial`, with "
        "the reason in `failures`, and nothing is marked as deleted. Products that vanished from Thinkific stay, with "
        "the status `deleted`, and can be neither granted nor enrolled in.",
        bodies={"nothing": {}},
        answers=found(
            of(operation("catalogue_sync")) | {"operation": operation("catalogue_sync")}, "The operation, started"
        ),
    ),
}
