"""Bringing Thinkific in line with what the table says of a student."""
