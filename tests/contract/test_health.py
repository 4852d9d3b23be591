"""Contract, section 6: ``GET /api/health``."""

from tests.local_stack import LocalStack


def test_health_needs_no_token(stack: LocalStack) -> None:
    with stack.api(token="none") as api:
        response = api.get("/health")
    assert (response.status_code, response.json()) == (200, {"status": "ok"})
    assert response.headers["X-Request-Id"]
