"""Takes note of enrolments whose end has come."""
