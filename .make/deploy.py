"""Deploy a school, or its next version, up to the point where it works.

    .venv/bin/python .make/deploy.py STACK [--arch ARCH] [--parameters "NAME=VALUE ..."] [--tags "NAME=VALUE ..."]
                                     [--template FILE] [--no-health]

Every step looks at what is there, so that after an interruption another run goes on. With a terminal it asks for what
is missing; without one it takes --parameters, deploys without asking, and names the commands for the rest.
"""

import argparse
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import httpx
import typer
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectTimeoutError,
    EndpointConnectionError,
    InvalidRegionError,
    NoCredentialsError,
    PartialCredentialsError,
    SSOError,
    TokenRetrievalError,
)

sys.path.insert(0, str(Path(__file__).resolve().parent))
from account import read_account, runs_of_workers
from parameters import (
    check_together,
    effective_parameters,
    effective_tags,
    first_parameters,
    given_parameters,
    given_tags,
    read_parameters,
)
from releases import delete_old_versions, write_release

from b2b.domain.work.upstream import ThinkificDelay
from b2b_cli.admins import create_admin, has_token
from b2b_cli.connection import Connection, connect
from b2b_cli.errors import CommandError
from b2b_cli.key import QUESTION, checked_key, set_key
from b2b_cli.local.template import Template, load
from b2b_cli.progress import progress_line
from b2b_cli.terminal import StandardTerminal, Terminal, is_confirmed

ROOT = Path(__file__).resolve().parent.parent
SAM = Path(os.environ.get("B2B_SAM", ROOT / ".sam/bin/sam"))
COMMAND = ".venv/bin/b2b"
FIRST_TOKEN = "First token"  # noqa: S105 - a name

Json = dict[str, Any]

