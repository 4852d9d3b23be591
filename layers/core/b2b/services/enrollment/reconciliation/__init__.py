"""Syncing one student to Thinkific: the fewest calls that close the gap, each confirmed as it is made.

The order: the Thinkific user, its name, its groups, then each enrollment. What fails for good is written down where
it belongs and does not stop the rest; what may heal is left for later. A call whose answer was lost is never
repeated blindly: the next attempt asks Thinkific first what there is.
"""

from b2b.services.enrollment.reconciliation.attempt import LEASE, Attempt, OnRefusal, OutOfTime, RetryLater
from b2b.services.enrollment.reconciliation.student import Reconciliation

__all__ = ["LEASE", "Attempt", "OnRefusal", "OutOfTime", "Reconciliation", "RetryLater"]
