"""The calls a minute that the site allows, shared by every worker through one item of the table.

A generic cell rate algorithm (ITU-T I.371): the item holds the *theoretical arrival time*, the moment at which all
calls granted so far would have been made at an even pace. A call is granted when that moment is at most
``burst - 1`` intervals ahead of now. With ``interval = 60 / (rate - burst + 1)`` no window of 60 seconds ever holds
more than ``rate`` calls, whichever workers make them and wherever they crash: a slot is taken before the call.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

WINDOW_SECONDS = 60.0
_BURST = 4  # enough for a whole new student (look-up, create, group, enroll) without a pause
_PAUSE_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetState:
    """``arrival``, ``paused_until``: epoch seconds. ``version`` 0: there is no item yet."""

    version: int = 0
    arrival: float = 0.0
    paused_until: float = 0.0
    pause_reason: str | None = None


class BudgetLedger(Protocol):
    """Where the state is kept, exactly and for all."""

    def read(self) -> BudgetState: ...

    def replace(self, state: BudgetState) -> BudgetState | None:
        """Write ``state`` if its version is one above what is stored; None = done, else what is stored."""
        ...


@dataclass(frozen=True, slots=True)
class Wait:
    """A call is not allowed for another ``seconds``. ``pause_reason``: why the site is paused, if that is why."""

    seconds: float
    pause_reason: str | None = None


class Budget:
    """``rate``: calls allowed in any 60 seconds. ``now``: epoch seconds. ``on_pause`` is told why."""

    def __init__(
        self,
        ledger: BudgetLedger,
        *,
        rate: int,
        now: Callable[[], float],
        on_pause: Callable[[str], None] | None = None,
    ) -> None:
        if rate < 1:
            raise ValueError(f"The rate must be at least 1 call a minute, not {rate}.")
        self._ledger = ledger
        self._now = now
        self._on_pause = on_pause
        burst = min(_BURST, max(1, rate // 10))
        self._interval = WINDOW_SECONDS / (rate - burst + 1)
        self._tolerance = (burst - 1) * self._interval
        self._known = BudgetState()

    def take(self, *, bulk: bool = False, despite_pause: bool = False) -> Wait | None:
        """One call: None when it is granted, else how long to wait before asking again.

        ``bulk`` leaves the burst to others: a single enrollment is not held up by thousands.
        ``despite_pause``: it is not made with the key that the site is paused for, and says nothing about that.
        """
        tolerance = 0.0 if bulk else self._tolerance
        state = self._known
        while True:
            now = self._now()
            if state.paused_until > now and not despite_pause:
                # Ask what the others know: a person may have mended it.
                fresh = self._ledger.read()
                if fresh.paused_until > now:
                    self._known = fresh
                    return Wait(fresh.paused_until - now, fresh.pause_reason or "")
                state = fresh
            early = state.arrival - tolerance - now
            if early > 0:
                fresh = self._ledger.read()
                if fresh.version == state.version:
                    self._known = state
                    return Wait(early)
                state = fresh
                continue
            before = state if despite_pause else BudgetState()
            arrival = max(now, state.arrival) + self._interval
            granted = replace(before, version=state.version + 1, arrival=arrival)
            stored = self._ledger.replace(granted)
            if stored is None:
                self._known = granted
                return None
            state = stored

    def back_off(self, seconds: float) -> None:
        """Thinkific said it has had enough (429): no call by anyone for ``seconds``."""
        self._change(lambda state, now: replace(state, arrival=max(state.arrival, now + seconds + self._tolerance)))

    def pause(self, reason: str) -> None:
        """The key is refused, or there is none: one call a minute, to notice when it is mended."""
        self._change(lambda state, now: replace(state, paused_until=now + _PAUSE_SECONDS, pause_reason=reason))
        if self._on_pause is not None:
            self._on_pause(reason)

    def resume(self) -> None:
        """A person has mended it."""
        self._change(lambda state, _now: replace(state, paused_until=0.0, pause_reason=None))

    def state(self) -> BudgetState:
        return self._ledger.read()

    @property
    def pause_reason(self) -> str | None:
        """Why the site is paused; None once a call has been let through again."""
        return self._ledger.read().pause_reason

    def _change(self, change: Callable[[BudgetState, float], BudgetState]) -> None:
        state = self._ledger.read()
        while True:
            changed = replace(change(state, self._now()), version=state.version + 1)
            stored = self._ledger.replace(changed)
            if stored is None:
                self._known = changed
                return
            state = stored
