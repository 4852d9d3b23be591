"""The template, deployed as ``make deploy`` does it, but into the emulator, beside a simulated Thinkific.

The functions run under AWS's own runtime client. To tests it looks like ``tests.local_stack.LocalStack``.
"""

import json
import os
import re
import subprocess
import sys
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx
from tests.e2e.emulation import Gateway, emulated, make_routes
from tests.e2e.project import ROOT, load_script
from tests.e2e.runtime import ARCHITECTURE, LAYERS, RECORDER, make_runtime
from tests.rights import FUNCTIONS

from b2b.storage.store import Store
from b2b.storage.table import Table
from b2b_cli.local.emulator import Emulator
from b2b_cli.local.processes import LOOPBACK, Child, free_port
from b2b_cli.local.template import Template, load
from b2b_cli.simulator.authentication import DEFAULT_ACCESS_TOKEN, DEFAULT_API_KEY, DEFAULT_SUBDOMAIN

STACK = "school"
# What a school on Thinkific's largest plan is allowed; no test waits for it.
RATE = 1000

_READY_SECONDS = 30.0
_HASTE_SECONDS = 2.0
_MINUTE = 60
_TOKEN = re.compile(r"b2b_\w+")

Json = dict[str, Any]


class Deployment:
    """Runs from construction until ``stop``. ``beside`` another one: in the same account, with the same Thinkific."""

    def __init__(self, directory: Path, *, stack: str = STACK, beside: "Deployment | None" = None) -> None:
        self.stack = stack
        self._directory = directory
        self._cleanup = ExitStack()
        self._quiet = threading.Lock()
        self._recorded, self._recorded_of_deployer = directory / "recorded", directory / "recorded-of-deployer"
        self._recorded.mkdir(parents=True)
        self._recorded_of_deployer.mkdir()
        try:
            if beside is None:
                self.runtime = make_runtime(directory)
                self.emulator = Emulator(log=directory / "emulator.log", state=None, every_service=True)
                self._cleanup.callback(self.emulator.stop)
                self.thinkific = self._start_simulator()
            else:
                self.runtime, self.emulator, self.thinkific = beside.runtime, beside.emulator, beside.thinkific
            self.said = self.deploy(ThinkificSubdomain=DEFAULT_SUBDOMAIN, ThinkificRatePerMinute=str(RATE))
            self.routes = make_routes(self.emulator, self.stack, self.physical_ids)
            self.status_at_first = self.b2b("status", code=1)
            self.note = {"base_url": f"{self.origin}/api", "admin_token": self._set_up()}
            self._cleanup.enter_context(self._haste())
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        self._cleanup.close()

    # As LocalStack

    def api(self, token: str | None = None) -> httpx.Client:
        client = self.anonymous()
        client.headers["Authorization"] = f"Bearer {token or self.note['admin_token']}"
        return client

    def anonymous(self) -> httpx.Client:
        return httpx.Client(base_url=f"{self.origin}/api", timeout=60, transport=Gateway(self.emulator.url))

    def simulator(self) -> httpx.Client:
        return httpx.Client(base_url=self.thinkific, timeout=30, trust_env=False)

    def logged(self) -> str:
        """All that the functions have logged."""
        logs = self.emulator.client("logs")
        groups = [row["PhysicalResourceId"] for row in self.resources if row["ResourceType"] == "AWS::Logs::LogGroup"]
        pages = (logs.get_paginator("filter_log_events").paginate(logGroupName=group) for group in groups)
        return "\n".join(event["message"] for each in pages for page in each for event in page["events"])

    # The stack

    def deploy(self, **parameters: str) -> str:
        """What ``make deploy`` said: for the first time, or of an update with these parameters changed."""
        self.runtime.write_bootstrap()
        variables = {
            **self._addresses,
            "AWS_ENDPOINT_URL": self.emulator.url,
            "B2B_RECORDED": str(self._recorded),
        }
        template = self.runtime.built / "emulated.json"
        content = emulated(load(self.runtime.built / "template.yaml"), variables)
        template.write_text(json.dumps(content), encoding="utf-8")
        given = " ".join(f"{name}={value}" for name, value in parameters.items())
        script = (".make/deploy.py", self.stack, "--template", str(template), "--no-health", "--parameters", given)
        return self._run([sys.executable, *script], recorded=True)

    def change_code(self) -> None:
        """What is deployed next differs in the functions and in both layers."""
        built, script = self.runtime.built, load_script("build")
        for part in ("functions", *LAYERS):
            with (built / part / "CHANGES").open("a", encoding="utf-8") as changes:
                changes.write("Another change.\n")
        script.write_template(ARCHITECTURE, script.digest(built), built / "template.yaml")

    def live_versions(self) -> dict[str, str]:
        """The version that is called, by the function's logical id."""
        functions = self.emulator.client("lambda")
        return {
            name: functions.get_alias(FunctionName=self.physical_ids[name], Name="live")["FunctionVersion"]
            for name in FUNCTIONS
        }

    def versions(self) -> dict[str, list[str]]:
        """All that are published, the oldest first, by the function's logical id."""
        pages = self.emulator.client("lambda").get_paginator("list_versions_by_function")
        return {
            name: [
                row["Version"]
                for page in pages.paginate(FunctionName=self.physical_ids[name])
                for row in page["Versions"]
                if row["Version"] != "$LATEST"
            ]
            for name in FUNCTIONS
        }

    def take_down(self) -> None:
        """Deletes the stack; returns when it is gone."""
        self.stop()
        cloudformation = self.emulator.client("cloudformation")
        cloudformation.delete_stack(StackName=self.stack)
        cloudformation.get_waiter("stack_delete_complete").wait(StackName=self.stack, WaiterConfig={"Delay": 1})

    def b2b(self, *arguments: str, code: int = 0) -> str:
        """The operator's command on this stack; what it said."""
        return self._run(self._b2b(*arguments), code=code)

    def called_by_deployer(self) -> set[str]:
        """The actions that the SAM CLI and our own commands called, for the person who deploys."""
        paths = self._recorded_of_deployer.iterdir()
        lines = [line for path in paths for line in path.read_text(encoding="utf-8").splitlines()]
        return {json.loads(line)["action"] for line in lines}

    @contextmanager
    def without_haste(self) -> Iterator[None]:
        """Within, nothing but AWS's own schedules starts a function."""
        with self._quiet:
            yield

    def invoke(self, name: str, event: Json) -> Any:
        """The answer of the function with that logical id, which has to have one."""
        answer = self.emulator.client("lambda").invoke(
            FunctionName=self.physical_ids[name], Qualifier="live", Payload=json.dumps(event).encode()
        )
        payload = json.loads(answer["Payload"].read())
        assert "FunctionError" not in answer, payload
        return payload

    def variables(self, name: str) -> dict[str, str]:
        """The environment of the function with that logical id."""
        functions = self.emulator.client("lambda")
        found = functions.get_function_configuration(FunctionName=self.physical_ids[name])
        variables: dict[str, str] = found["Environment"]["Variables"]
        return variables

    @cached_property
    def store(self) -> Store:
        """The deployed table, past the API."""
        return Store(Table(self.emulator.client("dynamodb"), self.physical_ids["Table"]))

    @cached_property
    def physical_ids(self) -> dict[str, str]:
        return {row["LogicalResourceId"]: row["PhysicalResourceId"] for row in self.resources}

    @cached_property
    def origin(self) -> str:
        """The API's address has the form of a real one: the functions are told that they were called by it."""
        return f"https://{self.physical_ids['Api']}.execute-api.localhost:{self.emulator.url.rpartition(':')[2]}"

    def calls(self) -> dict[str, set[tuple[str, str]]]:
        """What each function has called so far, by its logical id: the action, and the logical id it was done to."""
        names = {value.rpartition("/")[2]: name for name, value in self.physical_ids.items()}
        found: dict[str, set[tuple[str, str]]] = defaultdict(set)
        for path in self._recorded.glob("*.jsonl"):
            for line in path.read_text(encoding="utf-8").splitlines():
                call = json.loads(line)
                resource, slash, index = call["resource"].partition("/index/")
                resource = names.get(resource.rpartition("/")[2], resource)
                found[names[call["function"]]].add((call["action"], resource + slash + index))
        return found

    # Parts

    def _set_up(self) -> str:
        """What a newcomer does after the first deployment; the admin's token."""
        self._run(self._b2b("key", "set"), piped=DEFAULT_API_KEY, recorded=True)
        self._run(self._b2b("key", "set", "--graphql"), piped=DEFAULT_ACCESS_TOKEN, recorded=True)
        first_admin = ("--name", "First Admin", "--email", "admin@example.com")
        said = self._run(self._b2b("admin", "create", *first_admin), recorded=True)
        (token,) = _TOKEN.findall(said)
        return str(token)

    def _start_simulator(self) -> str:
        url = f"http://{LOOPBACK}:{free_port()}"
        command = [
            *(sys.executable, "-m", "b2b_cli.simulator", "--port", url.rpartition(":")[2]),
            *("--database", str(self._directory / "thinkific.sqlite"), "--demo-catalogue"),
        ]
        child = Child("simulator", command, log=self._directory / "simulator.log")
        self._cleanup.callback(lambda: child.stop(seconds=5))
        child.wait_until(lambda: _answers(f"{url}/_simulator/health"), seconds=_READY_SECONDS)
        return url

    @contextmanager
    def _haste(self) -> Iterator[None]:
        """What a schedule starts every minute is started every two seconds beside it: tests do not wait so long."""
        ended = threading.Event()
        names = [schedule.name for schedule in Template().schedules() if schedule.every_seconds == _MINUTE]

        def start() -> None:
            while not ended.wait(_HASTE_SECONDS):
                for name in names:
                    with self._quiet:
                        self.invoke(name, {})

        thread = threading.Thread(target=start)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def _b2b(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "b2b_cli", *arguments, "--stack-name", self.stack]

    def _run(self, command: list[str], *, code: int = 0, piped: str | None = None, recorded: bool = False) -> str:
        """What a command that ends with ``code`` said to whoever reads its output; its AWS calls may be noted."""
        variables = os.environ | self.emulator.environment() | self._addresses
        if recorded:
            variables |= {"PYTHONPATH": str(RECORDER), "B2B_RECORDED": str(self._recorded_of_deployer)}
        done = subprocess.run(
            command, cwd=ROOT, input=piped or "", capture_output=True, text=True, check=False, env=variables
        )
        assert done.returncode == code, f"{' '.join(command)} ended with {done.returncode}:\n{done.stdout}{done.stderr}"
        return done.stdout

    @property
    def _addresses(self) -> dict[str, str]:
        """Where Thinkific is, as variables."""
        url = self.thinkific
        return {"THINKIFIC_URL": f"{url}/api/public/v1", "THINKIFIC_GRAPHQL_URL": f"{url}/stable/graphql"}

    @property
    def resources(self) -> list[Json]:
        """As CloudFormation lists them."""
        pages = (
            self.emulator.client("cloudformation").get_paginator("list_stack_resources").paginate(StackName=self.stack)
        )
        return [row for page in pages for row in page["StackResourceSummaries"]]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
