"""What ``make deploy`` puts into an account, and that it works there."""

import json
from fnmatch import fnmatchcase
from typing import Any

import httpx
from tests.contract.operations import sync_catalogue
from tests.contract.people import (
    add_seats,
    await_settled,
    create_student,
    create_user,
    data_of,
    read_user,
    rows_of,
    unique,
)
from tests.contract.school import School
from tests.e2e.deployment import STACK, Deployment
from tests.e2e.emulation import processed_template
from tests.local_stack import await_that
from tests.rights import FUNCTIONS
from tests.unit.test_deployer_policy import GRANTED, resource_types

from b2b_cli.local.template import Template
from b2b_cli.openapi.document import DOCUMENT

# Where the right has another name than the call (S3 API Reference, "Permissions" of each call).
_RIGHTS_IN_S3 = {
    "s3:CompleteMultipartUpload": "s3:PutObject",
    "s3:CreateMultipartUpload": "s3:PutObject",
    "s3:HeadBucket": "s3:ListBucket",
    "s3:HeadObject": "s3:GetObject",
    "s3:UploadPart": "s3:PutObject",
}


def test_every_route_of_the_template_is_there(deployment: Deployment) -> None:
    events = [event for function in FUNCTIONS.values() for event in function["Events"].values()]
    assert len(deployment.routes) == len([event for event in events if event["Type"] == "HttpApi"])


def test_every_call_of_the_document_is_of_the_function_of_its_group(deployment: Deployment) -> None:
    by_handler = {function["Handler"]: name for name, function in FUNCTIONS.items()}
    for path in json.loads(DOCUMENT.read_text(encoding="utf-8"))["paths"]:
        group, _, below = path.removeprefix("/api/").partition("/")
        route = f"ANY /api/{group}" + ("/{proxy+}" if below else "")
        found = deployment.routes.get(route, deployment.routes["$default"])
        assert found == by_handler.get(f"api.{group}.handler.handler", "PlatformFunction")


def test_the_functions_are_the_templates(deployment: Deployment) -> None:
    """Each with a role of its own, and nothing that SAM would add to it."""
    resources = processed_template(deployment.emulator, STACK)["Resources"]
    functions = {
        name: found["Properties"] for name, found in resources.items() if found["Type"] == "AWS::Lambda::Function"
    }
    assert functions.keys() == FUNCTIONS.keys()
    roles = [function["Role"]["Fn::GetAtt"][0] for function in functions.values()]
    assert len(set(roles)) == len(roles)
    assert not any("ManagedPolicyArns" in resources[role]["Properties"] for role in roles)
    loops = {name for name, function in functions.items() if function.get("RecursiveLoop") == "Allow"}
    assert loops == {name for name, function in FUNCTIONS.items() if "RecursiveLoop" in function}


def test_the_deployers_policy_has_all_that_a_deployment_calls(deployment: Deployment) -> None:
    """CloudFormation's own calls are another test's: tests/unit/test_deployer_policy.py."""
    called = {_RIGHTS_IN_S3.get(action, action) for action in deployment.called_by_deployer()}
    assert called >= {"cloudformation:CreateChangeSet", "s3:PutObject", "lambda:GetAccountSettings"}
    called -= {"sts:GetCallerIdentity"}  # which nobody is refused
    assert {action for action in called if not any(fnmatchcase(action, each) for each in GRANTED)} == set()


def test_a_stack_has_no_other_kinds_of_resources_than_the_deployers_policy_is_made_for(deployment: Deployment) -> None:
    kinds = {found["Type"] for found in processed_template(deployment.emulator, STACK)["Resources"].values()}
    assert kinds <= {*resource_types()}


def test_every_queue_feeds_its_function(deployment: Deployment) -> None:
    mappings = deployment.emulator.client("lambda").list_event_source_mappings()["EventSourceMappings"]
    found = {
        (mapping["EventSourceArn"].rpartition(":")[2], mapping["FunctionArn"].partition(":function:")[2])
        for mapping in mappings
        if mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]
    }
    names = {name: value.rpartition("/")[2] for name, value in deployment.physical_ids.items()}
    by_handler = {function["Handler"]: names[name] for name, function in FUNCTIONS.items()}
    wanted = {(names[source.queue], f"{by_handler[source.handler]}:live") for source in Template().event_sources()}
    assert found & wanted == wanted


def test_every_schedule_starts_its_function(deployment: Deployment) -> None:
    scheduler = deployment.emulator.client("scheduler")
    schedules = [scheduler.get_schedule(Name=row["Name"]) for row in scheduler.list_schedules()["Schedules"]]
    found = {schedule["Target"]["Arn"] for schedule in schedules if schedule["State"] == "ENABLED"}
    wanted = {deployment.physical_ids[f"{schedule.name}Aliaslive"] for schedule in Template().schedules()}
    assert found & wanted == wanted


def test_a_new_stack_says_what_it_lacks(deployment: Deployment) -> None:
    assert "b2b key set --stack-name school" in deployment.said
    assert "b2b admin create --stack-name school" in deployment.said
    assert "PAUSED. There is no Thinkific key yet" in deployment.status_at_first


def test_the_main_job(deployment: Deployment, api: httpx.Client, school: School) -> None:
    """A call becomes an enrollment in Thinkific."""
    course = school.add_course(name=unique("Course"))
    sync_catalogue(api)
    user = create_user(api)
    add_seats(api, user, course, 3)
    student = create_student(api, user_email=user["email"], enrollments=[course["productable_id"]])
    student = await_settled(api, student)
    assert [row["status"] for row in student["enrollments"]] == ["active"]
    with deployment.simulator() as client:
        there = client.get("/_simulator/state").raise_for_status().json()["enrollments"]
    assert [row["course_id"] for row in there if row["user_email"] == student["email"]] == [course["productable_id"]]
    (grant,) = read_user(api, user)["products"]
    assert (grant["seats_used"], grant["seats_available"]) == (1, 2)


def test_an_update_keeps_the_data_and_reaches_the_functions(deployment: Deployment, api: httpx.Client) -> None:
    user = create_user(api)
    said = deployment.deploy(ApiRatePerMinute="3")
    try:
        assert "is updated: with ApiRatePerMinute=3; every other parameter stays as it is" in said
        answer = await_that(lambda: _refused(api, user), what="The limit that the update brought")
        assert answer.headers["Retry-After"]
    finally:
        deployment.deploy(ApiRatePerMinute="0")
    assert data_of(api.get(f"/users/{user['id']}"))["email"] == user["email"]
    assert rows_of(api.get("/products"))


def _refused(api: httpx.Client, user: Any) -> httpx.Response | None:
    answer = api.get(f"/users/{user['id']}")
    return answer if answer.status_code == 429 else None
