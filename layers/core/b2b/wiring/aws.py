"""Clients of AWS, of which each takes milliseconds to make and has time-outs for every call."""

import os
import random
from functools import cache
from typing import Any

import boto3
from botocore.config import Config as BotoConfig

# Every external call has a time-out, all tries together one below any function's. Validation of parameters and the user
# agent's feature list cost 17 % of a DynamoDB call's CPU time and find nothing here: our own tests exercise each call.
PATIENTLY = BotoConfig(
    connect_timeout=2,
    read_timeout=5,
    retries={"mode": "standard", "total_max_attempts": 3},
    parameter_validation=False,
    user_agent="b2b-seats",
    max_pool_connections=32,
)
# For what a caller should not wait for: a message that repair sends again, a key that is read beside a call.
BRIEFLY = BotoConfig(connect_timeout=1, read_timeout=2, retries={"mode": "standard", "total_max_attempts": 2})


def client(name: str, config: BotoConfig | None = None) -> Any:
    """A low-level AWS client. All come from one session, which is what costs time to make.

    A function can make one of the services that `make build` leaves in the layer (AWS_SERVICES in .make/build.py).
    """
    make: Any = session().client
    return make(name, config=PATIENTLY.merge(config or BotoConfig()))


@cache
def session() -> boto3.Session:
    return boto3.Session()


def diverge_when_restored() -> None:
    """SnapStart makes many processes of one snapshot: all of them would wait for the same random times."""
    if os.environ.get("AWS_LAMBDA_INITIALIZATION_TYPE") == "snap-start":
        from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found] # Lambda's Python has it

        register_after_restore(random.seed)
