"""What a live table becomes when a backup is restored into it, item by item; no input or output.

Everything is as the backup says, but for what is about now and not about then:

* Thinkific counts the school's calls whatever the table says: the budget stays the live one.
* An id is never given out twice, also when its record is undone: each last id is the higher of the two.
* A token works only if both tables have it. One revoked since may be in the wrong hands, and so may one made since.

Idempotency keys are the backup's. A key used since belongs to a call whose effect is undone with it: repeated, that
call has to be carried out again, and not to be answered with a record that is gone.
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.keys import Key

# In DynamoDB's notation, {"pk": {"S": "USER#1"}, "seats": {"N": "12"}}: a number stays the text that it is.
WireItem = dict[str, dict[str, Any]]

_OF_NOW = frozenset({keys.BUDGET, keys.RESTORE})
_TOKENS_MADE = keys.last_id(Kind.TOKENS)


class Merge:
    """``note`` every item of the live table, ``take`` every item of the backup, then comes the rest.

    What is decided stays the same when it is decided anew after only a part was written, as long as the last ids are
    written after all else. ``now``: epoch seconds.
    """

    def __init__(self, now: float) -> None:
        self._now = now
        # What the backup has not been seen to have.
        self._live: dict[Key, bytes] = {}
        self._live_last_ids: dict[Key, int] = {}
        self._last_ids: list[WireItem] = []
        self._totals_of_tokens: list[tuple[WireItem, bytes | None]] = []
        self._withheld: Counter[Key] = Counter()
        self.unchanged = 0
        self.tokens = 0

    def note(self, item: WireItem) -> None:
        key = key_of(item)
        if keys.is_last_id(key):
            self._live_last_ids[key] = _number(item, "last")
        elif key not in _OF_NOW:
            self._live[key] = fingerprint(item)

    def take(self, item: WireItem) -> bool:
        """Whether it is to be put into the live table."""
        key = key_of(item)
        if key in _OF_NOW or (key == keys.MIGRATION and _is_under_way(item)):
            return False
        if keys.is_last_id(key):
            self._last_ids.append(item)
            return False
        if keys.is_total(key, Kind.TOKENS):
            self._totals_of_tokens.append((item, self._live.pop(key, None)))
            return False
        if keys.is_token(key) or keys.is_token_id(key):
            return self._take_token(key, item)
        if self._live.get(key) == fingerprint(item):
            del self._live[key]
            self.unchanged += 1
            return False
        if self._has_expired(item):
            return False
        self._live.pop(key, None)
        return True

    def deletes(self) -> list[Key]:
        """What only the live table has."""
        return list(self._live)

    def totals_of_tokens(self) -> Iterator[WireItem]:
        """Those to be put: the backup's, less the tokens that are not brought back."""
        for item, live in self._totals_of_tokens:
            records = _number(item, "records") - self._withheld[key_of(item)]
            total = item | {"records": {"N": str(records)}}
            if fingerprint(total) != live:
                yield total

    def last_ids(self) -> Iterator[WireItem]:
        """Those to be put, when all else has been: by these a token that was revoked is known."""
        for item in self._last_ids:
            if _number(item, "last") > self._live_last_ids.get(key_of(item), 0):
                yield item

    @property
    def tokens_withheld(self) -> int:
        """How many of the backup's have been revoked since."""
        return self._withheld.total()

    @property
    def tokens_dropped(self) -> int:
        """How many have been made since."""
        return sum(keys.is_token(key) for key in self._live)

    def _take_token(self, key: Key, item: WireItem) -> bool:
        is_token = keys.is_token(key)
        if self._live.pop(key, None) is not None:
            # When it was used last is about now too.
            self.tokens += is_token
            self.unchanged += 1
            return False
        token_id = _number(item, "id") if is_token else keys.id_of_token(key)
        if token_id <= self._live_last_ids.get(_TOKENS_MADE, 0):
            # The live table has made it and has it no more. A table that was lost has made none.
            self._withheld[keys.total(Kind.TOKENS, token_id % keys.TOTAL_SHARDS)] += is_token
            return False
        self.tokens += is_token
        return True

    def _has_expired(self, item: WireItem) -> bool:
        """DynamoDB would take it away again."""
        return "ttl" in item and _number(item, "ttl") <= self._now


def _is_under_way(migration: WireItem) -> bool:
    """A backup is not of one instant: what it says to be migrated may not be. So that is begun anew."""
    return "step" in migration


def key_of(item: WireItem) -> Key:
    return Key(item[keys.PARTITION]["S"], item[keys.SORT]["S"])


def fingerprint(item: WireItem) -> bytes:
    """Alike for equal items, else different: the tables need not fit into memory."""
    text = json.dumps(_ordered({"M": item}), sort_keys=True, default=bytes.hex)
    return hashlib.blake2b(text.encode(), digest_size=16).digest()


def _ordered(value: dict[str, Any]) -> dict[str, Any]:
    """The members of a set come in any order."""
    ((kind, content),) = value.items()
    match kind:
        case "SS" | "NS" | "BS":
            return {kind: sorted(content)}
        case "L":
            return {kind: [_ordered(member) for member in content]}
        case "M":
            return {kind: {name: _ordered(member) for name, member in content.items()}}
    return value


def _number(item: WireItem, name: str) -> int:
    return int(item[name]["N"])
