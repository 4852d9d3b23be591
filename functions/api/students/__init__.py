"""Students and their enrollments: ``/api/students``."""
