import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from typing import Any

import boto3
import pytest
from tests.functions import ALL
from tests.unit.aws import REGION, Aws, aws
from tests.unit.functions.api import Api
from tests.unit.in_process import Open

from b2b.config import load_config
from b2b.wiring import core, upstream
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
    yield made
    _forget()
    aws.delete_table(made.table_name)


@pytest.fixture(scope="module")
def api(resources: Resources, open_app: Open) -> Api:
    return Api(core.Services(load_config(resources.environment())), open_app)


@pytest.fixture
def load(resources: Resources, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Any]:
    """A function's handler, imported as Lambda does at a cold start."""
    for name in ALL:
        monkeypatch.delitem(sys.modules, f"{name}.handler", raising=False)
    return lambda name: import_module(f"{name}.handler").handler


def _forget() -> None:
    """Services and clients of another environment."""
    core.services.cache_clear()
    core._session.cache_clear()
    upstream.upstream_services.cache_clear()
