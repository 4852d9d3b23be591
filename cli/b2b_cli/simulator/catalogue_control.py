"""Adding, changing and removing what the school sells, with ids of one's own choice."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from b2b_cli.simulator import bundles, catalogue
from b2b_cli.simulator.site import Site
from b2b_cli.simulator.store import Row

Kind = Literal["products", "courses", "bundles"]

_TYPE_OF = {"courses": "Course", "bundles": "Bundle"}
_TABLE_OF = {"Course": "courses", "Bundle": "bundles"}

_CHOSEN_ID = Field(default=None, gt=0, lt=2**62)
_PRICE = r"^\d+(\.\d+)?$"


class UnknownItem(Exception):
    """There is no such product, course or bundle."""


class TakenId(Exception):
    """The chosen id, or the course or bundle, belongs to another product."""


class _Sold(BaseModel):
    model_config = ConfigDict(extra="forbid")

    name: str = Field(min_length=1)
    status: Literal["published", "draft"] = "published"
    price: str = Field("0.0", pattern=_PRICE)
    private: bool = False
    hidden: bool = False
    days_until_expiry: int | None = None
    newer_builder: bool = False
    """Made with the newer course builder: GraphQL shows it, the Admin API does not."""


class NewProduct(_Sold):
    """A product, and the course or bundle behind it unless that exists. Ids not chosen are the next ones."""

    id: int | None = _CHOSEN_ID
    productable_type: str = Field("Course", min_length=1)
    productable_id: int | None = _CHOSEN_ID
    course_ids: tuple[int, ...] = ()


class NewCourse(_Sold):
    """A course and its product."""

    id: int | None = _CHOSEN_ID
    product_id: int | None = _CHOSEN_ID

    def as_product(self) -> NewProduct:
        return _as_product(self, "Course")


class NewBundle(_Sold):
    """A bundle and its product."""

    id: int | None = _CHOSEN_ID
    product_id: int | None = _CHOSEN_ID
    course_ids: tuple[int, ...] = ()

    def as_product(self) -> NewProduct:
        return _as_product(self, "Bundle")


class Changes(BaseModel):
    """What is given changes; a name also that of the course or bundle. `course_ids` concerns bundles only."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", min_length=1)
    status: Literal["published", "draft"] = "published"
    price: str = Field("0.0", pattern=_PRICE)
    private: bool = False
    hidden: bool = False
    days_until_expiry: int | None = None
    newer_builder: bool = False
    course_ids: tuple[int, ...] = ()


def add(site: Site, new: NewProduct) -> dict[str, Any]:
    """Adds a product. Raises TakenId and, for the courses of a bundle, UnknownItem."""
    if new.id is not None and site.store.get("products", new.id) is not None:
        raise TakenId(f"there is a product {new.id} already")
    productable_id = _productable(site, new)
    if catalogue.find_product(site.store, new.productable_type, productable_id) is not None:
        raise TakenId(f"the {new.productable_type} {productable_id} has a product already")
    product_id = catalogue.add_product(
        site.store,
        new.name,
        new.productable_type,
        productable_id,
        site.clock.now(),
        product_id=new.id,
        **new.model_dump(include={"status", "price", "private", "hidden", "days_until_expiry", "newer_builder"}),
    )
    return _shown(site, _product(site, "products", product_id))


def change(site: Site, kind: Kind, identifier: int, changes: Changes) -> dict[str, Any]:
    """Changes a product, addressed by its own id or that of its course or bundle. Raises UnknownItem."""
    product = _product(site, kind, identifier)
    given = changes.model_dump(include=changes.model_fields_set - {"course_ids"})
    if "name" in given:
        given["slug"] = catalogue.slug(changes.name)
        if table := _TABLE_OF.get(product["productable_type"]):
            site.store.update(table, product["productable_id"], {"name": changes.name, "slug": given["slug"]})
    site.store.update("products", product["id"], given)
    if "course_ids" in changes.model_fields_set and product["productable_type"] == "Bundle":
        _check_courses(site, changes.course_ids)
        added = catalogue.set_bundle_courses(site.store, product["productable_id"], changes.course_ids)
        bundles.grow(site, product["productable_id"], added)
    return _shown(site, _product(site, "products", product["id"]))


def remove(site: Site, kind: Kind, identifier: int) -> None:
    """Removes a product with its course or bundle, and a course's enrollments with it. Raises UnknownItem."""
    product = _product(site, kind, identifier)
    site.store.execute("delete from products where id = ?", product["id"])
    if table := _TABLE_OF.get(product["productable_type"]):
        site.store.execute(f"delete from {table} where id = ?", product["productable_id"])  # noqa: S608 - a constant


def _as_product(new: NewCourse | NewBundle, productable_type: str) -> NewProduct:
    given = new.model_dump(exclude={"id", "product_id"})
    return NewProduct(id=new.product_id, productable_id=new.id, productable_type=productable_type, **given)


def _productable(site: Site, new: NewProduct) -> int:
    """The id of what the product sells, which is made where it is missing."""
    table = _TABLE_OF.get(new.productable_type)
    chosen = new.productable_id
    if table is None:
        return chosen or _next_productable_id(site, new.productable_type)
    if chosen is not None and site.store.get(table, chosen) is not None:
        return chosen
    if table == "courses":
        return catalogue.add_course(site.store, new.name, course_id=chosen)
    _check_courses(site, new.course_ids)
    return catalogue.add_bundle(site.store, new.name, new.course_ids, bundle_id=chosen)


def _next_productable_id(site: Site, productable_type: str) -> int:
    query = "select coalesce(max(productable_id), 0) + 1 from products where productable_type = ?"
    identifier: int = site.store.scalar(query, productable_type)
    return identifier


def _check_courses(site: Site, course_ids: tuple[int, ...]) -> None:
    for course_id in course_ids:
        if site.store.get("courses", course_id) is None:
            raise UnknownItem(f"there is no course {course_id}")


def _product(site: Site, kind: Kind, identifier: int) -> Row:
    if kind == "products":
        product = site.store.get("products", identifier)
    else:
        product = catalogue.find_product(site.store, _TYPE_OF[kind], identifier)
    if product is None:
        raise UnknownItem(f"there is no {kind.removesuffix('s')} {identifier}")
    return product


def _shown(site: Site, product: Row) -> dict[str, Any]:
    """The product, with `course_ids` where it is a bundle."""
    shown: dict[str, Any] = {"product": catalogue.product_json(product)}
    if product["productable_type"] == "Bundle":
        shown["course_ids"] = catalogue.course_ids(site.store, product["productable_id"])
    return shown
