"""``b2b key set``: the first Thinkific key of a deployed school, or another one; with ``--graphql`` the same of its
API Access Token."""

import time

from botocore.exceptions import BotoCoreError, ClientError

from b2b.domain.work.upstream import BudgetSpent, KeyRefused, ThinkificError
from b2b.gateways.thinkific import KEY_LENGTH, is_key
from b2b.wiring.aws import client
from b2b.wiring.thinkific import Upstream
from b2b_cli.connection import Connection
from b2b_cli.errors import CommandError
from b2b_cli.progress import Progress
from b2b_cli.terminal import Terminal

QUESTION = "Thinkific's API key (it is not shown)"
TOKEN_QUESTION = "Thinkific's API Access Token for GraphQL (it is not shown)"  # noqa: S105 - words about one

LOCAL_STACK = (
    "Name the deployed stack with --stack-name. The local one has no secret: it takes the key from its environment "
    "when it starts, THINKIFIC_API_KEY=... THINKIFIC_SUBDOMAIN=... b2b local --thinkific-url ..., and the API Access "
    "Token for GraphQL likewise, THINKIFIC_GRAPHQL_TOKEN=..."
)

_UNCHANGED = "Nothing was changed."
# Others may be at it for longer than a call of theirs would wait.
_MOST_WAITED_SECONDS = 180.0


def given_key(terminal: Terminal, question: str = QUESTION) -> str:
    """Typed where there is a terminal, else from standard input. Raises CommandError for what cannot be a key."""
    return checked_key(terminal.ask_secretly(question) if terminal.is_there else terminal.piped())


def checked_key(text: str) -> str:
    key = text.strip()
    if not key:
        raise CommandError(f"There is no key in what was given. {_UNCHANGED}")
    if not is_key(key):
        raise CommandError(f"A key is printable ASCII without spaces; this is something else. {_UNCHANGED}")
    return key


def set_key(connection: Connection, key: str, terminal: Terminal, progress: Progress, *, check: bool) -> None:
    """Tries the key, within the calls that the school is allowed, and only then puts it in.

    ``check`` False: puts it in without trying. Raises CommandError; then the key is what it was.
    """
    if len(key) != KEY_LENGTH:
        terminal.say(f"Note: this key has {len(key)} characters; Thinkific's API keys have {KEY_LENGTH}.")
    if check:
        _try(connection.services.upstream, key, connection.environment["THINKIFIC_SUBDOMAIN"], progress)
        terminal.say("Thinkific accepts the key.")
    _store(connection.environment["THINKIFIC_API_KEY_SECRET_ID"], key)
    connection.services.upstream.budget.resume()
    terminal.say(
        f"The key of {connection.stack_name} is set. Running workers take it within five minutes, "
        "or at once when Thinkific refuses the one they have."
    )


def set_token(connection: Connection, token: str, terminal: Terminal, progress: Progress, *, check: bool) -> None:
    """Tries the token with GraphQL, and only then puts it in.

    ``check`` False: puts it in without trying. Raises CommandError; then the token is what it was.
    """
    secret_id = connection.environment.get("THINKIFIC_GRAPHQL_TOKEN_SECRET_ID")
    if secret_id is None:
        raise CommandError(
            f"{connection.stack_name} was deployed by a release that knows no GraphQL: `make deploy` it first. "
            f"{_UNCHANGED}"
        )
    if check:
        subdomain = connection.environment["THINKIFIC_SUBDOMAIN"]
        _check_site(_tried_token(connection.services.upstream, token, progress), subdomain)
        terminal.say("Thinkific accepts the token.")
    _store(secret_id, token)
    terminal.say(
        f"The API Access Token of {connection.stack_name} is set. The next refresh of the catalogue reads the courses "
        "that Thinkific's REST lists leave out (POST /api/products/sync starts one at once)."
    )


def _tried_token(upstream: Upstream, token: str, progress: Progress) -> str | None:
    """The subdomain of the site that it is of, where Thinkific tells."""
    waited = 0.0
    while True:
        try:
            subdomain = upstream.graphql.try_token(token)
        except KeyRefused as refused:
            raise CommandError(
                f"{refused} It is an API Access Token, from Settings > Code & Analytics > API Access Tokens, that "
                f"GraphQL takes; it has an end of its own, and the API key is none. {_UNCHANGED}"
            ) from refused
        except BudgetSpent as spent:
            waited += _wait(spent, waited, progress, what="the token")
        except ThinkificError as error:
            raise CommandError(
                f"Thinkific does not say whether it takes the token: {error} {_UNCHANGED} "
                "--no-check puts it in without asking."
            ) from error
        else:
            progress("")
            return subdomain


def _check_site(found: str | None, wanted: str) -> None:
    if found is not None and found.lower() != wanted.lower():
        raise CommandError(f"This token is of {found}.thinkific.com, and the school is {wanted}. {_UNCHANGED}")


def _wait(spent: BudgetSpent, waited: float, progress: Progress, *, what: str) -> float:
    """Seconds that it has taken. Raises CommandError when that would be too long."""
    if waited + spent.retry_after > _MOST_WAITED_SECONDS:
        raise CommandError(f"{spent} {_UNCHANGED} --no-check puts {what} in without asking.") from spent
    progress(f"waiting {spent.retry_after:.0f} s, Thinkific allows no call before ...")
    time.sleep(spent.retry_after)
    return spent.retry_after


def _try(upstream: Upstream, key: str, subdomain: str, progress: Progress) -> None:
    waited = 0.0
    while True:
        try:
            upstream.thinkific.try_key(key)
        except KeyRefused as refused:
            raise CommandError(f"{explanation(refused, subdomain)} {_UNCHANGED}") from refused
        except BudgetSpent as spent:
            waited += _wait(spent, waited, progress, what="the key")
        except ThinkificError as error:
            raise CommandError(
                f"Thinkific does not say whether it takes the key: {error} {_UNCHANGED} "
                "--no-check puts it in without asking."
            ) from error
        else:
            progress("")
            return


def explanation(refused: KeyRefused, subdomain: str) -> str:
    """What may be wrong, for a person.

    Source: https://support.thinkific.dev/hc/en-us/articles/4422657425431 (401 in each case, the plan too).
    """
    what = f"Thinkific refuses the key: it answered {refused.status} ({refused.reason})."
    plan = "the school's plan has no API (Thinkific has one from the plan Grow on)"
    if refused.status == 403:
        return f"{what} Probably {plan}."
    return f"{what} Either the key is wrong, or it is not of {subdomain}.thinkific.com, or {plan}."


def _store(secret_id: str, key: str) -> None:
    try:
        client("secretsmanager").put_secret_value(SecretId=secret_id, SecretString=key)
    except (BotoCoreError, ClientError) as error:
        # Only the kind of error: its message might quote the request.
        code = error.response["Error"]["Code"] if isinstance(error, ClientError) else type(error).__name__
        raise CommandError(f"The key cannot be put into Secrets Manager: {code}. {_UNCHANGED}") from None
