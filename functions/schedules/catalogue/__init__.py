"""Starts a refresh of the catalogue from Thinkific."""
