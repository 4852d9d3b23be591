"""Enrollments in courses. Path ``/enrollments``."""

from datetime import UTC, datetime

from b2b.domain.enrollment.matching import by_course
from b2b.domain.work.upstream import ThinkificEnrollment, ThinkificMissing
from b2b.gateways.thinkific.answers import Json, parsed
from b2b.gateways.thinkific.models import EnrollmentAnswer
from b2b.gateways.thinkific.transport import Transport


class Enrollments:
    def __init__(self, transport: Transport) -> None:
        self._transport = transport

    def find(self, user_id: int, course_id: int) -> ThinkificEnrollment | None:
        """The user's enrollment in the course; of several, the one that lasts longest."""
        answer = self._transport.read_list("/enrollments", {"query[user_id]": user_id, "query[course_id]": course_id})
        rows = [parsed(EnrollmentAnswer, item).to_domain() for item in answer.items]
        return by_course(row for row in rows if row.user_id == user_id).get(course_id)

    def get(self, enrollment_id: int) -> ThinkificEnrollment | None:
        """By its own id, for those that the lists may leave out; None: Thinkific does not know it."""
        try:
            answer = self._transport.read(f"/enrollments/{enrollment_id}")
        except ThinkificMissing:
            return None
        return parsed(EnrollmentAnswer, answer).to_domain()

    def list_of_user(self, user_id: int) -> list[ThinkificEnrollment]:
        """All course enrollments of the user, those that a bundle brought included."""
        rows = self._transport.read_all("/enrollments", {"query[user_id]": user_id})
        enrollments = (parsed(EnrollmentAnswer, item).to_domain() for item in rows)
        return [enrollment for enrollment in enrollments if enrollment.user_id == user_id]

    def create(self, *, user_id: int, course_id: int, activated_at: datetime, expiry_date: datetime | None) -> int:
        """Its id. ``expiry_date`` None = without end."""
        body = {"user_id": user_id, "course_id": course_id, **dates(activated_at, expiry_date)}
        return parsed(EnrollmentAnswer, self._transport.write("POST", "/enrollments", body)).id

    def update(self, enrollment_id: int, *, activated_at: datetime, expiry_date: datetime | None) -> None:
        """``expiry_date`` None leaves it as it is."""
        self._transport.write("PUT", f"/enrollments/{enrollment_id}", dates(activated_at, expiry_date))


def dates(activated_at: datetime, expiry_date: datetime | None) -> Json:
    """As Thinkific writes dates: seconds and ``Z``. Without ``activated_at`` there would be no access."""
    fields = {"activated_at": _date(activated_at)}
    if expiry_date is not None:
        fields["expiry_date"] = _date(expiry_date)
    return fields


def _date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
