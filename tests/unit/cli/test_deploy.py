"""`make deploy`: what it asks, what it refuses, and what it tells SAM."""

import shlex
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    EndpointConnectionError,
    NoCredentialsError,
    SSOTokenLoadError,
)
from tests.person import Person, nobody
from tests.unit.aws import aws, table

from b2b.domain.kinds import Kind
from b2b.storage import schema
from b2b.storage.store import Store
from b2b.storage.table import Table
from b2b_cli.errors import CommandError
from b2b_cli.local.template import load

sys.path.append(str(Path(__file__).parents[3] / ".make"))
import deploy
from parameters import (
    check_together,
    effective_parameters,
    effective_tags,
    first_parameters,
    given_parameters,
    given_tags,
    read_parameters,
)

__all__ = ["aws", "table"]

KNOWN = read_parameters(load())


@pytest.mark.parametrize(
    "text",
    ["acme", " ACME ", "acme.thinkific.com", "https://acme.thinkific.com", "http://acme.thinkific.com/", "Acme"],
)
def test_a_subdomain_may_be_pasted_as_an_address(text: str) -> None:
    assert given_parameters(f'ThinkificSubdomain="{text}"', KNOWN) == {"ThinkificSubdomain": "acme"}


@pytest.mark.parametrize("text", ["", "academy.acme.org", "-acme", "ac me", "https://", ".thinkific.com"])
def test_a_subdomain_that_is_none_is_not_made_one(text: str) -> None:
    with pytest.raises(CommandError, match="ThinkificSubdomain cannot be"):
        KNOWN["ThinkificSubdomain"].checked(text)


def test_parameters_are_taken_as_on_a_command_line() -> None:
    given = given_parameters("ThinkificRatePerMinute=90  AlarmTopicArn= LogRetentionDays='30'", KNOWN)
    assert given == {"ThinkificRatePerMinute": "90", "AlarmTopicArn": "", "LogRetentionDays": "30"}
    assert given_parameters("", KNOWN) == {}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Rate=90", "There is no parameter Rate; there are AlarmTopicArn, "),
        ("ThinkificRatePerMinute", "PARAMETERS is Name=value"),
        ("ThinkificRatePerMinute=0", "a number from 1 to 1000"),
        ("ThinkificRatePerMinute=many", "a number from 1 to 1000"),
        ("ThinkificRatePerMinute=NaN", "a number from 1 to 1000"),
        ("ApiRatePerMinute=-1", "a number from 0"),
        ("LogRetentionDays=31", "one of 7, 14, 30"),
        ("AlarmTopicArn=ops@example.com", "it has to fit"),
        ("DomainName=api", "it has to fit"),
        ("DomainName=https://api.example.com", "it has to fit"),
        ("CertificateArn=arn:aws:acm:eu-central-1:1:certificate/x", "it has to fit"),
        ("CorsOrigins=*", "it has to fit"),
        ("CorsOrigins=https://example.com/", "it has to fit"),
        ("CorsOrigins=https://example.com,", "it has to fit"),
        ("CorsOrigins=example.com", "it has to fit"),
        ("SnapStart=yes", "one of off, on"),
        ("ConcurrencyAlarmAt=0", "a number from 1"),
        ("PermissionsBoundaryArn=Boundary", "it has to fit"),
    ],
)
def test_what_cloudformation_would_refuse_is_refused_before_anything_is_built(text: str, said: str) -> None:
    with pytest.raises(CommandError, match=said):
        given_parameters(text, KNOWN)


CERTIFICATE = "arn:aws:acm:eu-central-1:123456789012:certificate/0a1b"


def together(**chosen: str) -> dict[str, str]:
    return effective_parameters(KNOWN, None, given_parameters(" ".join(f"{k}={v}" for k, v in chosen.items()), KNOWN))


