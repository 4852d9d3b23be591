"""Items of users, grants and tokens, and the guards by which no e-mail is used twice.

Other areas use ``guards`` for addresses of their own, and ``address_migration`` for rows of earlier releases.
"""
