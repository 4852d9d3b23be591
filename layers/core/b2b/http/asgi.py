"""From an API Gateway event to the application and back. The only importer of Mangum."""

import warnings
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from b2b.http.api.app import with_entry

if TYPE_CHECKING:
    from fastapi import FastAPI

with warnings.catch_warnings():
    # Mangum asks for an event loop in a way that Python 3.12 and later deprecate.
    warnings.simplefilter("ignore", DeprecationWarning)
    from mangum import Mangum

LambdaHandler = Callable[[dict[str, Any], Any], dict[str, Any]]


def lambda_handler(app: "FastAPI", service: str) -> LambdaHandler:
    """The handler of an API function. ``lifespan`` is off: it would run on every call."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return Mangum(with_entry(app, service), lifespan="off")