@pytest.mark.parametrize(
    "chosen",
    [
        {},
        {"DomainName": "api.example.com", "CertificateArn": CERTIFICATE},
        {"DomainName": "seats.academy.example", "CertificateArn": CERTIFICATE, "HostedZoneId": "Z0123"},
        {"CorsOrigins": "https://www.example.com"},
        {"CorsOrigins": "https://www.example.com,http://localhost:3000"},
    ],
    ids=str,
)
def test_parameters_that_go_together_are_taken(chosen: dict[str, str]) -> None:
    check_together(together(**chosen), "eu-central-1")


@pytest.mark.parametrize(
    ("chosen", "said"),
    [
        ({"DomainName": "api.example.com"}, "needs a CertificateArn"),
        ({"HostedZoneId": "Z0123"}, "with a DomainName only"),
        (
            {"DomainName": "api.example.com", "CertificateArn": CERTIFICATE.replace("eu-central", "us-east")},
            "another region than eu-central-1",
        ),
    ],
    ids=str,
)
def test_parameters_that_do_not_go_together_are_refused_before_anything_is_built(
    chosen: dict[str, str], said: str
) -> None:
    with pytest.raises(CommandError, match=said):
        check_together(together(**chosen), "eu-central-1")


def test_what_a_stack_has_counts_until_it_is_changed() -> None:
    has = {"Parameters": [{"ParameterKey": "LogRetentionDays", "ParameterValue": "30"}]}
    assert effective_parameters(KNOWN, None, {})["LogRetentionDays"] == "90"
    assert effective_parameters(KNOWN, has, {})["LogRetentionDays"] == "30"
    assert effective_parameters(KNOWN, has, {"LogRetentionDays": "7"})["LogRetentionDays"] == "7"
    gone = {"Parameters": [{"ParameterKey": "OfAnEarlierRelease", "ParameterValue": "x"}]}
    assert "OfAnEarlierRelease" not in effective_parameters(KNOWN, gone, {})


@pytest.mark.parametrize(
    ("text", "tags"),
    [
        ("", {}),
        ("team=learning", {"team": "learning"}),
        ("team=learning  'cost-center'=42", {"team": "learning", "cost-center": "42"}),
        ("url=https://x.example/a?b".removesuffix("?b"), {"url": "https://x.example/a"}),
        ("team=", {"team": ""}),
        ("a=b=c", {"a": "b=c"}),
        ("mail=ops@example.com", {"mail": "ops@example.com"}),
    ],
)
def test_tags_are_taken_as_on_a_command_line(text: str, tags: dict[str, str]) -> None:
    assert given_tags(text) == tags


@pytest.mark.parametrize(
    "text", ["team", "=learning", "'my team'=x", "team='a b'", "aws:team=x", 'a="b\'c"', "a=b,c", "ä=b"]
)
def test_what_aws_or_sam_takes_for_no_tag_is_refused(text: str) -> None:
    with pytest.raises(CommandError, match="TAGS is name=value"):
        given_tags(text)


def test_tags_of_a_stack_stay_until_they_are_taken_away() -> None:
    has = {"Tags": [{"Key": "team", "Value": "learning"}, {"Key": "stage", "Value": "live"}]}
    assert effective_tags(None, {"team": "sales"}) == {"team": "sales"}
    assert effective_tags(has, {}) == {"team": "learning", "stage": "live"}
    assert effective_tags(has, {"team": "sales", "stage": ""}) == {"team": "sales"}


def test_a_new_stack_is_asked_for_what_it_needs_and_for_alarms() -> None:
    person = Person("academy.acme.org", "acme", "")
    chosen = first_parameters(person, KNOWN, {"ThinkificRatePerMinute": "90"})
    assert chosen == {"ThinkificRatePerMinute": "90", "ThinkificSubdomain": "acme", "AlarmTopicArn": ""}
    assert ["subdomain" in question for question in person.asked] == [True, True, False]
    assert "empty" in person.asked[2]


