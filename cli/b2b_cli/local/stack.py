"""``b2b local``: starts everything, keeps the workers running, ends everything in the right order."""

import fcntl
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import urlsplit

import httpx

from b2b.config import load_config
from b2b.domain.errors import Unauthenticated
from b2b.wiring.core import Services
from b2b_cli.admins import ensure_admin, make_token
from b2b_cli.errors import CommandError
from b2b_cli.local.emulator import Emulator
from b2b_cli.local.processes import LOOPBACK, Child, free_port, is_port_free
from b2b_cli.local.resources import Resources, has_table, make_resources
from b2b_cli.local.template import Template
from b2b_cli.simulator.authentication import DEFAULT_ACCESS_TOKEN, DEFAULT_API_KEY, DEFAULT_SUBDOMAIN

ADMIN_NAME, ADMIN_EMAIL = "Local Admin", "admin@example.com"

_READY_SECONDS = 30.0
_STOP_SECONDS = 5.0
# Handlers may be in the middle of a call to Thinkific.
_WORKER_STOP_SECONDS = 30.0
_WATCH_SECONDS = 0.2
_API_PATH = "/api/public/v1"
_GRAPHQL_PATH = "/stable/graphql"
_DEFAULT_RATE = "100"
_THINKIFIC_RATE = 120


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``port`` 0 = a free one. ``thinkific_url`` None = the simulator. ``tick_every``: seconds between schedules."""

    port: int
    data: Path
    thinkific_url: str | None
    api_workers: int
    tick_every: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What a running stack tells its user; ``local.json`` holds the same."""

    base_url: str
    admin_token: str
    dynamodb_url: str
    thinkific_url: str
    simulator_page: str | None
    is_first_run: bool

    @property
    def docs_url(self) -> str:
        return self.base_url.removesuffix("/api") + "/docs"


@dataclass(frozen=True, slots=True)
class _Upstream:
    """The Thinkific in use."""

    url: str
    page: str | None
    environment: dict[str, str]
    simulator: Child | None = None
    # Variables that are kept out of files.
    secret: frozenset[str] = frozenset()


class Stop(Exception):
    """SIGTERM or SIGINT."""


@contextmanager
def stop_on_signals() -> Iterator[None]:
    """Within, the first SIGTERM or SIGINT raises Stop; later ones are ignored, so that stopping is orderly."""

    def stop(_number: int, _frame: FrameType | None) -> None:
        for number in numbers:
            signal.signal(number, signal.SIG_IGN)
        raise Stop

    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Replaceable:
    """A child that may die and be started again."""

    def __init__(self, start: Callable[[], Child]) -> None:
        self._start = start
        self.current = start()

    def replace(self) -> None:
        self.current = self._start()


