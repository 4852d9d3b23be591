"""Refreshing the catalogue from Thinkific: what REST lists, then the courses that it hides, then what vanished.

The operation's state (CatalogueSyncState) says where to go on, through its phases "pages", "bundles", "hidden" and
"vanished".

GraphQL, which alone shows the hidden courses, never stops the rest. Where it fails, the operation says so, and
nothing is marked as deleted for want of what it would have shown.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from b2b.domain.catalogue.entries import Known
from b2b.domain.catalogue.products import DELETED, Product, ProductableType, ProductSource
from b2b.domain.timestamps import Clock
from b2b.domain.work.operation_states import CatalogueSyncState as State
from b2b.domain.work.operations import Operation, OperationStatus
from b2b.domain.work.upstream import (
    CatalogueEntry,
    GraphPage,
    QueryTooCostly,
    ThinkificDelay,
    ThinkificError,
    ThinkificMissing,
)
from b2b.services.catalogue.entries import ProductEntries
from b2b.services.work.backoff import backoff
from b2b.services.work.operation_worker import Step, state_of

if TYPE_CHECKING:
    from b2b.gateways.thinkific import Thinkific
    from b2b.gateways.thinkific.graphql import ThinkificGraphQL
    from b2b.storage.store import Store

# GraphQL charges for as many as are asked for: some 27 of the 2,000 points that a minute has.
_COURSES_AT_ONCE = 25
# How often in a row GraphQL may tell us to come later: a refresh that waits keeps the next one from starting.
_MOST_WAITS = 5


class CatalogueSync:
    """One catalogue refresh. Safe to run twice: it only ever writes what Thinkific says."""

    def __init__(
        self, store: "Store", thinkific: "Thinkific", clock: Clock, graphql: "ThinkificGraphQL | None" = None
    ) -> None:
        self._store = store
        self._thinkific = thinkific
        self._clock = clock
        self._graphql = graphql
        self._entries = ProductEntries(store, clock)

    def step(self, operation: Operation) -> Step:
        """One call to Thinkific and what follows from it; final when there is nothing more to do."""
        # One that an earlier release has started, and nobody has carried on yet, has none.
        state = state_of(operation, State) if operation.state else State()
        if state.phase == "pages":
            return self._read_page(operation, state)
        if state.bundles:
            return self._read_bundle(operation, state)
        if state.phase == "bundles":
            hidden = replace(state, phase="hidden", after=None, first=_COURSES_AT_ONCE, cursors=())
            return Step(replace(operation, state=hidden))
        if state.phase == "hidden":
            return self._read_hidden(operation, state)
        if state.missing:
            return self._check_missing(operation, state)
        return self._finish(operation, state)

    # What REST lists

    def _read_page(self, operation: Operation, state: State) -> Step:
        page = self._thinkific.catalogue.read_page(state.page)
        known = self._store.products.known(page.entries)
        shown = [
            self._entries.save_entry(entry, ProductSource.REST, found)
            for entry, found in zip(page.entries, known, strict=True)
        ]
        seen = tuple(sorted({*state.seen, *shown}))
        if page.next_page is not None:
            state = State(page=page.next_page, seen=seen)
        else:
            state = State(phase="bundles", seen=seen, bundles=self._bundles(seen))
        return Step(_counted(operation, state))

    def _read_bundle(self, operation: Operation, state: State) -> Step:
        product_id, *rest = state.bundles
        product = self._store.products.get(product_id)
        if product is not None:
            try:
                course_ids = tuple(sorted(self._thinkific.bundles.course_ids(product.productable_id)))
            except ThinkificMissing:
                course_ids = product.course_ids  # deleted since the page was read: the next refresh knows
            self._entries.change_product(product_id, lambda before: replace(before, course_ids=course_ids))
        return Step(replace(operation, done=operation.done + 1, state=replace(state, bundles=tuple(rest))))

    def _bundles(self, seen: Sequence[int]) -> tuple[int, ...]:
        products = self._store.products.get_many(seen).values()
        return tuple(product.id for product in products if product.productable_type is ProductableType.BUNDLE)

    # What only GraphQL shows

    def _read_hidden(self, operation: Operation, state: State) -> Step:
        try:
            if self._graphql is None or not self._graphql.is_set_up:
                return self._look_for_vanished(operation, state)
            page = self._graphql.courses_page(state.after, state.first)
        except QueryTooCostly as refusal:
            fewer = state.first // 2
            if fewer:
                return Step(replace(operation, state=replace(state, first=fewer)))
            return self._look_for_vanished(operation, state, trouble=str(refusal))
        except ThinkificDelay as delay:
            return _wait(operation, state, delay) or self._look_for_vanished(operation, state, trouble=str(delay))
        except ThinkificError as refusal:
            return self._look_for_vanished(operation, state, trouble=str(refusal))
        return self._take_hidden(operation, state, page)

    def _take_hidden(self, operation: Operation, state: State, page: GraphPage) -> Step:
        seen = {*state.seen}
        known = self._store.products.known(page.entries)
        shown = {self._save_hidden(entry, found, seen) for entry, found in zip(page.entries, known, strict=True)}
        state = replace(state, seen=tuple(sorted(seen | shown)), waits=0)
        operation = _counted(operation, state)
        if page.next_cursor is None:
            return self._look_for_vanished(operation, state, is_complete=True)
        if page.next_cursor in state.cursors:
            trouble = "GraphQL's list of courses leads back to where it was."
            return self._look_for_vanished(operation, state, trouble=trouble)
        cursors = (*state.cursors, page.next_cursor)
        return Step(replace(operation, state=replace(state, after=page.next_cursor, cursors=cursors)))

    def _save_hidden(self, entry: CatalogueEntry, known: Known, seen: set[int]) -> int:
        """What REST shows too, REST knows better."""
        if known.by_productable is not None and known.by_productable.id in seen:
            return known.by_productable.id
        return self._entries.save_entry(entry, ProductSource.GRAPHQL, known)

    # What no list shows

    def _look_for_vanished(
        self, operation: Operation, state: State, *, is_complete: bool = False, trouble: str | None = None
    ) -> Step:
        """``is_complete``: GraphQL has shown all that it has."""
        self._store.graphql.note(trouble, self._clock())
        seen = {*state.seen}
        unseen = [
            product for product in self._store.products.all() if product.id not in seen and not product.is_deleted
        ]
        manual = [product for product in unseen if product.source is ProductSource.MANUAL]
        doubtful = tuple(product.id for product in unseen if _may_be_gone(product, is_complete=is_complete))
        state = State(
            phase="vanished",
            missing=() if trouble else doubtful,
            bundles=tuple(product.id for product in manual if product.productable_type is ProductableType.BUNDLE),
            is_complete=is_complete,
            trouble=trouble,
        )
        total = len(seen) + len(manual)
        return Step(replace(operation, total=total, done=total - len(state.bundles), state=state))

    def _check_missing(self, operation: Operation, state: State) -> Step:
        """Pages shift while they are read: what was on none of them is asked for by its id."""
        product_id, *rest = state.missing
        product = self._store.products.get(product_id)
        try:
            is_gone = product is not None and not self._exists(product, ask_graphql=state.is_complete)
        except _Unclear as unclear:
            waiting = _wait(operation, state, unclear.cause) if isinstance(unclear.cause, ThinkificDelay) else None
            if waiting is not None:
                return waiting
            state = replace(state, trouble=str(unclear.cause))
            self._store.graphql.note(str(unclear.cause), self._clock())
            is_gone = False
        if is_gone:
            self._entries.change_product(product_id, lambda before: replace(before, status=DELETED))
        return Step(replace(operation, state=replace(state, missing=tuple(rest), waits=0)))

    def _exists(self, product: Product, *, ask_graphql: bool) -> bool:
        """REST also denies what has become a hidden course. Raises _Unclear when GraphQL does not say."""
        if product.thinkific_id is not None and self._thinkific.catalogue.has_product(product.thinkific_id):
            return True
        if self._graphql is None or not ask_graphql or product.productable_type is not ProductableType.COURSE:
            return False
        try:
            return self._graphql.course_exists(product.productable_id)
        except ThinkificError as error:
            raise _Unclear(error) from error

    def _finish(self, operation: Operation, state: State) -> Step:
        finished = replace(operation, done=operation.total).finished()
        if state.trouble is None:
            return Step(finished)
        error = f"The courses that Thinkific's REST lists leave out could not be read: {state.trouble}"
        return Step(replace(finished, status=OperationStatus.PARTIAL), error=error)


class _Unclear(Exception):
    """Whether GraphQL has a course cannot be told, because of ``cause``."""

    def __init__(self, cause: ThinkificError) -> None:
        super().__init__(str(cause))
        self.cause = cause


def _may_be_gone(product: Product, *, is_complete: bool) -> bool:
    """What a person has added no list can take away, and what only GraphQL showed only GraphQL."""
    return product.source is ProductSource.REST or (is_complete and product.source is ProductSource.GRAPHQL)


def _wait(operation: Operation, state: State, delay: ThinkificDelay) -> Step | None:
    """Until GraphQL may answer; None: it has made us wait long enough."""
    if state.waits >= _MOST_WAITS:
        return None
    seconds = max(delay.retry_after, backoff(state.waits)) if delay.is_failed_attempt else delay.retry_after
    return Step(replace(operation, state=replace(state, waits=state.waits + 1)), pause=seconds)


def _counted(operation: Operation, state: State) -> Operation:
    """A bundle is done when its courses are known."""
    total = len(state.seen)
    return replace(operation, total=total, done=total - len(state.bundles), state=state)
