"""Records for tests of the domain, each complete but for what the test is about."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.clock import START

from b2b.domain.catalogue.products import Product, ProductableType
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.enrollment.students import Association, Student, StudentRecord
from b2b.domain.identity.users import Grant, Role, User


def product(number: int = 1, kind: ProductableType = ProductableType.COURSE, **changes: Any) -> Product:
    """The product ``1000 + number`` of the course or bundle ``number``."""
    made = Product(
        id=1000 + number,
        productable_id=number,
        productable_type=kind,
        name=f"{kind} {number}",
        status="published",
        slug=None,
        created_at=START,
        updated_at=START,
    )
    return replace(made, **changes)


def user(number: int = 1, **changes: Any) -> User:
    made = User(
        id=number,
        name=f"User {number}",
        email=f"user{number}@example.com",
        role=Role.USER,
        max_seats=None,
        seats_used=0,
        group=None,
        created_at=START,
        updated_at=START,
    )
    return replace(made, **changes)


def student(**changes: Any) -> Student:
    made = Student(
        id=42, first_name="Ada", last_name="Lovelace", email="ada@example.com", created_at=START, updated_at=START
    )
    return replace(made, **changes)


def grant(user_id: int = 1, product_id: int = 1001, **changes: Any) -> Grant:
    made = Grant(
        user_id=user_id,
        product_id=product_id,
        granted=True,
        active=True,
        max_seats=10,
        seats_used=0,
        enrollment_days=0,
        reusable=False,
    )
    return replace(made, **changes)


def association(user_id: int = 1, **changes: Any) -> Association:
    return replace(Association(user_id=user_id, student_id=42, created_at=START), **changes)


def enrollment(days: int | None = None, **changes: Any) -> Enrollment:
    """Wanted and not confirmed; ``days`` until it ends, counted from START."""
    made = Enrollment(
        student_id=42,
        product_id=1001,
        productable_id=1,
        productable_type=ProductableType.COURSE,
        version=1,
        activated_at=START,
        expiry_date=None if days is None else START + timedelta(days=days),
        created_at=START,
        updated_at=START,
    )
    return replace(made, **changes)


def record(*enrollments: Enrollment, associations: tuple[Association, ...] = (), **changes: Any) -> StudentRecord:
    return StudentRecord(student=student(**changes), associations=associations, enrollments=enrollments, wish=None)
