"""Users on the wire."""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator

from b2b.domain import timestamps
from b2b.domain.catalogue.products import Product, ProductableType, ProductReference
from b2b.domain.enrollment import seats
from b2b.domain.errors import InvalidInput
from b2b.domain.identity.users import Grant, GrantTerms, Role, UserView
from b2b.http.api.requests.fields import (
    Boolean,
    Date,
    Days,
    DaysFromNow,
    Email,
    Moment,
    MoreSeats,
    Password,
    ProductableTypeField,
    RequestBody,
    SeatLimit,
    Text,
    ThinkificId,
    is_blank,
    refusal,
)
from b2b.services.enrollment.expiries import ExpiryChange
from b2b.services.identity.users import UNSET, UserFields


class CreateUser(RequestBody):
    name: Text
    email: Email
    password: Password
    max_seats: SeatLimit = None

    def fields(self) -> UserFields:
        return _fields(self, name=self.name, password=self.password, max_seats=self.max_seats)


class UpsertUser(RequestBody):
    email: Email
    name: Text | None = None
    password: Password | None = None
    max_seats: SeatLimit = None

    def fields(self) -> UserFields:
        return _fields(self, name=self.name, password=self.password, max_seats=self.max_seats)


class UpdateUser(RequestBody):
    name: Text | None = None
    email: Email | None = None
    password: Password | None = None
    max_seats: SeatLimit = None

    def fields(self) -> UserFields:
        return _fields(self, name=self.name, password=self.password, max_seats=self.max_seats)


class SearchUser(RequestBody):
    email: Email


class _Terms(RequestBody):
    thinkific_id: ThinkificId
    active: Boolean
    enrollment_days: Days
    productable_type: ProductableTypeField | None = None
    reusable: Boolean | None = None

    @property
    def reference(self) -> ProductReference:
        return ProductReference(self.thinkific_id, if_ambiguous=self.productable_type)

    @property
    def terms(self) -> GrantTerms:
        return GrantTerms(active=self.active, enrollment_days=self.enrollment_days, reusable=self.reusable)


class SetAccess(_Terms):
    max_seats: SeatLimit


class AddSeats(_Terms):
    add_seats: MoreSeats


class AssignGroup(RequestBody):
    name: Text
    sync: Boolean | None = None


class ExpiryKind(StrEnum):
    DAYS = "days"
    DATE = "date"
    EXPIRE_NOW = "expire_now"
    NO_EXPIRY = "no_expiry"


def _kind(value: object) -> object:
    if is_blank(value):
        raise refusal("is required")
    if not isinstance(value, str) or value.strip() not in set(ExpiryKind):
        raise refusal("must be one of days, date, expire_now, no_expiry")
    return value.strip()


class ChangeExpiry(RequestBody):
    product: ThinkificId
    type: Annotated[ExpiryKind, BeforeValidator(_kind)]
    expiry_days: DaysFromNow | None = None
    expiry_date: Date | None = None
    productable_type: ProductableTypeField | None = None

    @property
    def reference(self) -> ProductReference:
        return ProductReference(self.product, if_ambiguous=self.productable_type)

    @property
    def change(self) -> ExpiryChange:
        """Raises InvalidInput where the kind needs a field that is not there."""
        if self.type is ExpiryKind.DAYS and self.expiry_days is None:
            raise InvalidInput.field("expiry_days", "The expiry days field is required when type is days.")
        if self.type is ExpiryKind.DATE and self.expiry_date is None:
            raise InvalidInput.field("expiry_date", "The expiry date field is required when type is date.")
        return ExpiryChange(kind=self.type.value, days=self.expiry_days, date=self.expiry_date)


class GroupResource(BaseModel):
    id: int | None
    name: str


class GrantResource(BaseModel):
    product_id: int
    thinkific_id: int
    productable_type: ProductableType
    name: str
    active: bool
    max_seats: int | None
    seats_used: int
    seats_available: int | None
    over_allocated: int
    enrollment_days: int
    reusable: bool


class UserResource(BaseModel):
    id: int
    name: str
    email: str
    role: Role
    max_seats: int | None
    seats_used: int
    seats_available: int | None
    over_allocated: int
    group: GroupResource | None
    products: list[GrantResource]
    created_at: Moment
    updated_at: Moment


def present(view: UserView) -> dict[str, Any]:
    user = view.user
    return {
        "id": user.id,
        "name": user.name,
        "email": user.email,
        "role": user.role.value,
        **_seats(user.max_seats, user.seats_used),
        "group": {"id": user.group.id, "name": user.group.name} if user.group else None,
        "products": [_present_grant(grant, product) for grant, product in view.grants],
        "created_at": timestamps.to_text(user.created_at),
        "updated_at": timestamps.to_text(user.updated_at),
    }


def _present_grant(grant: Grant, product: Product) -> dict[str, Any]:
    return {
        "product_id": product.id,
        "thinkific_id": product.productable_id,
        "productable_type": product.productable_type,
        "name": product.name,
        "active": grant.active,
        **_seats(grant.max_seats, grant.seats_used),
        "enrollment_days": grant.enrollment_days,
        "reusable": grant.reusable,
    }


def _seats(max_seats: int | None, seats_used: int) -> dict[str, int | None]:
    return {
        "max_seats": max_seats,
        "seats_used": seats_used,
        "seats_available": seats.available(max_seats, seats_used),
        "over_allocated": seats.over_allocated(max_seats, seats_used),
    }


def _fields(body: BaseModel, *, name: str | None, password: str | None, max_seats: int | None) -> UserFields:
    """``max_seats: null`` means unlimited, which is not the same as not mentioning it."""
    limit = max_seats if "max_seats" in body.model_fields_set else UNSET
    return UserFields(name=name, password=password, max_seats=limit)
