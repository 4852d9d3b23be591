"""What every area needs to get work done: operations, messages, idempotency."""
