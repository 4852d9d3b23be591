"""Users, tokens and passwords.

Other areas use ``tokens`` (a user that is deleted loses its tokens).
"""
