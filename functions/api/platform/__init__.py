"""What concerns the school as a whole: tokens, operations, health."""
