"""What the document says of each call, in the order of the contract: a module for each group of routes."""

from collections.abc import Mapping

from b2b_cli.openapi.calls import platform, products, students, users
from b2b_cli.openapi.calls.call import Answer, Call

CALLS: Mapping[str, Call] = {**users.CALLS, **students.CALLS, **products.CALLS, **platform.CALLS}

__all__ = ["CALLS", "Answer", "Call"]
