"""What an operation goes on from, as the table keeps it: in today's form, and as the earlier release wrote it."""

import json
from datetime import UTC, datetime

import pytest

from b2b.domain.work.operation_states import (
    CatalogueSyncState,
    ExpiryChangeState,
    GroupImportState,
    OperationState,
    StudentDeleteState,
    UserDeleteState,
    restored,
)
from b2b.domain.work.operations import OperationType

END = datetime(2027, 2, 26, 4, 47, 30, 849665, tzinfo=UTC)
END_TEXT = "2027-02-26T04:47:30.849665Z"

STATES = [
    CatalogueSyncState(),
    CatalogueSyncState(phase="bundles", seen=(1, 2), bundles=(2,)),
    CatalogueSyncState(phase="hidden", seen=(1,), after="b2Zm", first=25, cursors=("b2Zm",), waits=2),
    CatalogueSyncState(phase="vanished", missing=(7,), is_complete=True, trouble="GraphQL answered 502."),
    ExpiryChangeState(user_id=3, product_id=5, end=END),
    ExpiryChangeState(user_id=3, product_id=5, end=END, phase="confirm", after=9, waiting=4),
    GroupImportState(user_id=3, name="Acme", sync=True, retried_to=0),
    GroupImportState(user_id=3, name="Acme", sync=False, group_id=8, page=3),
    StudentDeleteState(student_id=4, email="a@example.com", in_thinkific=True, thinkific_id=6, not_before=END),
    StudentDeleteState(student_id=4, email="a@example.com", in_thinkific=False),
    UserDeleteState(
        user_id=3, email="a@example.com", delete_students=True, students_in_thinkific=False, in_thinkific=True, after=8
    ),
]

# As the code of 85d2f0b wrote them.
EARLIER = [
    ("catalogue_sync", {"phase": "pages", "page": 2, "seen": [1, 4]}, CatalogueSyncState(page=2, seen=(1, 4))),
    (
        "catalogue_sync",
        {"phase": "bundles", "seen": [1], "bundles": [1]},
        CatalogueSyncState(phase="bundles", seen=(1,), bundles=(1,)),
    ),
    (
        "catalogue_sync",
        {"phase": "vanished", "missing": [2], "bundles": []},
        CatalogueSyncState(phase="vanished", missing=(2,)),
    ),
    (
        "expiry_change",
        {"phase": "write", "user_id": 3, "product_id": 5, "end": END_TEXT, "after": 0},
        ExpiryChangeState(user_id=3, product_id=5, end=END),
    ),
    (
        "group_import",
        {"user_id": 3, "name": "Acme", "sync": True, "group_id": 0, "page": 1},
        GroupImportState(user_id=3, name="Acme", sync=True),
    ),
    (
        "student_delete",
        {"student_id": 4, "email": "a@example.com", "in_thinkific": True, "not_before": END_TEXT},
        StudentDeleteState(student_id=4, email="a@example.com", in_thinkific=True, not_before=END),
    ),
    (
        "user_delete",
        {
            "user_id": 3,
            "email": "a@example.com",
            "after": 0,
            "delete_students": False,
            "students_in_thinkific": False,
            "in_thinkific": False,
        },
        UserDeleteState(
            user_id=3, email="a@example.com", delete_students=False, students_in_thinkific=False, in_thinkific=False
        ),
    ),
]


@pytest.mark.parametrize("state", STATES, ids=lambda state: type(state).__name__)
def test_a_state_comes_back_from_json_as_it_was(state: OperationState) -> None:
    assert restored(state.type, json.loads(json.dumps(state.stored()))) == state


@pytest.mark.parametrize(("type_", "stored", "state"), EARLIER)
def test_the_earlier_releases_state_is_understood(type_: str, stored: dict[str, object], state: OperationState) -> None:
    assert restored(OperationType(type_), stored) == state


@pytest.mark.parametrize("type_", OperationType)
def test_every_type_has_a_state_and_a_final_operation_none(type_: OperationType) -> None:
    assert {state.type for state in STATES} >= {type_}
    assert restored(type_, {}) is None


def test_what_a_later_release_adds_is_left_alone() -> None:
    stored = GroupImportState(user_id=3, name="Acme", sync=True).stored() | {"tomorrows": 1}
    assert restored(OperationType.GROUP_IMPORT, stored) == GroupImportState(user_id=3, name="Acme", sync=True)


def test_a_state_without_what_it_needs_is_refused() -> None:
    with pytest.raises(TypeError, match="name"):
        restored(OperationType.GROUP_IMPORT, {"user_id": 3, "sync": True})
