"""The Lambda function of ``products``."""

import gc

# Nothing imported here is ever garbage: collecting meanwhile only delays the start.
gc.disable()

from api.products.routes import router
from b2b.http.api.app import create_app
from b2b.http.asgi import lambda_handler
from b2b.wiring.api import api_services

_services = api_services()
# What nearly every call needs, now and not in the first: Lambda lends a start more of a processor than a call.
_ = _services.tokens, _services.idempotency, _services.products
handler = lambda_handler(create_app(router, _services), "products")

gc.freeze()
gc.enable()
