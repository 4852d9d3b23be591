"""What goes wrong between a client and Thinkific, on a schedule that a seed repeats exactly."""

import re
from collections.abc import Mapping
from random import Random
from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from b2b_cli.simulator.wire import Answer

# The transient errors of the proxy in front of Thinkific; the body is text, not JSON.
CLOUDFLARE_STATUSES = (520, 521, 522, 523, 524, 525, 526, 527, 530)

Rate = Annotated[float, Field(ge=0, le=1)]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]
Kind = Literal["error_before", "error_after", "reset_before", "reset_after", "slow", "rate_limited"]

# RATE_LIMITED, MAX_QUERY_COST_EXCEEDED, GATEWAY_TIMEOUT, a proxy's pages, a token that is refused, and so on.
GraphQLKind = Literal[
    "rate_limited",
    "too_costly",
    "gateway_timeout",
    "html_429",
    "html_502",
    "not_json",
    "refused",
    "unknown_field",
    "no_data",
    "stuck_cursor",
    "reset",
]

_KNOWN_ERRORS = {
    401: "Authentication Error",
    403: "Access to Apps is not available on your plan. Upgrade to gain access",
    404: "Record not found.",
}


class FaultError(ValueError):
    """Faults that cannot be; the message names the field."""


class Fault(BaseModel):
    """One thing going wrong with one call. `before` and `after` say whether the call had taken effect."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: Kind
    status: int = Field(520, ge=400, le=599, description="of the two errors")
    seconds: Seconds = Field(1.0, description="how late a slow answer is, or how far off the reset of a 429")

    @property
    def spares_effect(self) -> bool:
        """Whether the call is carried out all the same."""
        return self.kind in ("error_after", "reset_after", "slow")

    def error(self) -> Answer:
        """The answer of the two errors."""
        if self.status >= 500:
            return Answer(self.status, text=f"error code: {self.status}")
        return Answer(self.status, {"error": _KNOWN_ERRORS.get(self.status, "Bad Request")})


class PlannedFault(Fault):
    """A fault for the next `times` calls of this method (`*`: any) whose path matches the regular expression.

    The path is the one below the base path, such as `/enrollments/400000001`.
    """

    method: str = "*"
    path: str = ""
    times: int = Field(1, ge=1)

    @field_validator("path")
    @classmethod
    def _compiles(cls, pattern: str) -> str:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"is no regular expression: {error}") from error
        return pattern

    def meets(self, method: str, path: str) -> bool:
        return self.method in ("*", method) and re.search(self.path, path) is not None


class GraphQLFault(BaseModel):
    """One thing going wrong with the next `times` GraphQL calls. Those in capitals come with status 200."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: GraphQLKind
    seconds: Seconds = Field(1.0, description="how far off the reset of RATE_LIMITED is")
    times: int = Field(1, ge=1)


class Faults(BaseModel):
    """How often things go wrong. The rates of one call exclude each other, so they add up to 1 at most."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    seed: int = 0
    """The same seed, rates and order of calls give the same faults."""
    cloudflare_5xx_rate: Rate = 0
    """A status between 520 and 530 with a body that is not JSON."""
    write_applied_share: Rate = 0.5
    """Of those 5xx, the share whose call had taken effect."""
    reset_before_rate: Rate = 0
    """The connection is reset, and the call did not take effect."""
    reset_after_rate: Rate = 0
    """The connection is reset after the call took effect: its answer is lost."""
    slow_rate: Rate = 0
    """The call takes effect at once, its answer comes `slow_seconds` later."""
    slow_seconds: Seconds = 1.0
    rate_limited_rate: Rate = 0
    """A burst of 429 begins, whatever the limit says."""
    rate_limited_burst: int = Field(5, ge=1)
    """The number of calls in such a burst."""
    rate_limited_seconds: Seconds = 1.0
    """How far off the reset is that a 429 of a burst names."""
    stale_seconds: Seconds = 0
    """Lists, also those by e-mail, miss what was created in the last so many seconds."""
    next: tuple[PlannedFault, ...] = ()
    """Faults for certain calls to come; they go before the rates."""
    graphql: tuple[GraphQLFault, ...] = ()
    """Faults for the next GraphQL calls, in their order; the rates are the Admin API's."""

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.total_rate > 1:
            raise ValueError("the rates add up to more than 1")
        return self

    @property
    def total_rate(self) -> float:
        return (
            self.cloudflare_5xx_rate
            + self.reset_before_rate
            + self.reset_after_rate
            + self.slow_rate
            + self.rate_limited_rate
        )


class FaultSchedule:
    """Deals out faults, call by call."""

    def __init__(self, faults: Faults | None = None) -> None:
        self._faults = faults or Faults()
        self._random = Random(self._faults.seed)  # noqa: S311 - repeatable on purpose
        self._rate_limited = Fault(kind="rate_limited", seconds=self._faults.rate_limited_seconds)
        self._burst_left = 0
        self._planned = [(planned, planned.times) for planned in self._faults.next]
        self._graphql = [fault for fault in self._faults.graphql for _ in range(fault.times)]

    @property
    def stale_ms(self) -> int:
        return int(self._faults.stale_seconds * 1000)

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """A schedule from its start, with some of the faults changed. Raises FaultError."""
        try:
            return type(self)(Faults.model_validate(self.as_json() | dict(changes)))
        except ValidationError as error:
            problem = error.errors()[0]
            field = ".".join(str(part) for part in problem["loc"])
            raise FaultError(f"{field}: {problem['msg']}" if field else problem["msg"]) from None

    def as_json(self) -> dict[str, Any]:
        """The faults; `next` holds what is still to come of it."""
        planned = [fault.model_copy(update={"times": left}).model_dump() for fault, left in self._planned if left]
        graphql = [fault.model_copy(update={"times": 1}).model_dump() for fault in self._graphql]
        return self._faults.model_dump() | {"next": planned, "graphql": graphql}

    def deal_graphql(self) -> GraphQLFault | None:
        """The fault of the next GraphQL call, or None."""
        return self._graphql.pop(0) if self._graphql else None

    def deal(self, method: str, path: str) -> Fault | None:
        """The fault of the next call, or None."""
        drawn = self._draw()
        for number, (planned, left) in enumerate(self._planned):
            if left and planned.meets(method, path):
                self._planned[number] = (planned, left - 1)
                return planned
        if self._burst_left:
            self._burst_left -= 1
            return self._rate_limited
        if drawn is self._rate_limited:
            self._burst_left = self._faults.rate_limited_burst - 1
        return drawn

    def _draw(self) -> Fault | None:
        """A fault by the rates. Each call draws three numbers, so the order of calls is all that counts."""
        faults = self._faults
        if not faults.total_rate:
            return None
        chance, applied, status = self._random.random(), self._random.random(), self._random.random()
        outcomes: tuple[tuple[float, Kind], ...] = (
            (faults.cloudflare_5xx_rate, "error_after" if applied < faults.write_applied_share else "error_before"),
            (faults.reset_before_rate, "reset_before"),
            (faults.reset_after_rate, "reset_after"),
            (faults.slow_rate, "slow"),
        )
        for rate, kind in outcomes:
            if chance < rate:
                code = CLOUDFLARE_STATUSES[int(status * len(CLOUDFLARE_STATUSES))]
                return Fault(kind=kind, status=code, seconds=faults.slow_seconds)
            chance -= rate
        return self._rate_limited if chance < faults.rate_limited_rate else None
