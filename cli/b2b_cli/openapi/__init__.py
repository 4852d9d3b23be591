"""The API's OpenAPI document: built from the routes, and from what is said here of each call and field.

Nothing of it is deployed but its outcome, ``functions/api/platform/openapi.json``.
"""
