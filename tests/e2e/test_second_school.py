"""Two schools in one account and region: each with all that it needs, and nothing of the other's."""

from collections.abc import Iterator

import httpx
import pytest
from tests.contract.people import create_user, rows_of
from tests.e2e.deployment import Deployment
from tests.e2e.emulation import processed_template
from tests.local_stack import await_that
from tests.rights import FUNCTIONS

from b2b_cli.local.template import Template

# The longest that CloudFormation takes: what is named after it has names that are too long first.
NAME = "academy-" + "a" * 120
# What has a name within something else only.
_WITHIN_ANOTHER = ("AWS::ApiGatewayV2::Stage", "AWS::Lambda::Alias", "AWS::Lambda::Permission")


@pytest.fixture(scope="module")
def second(deployment: Deployment, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    running = Deployment(tmp_path_factory.mktemp("second"), stack=NAME, beside=deployment)
    yield running
    running.stop()


def test_nothing_is_shared(deployment: Deployment, second: Deployment) -> None:
    for resource in second.resources:
        assert resource["ResourceStatus"] == "CREATE_COMPLETE", resource
    first_ids, second_ids = (
        {row["PhysicalResourceId"] for row in each.resources if row["ResourceType"] not in _WITHIN_ANOTHER}
        for each in (deployment, second)
    )
    assert first_ids & second_ids == set()
    assert {row["LogicalResourceId"] for row in second.resources} >= {*FUNCTIONS, "Table", "Dashboard"}


def test_each_has_schedules_of_its_own(deployment: Deployment, second: Deployment) -> None:
    scheduler = deployment.emulator.client("scheduler")
    targets = [
        scheduler.get_schedule(Name=row["Name"])["Target"]["Arn"] for row in scheduler.list_schedules()["Schedules"]
    ]
    for school in (deployment, second):
        wanted = {school.physical_ids[f"{schedule.name}Aliaslive"] for schedule in Template().schedules()}
        assert wanted <= {*targets}


def test_nothing_has_a_name_that_another_stack_would_give_it(second: Deployment) -> None:
    """What AWS would refuse: here the emulator might not."""
    resources = processed_template(second.emulator, second.stack)["Resources"]
    names = [
        value
        for found in resources.values()
        if found["Type"] not in _WITHIN_ANOTHER
        for key, value in found.get("Properties", {}).items()
        if key in (found["Type"].rpartition("::")[2] + "Name", "LayerName", "Name")
    ]
    assert names
    assert [value for value in names if "AWS::StackName" not in str(value)] == []


def test_neither_knows_the_others_people(deployment: Deployment, second: Deployment) -> None:
    with deployment.api() as ours, second.api() as theirs:
        user = create_user(theirs)
        assert theirs.get(f"/users/{user['id']}").is_success
        assert [
            row for row in rows_of(ours.get("/users", params={"per_page": 100})) if row["email"] == user["email"]
        ] == []
        create_user(ours, email=user["email"])
        for client, token in ((ours, second), (theirs, deployment)):
            foreign = {"Authorization": f"Bearer {token.note['admin_token']}"}
            assert client.get("/users", headers=foreign).status_code == 401


def test_each_works_for_itself(second: Deployment) -> None:
    with second.api() as api:
        operation = api.post("/products/sync").json()["operation"]

        def status() -> str | None:
            found = api.get(f"/operations/{operation['id']}").json()["data"]["status"]
            return found if found in ("succeeded", "failed", "partial") else None

        assert await_that(status, what="The sync of the catalogue") == "succeeded"
        assert rows_of(api.get("/products"))


def test_a_school_goes_without_the_other(deployment: Deployment, second: Deployment) -> None:
    """Last: the second one is deleted, as the document for operators says."""
    table = second.physical_ids["Table"]
    second.take_down()
    assert second.emulator.client("dynamodb").describe_table(TableName=table)["Table"]["TableStatus"] == "ACTIVE"
    with deployment.api() as api:
        assert isinstance(api, httpx.Client)
        assert api.get("/users").is_success
