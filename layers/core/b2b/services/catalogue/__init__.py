"""Products, and reading them from Thinkific."""
