"""What a school sells: products, and the courses and bundles behind them. The API reads it, the controls write it."""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from b2b_cli.simulator.lists import Filter, Source, list_answer
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row, Store
from b2b_cli.simulator.wire import Answer, Call, path_id, refuse_missing, write_time

PRODUCTS = Source("*", "products")
COURSES = Source(
    "*, (select p.id from products p where p.productable_type = 'Course' and p.productable_id = courses.id)"
    " as product_id",
    "courses",
)

# The Admin API leaves out what the newer course builder has made (its enrollments are another matter).
_SHOWN_PRODUCTS = "newer_builder = 0"
_SHOWN_COURSES = (
    "id not in (select p.productable_id from products p where p.productable_type = 'Course' and p.newer_builder = 1)"
)

# A school has one instructor here; no other part of the API that is simulated knows of it.
_INSTRUCTOR_ID = 1


def list_products(site: Site, call: Call) -> Answer:
    return list_answer(site, call, PRODUCTS, product_json, Filter([_SHOWN_PRODUCTS]))


def get_product(site: Site, _call: Call, product_id: str) -> Answer:
    return Answer(200, product_json(_shown(site.store, "products", product_id)))


def list_related(site: Site, call: Call, product_id: str) -> Answer:
    product = _shown(site.store, "products", product_id)
    where = Filter(["id in (select value from json_each(?))", _SHOWN_PRODUCTS], [product["related_product_ids"]])
    return list_answer(site, call, PRODUCTS, product_json, where)


def list_courses(site: Site, call: Call) -> Answer:
    where = Filter([_SHOWN_COURSES])
    return list_answer(site, call, COURSES, lambda row: course_json(site.store, row), where)


def get_course(site: Site, _call: Call, course_id: str) -> Answer:
    # The columns and the condition are constants of this module.
    query = f"select {COURSES.columns} from courses where id = ? and {_SHOWN_COURSES}"  # noqa: S608 - made of constants only
    course = site.store.row(query, path_id(course_id))
    if course is None:
        refuse_missing()
    return Answer(200, course_json(site.store, course))


def list_chapters(site: Site, call: Call, course_id: str) -> Answer:
    course = _shown(site.store, "courses", course_id)
    where = Filter(["course_id = ?"], [course["id"]])
    return list_answer(site, call, Source("*", "chapters"), lambda row: chapter_json(site.store, row), where)


def get_chapter(site: Site, _call: Call, chapter_id: str) -> Answer:
    return Answer(200, chapter_json(site.store, _row(site.store, "chapters", chapter_id)))


def list_contents(site: Site, call: Call, chapter_id: str) -> Answer:
    chapter = _row(site.store, "chapters", chapter_id)
    where = Filter(["chapter_id = ?"], [chapter["id"]])
    return list_answer(site, call, Source("*", "contents"), content_json, where)


def get_content(site: Site, _call: Call, content_id: str) -> Answer:
    return Answer(200, content_json(_row(site.store, "contents", content_id)))


def product_json(product: Row) -> dict[str, Any]:
    return {
        "id": product["id"],
        "created_at": write_time(product["created_at"]),
        "productable_id": product["productable_id"],
        "productable_type": product["productable_type"],
        "price": product["price"],
        "position": product["id"],
        "status": product["status"],
        "name": product["name"],
        "private": bool(product["private"]),
        "hidden": bool(product["hidden"]),
        "subscription": bool(product["subscription"]),
        "days_until_expiry": product["days_until_expiry"],
        "has_certificate": False,
        "keywords": None,
        "seo_title": None,
        "seo_description": None,
        "collection_ids": [],
        "related_product_ids": json.loads(product["related_product_ids"]),
        "description": product["description"],
        "card_image_url": "/assets/defaults/default-product-card.png",
        "slug": product["slug"],
        "product_prices": [_price_json(product)],
    }


def course_json(store: Store, course: Row) -> dict[str, Any]:
    """`course` has its product's id, as COURSES adds it."""
    return {
        "id": course["id"],
        "name": course["name"],
        "slug": course["slug"],
        "subtitle": None,
        "product_id": course["product_id"],
        "description": course["description"],
        "course_card_text": None,
        "intro_video_youtube": None,
        "contact_information": None,
        "keywords": None,
        "duration": None,
        "banner_image_url": "/assets/tenant/default-course-banner.jpg",
        "course_card_image_url": "/assets/defaults/default-product-card.png",
        "intro_video_wistia_identifier": None,
        "administrator_user_ids": [],
        "chapter_ids": _ids(store, "select id from chapters where course_id = ? order by position", course["id"]),
        "reviews_enabled": False,
        "user_id": None,
        "instructor_id": _INSTRUCTOR_ID,
    }


def bundle_json(store: Store, bundle: Row) -> dict[str, Any]:
    return {
        "id": bundle["id"],
        "name": bundle["name"],
        "description": bundle["description"],
        "banner_image_url": "/assets/tenant/default-course-banner.jpg",
        "course_ids": course_ids(store, bundle["id"]),
        "bundle_card_image_url": "/assets/defaults/default-product-card.png",
        "tagline": None,
        "slug": bundle["slug"],
    }


