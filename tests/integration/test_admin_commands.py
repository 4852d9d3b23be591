"""``b2b admin`` and ``b2b key`` as an operator runs them, on a running local stack and on one of CloudFormation."""

import json
import os
import subprocess
import sys
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.emulated import running_emulator
from tests.integration.simulator.server import API_KEY, SUBDOMAIN, Server, running
from tests.integration.stacks import answered
from tests.local_stack import LocalStack
from tests.person import Person, nobody

from b2b.domain.timestamps import utc_now
from b2b.wiring.aws import session
from b2b_cli.connection import Connection, connect
from b2b_cli.errors import CommandError
from b2b_cli.key import set_token
from b2b_cli.local.emulator import Emulator
from b2b_cli.local.template import load
from b2b_cli.simulator.authentication import DEFAULT_ACCESS_TOKEN

sys.path.append(str(Path(__file__).parents[2] / ".make"))
import deploy

ADMIN = "the.first@example.com"


@dataclass(frozen=True)
class Said:
    """``token``: standard output, which is for programs; ``words``: the other one."""

    code: int
    token: str
    words: str


def b2b(*arguments: str, pipes: str = "", environment: Mapping[str, str] | None = None) -> Said:
    done = subprocess.run(
        [sys.executable, "-m", "b2b_cli", *arguments],
        input=pipes,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    return Said(done.returncode, done.stdout, done.stderr)


# The local stack


def on(stack: LocalStack, *arguments: str) -> Said:
    return b2b("admin", *arguments, "--data", str(stack.data))


def caller(stack: LocalStack, said: Said) -> httpx.Client:
    """The API, with the token that a command has printed."""
    assert said.code == 0, said
    return stack.api(said.token.strip())


def test_an_admin_is_made_once_and_gets_a_token_each_time(stack: LocalStack) -> None:
    made = on(stack, "create", "--name", " Ada Lovelace ", "--email", ADMIN)
    assert f"Made Ada Lovelace <{ADMIN}> an admin" in made.words
    again = on(stack, "create", "--email", ADMIN.upper(), "--token-name", "Zapier")
    assert f"Ada Lovelace <{ADMIN}> is an admin already" in again.words
    third = on(stack, "token", "--email", ADMIN, "--name", "Make")
    tokens = {said.token.strip() for said in (made, again, third)}
    assert len(tokens) == 3
    assert not [token for token in tokens for said in (made, again, third) if token in said.words]
    for said, name in ((made, "Command line"), (again, "Zapier"), (third, "Make")):
        with caller(stack, said) as api:
            rows = answered(api.get("/tokens", params={"per_page": 100}))["data"]
            assert name in [row["name"] for row in rows]
            # It may do all that there is.
            answered(api.post("/users/upsert", json={"email": "made.by.an.admin@example.com"}))
            answered(api.put("/settings", json={}))


@pytest.mark.parametrize("command", ["create", "token"])
def test_a_plain_user_is_no_admin(stack: LocalStack, command: str) -> None:
    email = "a.plain.user@example.com"
    with stack.api() as api:
        answered(api.post("/users/upsert", json={"email": email}))
    said = on(stack, command, "--email", email)
    assert (said.code, said.token) == (1, "")
    assert said.words == f"b2b: {email} is a user and no admin: an admin needs an e-mail that no user has.\n"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["create"], "Say whom to make an admin with --email."),
        (["create", "--email", "new@example.com"], "Say the new admin's name with --name."),
        (["create", "--email", "new@example.com", "--name", " "], "The name field is required."),
        (["create", "--email", "new", "--name", "N"], "The email field must be a valid e-mail address."),
        (["create", "--email", ADMIN, "--token-name", "x" * 256], "must not be greater than 255 characters."),
        (["token", "--email", "new@example.com"], "Nobody has the e-mail new@example.com"),
    ],
)
def test_without_a_terminal_what_is_missing_or_wrong_is_said(
    stack: LocalStack, arguments: list[str], words: str
) -> None:
    said = on(stack, *arguments)
    assert (said.code, said.token) == (1, "")
    assert words in said.words
    assert said.words.startswith("b2b: ")
    assert said.words.count("\n") == 1


def test_the_key_of_the_local_stack_is_in_its_environment() -> None:
    said = b2b("key", "set", pipes=API_KEY)
    assert said.code == 1
    assert "THINKIFIC_API_KEY" in said.words


# A stack of CloudFormation, with a secret that is empty as after the first deployment


@dataclass(frozen=True)
class Deployed:
    """``environment``: how the commands get there, and to the simulator that accepts ``API_KEY``."""

    name: str
    environment: Mapping[str, str]
    secrets: Any

    def b2b(self, *arguments: str, pipes: str = "", **environment: str) -> Said:
        return b2b(*arguments, "--stack-name", self.name, pipes=pipes, environment={**self.environment, **environment})

    def key(self) -> str | None:
        return self._secret("ThinkificApiKey")

    def token(self) -> str | None:
        return self._secret("ThinkificGraphQLToken")

    def _secret(self, resource: str) -> str | None:
        try:
            names = (self.name, resource)
            rows = self.secrets.list_secrets()["SecretList"]
            (secret,) = [row for row in rows if all(name in row["Name"] for name in names)]
            key: str = self.secrets.get_secret_value(SecretId=secret["ARN"])["SecretString"]
        except self.secrets.exceptions.ResourceNotFoundException:
            return None
        return key or None


