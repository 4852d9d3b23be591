"""What every area needs to get work done: operations, messages, idempotency, settings, back-off.

Others use all of it. It knows no area: what an operation does is in the area that runs it.
"""
