"""Items of operations, idempotency keys, budget, settings, migrations.

Other areas use them through the store.
"""
