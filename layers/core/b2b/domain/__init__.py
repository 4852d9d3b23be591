"""What the words mean and what is allowed. No input or output; imports the standard library only."""
