"""Cases that schemathesis makes up from the API's own document: no 5xx, and every answer as the document says.

FUZZ_CASES sets how many in all, roughly; ``make fuzz`` runs 2,500, CI a few hundred that are the same each time.
"""

import math
import os
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis.checks import (
    content_type_conformance,
    not_a_server_error,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from tests.fuzz.people import known
from tests.local_stack import LocalStack

DOCUMENT = Path(__file__).parents[2] / "functions/api/platform/openapi.json"
CASES = int(os.environ.get("FUZZ_CASES", "0"))

_CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]

schema = schemathesis.openapi.from_path(DOCUMENT)
_OPERATIONS = len(list(schema.get_all_operations()))
schema.config.phases.coverage.enabled = CASES > 0


@schema.parametrize()
@settings(
    max_examples=math.ceil(CASES / _OPERATIONS) if CASES else 10,
    derandomize=CASES == 0,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
def test_every_answer_is_as_documented(
    case: "schemathesis.Case[Any]", stack: LocalStack, token: str, statuses: Counter[int]
) -> None:
    known.meet(case)
    with requests.Session() as session:
        session.trust_env = False
        root = stack.note["base_url"].removesuffix("/api")
        response = case.call(base_url=root, session=session, headers={"Authorization": f"Bearer {token}"}, timeout=30)
    statuses[response.status_code] += 1
    case.validate_response(response, checks=_CHECKS)
