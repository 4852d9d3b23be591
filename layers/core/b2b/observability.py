"""Logs: JSON lines with ids and numbers, never with tokens, e-mails, names or bodies."""

from functools import cache

from aws_lambda_powertools import Logger


@cache
def logger(service: str) -> Logger:
    """The process's logger; level from ``POWERTOOLS_LOG_LEVEL`` (INFO)."""
    return Logger(service=service, use_rfc3339=True)
