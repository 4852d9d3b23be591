"""Enqueues again what a lost message or a dead worker left undone."""
