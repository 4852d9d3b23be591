"""Students, their seats and enrollments, up to Thinkific."""
