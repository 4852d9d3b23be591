"""Products: reading, searching and adding them, and the operation that reads them from Thinkific.

Other areas use none of it: they read products from the store.
"""
