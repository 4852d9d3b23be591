"""Items of operations, idempotency keys, budget, settings, migrations."""
