"""Thinkific's Admin API: the calls we make, what comes back, and how many are allowed."""
