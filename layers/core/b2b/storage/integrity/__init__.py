"""Reading and mending items that contradict each other.

No other area uses it.
"""