class Stack:
    """Everything between ``start`` and the end of the ``with``. Use within ``stop_on_signals``."""

    def __init__(self, options: Options, say: Callable[[str], None]) -> None:
        self._options = options
        self._say = say
        self._data = options.data
        self._cleanup = ExitStack()
        self._watched: list[Child] = []
        self._environment: dict[str, str] = {}
        self._queues: dict[str, str] = {}

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, *_: object) -> None:
        self._say("Stopping ...")
        self._cleanup.close()

    def start(self) -> tuple[Running, Replaceable]:
        """Raises CommandError with one line that says what is in the way."""
        _prepare(self._data)
        self._cleanup.enter_context(_locked(self._data))
        _note_path(self._data).unlink(missing_ok=True)
        port = self._options.port or free_port()
        if not is_port_free(port):
            raise CommandError(f"Port {port} is in use: stop what listens there, or choose another with --port.")

        rate = _thinkific_rate()
        url = self._options.thinkific_url
        foreign = _foreign_thinkific(url, rate) if url is not None else None

        self._say("Starting the table and the queues ...")
        emulator = self._start_emulator()
        is_first_run = not _marker_path(self._data).exists()
        if not is_first_run and not has_table(emulator):
            # Told to stop in good order it would write what it has now over what could not be read.
            emulator.child.kill()
            raise CommandError(f"The data in {self._data} cannot be read any more. Move it away to start with nothing.")
        template = Template()
        resources = make_resources(emulator, template)
        environment = emulator.environment() | resources.environment()
        os.environ.update(environment)
        _marker_path(self._data).touch()

        self._say("Starting the API, the workers and Thinkific ...")
        upstream = foreign or self._start_simulator(rate)
        environment |= upstream.environment
        api = self._start_api(port, environment)
        worker = self._start_worker(resources, environment)
        # Made while the others start, which takes each of them a second or two.
        token = self._admin_token(environment)
        if upstream.simulator is not None:
            self._await_answer(upstream.simulator, f"{upstream.page}/_simulator/health")
        self._await_answer(api, f"http://{LOOPBACK}:{port}/api/health")
        worker.current.wait_until(lambda: "working, pid" in _read(worker.current.log), seconds=_READY_SECONDS)
        self._environment = {name: value for name, value in environment.items() if name not in upstream.secret}
        self._queues = resources.queue_urls
        running = Running(
            base_url=f"http://{LOOPBACK}:{port}/api",
            admin_token=token,
            dynamodb_url=emulator.url,
            thinkific_url=upstream.url,
            simulator_page=upstream.page,
            is_first_run=is_first_run,
        )
        self._note(running, worker)
        return running, worker

    def watch(self, running: Running, worker: Replaceable) -> None:
        """Until a signal. A worker that dies is replaced; without one of the others there is no stack."""
        while True:
            time.sleep(_WATCH_SECONDS)
            for child in self._watched:
                if not child.is_running:
                    raise CommandError(f"The {child.name} stopped unexpectedly; see {child.log}.")
            if not worker.current.is_running:
                self._say("The worker stopped unexpectedly; starting another.")
                worker.replace()
                self._note(running, worker)

    def _start_emulator(self) -> Emulator:
        emulator = Emulator(log=self._data / "emulator.log", state=self._data / "emulator")
        self._cleanup.callback(emulator.stop)
        self._watched.append(emulator.child)
        return emulator

    def _start_simulator(self, rate: str) -> _Upstream:
        page = f"http://{LOOPBACK}:{self._simulator_port()}"
        command = [
            *(sys.executable, "-m", "b2b_cli.simulator", "--port", page.rpartition(":")[2]),
            *("--database", str(self._data / "thinkific.sqlite"), "--demo-catalogue"),
            # Who asks for more calls than Thinkific allows has a school that is allowed them.
            *("--switch", f"rate_limit={max(_THINKIFIC_RATE, int(rate))}"),
        ]
        simulator = self._child("simulator", command, {}, stop_seconds=_STOP_SECONDS)
        url = page + _API_PATH
        environment = {
            "THINKIFIC_URL": url,
            "THINKIFIC_API_KEY": DEFAULT_API_KEY,
            "THINKIFIC_SUBDOMAIN": DEFAULT_SUBDOMAIN,
            "THINKIFIC_RATE_PER_MINUTE": rate,
            "THINKIFIC_GRAPHQL_URL": page + _GRAPHQL_PATH,
            "THINKIFIC_GRAPHQL_TOKEN": DEFAULT_ACCESS_TOKEN,
        }
        return _Upstream(url, page, environment, simulator)

    def _simulator_port(self) -> int:
        """The port next to the API's where that is free, so that the page stays at one address."""
        neighbour = self._options.port + 1
        return neighbour if self._options.port and is_port_free(neighbour) else free_port()

    def _admin_token(self, environment: Mapping[str, str]) -> str:
        """The same at every start, for as long as it is good."""
        services = Services(load_config(environment))
        path = self._data / "admin-token"
        if path.exists():
            secret = path.read_text(encoding="ascii").strip()
            try:
                services.tokens.authenticate(secret)
            except Unauthenticated:
                self._say("The token of the last start is no longer good; making another.")
            else:
                return secret
        admin = ensure_admin(services, name=ADMIN_NAME, email=ADMIN_EMAIL)
        secret = make_token(services, admin, name="Local stack")
        _write_private(path, secret)
        return secret

    def _start_api(self, port: int, environment: Mapping[str, str]) -> Child:
        command = [
            *(sys.executable, "-m", "uvicorn", "--factory", "b2b_cli.local.api:create_local_api"),
            *("--host", LOOPBACK, "--port", str(port), "--workers", str(self._options.api_workers)),
            *("--no-access-log", "--log-level", "warning", "--timeout-graceful-shutdown", "3"),
        ]
        return self._child("api", command, environment, stop_seconds=_STOP_SECONDS)

    def _await_answer(self, child: Child, url: str) -> None:
        """From now on the stack ends when the child does."""
        child.wait_until(lambda: _answers(url), seconds=_READY_SECONDS)
        self._watched.append(child)

    def _start_worker(self, resources: Resources, environment: Mapping[str, str]) -> Replaceable:
        command = [
            *(sys.executable, "-m", "b2b_cli.local.worker"),
            *("--queue-urls", json.dumps(resources.queue_urls)),
            *("--tick-every", str(self._options.tick_every)),
        ]
        log = self._data / "worker.log"
        log.unlink(missing_ok=True)
        worker = Replaceable(lambda: Child("worker", command, log=log, environment=environment))
        self._cleanup.callback(lambda: worker.current.stop(seconds=_WORKER_STOP_SECONDS))
        return worker

    def _child(self, name: str, command: list[str], environment: Mapping[str, str], *, stop_seconds: float) -> Child:
        child = Child(name, command, log=self._data / f"{name}.log", environment=environment)
        self._cleanup.callback(lambda: child.stop(seconds=stop_seconds))
        return child

    def _note(self, running: Running, worker: Replaceable) -> None:
        """``local.json``, for programs that use this stack; gone when it stops."""
        path = _note_path(self._data)
        content: dict[str, Any] = {
            "base_url": running.base_url,
            "admin_token": running.admin_token,
            "dynamodb_url": running.dynamodb_url,
            "thinkific_url": running.thinkific_url,
            "pid": os.getpid(),
            "worker_pid": worker.current.pid,
            "environment": self._environment,
            "queues": self._queues,
        }
        _write_private(path, json.dumps(content, indent=2))
        self._cleanup.callback(lambda: path.unlink(missing_ok=True))


