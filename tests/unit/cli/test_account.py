"""What is said of an account before a school is deployed into it."""

import json
import sys
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from b2b_cli.local.template import Template

sys.path.append(str(Path(__file__).parents[3] / ".make"))
from account import Account, read_account, runs_of_workers

GIGABYTE = 1024**3

Json = dict[str, Any]


def account(allowed: int, unreserved: int | None = None, code_used: int = 0) -> Account:
    return Account(
        allowed=allowed,
        unreserved=allowed if unreserved is None else unreserved,
        code_used=code_used,
        code_allowed=75 * GIGABYTE,
    )


@pytest.mark.parametrize(("allowed", "at"), [(1, 1), (10, 8), (50, 40), (1000, 800), (1001, 800)])
def test_the_alarm_is_raised_before_all_is_used(allowed: int, at: int) -> None:
    assert account(allowed).alarm_at == at


@pytest.mark.parametrize(
    ("allowed", "unreserved", "left"), [(10, 10, 0), (20, 20, 10), (29, 29, 19), (1000, 25, 15), (1000, 5, 0)]
)
def test_an_account_with_too_few_runs_is_said_with_what_to_do(allowed: int, unreserved: int, left: int) -> None:
    (warning,) = account(allowed, unreserved).warnings(10)
    assert f"which leaves {left} to its API" in warning
    assert f"at most {unreserved} functions" in warning
    assert "request-service-quota-increase" in warning


@pytest.mark.parametrize(("allowed", "unreserved"), [(30, 30), (1000, 1000), (1000, 100)])
def test_an_account_with_room_is_said_nothing_of(allowed: int, unreserved: int) -> None:
    assert list(account(allowed, unreserved).warnings(10)) == []


@pytest.mark.parametrize(("used", "is_said"), [(0, False), (60, False), (61, True), (75, True)])
def test_a_full_storage_of_code_is_said(used: int, is_said: bool) -> None:
    warnings = list(account(1000, code_used=used * GIGABYTE).warnings(10))
    assert bool(warnings) == is_said
    assert all("storage for code" in warning for warning in warnings)


class Lambda:
    def __init__(self, refusal: str | None = None) -> None:
        self._refusal = refusal

    def get_account_settings(self) -> dict[str, Any]:
        if self._refusal:
            raise ClientError({"Error": {"Code": self._refusal, "Message": "..."}}, "GetAccountSettings")
        return {
            "AccountLimit": {
                "TotalCodeSize": 75 * GIGABYTE,
                "ConcurrentExecutions": 10,
                "UnreservedConcurrentExecutions": 10,
            },
            "AccountUsage": {"TotalCodeSize": 7, "FunctionCount": 1},
        }


def test_the_account_is_read() -> None:
    assert read_account(Lambda()) == account(10, code_used=7)


def test_who_may_not_look_deploys_all_the_same() -> None:
    assert read_account(Lambda("AccessDeniedException")) is None
    with pytest.raises(ClientError):
        read_account(Lambda("ServiceException"))


def test_workers_of_the_template_are_counted(tmp_path: Path) -> None:
    """As many runs of each queue as Lambda may start at once, and one of each schedule."""

    def queue(most: int) -> Json:
        queue = {"Fn::GetAtt": ["Queue", "Arn"]}
        return {"Type": "SQS", "Properties": {"Queue": queue, "ScalingConfig": {"MaximumConcurrency": most}}}

    hourly = {"Type": "ScheduleV2", "Properties": {"ScheduleExpression": "rate(1 hour)"}}
    resources = {
        name: {"Type": "AWS::Serverless::Function", "Properties": {"Handler": "f", "Events": events}}
        for name, events in {"Two": {"A": queue(2), "B": queue(3)}, "One": {"C": hourly}, "Api": {}}.items()
    }
    path = tmp_path / "template.yaml"
    path.write_text(json.dumps({"Globals": {"Function": {"Timeout": 9}}, "Resources": resources}))
    assert runs_of_workers(Template(path)) == 2 + 3 + 1
