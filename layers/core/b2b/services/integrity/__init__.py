"""Finding and mending records that contradict each other, and counters that have drifted.

On top of all areas; none uses it.
"""
