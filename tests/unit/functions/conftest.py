import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import boto3
import pytest
from tests.functions import ALL
from tests.unit.aws import REGION, Aws, aws
from tests.unit.functions.api import Api
from tests.unit.hashing import cheap_hashes
from tests.unit.in_process import Open

from b2b.wiring import aws as clients
from b2b.wiring.api import api_services, api_services_of
from b2b.wiring.schedules import schedule_services
from b2b.wiring.workers import worker_services
from b2b_cli.local.resources import Resources

__all__ = ["aws"]


@pytest.fixture(scope="module")
def environment() -> Iterator[pytest.MonkeyPatch]:
    """The process's environment, for as long as the module's tests run."""
    with pytest.MonkeyPatch.context() as patch:
        yield patch


@pytest.fixture(scope="module")
def resources(aws: Aws, environment: pytest.MonkeyPatch) -> Iterator[Resources]:
    """A table and queues, named in the environment as the template names them, and clients that reach them."""
    made = aws.new_resources()
    environment.setattr(boto3, "Session", aws.session)
    for name, value in made.environment().items():
        environment.setenv(name, value)
    environment.setenv("AWS_DEFAULT_REGION", REGION)
    environment.setenv("THINKIFIC_SUBDOMAIN", "acme")
    environment.setenv("THINKIFIC_API_KEY", "k" * 32)
    environment.setenv("THINKIFIC_URL", "http://thinkific.invalid")
    _forget()
    with cheap_hashes():
        yield made
    _forget()
    aws.delete_table(made.table_name)


@pytest.fixture(scope="module")
def api(resources: Resources, open_app: Open) -> Api:
    return Api(api_services_of(resources.environment()), open_app)


@pytest.fixture
def load(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A function's handler, imported as Lambda does at a cold start."""
    for name in ALL:
        monkeypatch.delitem(sys.modules, f"{name}.handler", raising=False)
    return lambda name: import_module(f"{name}.handler").handler


def _forget() -> None:
    """Services and clients of another environment."""
    for kept in (api_services, schedule_services, worker_services, clients.session):
        kept.cache_clear()
