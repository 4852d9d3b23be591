"""What records must say of each other, and which counters must equal which rows.

For the services of this area alone.
"""
