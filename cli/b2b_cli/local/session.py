"""``b2b local`` from its first line to its last."""

import os
import sys
from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from b2b.wiring.api import api_services
from b2b_cli.errors import CommandError
from b2b_cli.local.demo import Demo, Example
from b2b_cli.local.note import Running
from b2b_cli.local.signals import Stop, stop_on_signals
from b2b_cli.local.stack import Options, Stack

Result = TypeVar("Result")


def run(options: Options, *, demo: bool) -> None:
    """Until a signal, or until it cannot go on. Raises CommandError with one line that says why."""
    # What is in the folder, an admin's token among it, is for its owner's eyes only.
    os.umask(0o077)
    with stop_on_signals() as stopping:
        stack = Stack(options, say, stopping)
        try:
            with stack:
                _serve(stack, demo=demo)
        except Stop:
            say(f"Stopped; the data is in {options.data}." if stack.folder.has_data else "Stopped.")
        except OSError as error:
            where = error.filename or options.data
            raise CommandError(
                f"{where} cannot be used: {error.strerror}. Mend that, or choose another folder with --data."
            ) from error
        except (BotoCoreError, ClientError) as error:
            raise CommandError(f"The emulator does not do it: {error}. See {stack.folder.log('emulator')}.") from error


def _serve(stack: Stack, *, demo: bool) -> None:
    running = stack.start()
    path = stack.folder.path / "example.json"
    example = Example.load(path)
    if running.is_first_run and running.simulator_page and demo:
        say("\nThe main job, done with the API:")
        shown = _in_background(Demo(running.base_url, running.admin_token, api_services(), say).run)
        stack.watch(shown.done)
        try:
            example = shown.result()
        except httpx.HTTPError as error:
            raise CommandError(f"The demonstration failed: {error}") from error
        example.save(path)
    say(_ready_lines(running, example))
    stack.watch(lambda: False)


def _in_background(work: Callable[[], Result]) -> "Future[Result]":
    """In a thread that nobody waits for at the end."""
    result: Future[Result] = Future()

    def run_it() -> None:
        try:
            result.set_result(work())
        except BaseException as error:
            result.set_exception(error)

    Thread(target=run_it, name="demonstration", daemon=True).start()
    return result


def say(text: str) -> None:
    """To the person, who may have closed the terminal meanwhile."""
    try:
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()
    except OSError:
        # What is still in the buffer is not tried again, at the end of the process either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _ready_lines(running: Running, example: Example | None) -> str:
    thinkific = running.thinkific_url
    if running.simulator_page:
        thinkific = f"{running.simulator_page}   (simulated; the page shows who is enrolled in what)"
    lines = [
        "",
        "Ready. Ctrl-C stops it and keeps the data.",
        f"  API         {running.base_url}",
        f"  Token       {running.admin_token}",
        f"  Try it      {running.docs_url}   (each call with a form; put the token in under Authorize)",
        f"  Thinkific   {thinkific}",
    ]
    if example:
        enroll, students, user = example.curl_commands(running.base_url, running.admin_token)
        lines += [
            "",
            "Paste these into another terminal:",
            "# enroll a student; the answer says pending",
            enroll,
            "# a few seconds later the enrollment is active",
            students,
            "# the client's seats",
            user,
        ]
    return "\n".join(lines)
