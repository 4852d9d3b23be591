"""The commands of ``b2b`` and their words."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import boto3
import typer
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console
from typer.core import TyperGroup

from b2b.config import ConfigError
from b2b.wiring.aws import client
from b2b_cli import admins
from b2b_cli.connection import connect
from b2b_cli.errors import CommandError
from b2b_cli.key import LOCAL_STACK, QUESTION, TOKEN_QUESTION, given_key, set_key, set_token
from b2b_cli.local import session
from b2b_cli.local.stack import Options
from b2b_cli.mending import at_guards, at_students
from b2b_cli.mending import make_consistent as made_consistent
from b2b_cli.migrating import Rows, migrate
from b2b_cli.progress import progress_line
from b2b_cli.recounting import recount as counted_anew
from b2b_cli.redriving import DeadLetters
from b2b_cli.redriving import redrive as redriven
from b2b_cli.restoring import School
from b2b_cli.restoring import restore as restored
from b2b_cli.standstill import Functions
from b2b_cli.status import tell_status
from b2b_cli.terminal import StandardTerminal
from b2b_cli.verifying import verify as verified

_HERE = "On this machine"
_SET_UP = "To set a school up"
_OPERATE = "To look after it"


class _InThisOrder(TyperGroup):
    """As a school meets them."""

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - the order is always the same
        return ["local", "admin", "key", "status", "redrive", "verify", "recount", "migrate-data", "restore"]


app = typer.Typer(
    cls=_InThisOrder,
    help="Sell seats in bulk on Thinkific: the operator's command.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
admin = typer.Typer(no_args_is_help=True)
key = typer.Typer(no_args_is_help=True)
app.add_typer(admin, name="admin", help="Make the first admin, and tokens.", rich_help_panel=_SET_UP)
app.add_typer(key, name="key", help="Set Thinkific's API key, or another one.", rich_help_panel=_SET_UP)

DataFolder = Annotated[Path, typer.Option("--data", help="Folder of the local stack, while that runs.")]
StackName = Annotated[
    str | None,
    typer.Option(help="A deployed stack instead, reached with your AWS credentials.", show_default="the local stack"),
]
TokenName = Annotated[str, typer.Option(help="What GET /tokens shows the new token as.")]
DATA = Path(".b2b")

_console = Console(highlight=False, soft_wrap=True)
# Words for the person, where another program takes what the command prints.
_aside = Console(highlight=False, soft_wrap=True, stderr=True)


@app.callback()
def b2b() -> None:
    """Sell seats in bulk on Thinkific: the operator's command."""


@app.command(rich_help_panel=_HERE)
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
    ] = 5.0,
    demo: Annotated[bool, typer.Option(help="At the first start, show the main job with made-up people.")] = True,
    parent: Annotated[int | None, typer.Option(help="Process that it ends with, its parent.", hidden=True)] = None,
) -> None:
    """Run the whole product on this machine until Ctrl-C or SIGTERM.

    The API, the workers and the schedules run as in AWS, on an embedded DynamoDB and SQS, with a simulated Thinkific.
    THINKIFIC_RATE_PER_MINUTE (100) sets the calls to Thinkific in any 60 seconds. With --thinkific-url,
    THINKIFIC_GRAPHQL_TOKEN is the API Access Token with which the courses that REST hides are read. When all is
    ready, local.json in the data folder says where it is.
    """
    options = Options(
        port=port,
        data=Path(os.path.abspath(data)),  # noqa: PTH100 - resolve() raises on a link that leads to itself
        thinkific_url=thinkific_url,
        api_workers=workers,
        tick_every=sweep_every,
        parent=parent,
    )
    session.run(options, demo=demo)


@admin.command("create")
def create_admin(
    name: Annotated[str | None, typer.Option(help="Of a new admin.", show_default="asked for")] = None,
    email: Annotated[str | None, typer.Option(help="What tells admins apart.", show_default="asked for")] = None,
    token_name: TokenName = admins.TOKEN_NAME,
    data: DataFolder = DATA,
    stack_name: StackName = None,
) -> None:
    """Make the first admin, and print a new token.

    Who is an admin already gets a new token only. It is shown this once, and nothing else goes to standard output:
    TOKEN=$(b2b admin create ...) works.
    """
    services = connect(data, stack_name).services.api
    _say(admins.create_admin(services, _terminal, name=name, email=email, token_name=token_name))


@admin.command("token")
def add_token(
    email: Annotated[str, typer.Option(help="Of the admin.")],
    name: TokenName = admins.TOKEN_NAME,
    data: DataFolder = DATA,
    stack_name: StackName = None,
) -> None:
    """Print a new token for an admin who has lost the last one.

    The token is shown this once. The others stay good until DELETE /api/tokens/{id}.
    """
    services = connect(data, stack_name).services.api
    _say(admins.add_token(services, _terminal, email=email, name=name))


@key.callback()
def keys() -> None:
    """Set Thinkific's API key, or another one."""


@key.command("set")
def change_key(
    stack_name: Annotated[str | None, typer.Option(help="The deployed stack.", show_default=False)] = None,
    check: Annotated[bool, typer.Option("--check/--no-check", help="Ask Thinkific whether it takes the key.")] = True,
    graphql: Annotated[
        bool, typer.Option("--graphql", help="The API Access Token for GraphQL, in place of the API key.")
    ] = False,
) -> None:
    """Put in Thinkific's API key, or another one in its place.

    It goes into the stack's Secrets Manager secret. A terminal asks for it and does not show it; without one it is
    read from standard input. A key that Thinkific refuses is not put in.

    With --graphql the same for an API Access Token. A school that has courses made with Thinkific's newer course
    builder needs one: only GraphQL shows them.
    """
    if stack_name is None:
        raise CommandError(LOCAL_STACK)
    connection = connect(DATA, stack_name)
    given = given_key(_terminal, TOKEN_QUESTION if graphql else QUESTION)
    put_in = set_token if graphql else set_key
    put_in(connection, given, _terminal, progress_line(), check=check)


