"""Bundles: their courses, and enrollments in them. Path ``/bundles``."""

from datetime import datetime

from b2b.domain.work.upstream import ThinkificEnrollment
from b2b.gateways.thinkific.answers import parsed
from b2b.gateways.thinkific.enrollments import dates
from b2b.gateways.thinkific.models import BundleAnswer, EnrollmentAnswer
from b2b.gateways.thinkific.transport import PAGE_LIMIT, Transport


class Bundles:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def course_ids(self, bundle_id: int) -> tuple[int, ...]:
        return parsed(BundleAnswer, self._transport.read(f"/bundles/{bundle_id}")).course_ids

    def find_enrollments(self, user_id: int, bundle_id: int) -> list[ThinkificEnrollment]:
        """The user's rows in the bundle; none: the user is not in it.

        Whether there is one row, or one for each course, is not documented.
        """
        query = {"query[user_id]": user_id, "limit": PAGE_LIMIT}
        answer = self._transport.read_list(f"/bundles/{bundle_id}/enrollments", query)
        rows = [parsed(EnrollmentAnswer, item).to_domain() for item in answer.items]
        return [row for row in rows if row.user_id == user_id]

    def enroll(self, *, user_id: int, bundle_id: int, activated_at: datetime, expiry_date: datetime | None) -> bool:
        """Enrolls in the bundle and each of its courses. False: accepted (202), the courses follow later."""
        body = {"user_id": user_id, **dates(activated_at, expiry_date)}
        return self._transport.send("POST", f"/bundles/{bundle_id}/enrollments", body=body).status_code != 202

    def update_enrollment(
        self, *, user_id: int, bundle_id: int, activated_at: datetime, expiry_date: datetime | None
    ) -> None:
        """Changes the bundle and each of its courses. ``expiry_date`` None leaves it as it is."""
        body = {"user_id": user_id, **dates(activated_at, expiry_date)}
        self._transport.write("PUT", f"/bundles/{bundle_id}/enrollments", body)