@pytest.fixture(scope="module")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Emulator]:
    """With CloudFormation and Secrets Manager too."""
    with running_emulator(tmp_path_factory.mktemp("aws"), every_service=True) as running_aws:
        yield running_aws


@pytest.fixture(scope="module")
def simulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("thinkific") / "thinkific.sqlite") as server:
        yield server


@pytest.fixture
def deployed(emulator: Emulator, simulator: Server) -> Deployed:
    name = f"school-{uuid.uuid4().hex[:8]}"
    emulator.client("cloudformation").create_stack(
        StackName=name,
        TemplateBody=json.dumps(data_of_the_template()),
        Parameters=[{"ParameterKey": "ThinkificSubdomain", "ParameterValue": SUBDOMAIN}],
    )
    thinkific = f"{simulator.url}/api/public/v1"
    urls = {"THINKIFIC_URL": thinkific, "THINKIFIC_GRAPHQL_URL": f"{simulator.url}/stable/graphql"}
    return Deployed(name, emulator.environment() | urls, emulator.client("secretsmanager"))


def data_of_the_template() -> dict[str, Any]:
    """What the commands use; they do without the functions."""
    content = load()
    kinds = ("AWS::DynamoDB::Table", "AWS::SecretsManager::Secret", "AWS::SQS::Queue")
    resources = {name: found for name, found in content["Resources"].items() if found["Type"] in kinds}
    return {"Parameters": content["Parameters"], "Resources": resources}


@pytest.fixture
def connection(deployed: Deployed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Connection]:
    """This process, as a command that runs on the stack."""
    monkeypatch.setattr(os, "environ", {**os.environ, **deployed.environment})
    session.cache_clear()
    made = connect(Path(), deployed.name)
    yield made
    made.services.upstream.close()
    session.cache_clear()


def test_the_first_key_and_the_first_admin_make_a_school(deployed: Deployed) -> None:
    before = deployed.b2b("status")
    assert before.code == 1
    assert "PAUSED. There is no Thinkific key yet" in before.token
    assert f"`b2b key set --stack-name {deployed.name}`" in before.token

    said = deployed.b2b("key", "set", pipes=f"{API_KEY}\n")
    assert said.code == 0, said
    assert "Thinkific accepts the key." in said.words
    assert deployed.key() == API_KEY
    assert deployed.b2b("admin", "create", "--email", ADMIN, "--name", "Ada").code == 0
    after = deployed.b2b("status")
    assert after.code == 0, after
    assert "1 users" in after.token


def test_a_key_that_thinkific_refuses_is_not_put_in(deployed: Deployed) -> None:
    assert deployed.b2b("key", "set", pipes=API_KEY).code == 0
    wrong = "w" * 32
    said = deployed.b2b("key", "set", pipes=wrong)
    assert said.code == 1
    assert f"or it is not of {SUBDOMAIN}.thinkific.com" in said.words
    assert deployed.key() == API_KEY
    assert deployed.b2b("status").code == 0, "the school is not paused for it"
    assert wrong not in said.words + said.token


def test_a_key_of_another_length_is_remarked_on(deployed: Deployed) -> None:
    said = deployed.b2b("key", "set", "--no-check", pipes="t" * 40)
    assert (said.code, deployed.key()) == (0, "t" * 40)
    assert "40 characters; Thinkific's API keys have 32" in said.words


def test_a_thinkific_that_does_not_answer_keeps_the_key_as_it_is(deployed: Deployed) -> None:
    said = deployed.b2b("key", "set", pipes=API_KEY, THINKIFIC_URL="http://127.0.0.1:9/api")
    assert (said.code, deployed.key()) == (1, None)
    assert "--no-check puts it in without asking" in said.words
    assert deployed.b2b("key", "set", "--no-check", pipes=API_KEY, THINKIFIC_URL="http://127.0.0.1:9/api").code == 0
    assert deployed.key() == API_KEY


def test_a_good_key_ends_the_pause(deployed: Deployed, connection: Connection) -> None:
    connection.services.upstream.budget.pause("Thinkific refuses the school's key: it answered 401.")
    assert deployed.b2b("key", "set", pipes=API_KEY).code == 0
    assert connection.services.upstream.pause_reason is None


def test_the_key_of_a_local_stack_in_the_environment_is_not_a_deployed_ones(deployed: Deployed) -> None:
    said = deployed.b2b("status", THINKIFIC_API_KEY=API_KEY)
    assert "There is no Thinkific key yet" in said.token


