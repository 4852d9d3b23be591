"""Brings students to Thinkific, one message at a time."""
