"""The commands of ``b2b`` and their words."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import httpx
import typer
from rich.console import Console

from b2b_cli.connection import connect
from b2b_cli.errors import CommandError
from b2b_cli.local.demo import Demo, Example
from b2b_cli.local.stack import Options, Running, Stack, Stop, stop_on_signals
from b2b_cli.progress import progress_line
from b2b_cli.recounting import recount as counted_anew
from b2b_cli.redriving import DeadLetters
from b2b_cli.redriving import redrive as redriven
from b2b_cli.status import tell_status
from b2b_cli.verifying import verify as verified

app = typer.Typer(
    help="Sell seats in bulk on Thinkific: the operator's command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
DataFolder = Annotated[Path, typer.Option("--data", help="Folder of the local stack, while that runs.")]
StackName = Annotated[
    str | None,
    typer.Option(help="A deployed stack instead, reached with your AWS credentials.", show_default="the local stack"),
]
DATA = Path(".b2b")

_console = Console(highlight=False, soft_wrap=True)


@app.callback()
def b2b() -> None:
    """Sell seats in bulk on Thinkific: the operator's command."""


@app.command()
def local(
    port: Annotated[
        int, typer.Option(help="Port of the API on 127.0.0.1; 0 takes a free one.", min=0, max=65535)
    ] = 8000,
    data: Annotated[Path, typer.Option(help="Folder that keeps the data between starts.")] = Path(".b2b"),
    thinkific_url: Annotated[
        str | None,
        typer.Option(
            help="Admin API to use instead of the simulator; needs THINKIFIC_API_KEY and THINKIFIC_SUBDOMAIN.",
            show_default="the simulator",
        ),
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes that serve the API.", min=1, max=32)] = 2,
    sweep_every: Annotated[
        float, typer.Option(help="Seconds between the runs of what AWS runs every minute.", min=0.1)
    ] = 30.0,
    demo: Annotated[bool, typer.Option(help="At the first start, show the main job with made-up people.")] = True,
) -> None:
    """Run the whole product on this machine until Ctrl-C or SIGTERM.

    The API, the workers and the schedules run as in AWS, on an embedded DynamoDB and SQS, with a simulated Thinkific.
    THINKIFIC_RATE_PER_MINUTE (100) sets the calls to Thinkific in any 60 seconds. When all is ready, local.json in
    the data folder says where it is.
    """
    options = Options(
        port=port, data=data.resolve(), thinkific_url=thinkific_url, api_workers=workers, tick_every=sweep_every
    )
    try:
        with stop_on_signals(), Stack(options, _say) as stack:
            running, worker = stack.start()
            example = Example.load(data / "example.json")
            if running.is_first_run and running.simulator_page and demo:
                _say("\nThe main job, done with the API:")
                example = Demo(running.base_url, running.admin_token, _say).run()
                example.save(data / "example.json")
            _say(_ready_lines(running, example))
            stack.watch(running, worker)
    except Stop:
        _say(f"Stopped; the data is in {data}.")
    except httpx.HTTPError as error:
        raise CommandError(f"The demonstration failed: {error}") from error


@app.command()
def recount(
    data: DataFolder = DATA,
    stack_name: StackName = None,
    repair: Annotated[bool, typer.Option("--repair", help="Set what is wrong to what the rows say.")] = False,
) -> None:
    """Count students, seats and records anew and compare them with the counters.

    A schedule does the same once a day and raises an alarm. Exit code 1 when a counter is wrong.
    """
    service = connect(data, stack_name).services.recount
    if not counted_anew(service, _say, progress_line(), repair=repair):
        raise typer.Exit(1)


@app.command()
def status(data: DataFolder = DATA, stack_name: StackName = None) -> None:
    """Say whether Thinkific is reachable, what waits, and what is stuck and why.

    Exit code 1 when a person has to act: the site is paused, or there are dead letters.
    """
    if not tell_status(connect(data, stack_name), _say):
        raise typer.Exit(1)


@app.command()
def redrive(
    data: DataFolder = DATA,
    stack_name: StackName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send them back without asking.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Delete messages that nobody can read.")] = False,
) -> None:
    """Show what lies in the dead-letter queues and why, and send it back to work."""
    connection = connect(data, stack_name)
    redriven(DeadLetters(connection), connection.services.store, _say, _asks(yes), discard=discard)


@app.command()
def verify(
    data: DataFolder = DATA,
    stack_name: StackName = None,
    sample: Annotated[int, typer.Option(help="How many students, chosen by chance.", min=1)] = 100,
    all_students: Annotated[bool, typer.Option("--all", help="Every student: some 100 a minute.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Bring about again what differs.")] = False,
) -> None:
    """Compare students with Thinkific, within the calls that it allows.

    What is newly wanted is not looked at, it is on its way. Exit code 1 when something differs and is not fixed.
    """
    verification = connect(data, stack_name).services.verification
    if not verified(verification, _say, progress_line(), sample=None if all_students else sample, fix=fix):
        raise typer.Exit(1)


def _asks(yes: bool) -> Callable[[str], bool]:
    """Without a terminal nobody can answer, and nothing is done."""
    if yes:
        return lambda _: True
    return typer.confirm if sys.stdin.isatty() else lambda _: False


def main() -> None:
    """The entry point: an expected failure is one line on standard error and exit code 1."""
    try:
        app()
    except CommandError as error:
        sys.stderr.write(f"b2b: {error}\n")
        sys.exit(1)


def _say(text: str) -> None:
    _console.print(text, markup=False)


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
        enrol, students, user = example.curl_commands(running.base_url, running.admin_token)
        lines += [
            "",
            "Paste these into another terminal:",
            "# enrol a student; the answer says pending",
            enrol,
            "# a few seconds later the enrolment is active",
            students,
            "# the client's seats",
            user,
        ]
    return "\n".join(lines)
