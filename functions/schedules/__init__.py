"""Functions that schedules start."""
