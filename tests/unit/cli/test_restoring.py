"""What of a live table a backup replaces, what it deletes, and what stays."""

from collections.abc import Iterable
from typing import Any

import pytest

from b2b_cli.merging import Merge, WireItem, fingerprint

NOW = 1_800_000_000


def row(pk: str, sk: str | None = None, **attributes: Any) -> WireItem:
    """Numbers and texts in DynamoDB's notation; what is a dict already stays so."""
    return {"pk": {"S": pk}, "sk": {"S": sk or pk}} | {name: wire(value) for name, value in attributes.items()}


def wire(value: Any) -> dict[str, Any]:
    if isinstance(value, dict):
        return value
    return {"N": str(value)} if isinstance(value, int) else {"S": str(value)}


def token(number: int, **attributes: Any) -> list[WireItem]:
    return [row(f"TOKEN#digest{number}", id=number, **attributes), row(f"TOKENID#{number}", digest=f"digest{number}")]


def merged(live: Iterable[WireItem], backup: Iterable[WireItem]) -> tuple[list[WireItem], list[str], Merge]:
    """What is put, in that order, and the partitions that are deleted."""
    merge = Merge(NOW)
    for item in live:
        merge.note(item)
    puts = [item for item in backup if merge.take(item)]
    totals = list(merge.totals_of_tokens())
    return [*puts, *totals, *merge.last_ids()], sorted(key.pk for key in merge.deletes()), merge


def after(live: list[WireItem], backup: list[WireItem]) -> list[WireItem]:
    """The live table when all is written."""
    puts, deleted, _ = merged(live, backup)
    replaced = {item["pk"]["S"] for item in puts}.union(deleted)
    return sorted(
        [*puts, *(item for item in live if item["pk"]["S"] not in replaced)], key=lambda item: item["pk"]["S"]
    )


def test_only_what_differs_is_written() -> None:
    same, was, is_now = row("USER#1", name="Ada"), row("USER#2", name="Grace"), row("USER#2", name="Hopper")
    gone, since = row("USER#3"), row("USER#4")
    puts, deleted, merge = merged([same, is_now, since], [same, was, gone])
    assert (puts, deleted, merge.unchanged) == ([was, gone], ["USER#4"], 1)


def test_a_row_is_told_apart_by_both_keys() -> None:
    puts, deleted, _ = merged([row("USER#1", "A#USER")], [row("USER#1", "SEAT#1")])
    assert (puts, deleted) == ([row("USER#1", "SEAT#1")], ["USER#1"])


@pytest.mark.parametrize("live", [[row("BUDGET", arrival=9, version=7)], []], ids=["there", "not there"])
def test_the_budget_and_the_note_of_the_restore_itself_stay_as_they_are(live: list[WireItem]) -> None:
    note = row("RESTORE", is_copying="yes")
    assert merged([*live, note], [row("BUDGET", arrival=1, version=2), row("RESTORE")])[:2] == ([], [])


@pytest.mark.parametrize(("live", "backup", "put"), [(9, 5, []), (5, 5, []), (10, 9, []), (9, 10, [10])])
def test_last_ids_only_rise(live: int, backup: int, put: list[int]) -> None:
    puts, deleted, _ = merged([row("LASTID#USERS", last=live)], [row("LASTID#USERS", last=backup)])
    assert ([item["last"]["N"] for item in puts], deleted) == ([str(number) for number in put], [])


def test_a_last_id_that_only_one_of_them_has() -> None:
    puts, deleted, _ = merged([row("LASTID#USERS", last=3)], [row("LASTID#STUDENTS", last=4)])
    assert (puts, deleted) == ([row("LASTID#STUDENTS", last=4)], [])


def test_an_idempotency_key_used_since_is_deleted_and_a_former_one_comes_back() -> None:
    former, since = row("IDEMPOTENCY#1#a", status=201, ttl=NOW + 60), row("IDEMPOTENCY#1#b", status=201, ttl=NOW + 90)
    assert merged([since], [former])[:2] == ([former], ["IDEMPOTENCY#1#b"])


def test_what_has_expired_is_not_brought_back() -> None:
    expired, later = row("IDEMPOTENCY#1#a", ttl=NOW), row("IDEMPOTENCY#1#a", ttl=NOW + 60)
    assert merged([], [expired])[:2] == ([], [])
    assert merged([later], [expired])[:2] == ([], ["IDEMPOTENCY#1#a"])
    assert merged([expired], [expired])[:2] == ([], []), "DynamoDB takes it away by itself"


