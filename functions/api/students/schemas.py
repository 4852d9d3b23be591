"""Students on the wire."""

from datetime import datetime
from typing import Annotated, Any

from pydantic import (
    BaseModel,
    BeforeValidator,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    WithJsonSchema,
    field_validator,
)

from b2b.domain import timestamps
from b2b.domain.catalogue.products import Product, ProductableType, ProductReference
from b2b.domain.enrollment.enrolling import MAX_ENFORCED
from b2b.domain.enrollment.enrollments import Enrollment, EnrollmentStatus
from b2b.domain.enrollment.students import StudentView
from b2b.http.api.requests.fields import (
    ID,
    Boolean,
    Email,
    Moment,
    ProductableTypeField,
    RequestBody,
    Schema,
    Text,
    ThinkificId,
    entries,
    is_blank,
    refusal,
)
from b2b.services.enrollment.students import Enrolling, Names

MAX_ENROLLMENTS = 500


class EnrollmentItem(RequestBody):
    """A course or bundle by its id; ``productable_type`` where the two share the number."""

    id: ThinkificId
    productable_type: ProductableTypeField | None = None


_NUMBER = TypeAdapter(ThinkificId)
# What the id is called in records that were read from the API: of a product, then of an enrollment or a grant.
_ID_NAMES = ("productable_id", "id", "thinkific_id")


def _item(value: object) -> object:
    """A bare number stands for an object with this id; what is wrong with it is said of ``enrollments.0``."""
    if isinstance(value, dict):
        number = next((value[name] for name in _ID_NAMES if not is_blank(value.get(name))), None)
        return {"id": number, "productable_type": value.get("productable_type")}
    try:
        return {"id": _NUMBER.validate_python(value)}
    except ValidationError as error:
        raise refusal(error.errors()[0]["msg"]) from None


def _items(value: object) -> dict[str, object]:
    is_one = isinstance(value, dict) and not value.keys().isdisjoint(_ID_NAMES)
    return entries([value] if is_one else value, most=MAX_ENROLLMENTS)


_LIST: Schema = {"type": "array", "items": ID, "maxItems": MAX_ENROLLMENTS}

# By their places in the list, which is how errors name them.
_Items = Annotated[dict[str, Annotated[EnrollmentItem, BeforeValidator(_item)]], BeforeValidator(_items)]


class _Enrollments(RequestBody):
    """What both calls that enroll share."""

    productable_type: ProductableTypeField | None = None
    enforce_seats: Boolean | None = None

    @field_validator("enrollments", check_fields=False)
    @classmethod
    def _fits_into_one_transaction(cls, items: dict[str, Any] | None, info: ValidationInfo) -> dict[str, Any] | None:
        if info.data.get("enforce_seats") and len(items or ()) > MAX_ENFORCED:
            raise refusal(f"must not have more than {MAX_ENFORCED} items when seats are enforced")
        return items

    def enrolling(self, items: dict[str, EnrollmentItem], user_email: str | None, acting_user_id: int) -> Enrolling:
        references = [
            ProductReference(item.id, item.productable_type, if_ambiguous=self.productable_type, place=place)
            for place, item in items.items()
        ]
        return Enrolling(
            user_email=user_email,
            acting_user_id=acting_user_id,
            references=references,
            enforce_seats=bool(self.enforce_seats),
        )


class UpsertStudent(_Enrollments):
    first_name: Text
    last_name: Text
    email: Email
    user_email: Email | None = None
    enrollments: Annotated[_Items, WithJsonSchema(_LIST)] | None = None

    @property
    def names(self) -> Names:
        return Names(first_name=self.first_name, last_name=self.last_name)


class EnrollStudent(_Enrollments):
    email: Email
    user_email: Email
    enrollments: Annotated[_Items, Field(min_length=1), WithJsonSchema(_LIST | {"minItems": 1})]


class UpdateStudent(RequestBody):
    first_name: Text
    last_name: Text
    email: Email

    @property
    def names(self) -> Names:
        return Names(first_name=self.first_name, last_name=self.last_name)


class AssignStudent(RequestBody):
    """Who, and to or from whom."""

    email: Email
    user_email: Email


class UserBrief(BaseModel):
    id: int
    name: str
    email: str


class EnrollmentResource(BaseModel):
    product_id: int
    thinkific_id: int
    productable_type: ProductableType
    name: str
    status: EnrollmentStatus
    error: str | None
    activated_at: Moment
    expiry_date: Moment | None
    percentage_completed: float | None


class StudentResource(BaseModel):
    id: int
    thinkific_id: int | None
    first_name: str
    last_name: str
    email: str
    sync_error: str | None
    users: list[UserBrief]
    enrollments: list[EnrollmentResource]
    created_at: Moment
    updated_at: Moment


def present(view: StudentView, now: datetime) -> dict[str, Any]:
    """``now`` decides what has expired."""
    student = view.student
    return {
        "id": student.id,
        "thinkific_id": student.thinkific_id,
        "first_name": student.first_name,
        "last_name": student.last_name,
        "email": student.email,
        "sync_error": view.sync_error,
        "users": [{"id": user.id, "name": user.name, "email": user.email} for user in view.users],
        "enrollments": [_present_enrollment(enrollment, product, now) for enrollment, product in view.enrollments],
        "created_at": timestamps.to_text(student.created_at),
        "updated_at": timestamps.to_text(student.updated_at),
    }


def _present_enrollment(enrollment: Enrollment, product: Product, now: datetime) -> dict[str, Any]:
    status = enrollment.status(now)
    return {
        "product_id": product.id,
        "thinkific_id": product.productable_id,
        "productable_type": product.productable_type,
        "name": product.name,
        "status": status,
        "error": enrollment.error if status is EnrollmentStatus.FAILED else None,
        "activated_at": timestamps.to_text(enrollment.activated_at),
        "expiry_date": timestamps.optional_text(enrollment.expiry_date),
        "percentage_completed": enrollment.percentage_completed,
    }