def test_a_token_for_graphql_is_tried_and_put_in_beside_the_key(deployed: Deployed) -> None:
    said = deployed.b2b("key", "set", "--graphql", pipes=f"{DEFAULT_ACCESS_TOKEN}\n")
    assert said.code == 0, said
    assert "Thinkific accepts the token." in said.words
    assert (deployed.token(), deployed.key()) == (DEFAULT_ACCESS_TOKEN, None)
    assert DEFAULT_ACCESS_TOKEN not in said.words + said.token


@pytest.mark.parametrize("wrong", [API_KEY, "w" * 40])
def test_what_graphql_refuses_is_not_put_in(deployed: Deployed, wrong: str) -> None:
    assert deployed.b2b("key", "set", "--graphql", pipes=DEFAULT_ACCESS_TOKEN).code == 0
    said = deployed.b2b("key", "set", "--graphql", pipes=wrong)
    assert said.code == 1
    assert "API Access Tokens" in said.words
    assert deployed.token() == DEFAULT_ACCESS_TOKEN
    assert wrong not in said.words + said.token


def test_a_token_of_another_school_is_not_put_in(deployed: Deployed, connection: Connection) -> None:
    elsewhere = replace(connection, environment={**connection.environment, "THINKIFIC_SUBDOMAIN": "another"})
    with pytest.raises(CommandError, match=f"of {SUBDOMAIN}.thinkific.com, and the school is another"):
        set_token(elsewhere, DEFAULT_ACCESS_TOKEN, nobody(), lambda _: None, check=True)
    elsewhere.services.upstream.close()
    assert deployed.token() is None


def test_a_graphql_that_does_not_answer_keeps_the_token_as_it_is(deployed: Deployed) -> None:
    nowhere = "http://127.0.0.1:9/stable/graphql"
    said = deployed.b2b("key", "set", "--graphql", pipes=DEFAULT_ACCESS_TOKEN, THINKIFIC_GRAPHQL_URL=nowhere)
    assert (said.code, deployed.token()) == (1, None)
    assert "--no-check puts it in without asking" in said.words
    assert deployed.b2b("key", "set", "--graphql", "--no-check", pipes=DEFAULT_ACCESS_TOKEN).code == 0
    assert deployed.token() == DEFAULT_ACCESS_TOKEN


def test_a_stack_of_an_earlier_release_is_to_be_deployed_first(connection: Connection) -> None:
    environment = {**connection.environment}
    del environment["THINKIFIC_GRAPHQL_TOKEN_SECRET_ID"]
    with pytest.raises(CommandError, match="`make deploy` it first"):
        set_token(replace(connection, environment=environment), "t" * 40, nobody(), lambda _: None, check=False)


def test_status_says_why_graphql_failed(deployed: Deployed, connection: Connection) -> None:
    assert deployed.b2b("key", "set", pipes=API_KEY).code == 0
    assert "GraphQL" not in deployed.b2b("status").token
    assert deployed.b2b("key", "set", "--graphql", pipes=DEFAULT_ACCESS_TOKEN).code == 0
    assert "GraphQL          ok" in deployed.b2b("status").token
    connection.services.store.graphql.note("It answered 401.", utc_now())
    said = deployed.b2b("status")
    assert said.code == 1, "a person has to act"
    assert "GraphQL          FAILED. It answered 401." in said.token
    assert f"`b2b key set --graphql --stack-name {deployed.name}`" in said.token


def test_a_stack_that_is_none_of_ours_is_left_alone(deployed: Deployed) -> None:
    environment = deployed.environment
    assert "cannot be read" in b2b("key", "set", "--stack-name", "nowhere", environment=environment).words


# What `make deploy` does with a stack that is there


def test_a_deployment_ends_with_a_key_and_an_admin(deployed: Deployed, connection: Connection) -> None:
    person = Person("wrong", API_KEY, "", "Grace Hopper <grace@example.com>", "grace@example.com", "Grace Hopper")
    assert [*deploy.provide_key(connection, person)] == []
    assert (deployed.key(), len(person.secretly)) == (API_KEY, 2)
    assert [*deploy.provide_admin(connection, person)] == []
    token = person.heard[-1]
    connection.services.api.tokens.authenticate(token)
    asked = len(person.asked)

    again = [*deploy.provide_key(connection, person), *deploy.provide_admin(connection, person)]
    assert (again, len(person.asked), len(person.secretly)) == ([], asked, 2)


def test_without_a_terminal_a_deployment_names_the_commands(deployed: Deployed, connection: Connection) -> None:
    left = [*deploy.provide_key(connection, nobody()), *deploy.provide_admin(connection, nobody())]
    assert [line.split("  ")[0] for line in left] == [
        f".venv/bin/b2b key set --stack-name {deployed.name}",
        f".venv/bin/b2b admin create --stack-name {deployed.name}",
    ]


def test_a_key_and_an_admin_may_come_later(connection: Connection) -> None:
    person = Person("", "no")
    left = [*deploy.provide_key(connection, person), *deploy.provide_admin(connection, person)]
    assert len(left) == 2
