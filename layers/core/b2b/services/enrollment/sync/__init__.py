"""Keeping Thinkific in step with the table: syncing a student, repairing overdue syncs, retrying, verifying."""
