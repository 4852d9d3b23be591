"""Items of students, and what is still to be synced."""
