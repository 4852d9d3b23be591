"""What every area needs to get work done: operations, settings, the budget of calls, and how a call to Thinkific ends.

Others use all of it. It knows no area.
"""