def _thinkific_rate() -> str:
    rate = os.environ.get("THINKIFIC_RATE_PER_MINUTE") or _DEFAULT_RATE
    if not rate.isdigit() or int(rate) < 1:
        raise CommandError(f"THINKIFIC_RATE_PER_MINUTE must be a whole number from 1, not {rate!r}.")
    return rate


def _foreign_thinkific(url: str, rate: str) -> _Upstream:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.netloc:
        raise CommandError(f"--thinkific-url must be a http or https address, not {url!r}.")
    environment = {"THINKIFIC_RATE_PER_MINUTE": rate}
    for name in ("THINKIFIC_API_KEY", "THINKIFIC_SUBDOMAIN"):
        if not os.environ.get(name):
            raise CommandError(f"--thinkific-url needs {name} in the environment.")
        environment[name] = os.environ[name]
    root = f"{parts.scheme}://{parts.netloc}"
    full = url.rstrip("/") if parts.path.strip("/") else root + _API_PATH
    environment |= {"THINKIFIC_URL": full, "THINKIFIC_GRAPHQL_TOKEN": os.environ.get("THINKIFIC_GRAPHQL_TOKEN", "")}
    environment["THINKIFIC_GRAPHQL_URL"] = os.environ.get("THINKIFIC_GRAPHQL_URL") or root + _GRAPHQL_PATH
    return _Upstream(full, None, environment, secret=frozenset({"THINKIFIC_API_KEY", "THINKIFIC_GRAPHQL_TOKEN"}))


def _prepare(data: Path) -> None:
    try:
        (data / "emulator").mkdir(parents=True, exist_ok=True)
        probe = data / ".probe"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise CommandError(f"{data} cannot hold the data: {error.strerror}.") from error


@contextmanager
def _locked(data: Path) -> Iterator[None]:
    with (data / "lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CommandError(f"Another local stack is running with the data in {data}.") from None
        yield


def _note_path(data: Path) -> Path:
    return data / "local.json"


def _marker_path(data: Path) -> Path:
    """Says that there is data, so that unreadable data is not taken for none."""
    return data / "has-data"


def _write_private(path: Path, text: str) -> None:
    """For its owner's eyes only, and never half written."""
    partial = path.with_suffix(".partial")
    partial.touch(mode=0o600)
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
