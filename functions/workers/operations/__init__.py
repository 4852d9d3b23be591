"""Carries on the calls that touch many records."""
