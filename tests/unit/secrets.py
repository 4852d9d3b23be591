"""Secrets Manager in this process (moto), behind boto3's own clients."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from moto import mock_aws
from tests.unit.aws import REGION


@pytest.fixture(scope="module")
def secrets_manager() -> Iterator[Any]:
    with mock_aws():
        yield boto3.session.Session(region_name=REGION).client("secretsmanager")
