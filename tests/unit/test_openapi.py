"""The API's document: a change of the routes is a decision, and shows in the diff."""

import json

from b2b_cli.openapi import DOCUMENT, document


def test_the_committed_document_is_that_of_the_routes() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == document(), "run `make openapi` and look at the difference"


def test_every_call_that_needs_a_token_names_its_scope_and_its_refusals() -> None:
    paths = json.loads(document())["paths"]
    for path, operations in paths.items():
        for method, operation in operations.items():
            if path in ("/api/health", "/api/openapi.json"):
                assert "security" not in operation
                continue
            assert "Scope of the token" in operation["description"], (method, path)
            assert {"401", "403", "429", "500"} <= set(operation["responses"]), (method, path)
