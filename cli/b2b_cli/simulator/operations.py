"""The endpoints of the Admin API that are simulated, and which function answers each."""

import re
from collections.abc import Callable
from typing import Final

from b2b_cli.simulator import bundles, catalogue, enrollments, groups, profile_fields, users
from b2b_cli.simulator.wire import Answer

Operation = Callable[..., Answer]
"""Called with the site, the call, and the texts in the places of the path's names."""

_OPERATIONS: Final[tuple[tuple[str, str, Operation], ...]] = (
    ("GET", "/users", users.list_users),
    ("POST", "/users", users.create_user),
    ("GET", "/users/{id}", users.get_user),
    ("PUT", "/users/{id}", users.update_user),
    ("DELETE", "/users/{id}", users.delete_user),
    ("GET", "/users/{id}/authentications/{provider}", users.get_authentication),
    ("GET", "/custom_profile_field_definitions", profile_fields.list_definitions),
    ("GET", "/enrollments", enrollments.list_enrollments),
    ("POST", "/enrollments", enrollments.create_enrollment),
    ("GET", "/enrollments/{id}", enrollments.get_enrollment),
    ("PUT", "/enrollments/{id}", enrollments.update_enrollment),
    ("GET", "/bundles/{id}", bundles.get_bundle),
    ("GET", "/bundles/{id}/courses", bundles.list_courses),
    ("GET", "/bundles/{id}/enrollments", bundles.list_enrollments),
    ("POST", "/bundles/{id}/enrollments", bundles.create_enrollment),
    ("PUT", "/bundles/{id}/enrollments", bundles.update_enrollment),
    ("GET", "/groups", groups.list_groups),
    ("POST", "/groups", groups.create_group),
    ("GET", "/groups/{id}", groups.get_group),
    ("DELETE", "/groups/{id}", groups.delete_group),
    ("POST", "/group_users", groups.add_user),
    ("GET", "/groups/{id}/analysts", groups.list_analysts),
    ("POST", "/groups/{id}/analysts", groups.add_analysts),
    ("DELETE", "/groups/{id}/analysts/{user_id}", groups.remove_analyst),
    ("POST", "/group_analysts/{user_id}/groups", groups.add_analyst_groups),
    ("DELETE", "/group_analysts/{user_id}/groups/{id}", groups.remove_analyst_group),
    ("GET", "/products", catalogue.list_products),
    ("GET", "/products/{id}", catalogue.get_product),
    ("GET", "/products/{id}/related", catalogue.list_related),
    ("GET", "/courses", catalogue.list_courses),
    ("GET", "/courses/{id}", catalogue.get_course),
    ("GET", "/courses/{id}/chapters", catalogue.list_chapters),
    ("GET", "/chapters/{id}", catalogue.get_chapter),
    ("GET", "/chapters/{id}/contents", catalogue.list_contents),
    ("GET", "/contents/{id}", catalogue.get_content),
)

_ROUTES: Final = tuple(
    (method, re.compile(re.sub(r"\{\w+\}", "([^/]+)", template)), operation)
    for method, template, operation in _OPERATIONS
)


def find_operation(method: str, path: str) -> tuple[Operation, tuple[str, ...]] | None:
    """The operation of a path below the base path, with the texts that stand for the path's names."""
    for route_method, pattern, operation in _ROUTES:
        if route_method == method and (match := pattern.fullmatch(path)):
            return operation, match.groups()
    return None
