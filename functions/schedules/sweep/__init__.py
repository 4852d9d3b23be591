"""Takes note of enrollments whose end has come."""
