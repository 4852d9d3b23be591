"""How far a school's rows have been brought to today's form (`b2b migrate-data`)."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from boto3.dynamodb.conditions import Attr

from b2b.domain.kinds import Kind
from b2b.storage import keys, schema
from b2b.storage.keys import Key
from b2b.storage.table import ABSENT, Item, Table, Update, put

_END = "end"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``version``: no row is of an earlier form. ``step``: the form that rows are being brought to, None = to none.

    ``positions``: by segment of the table, behind which row to go on; None = the segment is done.
    """

    version: int
    step: int | None = None
    positions: Mapping[int, Key | None] = field(default_factory=dict)


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
        """The step's progress: an earlier run may have come some way."""
        other = Attr("step").not_exists() | Attr("step").ne(step)
        first = put(keys.MIGRATION, {"version": self.progress().version, "step": step}, when=ABSENT | other)
        self._table.succeeds(first)
        return self.progress()

    def save_position(self, step: int, segment: int, behind: Key | None) -> None:
        place = _END if behind is None else [behind.pk, behind.sk]
        update = Update(keys.MIGRATION).set(**{_position(segment): place})
        self._table.succeeds(update.when(Attr("step").eq(step)))

    def finish(self, step: int) -> None:
        self._table.write(put(keys.MIGRATION, {"version": step}))


def is_of_form(version: int, note: Item | None) -> bool:
    """Whether no row of the table is of an earlier form. ``note``: what stands under ``keys.MIGRATION``."""
    return note is not None and bool(note["version"] >= version)


def _from_item(item: Item) -> Progress:
    places = {name: place for name, place in item.items() if name.startswith(_position(""))}
    return Progress(
        version=item["version"],
        step=item.get("step"),
        positions={
            int(name.removeprefix(_position(""))): None if place == _END else Key(*place)
            for name, place in places.items()
        },
    )


def _position(segment: int | str) -> str:
    return f"segment_{segment}"