@app.command(rich_help_panel=_OPERATE)
def recount(
    data: DataFolder = DATA,
    stack_name: StackName = None,
    repair: Annotated[bool, typer.Option("--repair", help="Mend records, and set counters to what they say.")] = False,
) -> None:
    """Compare records with each other, and the counters with the records they count.

    It reads the whole table, while the school works. It finds students whom a user lists and who do not know of it,
    seats without an enrollment, addresses that are held for nobody or can be taken twice, products and tokens that
    their ids do not find. Where two records have one e-mail address, the older keeps it, and the command says what to
    do about the younger.

    A schedule compares the counters once a day and raises an alarm. Exit code 1 when something is wrong and not mended.
    """
    connection = connect(data, stack_name)
    services, rows = connection.services, Rows(client("dynamodb"), connection.environment["TABLE_NAME"])
    looks = (at_guards(services.uniqueness, rows), at_students(services.consistency, services.recount))
    consistent = made_consistent(looks, _say, progress_line(), repair=repair)
    # Behind it: what was mended there may be missing in a counter.
    counted = counted_anew(services.recount, _say, progress_line(), repair=repair)
    if not (consistent and counted):
        raise typer.Exit(1)


@app.command(rich_help_panel=_OPERATE)
def status(data: DataFolder = DATA, stack_name: StackName = None) -> None:
    """Say whether Thinkific is reachable, what waits, what is stuck.

    Exit code 1 when a person has to act: the site is paused, or there are dead letters.
    """
    if not tell_status(connect(data, stack_name), _say):
        raise typer.Exit(1)


@app.command(rich_help_panel=_OPERATE)
def redrive(
    data: DataFolder = DATA,
    stack_name: StackName = None,
    yes: Annotated[bool, typer.Option("--yes", help="Send them back without asking.")] = False,
    discard: Annotated[bool, typer.Option("--discard", help="Delete messages that nobody can read.")] = False,
) -> None:
    """Show what lies in the dead-letter queues, and send it back to work."""
    connection = connect(data, stack_name)
    redriven(DeadLetters(connection), connection.services.store, _say, _asks(yes), discard=discard)


@app.command(rich_help_panel=_OPERATE)
def verify(
    data: DataFolder = DATA,
    stack_name: StackName = None,
    sample: Annotated[int, typer.Option(help="How many students, chosen by chance.", min=1)] = 100,
    all_students: Annotated[bool, typer.Option("--all", help="Every student: some 100 a minute.")] = False,
    fix: Annotated[bool, typer.Option("--fix", help="Bring about again what differs.")] = False,
) -> None:
    """Compare students with Thinkific.

    It keeps within the calls that Thinkific allows. What is newly wanted is not looked at, it is on its way. Exit
    code 1 when something differs and is not fixed.
    """
    verification = connect(data, stack_name).services.verification
    if not verified(verification, _say, progress_line(), sample=None if all_students else sample, fix=fix):
        raise typer.Exit(1)


@app.command("migrate-data", rich_help_panel=_OPERATE)
def migrate_data(
    data: DataFolder = DATA,
    stack_name: StackName = None,
    again: Annotated[
        bool, typer.Option("--again", help="Look at every row, also when all were done: an earlier release ran since.")
    ] = False,
) -> None:
    """Bring the rows that an earlier release wrote to this release's form.

    The API and the workers go on meanwhile: this release understands both forms. Run it once after the deployment that
    asks for it. Interrupted anywhere, the same command goes on from there.

    Exit code 1 when two records turn out to have one e-mail address: it says which, and what to do.
    """
    environment = connect(data, stack_name).environment
    if not migrate(Rows(client("dynamodb"), environment["TABLE_NAME"]), _say, progress_line(), again=again):
        raise typer.Exit(1)


@app.command(rich_help_panel=_OPERATE)
def restore(
    stack_name: Annotated[str, typer.Option(help="The deployed stack, reached with your AWS credentials.")],
    from_table: Annotated[str, typer.Option(help="The table that the backup was restored into.")],
    yes: Annotated[bool, typer.Option("--yes", help="Go ahead without asking.")] = False,
) -> None:
    """Bring a school back to what a backup says.

    DynamoDB restores a backup, or a point in time, into a new table only. This makes the stack's own table equal to
    it. What stays as it is: Thinkific's budget of calls, and the ids that were given out. Tokens that were revoked or
    made since do not work.

    Meanwhile no function of the stack may run: each is given a reserved concurrency of 0, so that the API refuses
    every call. Calls in flight could still write, so nothing is copied before the longest time-out of a function
    (5 minutes) is over. Ctrl-C until then starts the school again.

    When the copying is interrupted, the school stays stopped. The same command again finishes it, at any time.
    """
    connection = connect(DATA, stack_name)
    functions = Functions(boto3.client("lambda"), connection.functions.values())
    school = School(stack_name, client("dynamodb"), connection.environment["TABLE_NAME"], functions)
    if not restored(school, from_table, _say, _asks(yes), progress_line()):
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
    except (CommandError, ConfigError) as error:
        sys.stderr.write(f"b2b: {error}\n")
        sys.exit(1)
    except (BotoCoreError, ClientError) as error:
        sys.stderr.write(f"b2b: AWS does not do it: {error}\n")
        sys.exit(1)


def _say(text: str) -> None:
    _console.print(text, markup=False)


_terminal = StandardTerminal(lambda text: _aside.print(text, markup=False))
