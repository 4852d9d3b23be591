"""Thinkific's Admin API: the calls we make, what comes back, and how many are allowed.

Others use what is named here, and ``graphql`` for the courses that the Admin API's lists leave out: it is a module
of its own, since only who reads the catalogue pays for loading it.
"""

from b2b.gateways.thinkific.client import Thinkific
from b2b.gateways.thinkific.keys import KEY_LENGTH, FixedKey, SchoolKey, is_key
from b2b.gateways.thinkific.transport import http_client

__all__ = ["KEY_LENGTH", "FixedKey", "SchoolKey", "Thinkific", "http_client", "is_key"]
