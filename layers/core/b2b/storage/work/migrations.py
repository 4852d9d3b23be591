"""How far a school's rows have been brought to today's form (`b2b migrate-data`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from boto3.dynamodb.conditions import Attr

from b2b.domain.kinds import Kind
from b2b.storage import keys, schema
from b2b.storage.actions import ABSENT, EXISTS, Update, put
from b2b.storage.items import Item
from b2b.storage.keys import Key
from b2b.storage.table import Table

_PART, _END = "part ", "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``version``: no row is of an earlier form. ``step``: the form that rows are being brought to, None = to none.

    ``positions``: by the name of a part of the table, behind which row to go on in it; None = the part is done.
    """

    version: int
    step: int | None = None
    positions: Mapping[str, Key | None] = field(default_factory=dict)


class Migrations:
    def __init__(self, table: Table) -> None:
        self._table = table

    def progress(self) -> Progress:
        item = self._table.get(keys.MIGRATION)
        return _from_item(item) if item else Progress(version=schema.UNSAID)

    def is_due(self) -> bool:
        """Whether there may be rows of an earlier form."""
        return self.progress().version < schema.VERSION and self._table.get(keys.last_id(Kind.USERS)) is not None

    def note_new_school(self) -> None:
        """Before the first record of a school: all of its rows will be of today's form."""
        if self._table.get(keys.last_id(Kind.USERS)) is None:
            self._table.succeeds(put(keys.MIGRATION, {"version": schema.VERSION}, when=ABSENT))

    def begin(self, step: int) -> Progress:
        """Its progress, since an earlier run may have come some way. Until its end it counts as not done."""
        is_another = Attr("step").not_exists() | Attr("step").ne(step)
        begun = {"version": min(self.progress().version, step - 1), "step": step}
        self._table.succeeds(put(keys.MIGRATION, begun, when=ABSENT | is_another))
        return self.progress()

    def save_position(self, step: int, part: str, behind: Key | None) -> None:
        place = _END if behind is None else [behind.pk, behind.sk]
        update = Update(keys.MIGRATION).set(**{_PART + part: place})
        self._table.succeeds(update.when(Attr("step").eq(step)))

    def mark(self, key: Key, version: int) -> None:
        """An item of an earlier form that is the same in this one. One that is gone stays gone."""
        is_earlier = Attr(schema.ATTRIBUTE).not_exists() | Attr(schema.ATTRIBUTE).lt(version)
        update = Update(key).set(**{schema.ATTRIBUTE: version})
        self._table.succeeds(update.when(EXISTS & is_earlier))

    def finish(self, step: int) -> None:
        self._table.write(put(keys.MIGRATION, {"version": step}))


def is_of_form(version: int, note: Item | None) -> bool:
    """Whether no row of the table is of an earlier form. ``note``: what stands under ``keys.MIGRATION``."""
    return note is not None and bool(note["version"] >= version)


def _from_item(item: Item) -> Progress:
    places = {name.removeprefix(_PART): place for name, place in item.items() if name.startswith(_PART)}
    return Progress(
        version=item["version"],
        step=item.get("step"),
        positions={part: None if place == _END else Key(*place) for part, place in places.items()},
    )
