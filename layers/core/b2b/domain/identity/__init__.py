"""Who people are: users, tokens, and e-mail addresses."""
