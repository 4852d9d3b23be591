"""The processes of ``b2b local``: started, kept running, and ended in the right order."""

import errno
import os
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

from b2b_cli.errors import CommandError
from b2b_cli.local import commands
from b2b_cli.local.emulator import Emulator, EmulatorRefusal
from b2b_cli.local.folder import Folder, lost_since
from b2b_cli.local.note import NoteWriter, Running
from b2b_cli.local.processes import LOOPBACK, Child, Supervised, free_port, port_trouble
from b2b_cli.local.resources import has_table, make_resources
from b2b_cli.local.signals import Stop, Stopping
from b2b_cli.local.template import Template
from b2b_cli.local.token import admin_token
from b2b_cli.local.upstream import Upstream, foreign_thinkific, simulated_thinkific, thinkific_rate

_READY_SECONDS = 60.0
_STOP_SECONDS = 5.0
# Handlers may be in the middle of a call to Thinkific.
_WORKER_STOP_SECONDS = 30.0
_WATCH_SECONDS = 0.2


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """``port`` 0 = a free one. ``thinkific_url`` None = the simulator. ``tick_every``: seconds between schedules.

    ``parent``: the process that started this one, if the stack is to end with it.
    """

    port: int
    data: Path
    thinkific_url: str | None
    api_workers: int
    tick_every: float
    parent: int | None = None


