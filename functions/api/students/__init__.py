"""Students and their enrolments: ``/api/students``."""