_STACK_NAME = re.compile(r"[A-Za-z][A-Za-z0-9-]{0,127}")
_POLL_SECONDS = 5.0
_HEALTH_TRIES = 3
_HEALTH_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``template`` None: build it."""

    stack: str
    architecture: str
    parameters: str
    tags: str
    template: Path | None
    health: bool


def deploy(options: Options, terminal: Terminal) -> None:
    """Raises CommandError with one line that says what is in the way."""
    known = read_parameters(load())
    given = given_parameters(options.parameters, known)
    tags = given_tags(options.tags)
    if not _STACK_NAME.fullmatch(options.stack):
        raise CommandError("Name the stack: make deploy STACK=school (letters, digits and hyphens).")
    region = sign_in(terminal)
    before = existing_stack(options.stack, terminal.say)
    chosen = given if before else first_parameters(terminal, known, given)
    check_together(effective_parameters(known, before, chosen), region)
    terminal.say(what_is_done(options.stack, chosen, is_new=before is None))
    functions = boto3.Session().client("lambda")
    chosen = concurrency(functions, terminal) | chosen
    if terminal.is_there and not is_confirmed(terminal, "Go ahead?"):
        raise CommandError("Nothing was done.")
    built = options.template or build(options.architecture)
    template = write_release(built, effective_parameters(known, before, chosen))
    command = sam_command(
        options.stack, region, template, chosen, tags=effective_tags(before, tags), is_new=before is None
    )
    run_sam(command, options.stack)

    connection = connect(Path(), options.stack)
    delete_old_versions(functions, connection.functions.values())
    stack = existing_stack(options.stack, terminal.say) or {}
    url = api_url(stack)
    to_do = [
        *provide_key(connection, terminal),
        *provide_admin(connection, terminal),
        *name_to_enter(stack),
        *migrate(connection),
    ]
    if options.health:
        terminal.say(health(url))
    terminal.say(summary(options.stack, url, to_do))


# Where to


def sign_in(terminal: Terminal) -> str:
    """The region that everything below goes to. Raises CommandError without credentials or region."""
    try:
        session = boto3.Session()
        # Which boto3 does not know, unlike other tools.
        region = os.environ.get("AWS_REGION") or session.region_name
        if not region:
            raise CommandError(
                "No AWS region is chosen: put one in front, as in `AWS_REGION=eu-central-1 make deploy ...`, "
                "or run `aws configure`."
            )
        os.environ["AWS_REGION"] = os.environ["AWS_DEFAULT_REGION"] = region
        caller = boto3.Session().client("sts").get_caller_identity()
    except (BotoCoreError, ClientError) as error:
        raise CommandError(explanation(error)) from error
    terminal.say(f"AWS account {caller['Account']}, region {region}, as {caller['Arn']}")
    return region


def explanation(error: BotoCoreError | ClientError) -> str:
    """What to do about AWS not letting anybody in."""
    code = error.response["Error"]["Code"] if isinstance(error, ClientError) else ""
    if isinstance(error, NoCredentialsError | PartialCredentialsError):
        return (
            "There are no AWS credentials here: run `aws configure` or `aws sso login`, or set AWS_PROFILE, or "
            "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY."
        )
    if isinstance(error, SSOError | TokenRetrievalError) or code.startswith("ExpiredToken"):
        return "The AWS credentials have expired: sign in again (`aws sso login`, or as your company does it)."
    if code in ("InvalidClientTokenId", "SignatureDoesNotMatch", "UnrecognizedClientException"):
        return f"AWS does not accept the credentials ({code}): are they complete, and still active?"
    if isinstance(error, EndpointConnectionError | ConnectTimeoutError | InvalidRegionError):
        return f"AWS cannot be reached; is the region spelt right, and the network up? ({error})"
    return f"AWS does not let us in: {error}"


# The stack


def existing_stack(name: str, say: Callable[[str], None], sleep: Callable[[float], None] = time.sleep) -> Json | None:
    """The stack, once nobody is changing it; None when there is none. Raises CommandError for one in the way."""
    cloudformation = boto3.Session().client("cloudformation")
    waiting = False
    while True:
        try:
            stack: Json = dict(cloudformation.describe_stacks(StackName=name)["Stacks"][0])
        except ClientError as error:
            if "does not exist" in str(error):
                return None
            raise CommandError(f"The stack {name} cannot be looked at: {error}") from error
        status = stack["StackStatus"]
        if status in ("REVIEW_IN_PROGRESS", "DELETE_COMPLETE"):
            return None
        if not status.endswith("_IN_PROGRESS"):
            break
        if not waiting:
            say(f"{name} is being changed ({status}); waiting for the end of that ...")
            waiting = True
        sleep(_POLL_SECONDS)
    problem = obstacle(stack)
    if problem:
        raise CommandError(problem)
    return stack


def obstacle(stack: Mapping[str, Any]) -> str | None:
    """Why a stack that nobody is changing cannot be updated."""
    name, status = stack["StackName"], stack["StackStatus"]
    if "ThinkificSubdomain" not in {found["ParameterKey"] for found in stack.get("Parameters", [])}:
        return f"{name} is another product's stack, which is left alone: choose another STACK."
    if status in ("ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"):
        return (
            f"{name} was never finished ({status}) and can only be deleted: "
            f"aws cloudformation delete-stack --stack-name {name}, then deploy again."
        )
    if status == "UPDATE_ROLLBACK_FAILED":
        return (
            f"The last update of {name} failed, and taking it back too: "
            f"aws cloudformation continue-update-rollback --stack-name {name}, then deploy again."
        )
    return None


def what_is_done(name: str, chosen: Mapping[str, str], *, is_new: bool) -> str:
    values = ", ".join(f"{parameter}={value or '(none)'}" for parameter, value in chosen.items())
    if is_new:
        return f"{name} is new: it is made with {values}; every other parameter has its default."
    kept = f"with {values}; every other parameter stays as it is" if values else "its parameters stay as they are"
    return f"{name} is there already and is updated: {kept}."


def concurrency(functions: Any, terminal: Terminal) -> dict[str, str]:
    """The parameter that follows from the account, of which is said what will be short."""
    account = read_account(functions)
    if account is None:
        terminal.say("How many functions may run at once cannot be seen (lambda:GetAccountSettings is not granted).")
        return {}
    for warning in account.warnings(runs_of_workers(Template())):
        terminal.say(warning)
    return {"ConcurrencyAlarmAt": str(account.alarm_at)}


def build(architecture: str) -> Path:
    """The template of what is built."""
    script = str(ROOT / ".make/build.py")
    if subprocess.run([sys.executable, script, architecture], cwd=ROOT, check=False).returncode:
        raise CommandError("Nothing was deployed.")
    return ROOT / "build" / architecture / "template.yaml"


def sam_command(
    name: str,
    region: str,
    template: Path,
    chosen: Mapping[str, str],
    *,
    tags: Mapping[str, str] | None = None,
    is_new: bool,
) -> list[str]:
    overrides = [f'{parameter}="{value}"' for parameter, value in chosen.items()]
    labels = [f'"{tag}"="{value}"' for tag, value in (tags or {}).items()]
    return [
        *(str(SAM), "deploy", "--template-file", str(template), "--stack-name", name, "--region", region),
        *("--resolve-s3", "--capabilities", "CAPABILITY_IAM", "--no-confirm-changeset", "--no-fail-on-empty-changeset"),
        # A first deployment that fails leaves nothing that is in the way of the next.
        *(("--on-failure", "DELETE") if is_new else ()),
        *(("--parameter-overrides", *overrides) if overrides else ()),
        *(("--tags", *labels) if labels else ()),
    ]


def run_sam(command: Sequence[str], name: str) -> None:
    if not SAM.exists():
        raise CommandError(f"The SAM CLI is not installed at {SAM}: `make deploy` does that.")
    environment = {"SAM_CLI_TELEMETRY": "0", **os.environ}
    done = subprocess.run(command, cwd=ROOT, env=environment, stdin=subprocess.DEVNULL, check=False)
    if done.returncode:
        raise CommandError(f"SAM did not deploy; above is why. Mended, `make deploy STACK={name}` goes on.")


def outputs_of(stack: Mapping[str, Any]) -> dict[str, str]:
    return {found["OutputKey"]: found["OutputValue"] for found in stack.get("Outputs", [])}


def api_url(stack: Mapping[str, Any]) -> str:
    outputs = outputs_of(stack)
    if "ApiUrl" not in outputs:
        raise CommandError("The stack does not say where its API is; it has no output ApiUrl.")
    return str(outputs["ApiUrl"])


# What it needs to work


def provide_key(connection: Connection, terminal: Terminal) -> Iterator[str]:
    """What is left to do."""
    command = f"{COMMAND} key set --stack-name {connection.stack_name}"
    try:
        if connection.services.upstream.missing_key is None:
            return
    except ThinkificDelay as unknown:
        terminal.say(f"Whether there is a key cannot be seen: {unknown}")
        return
    if terminal.is_there:
        terminal.say("Thinkific shows the key under Settings > Code & Analytics > API. Nothing typed: later.")
        while typed := terminal.ask_secretly(QUESTION).strip():
            try:
                set_key(connection, checked_key(typed), terminal, progress_line(), check=True)
            except CommandError as error:
                terminal.say(f"  {error}")
            else:
                return
    yield f"{command:<60}  Thinkific's key; until then nothing reaches it"


def provide_admin(connection: Connection, terminal: Terminal) -> Iterator[str]:
    """What is left to do."""
    if has_token(connection.services.api):
        return
    if terminal.is_there and is_confirmed(terminal, "Nobody can call the API yet. Make the first admin?"):
        terminal.say(create_admin(connection.services.api, terminal, name=None, email=None, token_name=FIRST_TOKEN))
        return
    yield f"{f'{COMMAND} admin create --stack-name {connection.stack_name}':<60}  the first admin, with a token"


def name_to_enter(stack: Mapping[str, Any]) -> Iterator[str]:
    """What is left to do, where the host name is in no zone of Route 53's that the stack knows."""
    parameters = {found["ParameterKey"]: found["ParameterValue"] for found in stack.get("Parameters", [])}
    target = outputs_of(stack).get("DomainNameTarget")
    if target and not parameters["HostedZoneId"]:
        yield f"in your DNS: {parameters['DomainName']} CNAME {target}"