class Stack:
    """Everything between ``start`` and the end of the ``with``. Use within ``stop_on_signals``."""

    def __init__(self, options: Options, say: Callable[[str], None], stopping: Stopping) -> None:
        self.folder = Folder(options.data)
        self._options = options
        self._say = say
        self._stopping = stopping
        self._cleanup = ExitStack()
        self._emulator: Emulator | None = None
        self._supervised: list[Supervised] = []
        self._note: NoteWriter | None = None
        self._is_note_due = False
        self._problem: str | None = None

    def __enter__(self) -> "Stack":
        return self

    def __exit__(self, _type: object, error: BaseException | None, _traceback: object) -> None:
        """Raises CommandError where something is lost."""
        emulator = self._emulator
        if emulator is not None:
            self._say("Stopping ...")
        self._cleanup.close()
        if emulator is not None and not emulator.is_saved:
            why = error if isinstance(error, CommandError) else f"The data could not be saved: {emulator.reason}."
            lost = lost_since(emulator.saved_at or self.folder.saved_at)
            raise CommandError(
                f"{why} {lost} {self.folder.path} holds what was saved before; the same command goes on with that."
            ) from None

    def start(self) -> Running:
        """Raises CommandError with one line that says what is in the way."""
        lock = self._take_folder()
        port = _usable_port(self._options.port)
        upstream = self._upstream()

        self._say("Starting the table and the queues ...")
        is_first_run = not self.folder.has_data
        emulator = self._start_emulator(lock)
        resources = make_resources(emulator, Template())
        environment = emulator.environment() | resources.environment()
        os.environ.update(environment)
        self.folder.mark()

        self._say("Starting the API, the workers and Thinkific ...")
        environment |= upstream.environment
        simulator = self._start_simulator(upstream)
        api = self._supervise("API", commands.api(port, self._options.api_workers), environment)
        worker = self._start_worker(resources.queue_urls, environment)
        # Made while the others start, which takes each of them a second or two.
        token = admin_token(self.folder, environment, self._say)
        if simulator is not None:
            _await_answer(simulator, f"{upstream.page}/_simulator/health")
        _await_answer(api, f"http://{LOOPBACK}:{port}/api/health")
        worker.current.wait_until(lambda: "working, pid" in _read(worker.current.log), seconds=_READY_SECONDS)
        running = Running(
            base_url=f"http://{LOOPBACK}:{port}/api",
            admin_token=token,
            dynamodb_url=emulator.url,
            thinkific_url=upstream.url,
            simulator_page=upstream.page,
            is_first_run=is_first_run,
        )
        self._publish(
            NoteWriter(running, worker, environment=upstream.without_secrets(environment), queues=resources.queue_urls)
        )
        return running

    def _take_folder(self) -> int:
        """The descriptor of its lock."""
        self.folder.prepare()
        lock = self._cleanup.enter_context(self.folder.locked(self._say))
        self.folder.note.unlink(missing_ok=True)
        if loss := self.folder.loss():
            self._say(loss)
        return lock

    def watch(self, is_over: Callable[[], bool]) -> None:
        """Until then, start again what ends, and say what a person has to know.

        Raises Stop when the parent is gone, CommandError when the emulator is: what it held cannot be started again.
        """
        while not is_over():
            if self._options.parent not in (None, os.getppid()):
                raise Stop
            if self._emulator is not None:
                self._look_after_emulator(self._emulator)
            for child in self._supervised:
                self._is_note_due = child.look_after() or self._is_note_due
            self._renew_note()
            time.sleep(_WATCH_SECONDS)

    def _look_after_emulator(self, emulator: Emulator) -> None:
        emulator.hear()
        if not emulator.child.is_running:
            # Nobody can finish anything without it.
            self._stopping.is_hurried = True
            raise CommandError(f"The emulator {emulator.child.how_it_ended}.")
        if emulator.problem == self._problem:
            return
        self._problem = emulator.problem
        if self._problem is None:
            self._say("The data is saved again.")
        else:
            self._say(
                f"The data cannot be saved in {self.folder.path}: {self._problem}. "
                "Until that changes, all that is written is lost when the stack ends."
            )

    def _renew_note(self) -> None:
        """After another process was started. On a full disk it is tried again."""
        if self._note is None or not self._is_note_due:
            return
        try:
            self._note.write(self.folder)
        except OSError:
            return
        self._is_note_due = False

    def _upstream(self) -> Upstream:
        rate = thinkific_rate()
        if self._options.thinkific_url is not None:
            return foreign_thinkific(self._options.thinkific_url, rate)
        return simulated_thinkific(commands.simulator_port(self._options.port), rate)

    def _start_emulator(self, lock: int) -> Emulator:
        start_with_nothing = (
            f"Move {self.folder.path} away to start with nothing, or choose another folder with --data."
        )
        try:
            emulator = Emulator(
                log=self.folder.log("emulator"), state=self.folder.state, holds=lock, forgets=self.folder.note
            )
        except EmulatorRefusal as refusal:
            raise CommandError(f"{refusal} {start_with_nothing}") from None
        self._emulator = emulator
        self._cleanup.callback(emulator.stop)
        if self.folder.has_data and not has_table(emulator):
            # Told to stop in good order it would write what it has now over what could not be read.
            emulator.discard()
            raise CommandError(f"The data in {self.folder.path} has no table any more. {start_with_nothing}")
        return emulator

    def _start_simulator(self, upstream: Upstream) -> Supervised | None:
        if upstream.port is None:
            return None
        command = commands.simulator(upstream.port, self.folder.path / "thinkific.sqlite", upstream.rate)
        return self._supervise("simulator", command, {}, loses="Its faults and switches are as at the start.")

    def _start_worker(self, queue_urls: Mapping[str, str], environment: Mapping[str, str]) -> Supervised:
        # Read for the line that says it works.
        self.folder.log("worker").unlink(missing_ok=True)
        command = commands.worker(queue_urls, self._options.tick_every)
        return self._supervise("worker", command, environment, stop_seconds=_WORKER_STOP_SECONDS)

    def _supervise(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        stop_seconds: float = _STOP_SECONDS,
        loses: str = "",
    ) -> Supervised:
        def start() -> Child:
            return Child(name, command, log=self.folder.log(name.lower()), environment=environment)

        child = Supervised(start, self._say, loses=loses)
        self._cleanup.callback(lambda: self._stop(child.current, stop_seconds))
        self._supervised.append(child)
        return child

    def _stop(self, child: Child, seconds: float) -> None:
        child.stop(seconds=seconds, in_a_hurry=lambda: self._stopping.is_hurried)

    def _publish(self, note: NoteWriter) -> None:
        self._note = note
        note.write(self.folder)
        self._cleanup.callback(lambda: self.folder.note.unlink(missing_ok=True))


def _usable_port(wanted: int) -> int:
    if wanted == 0:
        return free_port()
    trouble = port_trouble(wanted)
    if trouble == errno.EADDRINUSE:
        raise CommandError(f"Port {wanted} is in use: stop what listens there, or choose another with --port.")
    if trouble is not None:
        raise CommandError(f"Port {wanted} cannot be had ({os.strerror(trouble)}): choose another with --port.")
    return wanted


def _await_answer(child: Supervised, url: str) -> None:
    child.current.wait_until(lambda: _answers(url), seconds=_READY_SECONDS)


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace")


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).is_success
    except httpx.HTTPError:
        return False
