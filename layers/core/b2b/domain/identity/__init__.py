"""Who people are: users with their grants, tokens, and e-mail addresses and when two are one.

Others use all of it.
"""
