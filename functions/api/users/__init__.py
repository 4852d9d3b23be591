"""Users and their grants: ``/api/users``."""
