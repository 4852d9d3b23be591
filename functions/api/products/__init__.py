"""The catalogue: ``/api/products``."""
