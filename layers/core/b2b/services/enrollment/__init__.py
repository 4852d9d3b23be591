"""Students, their seats and enrollments, from the call to Thinkific.

``students``, ``expiries``, ``groups``, ``removals`` and ``user_removal`` are the calls; ``sync`` tells Thinkific, by
``reconciliation``; ``sweep`` takes note of ends. Other areas use ``removals`` alone.
"""
