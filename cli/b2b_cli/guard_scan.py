"""Guards and records that do not go together, found by reading the whole table once.

What is written while it is read may look wrong: so each is a suspect only, to be looked at by itself.
"""

from collections import defaultdict
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from b2b.storage import keys
from b2b.storage.integrity.claims import ATTRIBUTES, Tie, claimed_ties, held_tie
from b2b.storage.items import Item, unmarshal
from b2b.storage.keys import Key
from b2b_cli.copying import SEGMENTS, WholeTable
from b2b_cli.migrating import Rows
from b2b_cli.progress import Progress

# Seats, enrollments and operations are most of a table; their rows are neither guards nor what these name.
_PREFIXES = ("EMAIL#", "ACCOUNT#", "TOKEN", "PRODUCT")
_SORT_KEYS = ("A#USER", "A#STUDENT")


def suspects(rows: Rows, progress: Progress) -> dict[Key, set[Key]]:
    """Guards, each with the records that seemed to have what it guards or were named by it."""
    unmatched = _Unmatched()
    count = 0
    with ThreadPoolExecutor(SEGMENTS, thread_name_prefix="guards") as pool:
        for page in WholeTable(rows.dynamodb, rows.name, pool).pages(**_selection()):
            for raw in page:
                unmatched.note(unmarshal(raw))
            count += len(page)
            progress(f"{count} addresses, accounts, products and tokens looked at")
    return unmatched.suspects()


class _Unmatched:
    """Ties seen at one of their ends, the guard's or the record's. ``note`` every item once."""

    def __init__(self) -> None:
        self._held: set[Tie] = set()
        self._claimed: set[Tie] = set()

    def note(self, item: Item) -> None:
        key = Key(item[keys.PARTITION], item[keys.SORT])
        held = held_tie(key, item)
        _match([] if held is None else [held], self._held, self._claimed)
        _match(claimed_ties(key, item), self._claimed, self._held)

    def suspects(self) -> dict[Key, set[Key]]:
        found: defaultdict[Key, set[Key]] = defaultdict(set)
        for tie in self._claimed:
            found[tie.guard].add(tie.record)
        for tie in self._held:
            # Students that are deleted leave theirs, maybe thousands.
            if tie.guard in found or not keys.is_account(tie.guard):
                found[tie.guard].add(tie.record)
        return found


def _match(ties: Iterable[Tie], one_end: set[Tie], other_end: set[Tie]) -> None:
    for tie in ties:
        if tie in other_end:
            other_end.remove(tie)
        else:
            one_end.add(tie)


def _selection() -> dict[str, object]:
    """Scan's arguments."""
    names = {f"#n{number}": name for number, name in enumerate(ATTRIBUTES)}
    of = {name: placeholder for placeholder, name in names.items()}
    prefixes = {f":p{number}": {"S": prefix} for number, prefix in enumerate(_PREFIXES)}
    sort_keys = {f":s{number}": {"S": sort_key} for number, sort_key in enumerate(_SORT_KEYS)}
    conditions = [f"begins_with({of[keys.PARTITION]}, {placeholder})" for placeholder in prefixes]
    conditions.append(f"{of[keys.SORT]} IN ({', '.join(sort_keys)})")
    return {
        "ProjectionExpression": ", ".join(names),
        "FilterExpression": " OR ".join(conditions),
        "ExpressionAttributeNames": names,
        "ExpressionAttributeValues": prefixes | sort_keys,
    }