def migrate(connection: Connection) -> Iterator[str]:
    """What is left to do."""
    if connection.services.store.migrations.is_due():
        command = f"{COMMAND} migrate-data --stack-name {connection.stack_name}"
        yield f"{command:<60}  brings the rows of the release before to this one's form; calls go on meanwhile"


# The end


def health(url: str, sleep: Callable[[float], None] = time.sleep) -> str:
    """One line. A new address may take a moment to be known."""
    address = f"{url}/health"
    trouble = ""
    for attempt in range(_HEALTH_TRIES):
        if attempt:
            sleep(_POLL_SECONDS)
        try:
            response = httpx.get(address, timeout=_HEALTH_SECONDS)
        except httpx.HTTPError as error:
            trouble = type(error).__name__
        else:
            if response.is_success:
                return "The API answers that it is well."
            trouble = f"it answers {response.status_code}"
    return f"Warning: the API does not answer as it should yet ({trouble}). Try again: curl -i {address}"


def summary(name: str, url: str, to_do: Sequence[str]) -> str:
    lines = ["", f"{name} is deployed.", f"  Base URL  {url}"]
    if to_do:
        lines += ["", "Still to do:", *(f"  {line}" for line in to_do)]
    lines += [
        "",
        "Then read the school's products:" if to_do else "Read the school's products next:",
        f'  curl -X POST {url}/products/sync -H "Authorization: Bearer $TOKEN"',
        "and look how all is:",
        f"  {COMMAND} status --stack-name {name}",
    ]
    return "\n".join(lines)


def say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description="Deploy a school, or its next version.")
    parser.add_argument("stack", help="the name of its CloudFormation stack")
    parser.add_argument("--arch", default="arm64", help="what to build for; the functions run on it")
    parser.add_argument("--parameters", default="", metavar='"NAME=VALUE ..."', help="of the template")
    parser.add_argument("--tags", default="", metavar='"NAME=VALUE ..."', help="of the stack and all that is in it")
    parser.add_argument("--template", type=Path, help="a built template to take, instead of building")
    parser.add_argument("--no-health", dest="health", action="store_false", help="do not call the API in the end")
    given = parser.parse_args()
    options = Options(
        stack=given.stack,
        architecture=given.arch,
        parameters=given.parameters,
        tags=given.tags,
        template=given.template.resolve() if given.template else None,
        health=given.health,
    )
    try:
        deploy(options, StandardTerminal(say))
    except CommandError as error:
        sys.exit(f"deploy: {error}")
    except (BotoCoreError, ClientError) as error:
        sys.exit(f"deploy: {explanation(error)}")
    except (KeyboardInterrupt, typer.Abort):
        sys.exit(f"\nInterrupted. `make deploy STACK={options.stack}` goes on from here.")


if __name__ == "__main__":
    main()
