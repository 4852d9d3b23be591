"""Items of users, tokens and e-mail guards."""
