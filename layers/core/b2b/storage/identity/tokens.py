"""API tokens, found by the digest of their secret."""

from collections.abc import Iterable
from datetime import datetime

from b2b.domain import timestamps
from b2b.domain.identity.tokens import Token, sorted_scopes
from b2b.domain.kinds import Kind
from b2b.storage import keys
from b2b.storage.actions import ABSENT, EXISTS, Action, Update, check, delete, put
from b2b.storage.items import Item
from b2b.storage.keys import Key
from b2b.storage.table import Table


class Tokens:
    def __init__(self, table: Table) -> None:
        self._table = table

    def find(self, digest: str) -> Token | None:
        item = self._table.get(keys.token(digest))
        return _from_item(item) if item else None

    def from_rows(self, rows: Iterable[Item]) -> list[Token]:
        """The tokens that rows of their list stand for, in that order."""
        wanted = [Key(row[keys.PARTITION], row[keys.SORT]) for row in rows]
        found = self._table.get_many(wanted)
        return [_from_item(found[key]) for key in wanted if key in found]

    def all(self) -> list[Token]:
        return self.from_rows(self._table.list_all(Kind.TOKENS))

    def get(self, token_id: int) -> Token | None:
        item = self._table.get(keys.token_id(token_id))
        return self.find(item["digest"]) if item else None

    def mark_used(self, token: Token, now: datetime) -> None:
        """A token revoked meanwhile stays revoked."""
        action = Update(keys.token(token.digest)).set(last_used_at=timestamps.to_text(now))
        self._table.succeeds(action.when(EXISTS))

    def count_request(self, token_id: int, now: datetime) -> int:
        """Requests of the token in the running minute, this one included."""
        minute = int(now.timestamp()) // 60
        action = Update(keys.request_rate(token_id, minute)).set(ttl=(minute + 2) * 60).add(requests=1)
        return int(self._table.write(action.always(), returning="UPDATED_NEW")["requests"])

    # Members of transactions.

    def add_token(self, token: Token) -> list[Action]:
        return [
            put(keys.token(token.digest), _item(token), when=ABSENT),
            put(keys.token_id(token.id), {"digest": token.digest}),
        ]

    def token_must_exist(self, token_id: int) -> Action:
        return check(keys.token_id(token_id), EXISTS)

    def remove(self, token: Token) -> list[Action]:
        """Refused when it is gone already."""
        return [
            delete(keys.token(token.digest), when=EXISTS),
            delete(keys.token_id(token.id)),
        ]


def _item(token: Token) -> Item:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": sorted_scopes(token.scopes),
        "user_id": token.user_id,
        "digest": token.digest,
        "last_four": token.last_four,
        "created_at": timestamps.to_text(token.created_at),
        "last_used_at": timestamps.optional_text(token.last_used_at),
        "expires_at": timestamps.optional_text(token.expires_at),
        keys.LIST_PARTITION: Kind.TOKENS,
        keys.LIST_SORT: keys.padded(token.id),
    }


def _from_item(item: Item) -> Token:
    return Token(
        id=item["id"],
        name=item["name"],
        scopes=frozenset(item["scopes"]),
        user_id=item["user_id"],
        digest=item["digest"],
        last_four=item["last_four"],
        created_at=timestamps.from_text(item["created_at"]),
        last_used_at=timestamps.optional_moment(item.get("last_used_at")),
        expires_at=timestamps.optional_moment(item.get("expires_at")),
    )
