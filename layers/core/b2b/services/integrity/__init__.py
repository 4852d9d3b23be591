"""Finding and mending records that contradict each other."""