def test_without_a_terminal_a_new_stack_needs_its_subdomain_given() -> None:
    with pytest.raises(CommandError, match='PARAMETERS="ThinkificSubdomain='):
        first_parameters(nobody(), KNOWN, {})
    given = {"ThinkificSubdomain": "acme"}
    assert first_parameters(nobody(), KNOWN, given) == given


def stack(status: str, *parameters: str) -> dict[str, Any]:
    found = [{"ParameterKey": name, "ParameterValue": "x"} for name in parameters or ("ThinkificSubdomain",)]
    return {"StackName": "school", "StackStatus": status, "Parameters": found}


@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE"])
def test_a_finished_stack_can_be_updated(status: str) -> None:
    assert deploy.obstacle(stack(status)) is None


@pytest.mark.parametrize(
    ("status", "command"),
    [
        ("ROLLBACK_COMPLETE", "delete-stack --stack-name school"),
        ("CREATE_FAILED", "delete-stack --stack-name school"),
        ("UPDATE_ROLLBACK_FAILED", "continue-update-rollback --stack-name school"),
    ],
)
def test_a_stack_in_the_way_is_explained(status: str, command: str) -> None:
    assert command in str(deploy.obstacle(stack(status)))


def test_the_stack_of_another_product_is_left_alone() -> None:
    assert "left alone" in str(deploy.obstacle(stack("CREATE_COMPLETE", "Environment")))


