"""Reading and mending items that contradict each other."""