def chapter_json(store: Store, chapter: Row) -> dict[str, Any]:
    content_ids = _ids(store, "select id from contents where chapter_id = ? order by position", chapter["id"])
    return {
        "id": chapter["id"],
        "name": chapter["name"],
        "position": chapter["position"],
        "description": None,
        "duration_in_seconds": 0,
        "content_ids": content_ids,
    }


def content_json(content: Row) -> dict[str, Any]:
    return {
        "id": content["id"],
        "name": content["name"],
        "position": content["position"],
        "chapter_id": content["chapter_id"],
        "contentable_type": content["contentable_type"],
        "free": bool(content["free"]),
        "take_url": f"/courses/take/{content['id']}",
    }


def course_ids(store: Store, bundle_id: int) -> list[int]:
    """The courses of a bundle, in their order."""
    return _ids(store, "select course_id from bundle_courses where bundle_id = ? order by position", bundle_id)


def add_course(
    store: Store,
    name: str,
    *,
    course_id: int | None = None,
    description: str | None = None,
    chapters: Sequence[tuple[str, Sequence[str]]] = (),
) -> int:
    """A course with chapters (each with its lessons), without a product. Answers its id."""
    identifier = store.insert(
        "courses", {"id": course_id, "name": name, "slug": slug(name), "description": description}
    )
    for position, (chapter, lessons) in enumerate(chapters, start=1):
        chapter_id = store.insert("chapters", {"course_id": identifier, "name": chapter, "position": position})
        for place, lesson in enumerate(lessons, start=1):
            store.insert(
                "contents",
                {
                    "chapter_id": chapter_id,
                    "name": lesson,
                    "position": place,
                    "contentable_type": "Lesson",
                    "free": position == 1 and place == 1,
                },
            )
    return identifier


def add_bundle(
    store: Store,
    name: str,
    course_ids_of_it: Sequence[int],
    *,
    bundle_id: int | None = None,
    description: str | None = None,
) -> int:
    """A bundle without a product. Answers its id."""
    identifier = store.insert(
        "bundles", {"id": bundle_id, "name": name, "slug": slug(name), "description": description}
    )
    set_bundle_courses(store, identifier, course_ids_of_it)
    return identifier


def add_product(
    store: Store,
    name: str,
    productable_type: str,
    productable_id: int,
    created_at: int,
    *,
    product_id: int | None = None,
    status: str = "published",
    price: str = "0.0",
    private: bool = False,
    hidden: bool = False,
    days_until_expiry: int | None = None,
    newer_builder: bool = False,
) -> int:
    """A product for a course, a bundle or something of another type. Answers its id."""
    return store.insert(
        "products",
        {
            "id": product_id,
            "created_at": created_at,
            "name": name,
            "productable_type": productable_type,
            "productable_id": productable_id,
            "status": status,
            "price": price,
            "private": private,
            "hidden": hidden,
            "subscription": False,
            "days_until_expiry": days_until_expiry,
            "slug": slug(name),
            "description": None,
            "related_product_ids": "[]",
            "newer_builder": newer_builder,
        },
    )


def set_bundle_courses(store: Store, bundle_id: int, ids: Sequence[int]) -> list[int]:
    """Replaces the courses of a bundle. Answers those that were not in it; enrollments are not touched."""
    before = course_ids(store, bundle_id)
    store.execute("delete from bundle_courses where bundle_id = ?", bundle_id)
    rows = [(bundle_id, course_id, position) for position, course_id in enumerate(ids, start=1)]
    store.insert_new("bundle_courses", ("bundle_id", "course_id", "position"), rows)
    return [course_id for course_id in ids if course_id not in before]


def find_product(store: Store, productable_type: str, productable_id: int) -> Row | None:
    return store.row(
        "select * from products where productable_type = ? and productable_id = ?", productable_type, productable_id
    )


def slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


def _price_json(product: Row) -> dict[str, Any]:
    return {
        "id": product["id"],
        "is_primary": True,
        "payment_type": "free" if float(product["price"]) == 0 else "one-time",
        "label": None,
        "price": product["price"],
        "days_until_expiry": product["days_until_expiry"],
        "pay_button_text": None,
        "number_of_payments": None,
        "interval": None,
        "interval_count": None,
        "trial_interval": None,
        "trial_interval_count": None,
        "custom_first_price": None,
        "price_name": None,
        "currency": "usd",
    }


def _row(store: Store, table: str, identifier: str) -> Row:
    row = store.get(table, path_id(identifier) or 0)
    if row is None:
        refuse_missing()
    return row


def _shown(store: Store, table: Literal["products", "courses"], identifier: str) -> Row:
    """A row that the Admin API does not leave out."""
    condition = _SHOWN_PRODUCTS if table == "products" else _SHOWN_COURSES
    row = store.row(f"select * from {table} where id = ? and {condition}", path_id(identifier) or 0)  # noqa: S608 - made of constants only
    if row is None:
        refuse_missing()
    return row


def _ids(store: Store, query: str, identifier: int) -> list[int]:
    return [found for (found,) in store.rows(query, identifier)]
