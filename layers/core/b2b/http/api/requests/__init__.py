"""What requests carry: bodies in every form that clients send, and their fields."""
