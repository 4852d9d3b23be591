"""Enrollments: what is wanted of each, and what Thinkific is known to have."""

from collections.abc import Iterable
from datetime import datetime

from boto3.dynamodb.conditions import Attr

from b2b.domain import timestamps
from b2b.domain.catalogue.products import ProductableType
from b2b.domain.enrollment.enrollments import Enrollment
from b2b.domain.work.upstream import ThinkificEnrollment
from b2b.storage import keys
from b2b.storage.actions import ABSENT, EXISTS, Action, Update, delete, put
from b2b.storage.items import Item
from b2b.storage.keys import Key
from b2b.storage.table import Table

# What is noted while Thinkific builds a bundle.
_ORDER = ("bundle_ordered_version", "bundle_ordered_at", "bundle_asked")


class Enrollments:
    def __init__(self, table: Table) -> None:
        self._table = table

    def get_enrollment(self, student_id: int, product_id: int) -> Enrollment | None:
        item = self._table.get(keys.enrollment(student_id, product_id))
        return enrollment_from_item(item) if item else None

    def get_enrollments(self, places: Iterable[tuple[int, int]]) -> list[Enrollment]:
        """Those there are of the given pairs of student and product, in one round trip for each 100."""
        found = self._table.get_many(keys.enrollment(student_id, product_id) for student_id, product_id in places)
        return [enrollment_from_item(item) for item in found.values()]

    def expiry_shards(self) -> list[str]:
        return keys.expiry_shards()

    def due(self, shard: str, now: datetime, *, limit: int) -> list[tuple[int, int]]:
        """Student and product of enrollments in ``shard`` whose end has come, oldest first."""
        rows = self._table.due(shard, timestamps.to_text(now), limit=limit)
        return [keys.enrollment_ids(Key(row[keys.PARTITION], row[keys.SORT])) for row in rows]

    # Members of transactions.

    def enroll(self, enrollment: Enrollment) -> Action:
        """A first enrollment. Refused when there is one."""
        key = keys.enrollment(enrollment.student_id, enrollment.product_id)
        return put(key, _enrollment_item(enrollment), when=ABSENT)

    def change_enrollment(self, before: Enrollment, after: Enrollment) -> Action:
        """What is wanted, and who holds seats. Refused when either has changed meanwhile.

        What Thinkific confirmed is left alone: the sync writes it at the same time.
        """
        update = Update(keys.enrollment(before.student_id, before.product_id)).set(
            version=after.version,
            revision=before.revision + 1,
            activated_at=timestamps.to_text(after.activated_at),
            expiry_date=timestamps.optional_text(after.expiry_date),
            is_exact=after.is_exact or None,
            swept_version=after.swept_version or None,
            updated_at=timestamps.to_text(after.updated_at),
            **_due(after),
        )
        for name, was, is_now in (
            ("seat_holders", before.seat_holders, after.seat_holders),
            ("former_holders", before.former_holders, after.former_holders),
        ):
            if gained := is_now - was:
                update.add(**{name: gained})
            if lost := was - is_now:
                update.discard(**{name: lost})
        return update.when(Attr("revision").eq(before.revision))

    def remove_enrollment(self, enrollment: Enrollment) -> Action:
        """Refused when there is none, or it has changed meanwhile."""
        key = keys.enrollment(enrollment.student_id, enrollment.product_id)
        return delete(key, when=Attr("revision").eq(enrollment.revision))

    def reopen_enrollment(self, enrollment: Enrollment) -> Action:
        """Thinkific is to be told once more, and to be asked first what it has. Refused when it changed meanwhile."""
        update = without_thinkific(self._learned(enrollment))
        return update.set(confirmed_version=0).when(Attr("revision").eq(enrollment.revision))

    # What the sync learns. Each is a write of its own; an enrollment deleted meanwhile stays deleted.

    def record_enrollment(self, enrollment: Enrollment, existing: ThinkificEnrollment) -> None:
        """What Thinkific holds, whether or not it is as wanted."""
        update = self._learned(enrollment).set(
            known_in_thinkific=True,
            thinkific_id=existing.id,
            percentage_completed=existing.percentage_completed,
        )
        self._table.write(update.when(EXISTS))

    def record_bundle_order(self, enrollment: Enrollment, now: datetime, *, version: int) -> None:
        """Thinkific will build the bundle's enrollments (202), as ``version`` of the wish says."""
        update = self._learned(enrollment).set(
            bundle_ordered_version=version, bundle_ordered_at=timestamps.to_text(now)
        )
        self._table.write(update.remove("bundle_asked").when(EXISTS))

    def record_bundle_request(self, enrollment: Enrollment) -> None:
        """Thinkific was asked to build the bundle's enrollments, and nobody heard what it said."""
        self._table.write(self._learned(enrollment).set(bundle_asked=True).when(EXISTS))

    def clear_bundle_order(self, enrollment: Enrollment) -> None:
        """What was ordered is there, or will not come."""
        update = self._learned(enrollment).remove(*_ORDER).set(known_in_thinkific=True)
        self._table.write(update.when(EXISTS))

    def unconfirm_enrollment(self, enrollment: Enrollment) -> None:
        """A bundle's write may have changed it in Thinkific: it is to be looked at again."""
        self._table.write(self._learned(enrollment).set(confirmed_version=0).when(EXISTS))

    def confirm_enrollment(self, enrollment: Enrollment, *, thinkific_id: int | None = None) -> None:
        """Thinkific has ``enrollment.version`` of the wish."""
        update = self._learned(enrollment).set(confirmed_version=enrollment.version, known_in_thinkific=True)
        if thinkific_id is not None:
            update.set(thinkific_id=thinkific_id)
        forgotten = ("error", "failed_version", "failed_without_account", *_ORDER)
        self._table.write(update.remove(*forgotten).when(EXISTS))

    def fail_enrollment(self, enrollment: Enrollment, reason: str, *, without_account: bool = False) -> None:
        """``enrollment.version`` of the wish cannot be fulfilled, for ``reason``.

        ``without_account``: because the student has none in Thinkific.
        """
        update = self._learned(enrollment).set(
            failed_version=enrollment.version, failed_without_account=without_account or None, error=reason
        )
        self._table.write(update.when(EXISTS))

    def _learned(self, enrollment: Enrollment) -> Update:
        return Update(keys.enrollment(enrollment.student_id, enrollment.product_id))


