"""What Thinkific answers, read tolerantly: unknown keys are ignored, numbers may be strings.

Shapes: Thinkific's Admin OpenAPI (api-evangelist/thinkific, openapi/_original/thinkific-admin-api-openapi.yml) and
live samples in MCKLtech/thinkific-saloon, where the two differ.
"""

import math
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AfterValidator, AliasPath, BaseModel, BeforeValidator, ConfigDict, Field

from b2b.domain.catalogue.products import PUBLISHED, ProductableType
from b2b.domain.work.upstream import CatalogueEntry, ThinkificEnrollment, ThinkificUser


def _fraction_as_percent(value: object) -> float | None:
    """``"0.25"`` -> 25.0. The REST API counts from 0 to 1 (OpenAPI text) and sends a string (live)."""
    try:
        percent = round(float(str(value)) * 100, 2)
    except ValueError:
        return None
    return percent if math.isfinite(percent) else None


def _in_utc(moment: datetime) -> datetime:
    """Thinkific's dates are UTC, also where they do not say so. Over the calendar's end none gets by its offset."""
    try:
        return moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
    except OverflowError:
        return moment.replace(tzinfo=UTC)


Moment = Annotated[datetime, AfterValidator(_in_utc)]

_LARGEST_ID = 2**53


def _number(value: object) -> int | None:
    """GraphQL's ids are text: the REST API's number, or for some a UUID, which is none."""
    text = "" if isinstance(value, bool) else str(value)
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= 16 else 0
    return number if 1 <= number <= _LARGEST_ID else None


def _text(value: object) -> str | None:
    return value.strip() or None if isinstance(value, str) else None


def _object(value: object) -> object:
    return value if isinstance(value, dict) else {}


OptionalNumber = Annotated[int | None, BeforeValidator(_number)]
OptionalText = Annotated[str | None, BeforeValidator(_text)]


class _Answer(BaseModel):
    # What Thinkific answers is about people: it is not to be told in tracebacks.
    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


class UserAnswer(_Answer):
    id: int
    email: str | None
    first_name: str | None = None
    last_name: str | None = None

    def to_domain(self) -> ThinkificUser:
        return ThinkificUser(
            id=self.id, email=self.email or "", first_name=self.first_name or "", last_name=self.last_name or ""
        )


class EnrollmentAnswer(_Answer):
    id: int
    user_id: int
    course_id: int
    activated_at: Moment | None = None
    expiry_date: Moment | None = None
    percentage_completed: Annotated[float | None, BeforeValidator(_fraction_as_percent)] = None

    def to_domain(self) -> ThinkificEnrollment:
        return ThinkificEnrollment(
            id=self.id,
            user_id=self.user_id,
            course_id=self.course_id,
            activated_at=self.activated_at,
            expiry_date=self.expiry_date,
            percentage_completed=self.percentage_completed,
        )


class ProductAnswer(_Answer):
    id: int
    productable_id: int
    productable_type: str
    name: str
    status: str = "published"
    slug: str | None = None

    def to_domain(self) -> CatalogueEntry:
        return CatalogueEntry(
            id=self.id,
            productable_id=self.productable_id,
            productable_type=self.productable_type,
            name=self.name,
            status=self.status,
            slug=self.slug,
        )


class ProductNode(_Answer):
    """GraphQL's product of a course. No schema of it is public: any of this may be missing, or something else."""

    id: OptionalNumber = None
    name: OptionalText = None
    slug: OptionalText = None
    status: OptionalText = None


class CourseNode(_Answer):
    """GraphQL's course; ``id`` None: it has none that the REST API would understand."""

    id: OptionalNumber = None
    name: OptionalText = None
    slug: OptionalText = None
    product: Annotated[ProductNode, BeforeValidator(_object)] = ProductNode()

    def to_domain(self) -> CatalogueEntry:
        return CatalogueEntry(
            id=self.product.id,
            productable_id=self.id or 0,
            productable_type=ProductableType.COURSE,
            name=self.product.name or self.name or "",
            # GraphQL says PUBLISHED where REST says published.
            status=(self.product.status or PUBLISHED).lower(),
            slug=self.product.slug or self.slug,
        )


class BundleAnswer(_Answer):
    id: int
    course_ids: tuple[int, ...] = ()


class GroupAnswer(_Answer):
    id: int
    name: str


class ListAnswer(_Answer):
    """``{"items": [...], "meta": {"pagination": {...}}}``; ``next_page`` null on the last page."""

    items: list[dict[str, Any]]
    next_page: Annotated[int | None, Field(validation_alias=AliasPath("meta", "pagination", "next_page"))] = None
    total_items: Annotated[int | None, Field(validation_alias=AliasPath("meta", "pagination", "total_items"))] = None


def flattened_errors(body: object) -> dict[str, list[str]]:
    """All sentences of an error body by field (``""`` where it names none).

    ``errors`` is an object or a list, ``error`` a string, list or object (fact sheet, 2.3).
    """
    if not isinstance(body, dict):
        return {}
    found: dict[str, list[str]] = {}
    for key in ("errors", "error"):
        _collect(body.get(key), "", found)
    return found


def _collect(value: object, name: str, found: dict[str, list[str]]) -> None:
    if isinstance(value, dict):
        for key, inner in value.items():
            _collect(inner, str(key), found)
    elif isinstance(value, list):
        for inner in value:
            _collect(inner, name, found)
    elif value is not None:
        found.setdefault(name, []).append(str(value))
