"""The services that call Thinkific, apart so that no other function pays for the HTTP client."""

import os
import socket
import time
from functools import cache, cached_property
from typing import TYPE_CHECKING

from b2b.config import ConfigError, load_config, load_thinkific_config
from b2b.domain.errors import BrokenInvariant
from b2b.domain.timestamps import utc_now
from b2b.domain.work.budget import Budget
from b2b.domain.work.operations import OperationType
from b2b.domain.work.upstream import SitePaused
from b2b.gateways.thinkific import FixedKey, SchoolKey, Thinkific, http_client
from b2b.metrics import count
from b2b.observability import logger
from b2b.storage.work.budget import BudgetItem
from b2b.wiring.core import Services
from b2b.wiring.key import SecretKey, SecretToken

if TYPE_CHECKING:
    from b2b.gateways.thinkific.graphql import SchoolToken, ThinkificGraphQL
    from b2b.services.enrollment.sync.student import SyncService
    from b2b.services.enrollment.sync.verification import Verification
    from b2b.services.work.operations import OperationWorker, Runner

_NO_KEY_SET = (
    "thinkific_api_key is not set: the environment has neither THINKIFIC_API_KEY nor THINKIFIC_API_KEY_SECRET_ID."
)


class UpstreamServices(Services):
    """As Services, and those that call Thinkific."""

    @cached_property
    def sync(self) -> "SyncService":
        from b2b.services.enrollment.sync.student import SyncService

        return SyncService(self.store, self._thinkific, self.notifier, worker=_worker_name(), on_refusal=_log_refusal)

    @cached_property
    def operation_worker(self) -> "OperationWorker":
        from b2b.services.catalogue.sync import CatalogueSync
        from b2b.services.enrollment.expiries import ExpiryRunner
        from b2b.services.enrollment.groups import GroupImport
        from b2b.services.enrollment.removals import StudentDelete
        from b2b.services.enrollment.user_removal import UserDelete
        from b2b.services.work.operations import OperationWorker

        thinkific = self._thinkific
        runners: dict[OperationType, Runner] = {
            OperationType.CATALOGUE_SYNC: CatalogueSync(self.store, thinkific, utc_now, self._graphql),
            OperationType.EXPIRY_CHANGE: ExpiryRunner(self.store, self.notifier, on_broken=_tell_broken),
            OperationType.GROUP_IMPORT: GroupImport(self.store, thinkific, self.refusals),
            OperationType.STUDENT_DELETE: StudentDelete(self.store, self.removals, thinkific, self.refusals),
            OperationType.USER_DELETE: UserDelete(
                self.store, self.user_removal, thinkific, self.refusals, on_broken=_tell_broken
            ),
        }
        return OperationWorker(
            self.store,
            self.notifier,
            runners,
            pause_reason=lambda: self._budget.pause_reason,
            on_broken=_tell_broken,
        )

    @cached_property
    def verification(self) -> "Verification":
        from b2b.services.enrollment.sync.verification import Verification

        return Verification(self.store, self._thinkific, self.notifier)

    @property
    def thinkific_calls(self) -> int:
        """Made by this process so far."""
        return self._thinkific.calls

    @property
    def pause_reason(self) -> str | None:
        """Why no call to Thinkific is made at the moment, if so."""
        return self._budget.pause_reason

    def resume(self) -> None:
        """There is a key that was not refused yet: no need to wait for the next minute."""
        self._budget.resume()

    def try_key(self, key: str) -> None:
        """Raises KeyRefused when Thinkific does not accept it, another ThinkificError when it does not say."""
        self._thinkific.try_key(key)

    def try_token(self, token: str) -> str | None:
        """The subdomain of the site that it is of, where GraphQL tells. Raises as ThinkificGraphQL does."""
        return self._graphql.try_token(token)

    @property
    def has_token(self) -> bool:
        """Whether there is a token for GraphQL. Raises ThinkificDown when nobody can say at the moment."""
        return self._graphql.is_set_up

    @property
    def missing_key(self) -> str | None:
        """Why there is no key, if there is none. Raises ThinkificDown when nobody can say at the moment."""
        try:
            self._key.read()
        except SitePaused as paused:
            return str(paused)
        return None

    def close(self) -> None:
        """Ends the connections to Thinkific that were opened, for whoever has more to do after these services."""
        for opened in (self.__dict__.get("_thinkific"), self.__dict__.get("_graphql")):
            if opened is not None:
                opened.close()

    @cached_property
    def _thinkific(self) -> Thinkific:
        config = load_thinkific_config(os.environ)
        http = http_client(config.thinkific_url, subdomain=config.thinkific_subdomain)
        return Thinkific(http, self._budget, self._key)

    @cached_property
    def _key(self) -> SchoolKey:
        config = load_thinkific_config(os.environ)
        if config.thinkific_api_key is not None:
            return FixedKey(config.thinkific_api_key)
        if config.thinkific_api_key_secret_id is None:
            raise ConfigError(_NO_KEY_SET)
        return SecretKey(config.thinkific_api_key_secret_id)

    @cached_property
    def _graphql(self) -> "ThinkificGraphQL":
        from b2b.gateways.thinkific.graphql import FixedToken, ThinkificGraphQL, graphql_client

        config = load_thinkific_config(os.environ)
        token: SchoolToken = FixedToken(config.thinkific_graphql_token)
        if config.thinkific_graphql_token is None and config.thinkific_graphql_token_secret_id is not None:
            token = SecretToken(config.thinkific_graphql_token_secret_id)
        return ThinkificGraphQL(graphql_client(), config.thinkific_graphql_url, token)

    @cached_property
    def _budget(self) -> Budget:
        rate = load_thinkific_config(os.environ).thinkific_rate_per_minute
        return Budget(BudgetItem(self.table), rate=rate, now=time.time, on_pause=_tell_pause)


@cache
def upstream_services() -> UpstreamServices:
    """Those of this process, with the table's client made. Raises ConfigError."""
    made = UpstreamServices(load_config(os.environ))
    _ = made.table
    return made


def _tell_pause(reason: str) -> None:
    """Once a minute while it lasts: an alarm is on the figure."""
    logger("b2b").error("the site is paused", extra={"reason": reason})
    count("b2b", SitePaused=1)


def _tell_broken(broken: BrokenInvariant) -> None:
    """An alarm is on the figure."""
    logger("operations").error("records contradict each other", extra={"place": broken.place})
    count("records", BrokenInvariants=1)


def _log_refusal(student_id: int, what: str) -> None:
    # The reason is with the student in the table: Thinkific's words may name a person.
    logger("sync").warning("Thinkific refuses", extra={"student_id": student_id, "what": what})


def _worker_name() -> str:
    return f"{socket.gethostname()}/{os.getpid()}/{time.time_ns()}"
