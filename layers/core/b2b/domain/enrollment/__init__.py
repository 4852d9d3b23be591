"""Students, their seats and enrollments."""
