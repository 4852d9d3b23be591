"""Items of products."""
