from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from tests.unit.clock import START
from tests.unit.domain import records

from b2b.domain.enrollment import expiry
from b2b.domain.enrollment.matching import is_as_wanted
from b2b.domain.work.upstream import ThinkificEnrollment

SOON, LATE = START + timedelta(days=1), START + timedelta(days=30)
EARLIER_TODAY, YESTERDAY = START - timedelta(hours=1), START - timedelta(days=1)
CENTURY = expiry.without_end(START - timedelta(days=365))


def there(end: datetime | None, activated_at: datetime | None = START) -> ThinkificEnrollment:
    return ThinkificEnrollment(
        id=1, user_id=1, course_id=1, activated_at=activated_at, expiry_date=end, percentage_completed=None
    )


@pytest.mark.parametrize(
    ("wanted", "is_exact", "end", "fits"),
    [
        (SOON, False, SOON, True),
        (SOON, False, SOON + timedelta(seconds=1), True),
        (SOON, False, LATE, True),  # never shortened
        (SOON, False, None, True),
        (LATE, False, SOON, False),
        (None, False, LATE, False),
        (None, False, None, True),
        (None, False, CENTURY, True),  # how a limit is lifted there
        (None, True, CENTURY, True),
        (SOON, True, LATE, False),
        (SOON, True, None, False),
        (SOON, True, CENTURY, False),
        (CENTURY, True, CENTURY, True),
        (YESTERDAY, True, YESTERDAY, True),
        (YESTERDAY, True, YESTERDAY - timedelta(days=9), True),
        (YESTERDAY, True, EARLIER_TODAY, False),  # Thinkific counts by the day
        (YESTERDAY, True, LATE, False),
        (YESTERDAY, True, None, False),
        (YESTERDAY, False, LATE, True),  # came by itself: what was bought beside it stays
        (YESTERDAY, False, None, True),
        (EARLIER_TODAY, False, EARLIER_TODAY, True),  # came by itself
    ],
)
def test_what_needs_no_write(wanted: datetime | None, is_exact: bool, end: datetime | None, fits: bool) -> None:
    wish = replace(records.enrollment(), expiry_date=wanted, is_exact=is_exact)
    assert is_as_wanted(there(end), wish, START) is fits


def test_a_preview_is_no_access() -> None:
    assert not is_as_wanted(there(None, activated_at=None), replace(records.enrollment(), expiry_date=None), START)
