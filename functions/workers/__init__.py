"""Functions that work through queues."""
