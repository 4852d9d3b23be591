"""What records must say of each other."""
