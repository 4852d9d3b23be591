"""What the school sells: courses and bundles."""
