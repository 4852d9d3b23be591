"""The unit tests' DynamoDB answers what the emulator's answers: calls made up one after another, and each refusal.

IN_MEMORY_EXAMPLES sets how many sequences of calls are made up; without it they are the same each time.
"""

import itertools
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from boto3.dynamodb.conditions import Attr, ConditionBase
from botocore.exceptions import ClientError
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.emulated import Emulated
from tests.in_memory.dynamodb import DynamoDB
from tests.in_memory.values import plain

from b2b.storage import keys
from b2b.storage.actions import ABSENT, EXISTS, Action, Update, check, delete, put
from b2b.storage.keys import Key
from b2b_cli.local.template import Template


class Both:
    """An empty table of each; ``call`` holds the answers against each other."""

    def __init__(self, school: Emulated, in_memory: DynamoDB) -> None:
        self.name = school.resources.table_name
        self._clients = {"emulator": school.dynamodb, "in memory": in_memory}

    def call(self, operation: str, **call: Any) -> Any:
        """What both answer: an answer, or a refusal as its code and the reasons of a cancelled transaction."""
        answers = {name: _answer(client, operation, call) for name, client in self._clients.items()}
        assert answers["in memory"] == answers["emulator"], (operation, call)
        return answers["emulator"]

    def write(self, action: Action, **more: Any) -> Any:
        return self.call(f"{action.kind.lower()}_item", TableName=self.name, **action.arguments, **more)

    def transact(self, *actions: Action) -> Any:
        members = [{action.kind: {"TableName": self.name, **action.arguments}} for action in actions]
        return self.call("transact_write_items", TransactItems=members)

    def query(self, partition: str, *, of: str = "pk", **more: Any) -> Any:
        values = {":partition": {"S": partition}} | more.pop("values", {})
        names = {"#partition": of} | more.pop("names", {})
        more_conditions = [more.pop("condition")] if "condition" in more else []
        condition = " AND ".join(["#partition = :partition", *more_conditions])
        expressions = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
        return self.call("query", TableName=self.name, KeyConditionExpression=condition, **expressions, **more)


def _answer(client: Any, operation: str, call: dict[str, Any]) -> Any:
    try:
        answer = getattr(client, operation)(**call)
    except ClientError as error:
        reasons = [reason.get("Code") for reason in error.response.get("CancellationReasons", [])]
        return error.response["Error"]["Code"], reasons
    told = {name: value for name, value in answer.items() if name != "ResponseMetadata" and value}
    if operation == "batch_get_item":  # in any order
        ((_, items),) = told["Responses"].items()
        return sorted(map(_plain, items), key=repr)
    return {name: _plain_part(value) for name, value in told.items()}


