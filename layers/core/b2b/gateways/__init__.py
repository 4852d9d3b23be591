"""Clients of other systems, each with its time-outs and models."""
