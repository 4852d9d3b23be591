"""The school's key and token as Secrets Manager has them, which a person may replace while the functions run."""

import logging
import threading

from aws_lambda_powertools.utilities.parameters import SecretsProvider
from aws_lambda_powertools.utilities.parameters.exceptions import GetParameterError
from botocore.exceptions import ClientError

from b2b.domain.work.upstream import SitePaused, ThinkificDelay, ThinkificDown, ThinkificRejected
from b2b.gateways.thinkific import is_key
from b2b.wiring.aws import BRIEFLY, client

NO_KEY = "There is no Thinkific key yet: `b2b key set` puts it in."
_NOT_A_KEY = "What the secret holds is no Thinkific key: `b2b key set` puts one in."

_NOT_A_TOKEN = "What the secret holds is no API Access Token: `b2b key set --graphql` puts one in."  # noqa: S105 - a sentence

_REMEMBERED_SECONDS = 300
_PAUSED_SECONDS = 60.0
_RETRY_SOON_SECONDS = 5.0

# At DEBUG it logs whole answers, and so the key.
logging.getLogger("botocore.parsers").setLevel(logging.INFO)


class SecretKey:
    """A SchoolKey (b2b.gateways.thinkific). Read again after five minutes, and after a refusal.

    ``remembered``: for how many seconds.
    """

    def __init__(self, secret_id: str, *, remembered: int = _REMEMBERED_SECONDS) -> None:
        self._secret = _Secret(secret_id, remembered)

    def read(self) -> str:
        key = self._secret.read()
        if key is None:
            raise SitePaused(NO_KEY, retry_after=_PAUSED_SECONDS)
        return key

    def is_replaced(self, refused: str) -> bool:
        return self._secret.is_replaced(refused)


class SecretToken:
    """A SchoolToken (b2b.gateways.thinkific.graphql). Read again after five minutes, and after a refusal."""

    def __init__(self, secret_id: str, *, remembered: int = _REMEMBERED_SECONDS) -> None:
        self._secret = _Secret(secret_id, remembered)

    def read(self) -> str | None:
        try:
            return self._secret.read()
        except SitePaused as unusable:
            # GraphQL pauses nothing.
            raise ThinkificRejected(_NOT_A_TOKEN) from unusable

    def is_replaced(self, refused: str) -> bool:
        return self._secret.is_replaced(refused)


class _Secret:
    """A secret's text, remembered for a while."""

    def __init__(self, secret_id: str, remembered: int) -> None:
        self._secret_id = secret_id
        self._remembered = remembered
        self._provider = SecretsProvider(boto3_client=client("secretsmanager", BRIEFLY))
        self._lock = threading.Lock()

    def read(self) -> str | None:
        """None: there is none yet. Raises SitePaused for what cannot be a key, ThinkificDown when nobody can say."""
        with self._lock:
            return self._read()

    def is_replaced(self, refused: str) -> bool:
        with self._lock:
            self._forget()
            try:
                if self._read() not in (None, refused):
                    return True
            except ThinkificDelay:
                return False
            # Whoever puts another one in need not wait for five minutes.
            self._forget()
            return False

    def _forget(self) -> None:
        self._provider.clear_cache()  # type: ignore[no-untyped-call] # Powertools has left its types out

    def _read(self) -> str | None:
        try:
            found = self._provider.get(self._secret_id, max_age=self._remembered)
        except GetParameterError as error:
            if _code(error) == "ResourceNotFoundException":
                # That is also what a secret without any value is called.
                return None
            raise _unreadable(error) from error
        text = found.strip() if isinstance(found, str) else ""
        if not is_key(text):
            self._forget()
            if not found:
                return None
            raise SitePaused(_NOT_A_KEY, retry_after=_PAUSED_SECONDS)
        return text


def _unreadable(error: GetParameterError) -> ThinkificDown:
    message = f"The key cannot be read from Secrets Manager: {_code(error)}."
    return ThinkificDown(message, retry_after=_RETRY_SOON_SECONDS)


def _code(error: GetParameterError) -> str:
    """Powertools keeps what botocore raised as the context only."""
    cause = error.__context__
    return str(cause.response["Error"]["Code"]) if isinstance(cause, ClientError) else type(cause).__name__