def test_a_token_works_only_if_both_have_it() -> None:
    """1 in both, 2 revoked since, 3 made since."""
    shards = [row("TOTAL#TOKENS#1", records=1, writes=1), row("TOTAL#TOKENS#2", records=4, writes=9)]
    backup = [*token(1, last_used_at="then"), *token(2), *shards, row("LASTID#TOKENS", last=2)]
    live = [
        *token(1, last_used_at="today"),
        *token(3),
        *(row("TOTAL#TOKENS#1", records=1, writes=1), row("TOTAL#TOKENS#2", records=3, writes=10)),
        row("TOTAL#TOKENS#3", records=1, writes=1),
        row("LASTID#TOKENS", last=3),
    ]
    puts, deleted, merge = merged(live, backup)
    assert puts == [row("TOTAL#TOKENS#2", records=3, writes=9)]
    assert deleted == ["TOKEN#digest3", "TOKENID#3", "TOTAL#TOKENS#3"]
    assert (merge.tokens, merge.tokens_withheld, merge.tokens_dropped) == (1, 1, 1)
    assert merged(after(live, backup), backup)[:2] == ([], [])


def test_a_table_whose_tokens_were_all_revoked_has_none_afterwards() -> None:
    backup = [*token(1), row("TOTAL#TOKENS#1", records=1), row("LASTID#TOKENS", last=1)]
    live = [row("LASTID#TOKENS", last=1), row("TOTAL#TOKENS#1", records=0)]
    puts, deleted, merge = merged(live, backup)
    assert (puts, deleted, merge.tokens, merge.tokens_withheld) == ([], [], 0, 1)


def test_a_table_that_was_lost_gets_all_tokens() -> None:
    backup = [*token(1), *token(2), row("TOTAL#TOKENS#1", records=2), row("LASTID#TOKENS", last=2)]
    puts, deleted, merge = merged([], backup)
    assert (puts, deleted, merge.tokens) == (backup, [], 2)


@pytest.mark.parametrize("written", range(6))
def test_tokens_come_back_to_a_lost_table_by_whatever_was_interrupted(written: int) -> None:
    backup = [*token(1), *token(2), row("TOTAL#TOKENS#1", records=2), row("LASTID#TOKENS", last=2)]
    puts, _, _ = merged([], backup)
    whole = sorted(backup, key=lambda item: item["pk"]["S"])
    assert after(puts[:written], backup) == whole


def test_other_totals_are_the_backups() -> None:
    then, now = row("TOTAL#USERS#1", records=1, writes=1), row("TOTAL#USERS#1", records=2, writes=2)
    assert merged([now], [then])[:2] == ([then], [])


def test_sets_are_equal_in_any_order_and_numbers_are_texts() -> None:
    holders = row("STUDENT#1", holders={"NS": ["1", "22"]}, names={"SS": ["b", "a"]}, bytes={"BS": [b"2", b"1"]})
    turned = row("STUDENT#1", holders={"NS": ["22", "1"]}, names={"SS": ["a", "b"]}, bytes={"BS": [b"1", b"2"]})
    assert fingerprint(holders) == fingerprint(turned)
    nested = [
        row("OPERATION#1", state={"M": {"ids": {"L": [{"NS": members}]}}}) for members in (["1", "2"], ["2", "1"])
    ]
    assert fingerprint(nested[0]) == fingerprint(nested[1])
    exact = "12345678901234567890123456789.123456789"
    assert fingerprint(row("A", n={"N": exact})) != fingerprint(row("A", n={"N": exact[:-1] + "8"}))


def test_a_list_has_an_order_and_a_kind_is_part_of_a_value() -> None:
    lists = [row("A", ids={"L": [{"N": first}, {"N": second}]}) for first, second in ("12", "21")]
    assert fingerprint(lists[0]) != fingerprint(lists[1])
    assert len({fingerprint(row("A", a=value)) for value in ({"S": "61"}, {"N": "61"}, {"B": b"a"})}) == 3


def test_a_migration_that_the_backup_says_is_under_way_is_begun_anew() -> None:
    """It may say that rows are migrated which, in the backup, are not."""
    under_way = row("MIGRATION", "A#MIGRATION", version=1, step=2, **{"part 1 of 8": "end"})
    done = row("MIGRATION", "A#MIGRATION", version=2)
    assert after([done], [under_way]) == []
    assert after([under_way], [done]) == [done]
    assert after([], [done]) == [done]
    assert after([done], []) == []