def _plain_part(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return _plain(value) if isinstance(value, dict) else value


def _plain(item: dict[str, Any]) -> dict[str, Any]:
    """Sets have no order. A number is to be spelt as the emulator spells it."""
    return {name: value if "N" in value else plain(value) for name, value in item.items()}


@pytest.fixture(scope="module")
def in_memory() -> DynamoDB:
    return DynamoDB()


@pytest.fixture
def both(school: Emulated, in_memory: DynamoDB) -> Iterator[Both]:
    name = school.resources.table_name
    in_memory.create_table(TableName=name, **Template().table())
    yield Both(school, in_memory)
    in_memory.delete_table(TableName=name)


A, B, C = Key("A", "1"), Key("B", "1"), Key("C", "1")

# Calls made up one after another

_KEYS = st.builds(Key, st.sampled_from("AB"), st.sampled_from("123"))
_WHOLE = st.integers(-3, 12)
_SETS = st.frozensets(st.integers(0, 3), min_size=1)
_ATTRIBUTES: dict[str, Any] = {
    "count": _WHOLE | st.sampled_from([1.5, -0.25, 1773144000.123457, 1e-7]),
    "text": st.sampled_from(["", "a", "B", "ä", "z#1"]),
    "flag": st.booleans(),
    "ids": _SETS,
    "names": st.frozensets(st.sampled_from("abc"), min_size=1),
    "data": st.fixed_dictionaries({"id": _WHOLE, "name": st.sampled_from("ab")}),
    "list": st.lists(_WHOLE | st.sampled_from("ab"), max_size=2),
    "bytes": st.sampled_from([b"\x00", b"ab"]),
    keys.LIST_PARTITION: st.sampled_from("LM"),
    keys.LIST_SORT: st.sampled_from("123"),
    keys.DUE_PARTITION: st.sampled_from("DE"),
    keys.DUE_AT: st.sampled_from("123"),
}
_VALUES = st.sampled_from([*_ATTRIBUTES]).flatmap(lambda name: st.tuples(st.just(name), _ATTRIBUTES[name]))


_INDEX_KEYS = {keys.LIST_PARTITION, keys.LIST_SORT, keys.DUE_PARTITION, keys.DUE_AT}


def _items() -> st.SearchStrategy[dict[str, Any]]:
    return st.lists(_VALUES, max_size=6).map(dict)


def _compared(names: tuple[str, str], value: Any) -> ConditionBase:
    path, compare = names
    condition: ConditionBase = getattr(Attr(path), compare)(value)
    return condition


_ORDERS = st.sampled_from(["eq", "ne", "lt", "lte", "gt", "gte"])
# Between attributes; none of the product's asks whether they are the same.
_ONE_BEFORE = st.sampled_from(["lt", "lte", "gt", "gte"])
_SINGLE = st.one_of(
    st.sampled_from([EXISTS, ABSENT, Attr("data.id").exists(), Attr("data.none").not_exists()]),
    st.sampled_from([*_ATTRIBUTES]).map(lambda name: Attr(name).exists()),
    st.builds(_compared, st.tuples(st.sampled_from(["count", "data.id", "text"]), _ORDERS), _WHOLE),
    st.builds(_compared, st.tuples(st.sampled_from(["text", "data.name", "due_at", "count"]), _ORDERS), st.text("ab1")),
    st.builds(_compared, st.tuples(st.just("ids"), st.sampled_from(["eq", "ne"])), _SETS.map(set)),
    st.builds(_compared, st.tuples(st.sampled_from(["data.id", "text"]), _ONE_BEFORE), st.just(Attr("count"))),
    st.builds(lambda first, more: Attr("count").between(first, first + more), _WHOLE, st.integers(0, 5)),
)
_CONDITIONS = st.recursive(
    _SINGLE,
    lambda inner: st.one_of(
        st.builds(lambda one, other: one & other, inner, inner),
        st.builds(lambda one, other: one | other, inner, inner),
        st.builds(lambda one: ~one, inner),
    ),
    max_leaves=4,
)


def _finished(update: Update, condition: ConditionBase | None) -> Action:
    return update.always() if condition is None else update.when(condition)


@st.composite
def _updates(draw: st.DrawFn) -> Action:
    update = Update(draw(_KEYS), may_create=draw(st.booleans()))
    names = draw(st.lists(st.sampled_from([*_ATTRIBUTES]), unique=True, min_size=1, max_size=4))
    for name in names:
        # A key of an index that is no text is another test's.
        verbs = ["set", "set_if_absent", "remove", *([] if name in _INDEX_KEYS else ["add", "discard"])]
        verb = draw(st.sampled_from(verbs))
        if verb == "remove":
            update.remove(name)
        elif verb in ("add", "discard"):
            added: Any = draw(_SETS if verb == "discard" or name == "ids" else _WHOLE)
            getattr(update, verb)(**{name: added})
        else:
            getattr(update, verb)(**{name: draw(_ATTRIBUTES[name])})
    return _finished(update, draw(st.none() | _CONDITIONS))


_OPTIONAL_CONDITION = st.none() | _CONDITIONS
_WRITES = st.one_of(
    st.builds(lambda key, item, when: put(key, item, when=when), _KEYS, _items(), _OPTIONAL_CONDITION),
    st.builds(lambda key, when: delete(key, when=when), _KEYS, _OPTIONAL_CONDITION),
    _updates(),
)
_MEMBERS = _WRITES | st.builds(check, _KEYS, _CONDITIONS)
_RETURNS = {"Put": ["NONE", "ALL_OLD"], "Delete": ["NONE", "ALL_OLD"], "Update": ["ALL_OLD", "ALL_NEW", "UPDATED_NEW"]}

_INDEXES = {None: ("pk", "sk"), "gsi1": ("gsi1pk", "gsi1sk"), "due": ("due_pk", "due_at")}


@dataclass(frozen=True)
class Write:
    action: Action
    returning: int

    def __call__(self, both: Both) -> None:
        asked = _RETURNS[self.action.kind]
        both.write(self.action, ReturnValues=asked[self.returning % len(asked)])


@dataclass(frozen=True)
class Transaction:
    actions: list[Action]

    def __call__(self, both: Both) -> None:
        both.transact(*self.actions)


@dataclass(frozen=True)
class Look:
    key: Key

    def __call__(self, both: Both) -> None:
        both.call("get_item", TableName=both.name, Key=_key(self.key))


@dataclass(frozen=True)
class Walk:
    """A query to its end, and a count. ``between``: which sort keys."""

    index: str | None
    partition: str
    between: tuple[str, str] | None
    limit: int | None
    descending: bool

    def __call__(self, both: Both) -> None:
        of, sort = _INDEXES[self.index]
        asked: dict[str, Any] = {"of": of, "ScanIndexForward": not self.descending}
        asked |= {} if self.index is None else {"IndexName": self.index}
        asked |= {} if self.limit is None else {"Limit": self.limit}
        if self.between is not None:
            asked |= _between(sort, *sorted(self.between))
        both.query(self.partition, Select="COUNT", **asked)
        answer = both.query(self.partition, **asked)
        while "LastEvaluatedKey" in answer:
            start = {attribute: {kind: value} for attribute, (kind, value) in answer["LastEvaluatedKey"].items()}
            answer = both.query(self.partition, ExclusiveStartKey=start, **asked)


def _between(sort: str, first: str, last: str) -> dict[str, Any]:
    values = {":first": {"S": first}, ":last": {"S": last}}
    return {"condition": "#sort BETWEEN :first AND :last", "names": {"#sort": sort}, "values": values}


def _key(key: Key) -> dict[str, Any]:
    return {"pk": {"S": key.pk}, "sk": {"S": key.sk}}


_BETWEEN = st.none() | st.tuples(st.sampled_from("0123"), st.sampled_from("123"))
_WALKS = [
    st.builds(Walk, st.just(index), st.sampled_from(partitions), _BETWEEN, st.none() | st.integers(1, 4), st.booleans())
    for index, partitions in ((None, "AB"), ("gsi1", "LM"), ("due", "DE"))
]
_ONE_WRITE = st.builds(Write, _WRITES, st.integers(0, 5))
_SEVERAL = st.builds(Transaction, st.lists(_MEMBERS, min_size=1, max_size=5))
_STEPS = st.one_of(_ONE_WRITE, _SEVERAL, _ONE_WRITE, _SEVERAL, st.builds(Look, _KEYS), *_WALKS)


@settings(
    max_examples=int(os.environ.get("IN_MEMORY_EXAMPLES", "80")),
    derandomize="IN_MEMORY_EXAMPLES" not in os.environ,
    deadline=None,
    database=None,
    phases=[Phase.generate, Phase.shrink],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(_STEPS, min_size=4, max_size=14))
def test_any_calls_are_answered_as_the_emulator_answers_them(both: Both, steps: list[Any]) -> None:
    for partition, sort in itertools.product("AB", "123"):
        both.write(delete(Key(partition, sort)))
    for step in steps:
        step(both)
    for partition in "AB":
        both.query(partition)


# Each refusal and limit that the product may meet


def test_a_key_of_many_is_asked_for_once(both: Both) -> None:
    both.write(put(A, {"count": 1}))
    both.write(put(B, {"count": 2}))
    for wanted in ([A], [A, B], [A, Key("none", "1"), B], [A, A], [Key("A", str(number)) for number in range(101)]):
        request = {both.name: {"Keys": [_key(key) for key in wanted], "ConsistentRead": True}}
        both.call("batch_get_item", RequestItems=request)


@pytest.mark.parametrize(
    "key",
    [
        *[
            {"pk": {"S": pk}, "sk": {"S": sk}}
            for pk, sk in (("", "1"), ("A", ""), ("A" * 2048, "1"), ("A", "1" * 1024))
        ],
        *[{"pk": {"S": pk}, "sk": {"S": sk}} for pk, sk in (("A" * 2049, "1"), ("A", "1" * 1025), ("é" * 1025, "1"))],
        {"pk": {"S": "A"}},
        {"pk": {"S": "A"}, "sk": {"N": "1"}},
        {"pk": {"S": "A"}, "sk": {"S": "1"}, "more": {"S": "1"}},
        {},
    ],
    ids=lambda key: " ".join(f"{name}={str(value)[:12]}" for name, value in key.items()) or "none",
)
def test_what_is_no_key_is_refused(both: Both, key: dict[str, Any]) -> None:
    both.call("get_item", TableName=both.name, Key=key)
    both.call("delete_item", TableName=both.name, Key=key)
    update = {"UpdateExpression": "REMOVE #a", "ExpressionAttributeNames": {"#a": "a"}}
    both.call("update_item", TableName=both.name, Key=key, **update)
    both.call("put_item", TableName=both.name, Item={**key, "count": {"N": "1"}})
    both.call("batch_get_item", RequestItems={both.name: {"Keys": [key]}})


@pytest.mark.parametrize("name", ["gsi1pk", "gsi1sk", "due_pk", "due_at"])
@pytest.mark.parametrize("value", ["", 5, "x", "x" * 1024], ids=["empty", "a number", "short", "long"])
def test_what_cannot_be_a_key_of_an_index_is_refused(both: Both, name: str, value: Any) -> None:
    both.write(put(A, {name: value}))
    both.write(Update(B).set(**{name: value}).always())


@pytest.mark.parametrize("room", [-1, 0, 1, 1000])
def test_an_item_has_at_most_400_kilobytes(both: Both, room: int) -> None:
    text = "x" * (400 * 1024 - len("pkAsk1text") - room)
    item = {**_key(A), "text": {"S": text}}
    both.call("put_item", TableName=both.name, Item=item)
    both.call("put_item", TableName=both.name, Item=item | {"more": {"S": "é"}})


@pytest.mark.parametrize(
    "actions",
    [
        [put(Key("A", str(number)), {}) for number in range(100)],
        [put(Key("A", str(number)), {}) for number in range(101)],
        [put(A, {}), delete(A)],
        [check(A, ABSENT), put(A, {})],
        [put(A, {}), put(B, {}, when=EXISTS), check(C, EXISTS)],
        [Update(A).add(text=1).always(), put(B, {})],
        [Update(A).add(text=1).when(Attr("text").eq("b")), put(B, {})],
    ],
    ids=["100", "101", "one item twice", "one item checked", "two conditions", "type", "condition"],
)
def test_a_transaction_is_done_whole_or_not_at_all(both: Both, actions: list[Action]) -> None:
    both.write(put(A, {"text": "a"}))
    both.transact(*actions)
    both.query("A")
    both.query("B")


@pytest.mark.parametrize(
    ("names", "values", "condition"),
    [
        ({"#a": "a"}, {":a": {"N": "1"}}, "#a = :a"),
        ({"#a": "a", "#b": "b"}, {":a": {"N": "1"}}, "#a = :a"),
        ({"#a": "a"}, {":a": {"N": "1"}, ":b": {"N": "1"}}, "#a = :a"),
        ({"#a": "a"}, {}, "attribute_exists(#a)"),
        ({"#a": "a"}, None, "#a = :a"),
        (None, {":a": {"N": "1"}}, "#a = :a"),
        ({"#a": "a"}, {":a": {"N": "1"}}, "#a = "),
        ({"#a": "a"}, {":a": {"N": "1"}}, "#a = :a)"),
        ({"#a": "a"}, {":a": {"N": "1"}}, "#a = :a AND"),
    ],
)
def test_placeholders_are_all_there_and_all_used(both: Both, names: Any, values: Any, condition: str) -> None:
    both.write(put(A, {"a": 1}))
    expressions = {"ExpressionAttributeNames": names, "ExpressionAttributeValues": values}
    given = {name: value for name, value in expressions.items() if value is not None}
    both.call("delete_item", TableName=both.name, Key=_key(A), ConditionExpression=condition, **given)


@pytest.mark.parametrize(
    "update",
    [
        "SET #a = #b",
        "SET #a = #b, #b = #a",
        "SET #b = if_not_exists(#b, #a)",
        "ADD #b :one",
        "ADD #a :one",
        "ADD #a :none",
        "DELETE #a :one",
        "DELETE #b :set",
        "DELETE #a :set",
        "ADD #b :text",
        "SET",
        "SETS #a = :one",
    ],
)
def test_an_update_is_done_on_what_was_there_before(both: Both, update: str) -> None:
    both.write(put(A, {"a": 1}))
    known = {":one": {"N": "1"}, ":set": {"NS": ["1"]}, ":text": {"S": "a"}}
    values = {name: value for name, value in known.items() if name in update}
    given: dict[str, Any] = {"ExpressionAttributeNames": {name: name[1:] for name in ("#a", "#b") if name in update}}
    given |= {"ExpressionAttributeValues": values} if values else {}
    for key in (A, B):
        both.call(
            "update_item", TableName=both.name, Key=_key(key), UpdateExpression=update, ReturnValues="ALL_NEW", **given
        )


def test_a_page_ends_at_a_megabyte(both: Both) -> None:
    for number in range(12):
        both.write(put(Key("A", f"{number:02}"), {"text": "x" * 100_000, "gsi1pk": "L", "gsi1sk": f"{number:02}"}))
    for index, partition in ((None, "A"), ("gsi1", "L")):
        for limit in (None, 5, 12, 13):
            Walk(index, partition, None, limit, descending=False)(both)


@pytest.mark.parametrize(
    "more",
    [
        {"IndexName": "none"},
        {"IndexName": "gsi1"},
        {"of": "gsi1pk", "IndexName": "gsi1", "ConsistentRead": True},
        {"of": "gsi1pk"},
        {"ProjectionExpression": "#sort", "names": {"#sort": "sk"}},
        {"ProjectionExpression": "#sort", "names": {"#sort": "none"}},
        {"ProjectionExpression": "#sort", "names": {"#sort": "sk", "#unused": "sk"}},
        {"values": {":unused": {"S": "1"}}},
        {"condition": "#sort < :last", "names": {"#sort": "sk"}, "values": {":last": {"S": "1"}}},
        _between("sk", "2", "1"),
        {"condition": "#sort <= :last", "names": {"#sort": "sk"}, "values": {":last": {"S": "1"}}},
        {"condition": "#sort > :last", "names": {"#sort": "sk"}, "values": {":last": {"S": "1"}}},
    ],
)
def test_a_query_names_an_index_and_its_keys(both: Both, more: dict[str, Any]) -> None:
    for key in (A, Key("A", "2"), B):
        both.write(put(key, {"gsi1pk": "A", "gsi1sk": "1"}))
    both.query("A", **more)


def test_a_table_that_is_not_there_is_no_table(both: Both) -> None:
    both.name = "no-such-table"
    both.write(put(A, {}))
    both.write(delete(A))
    both.transact(put(A, {}), put(B, {}))
    both.query("A")
    Look(A)(both)
    both.call("batch_get_item", RequestItems={both.name: {"Keys": [_key(A)]}})


# What the emulator lets pass, and DynamoDB does not


@pytest.mark.parametrize(
    "action",
    [
        *[put(A, {name: "x" * 1025}) for name in ("gsi1sk", "due_at")],
        *[put(A, {name: "x" * 2049}) for name in ("gsi1pk", "due_pk")],
        Update(A).set(due_at="x" * 1025).always(),
        Update(A).set(pk="B").always(),
        Update(A).set(a=1).remove("a").always(),
        Update(A).set(a=1).set(a=2).always(),
        Update(A).set(a=1).discard(a={1}).always(),
    ],
)
def test_what_dynamodb_refuses_is_refused_in_memory(both: Both, in_memory: DynamoDB, action: Action) -> None:
    member = {"TableName": both.name, **action.arguments}
    calls = {f"{action.kind.lower()}_item": member, "transact_write_items": {"TransactItems": [{action.kind: member}]}}
    for operation, call in calls.items():
        assert _answer(in_memory, operation, call) == ("ValidationException", [])
