"""Rings again for what a lost message or a dead worker left undone."""
