"""Items of students, their enrollments and what Thinkific refused, and the wishes to sync them.

Other areas use it through the store.
"""
