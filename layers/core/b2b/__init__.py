"""The product's own code: what seats, grants and enrollments are, where they are kept, how they reach Thinkific."""
