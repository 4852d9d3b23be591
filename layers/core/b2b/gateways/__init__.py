"""Clients of other systems, each with its time-outs and models. What others use of one, its package names."""
