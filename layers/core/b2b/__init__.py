"""The product's own code: what seats, grants and enrolments are, where they are kept, how they reach Thinkific."""
