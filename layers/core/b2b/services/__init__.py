"""Use cases. Each takes what it needs as arguments; none knows a network, a database client or a web framework."""