@pytest.fixture
def cloudformation(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """In the place of AWS: the stack's statuses, one for each look at it; after the last there is none."""
    statuses: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            status = statuses.pop(0) if statuses else None
            body = (_ONE_STACK.format(status=status) if status else _NO_STACK).encode()
            self.send_response(200 if status else 400)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """The tests' output is not for this."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{server.server_port}")
        monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
        monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
        yield statuses
        server.shutdown()


_ONE_STACK = """<DescribeStacksResponse><DescribeStacksResult><Stacks><member><StackName>school</StackName>
<StackStatus>{status}</StackStatus><CreationTime>2026-03-10T12:00:00Z</CreationTime><Parameters><member>
<ParameterKey>ThinkificSubdomain</ParameterKey><ParameterValue>acme</ParameterValue></member></Parameters></member>
</Stacks></DescribeStacksResult></DescribeStacksResponse>"""
_NO_STACK = """<ErrorResponse><Error><Type>Sender</Type><Code>ValidationError</Code>
<Message>Stack with id school does not exist</Message></Error></ErrorResponse>"""


def test_a_stack_that_is_being_changed_is_waited_for(cloudformation: list[str]) -> None:
    person, waited = Person(), list[float]()
    cloudformation += ["CREATE_IN_PROGRESS", "CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    found = deploy.existing_stack("school", person.say, waited.append)
    assert found is not None
    assert found["StackStatus"] == "CREATE_COMPLETE"
    assert len(waited) == 2
    assert len(person.heard) == 1


def test_a_stack_that_goes_away_is_waited_for_and_then_new(cloudformation: list[str]) -> None:
    cloudformation += ["DELETE_IN_PROGRESS"]
    assert deploy.existing_stack("school", Person().say, lambda _: None) is None


def test_a_stack_that_was_only_planned_is_new(cloudformation: list[str]) -> None:
    cloudformation += ["REVIEW_IN_PROGRESS"]
    assert deploy.existing_stack("school", Person().say) is None


def command(*, is_new: bool, **chosen: str) -> list[str]:
    return deploy.sam_command("school", "eu-central-1", Path("template.yaml"), chosen, is_new=is_new)


def test_sam_is_told_what_was_chosen_and_asks_nothing() -> None:
    told = command(is_new=True, ThinkificSubdomain="acme", AlarmTopicArn="")
    assert told[-3:] == ["--parameter-overrides", 'ThinkificSubdomain="acme"', 'AlarmTopicArn=""']
    assert {"--resolve-s3", "--no-confirm-changeset", "--no-fail-on-empty-changeset"} <= {*told}
    assert "--region eu-central-1" in shlex.join(told)


def test_sam_is_told_the_tags() -> None:
    told = deploy.sam_command("school", "eu-central-1", Path("t.yaml"), {}, tags={"team": "learning"}, is_new=True)
    assert told[-2:] == ["--tags", '"team"="learning"']


def test_only_a_first_deployment_is_taken_back_whole() -> None:
    assert "--on-failure DELETE" in shlex.join(command(is_new=True))
    assert "--on-failure" not in command(is_new=False)


def test_an_update_without_parameters_keeps_them() -> None:
    assert "--parameter-overrides" not in command(is_new=False)
    assert "stay as they are" in deploy.what_is_done("school", {}, is_new=False)


def refused(code: str) -> ClientError:
    return ClientError({"Error": {"Code": code, "Message": "..."}}, "GetCallerIdentity")


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (NoCredentialsError(), "aws configure"),
        (refused("ExpiredToken"), "sign in again"),
        (refused("ExpiredTokenException"), "sign in again"),
        (SSOTokenLoadError(error_msg="..."), "sign in again"),
        (refused("InvalidClientTokenId"), "does not accept the credentials"),
        (EndpointConnectionError(endpoint_url="https://sts.eu-centrl-1.amazonaws.com"), "spelt right"),
        (refused("AccessDenied"), "AccessDenied"),
    ],
)
def test_why_aws_lets_nobody_in_is_said_with_what_to_do(error: BotoCoreError | ClientError, said: str) -> None:
    assert said in deploy.explanation(error)


@pytest.mark.parametrize("region", ["", None])
def test_a_region_is_needed(region: str | None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    if region is not None:
        monkeypatch.setenv("AWS_REGION", region)
    with pytest.raises(CommandError, match="No AWS region is chosen"):
        deploy.sign_in(nobody())


def test_an_api_that_does_not_answer_yet_is_a_warning_with_the_command() -> None:
    waited: list[float] = []
    said = deploy.health("http://127.0.0.1:9/api", waited.append)
    assert said.startswith("Warning: ")
    assert said.endswith("curl -i http://127.0.0.1:9/api/health")
    assert len(waited) == 2


@pytest.mark.parametrize(
    ("zone", "target", "left"),
    [
        ("", "d-1.execute-api.eu-central-1.amazonaws.com", ["in your DNS: api.example.com CNAME d-1.execute-api"]),
        ("Z0123", "d-1.execute-api.eu-central-1.amazonaws.com", []),
        ("", "", []),
    ],
)
def test_a_host_name_that_aws_does_not_enter_is_left_to_do(zone: str, target: str, left: list[str]) -> None:
    parameters = {"DomainName": "api.example.com", "HostedZoneId": zone}
    has = {
        "Parameters": [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()],
        "Outputs": [{"OutputKey": "DomainNameTarget", "OutputValue": target}] if target else [],
    }
    said = [*deploy.name_to_enter(has)]
    assert len(said) == len(left)
    assert all(line.startswith(wanted) for line, wanted in zip(said, left, strict=True))


def test_what_the_release_before_has_written_is_named_until_it_is_migrated(table: Table) -> None:
    store = Store(table)
    connection: Any = SimpleNamespace(stack_name="academy", services=SimpleNamespace(store=store))
    assert list(deploy.migrate(connection)) == []  # a table that has never had a user
    store.counters.next_id(Kind.USERS)
    (line,) = deploy.migrate(connection)
    assert line.startswith(".venv/bin/b2b migrate-data --stack-name academy ")
    store.migrations.finish(schema.VERSION)
    assert list(deploy.migrate(connection)) == []


def test_the_summary_says_what_is_left_to_do() -> None:
    said = deploy.summary("school", "https://x/api", ["b2b key set --stack-name school"])
    assert said.index("Base URL  https://x/api") < said.index("Still to do:") < said.index("products/sync")
    assert "Still to do" not in deploy.summary("school", "https://x/api", [])
