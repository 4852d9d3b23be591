"""Which function of the API answers a path, here as at the gateway."""

import pytest
from tests.functions import of_kind

from b2b_cli.groups import GROUPS, group_of


@pytest.mark.parametrize(
    ("path", "group"),
    [
        ("/api/users", "users"),
        ("/api/users/7", "users"),
        ("/api/users/seat/7", "users"),
        ("/api/users/", "users"),
        ("/api/students", "students"),
        ("/api/students/enroll", "students"),
        ("/api/products/search", "products"),
        ("/api/usersandmore", "platform"),
        ("/api/tokens/7", "platform"),
        ("/api/health", "platform"),
        ("/api", "platform"),
        ("/API/users", "platform"),
        ("/users", "platform"),
        ("//api/users", "platform"),
        ("/docs", "platform"),
        ("/", "platform"),
        ("", "platform"),  # the server's own start and end
    ],
)
def test_a_path_is_answered_by_its_group_and_every_other_one_by_the_platform(path: str, group: str) -> None:
    assert group_of(path) == group


def test_every_function_of_the_api_has_its_group() -> None:
    assert sorted(f"api.{group}" for group in GROUPS) == sorted(of_kind("api"))