def without_thinkific(update: Update) -> Update:
    """What was known of the enrollment's place in Thinkific."""
    return update.remove("thinkific_id", "known_in_thinkific", *_ORDER)


def _enrollment_item(enrollment: Enrollment) -> Item:
    return {
        "student_id": enrollment.student_id,
        "product_id": enrollment.product_id,
        "productable_id": enrollment.productable_id,
        "productable_type": enrollment.productable_type.value,
        "version": enrollment.version,
        "revision": enrollment.revision,
        "activated_at": timestamps.to_text(enrollment.activated_at),
        "expiry_date": timestamps.optional_text(enrollment.expiry_date),
        "seat_holders": enrollment.seat_holders,
        "created_at": timestamps.to_text(enrollment.created_at),
        "updated_at": timestamps.to_text(enrollment.updated_at),
        **_due(enrollment),
    }


def _due(enrollment: Enrollment) -> Item:
    """An end brings the row into the due index, from where the sweep takes it when its time has come."""
    if enrollment.expiry_date is None or enrollment.is_swept:
        return {keys.DUE_PARTITION: None, keys.DUE_AT: None}
    return {
        keys.DUE_PARTITION: keys.expiry_shard(enrollment.student_id),
        keys.DUE_AT: timestamps.to_text(enrollment.expiry_date),
    }


def enrollment_from_item(item: Item) -> Enrollment:
    return Enrollment(
        student_id=item["student_id"],
        product_id=item["product_id"],
        productable_id=item["productable_id"],
        productable_type=ProductableType(item["productable_type"]),
        version=item["version"],
        revision=item["revision"],
        confirmed_version=item.get("confirmed_version", 0),
        failed_version=item.get("failed_version", 0),
        failed_without_account=item.get("failed_without_account", False),
        error=item.get("error"),
        activated_at=timestamps.from_text(item["activated_at"]),
        expiry_date=timestamps.optional_moment(item.get("expiry_date")),
        is_exact=item.get("is_exact", False),
        seat_holders=frozenset(item.get("seat_holders", ())),
        former_holders=frozenset(item.get("former_holders", ())),
        thinkific_id=item.get("thinkific_id"),
        known_in_thinkific=item.get("known_in_thinkific", False),
        bundle_ordered_version=item.get("bundle_ordered_version", 0),
        bundle_ordered_at=timestamps.optional_moment(item.get("bundle_ordered_at")),
        bundle_asked=item.get("bundle_asked", False),
        swept_version=item.get("swept_version", 0),
        percentage_completed=item.get("percentage_completed"),
        created_at=timestamps.from_text(item["created_at"]),
        updated_at=timestamps.from_text(item["updated_at"]),
    )
