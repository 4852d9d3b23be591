"""``b2b``, the operator's command."""
