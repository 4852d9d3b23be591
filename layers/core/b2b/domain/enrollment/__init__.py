"""Students, their seats and enrollments: what a call changes, what is still to be synced, when access ends.

Others use all of it; ``enrolling.plan`` decides what an enrolling call does.
"""
