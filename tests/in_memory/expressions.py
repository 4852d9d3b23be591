"""DynamoDB's expressions, compiled once for each text: conditions, updates, and what a projection names.

As much of the language as the product uses; the rest is refused aloud, with UnknownToMemory. Attributes are named
by placeholders alone (``#name``), as the product does: DynamoDB has 573 reserved words.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from typing import Generic, NamedTuple, TypeVar

from tests.in_memory.values import Item, UnknownToMemory, Value, kind_of, number, order, plain, united, without

Result = TypeVar("Result")
Member = TypeVar("Member")


class Invalid(Exception):
    """What DynamoDB answers with a ValidationException."""


class WrongOperand(Invalid):
    """What it sees only when it looks at the item: within a transaction, the reason why that is cancelled."""


class Scope(NamedTuple):
    """What an expression is evaluated on. ``item`` is empty where there is none."""

    item: Item
    names: Mapping[str, str]
    values: Mapping[str, Value]


Condition = Callable[[Scope], bool]
Operand = Callable[[Scope], Value | None]


@dataclass(frozen=True, slots=True)
class Path:
    """``#a.#b``: an attribute, or what is within a map."""

    steps: tuple[str, ...]

    def of(self, scope: Scope) -> Value | None:
        found = scope.item.get(scope.names[self.steps[0]])
        for step in self.steps[1:]:
            if found is None or "M" not in found:
                return None
            found = found["M"].get(scope.names[step])
        return found

    def attribute(self, names: Mapping[str, str]) -> str:
        if len(self.steps) > 1:
            raise UnknownToMemory("updates within a map")
        return names[self.steps[0]]


@dataclass(frozen=True, slots=True)
class Change:
    """One member of an update's clause: what becomes of an attribute. ``None``: it has none afterwards."""

    path: Path
    result: Operand


@dataclass(frozen=True, slots=True)
class Compiled(Generic[Result]):
    """``placeholders``: all that the text names, which has to be all that a call brings."""

    result: Result
    placeholders: frozenset[str]


@cache
def condition(text: str) -> Compiled[Condition]:
    parser = _Parser(text)
    return parser.whole(parser.condition())


@cache
def update(text: str) -> Compiled[tuple[Change, ...]]:
    parser = _Parser(text)
    return parser.whole(parser.update())


@cache
def projection(text: str) -> Compiled[tuple[Path, ...]]:
    parser = _Parser(text)
    return parser.whole(tuple(parser.each(parser.path)))


_TOKEN = re.compile(r"\s*([#:]\w+|\w+|<=|>=|<>|[=<>(),.+-])")

_COMPARE: dict[str, Callable[[int], bool]] = {
    "<": lambda order: order < 0,
    "<=": lambda order: order <= 0,
    ">": lambda order: order > 0,
    ">=": lambda order: order >= 0,
}


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._position = 0

    def whole(self, result: Result) -> Compiled[Result]:
        if self._position < len(self._tokens):
            raise Invalid(f"Syntax error; token: {self._next!r}, in: {self._text}")
        return Compiled(result, frozenset(token for token in self._tokens if token[0] in "#:"))

    # Conditions, from what binds least to what binds most

    def condition(self) -> Condition:
        parts = [self._conjunction()]
        while self._takes("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda scope: any(part(scope) for part in parts)

    def _conjunction(self) -> Condition:
        parts = [self._negation()]
        while self._takes("AND"):
            parts.append(self._negation())
        return parts[0] if len(parts) == 1 else lambda scope: all(part(scope) for part in parts)

    def _negation(self) -> Condition:
        if self._takes("NOT"):
            negated = self._negation()
            return lambda scope: not negated(scope)
        if self._takes("("):
            inner = self.condition()
            self._expect(")")
            return inner
        if self._next in ("attribute_exists", "attribute_not_exists"):
            return self._existence()
        return self._comparison()

    def _existence(self) -> Condition:
        wanted = self._advance() == "attribute_exists"
        self._expect("(")
        path = self.path()
        self._expect(")")
        return lambda scope: (path.of(scope) is not None) == wanted

    def _comparison(self) -> Condition:
        left = self._operand()
        symbol = self._advance()
        if symbol == "BETWEEN":
            first = self._operand()
            self._expect("AND")
            last = self._operand()
            return lambda scope: _within(left(scope), first(scope), last(scope))
        right = self._operand()
        if symbol in ("=", "<>"):
            return lambda scope: _equal(left(scope), right(scope)) == (symbol == "=")
        if symbol not in _COMPARE:
            raise UnknownToMemory(f"{symbol} in the condition {self._text}")
        return lambda scope: _ordered(symbol, left(scope), right(scope))

    # Updates

    def update(self) -> tuple[Change, ...]:
        members = {"SET": self._set, "ADD": self._add, "DELETE": self._discard, "REMOVE": self._remove}
        changes: list[Change] = []
        while self._position < len(self._tokens):
            clause = self._advance()
            if clause not in members:
                raise Invalid(f"Syntax error; token: {clause!r}, in: {self._text}")
            changes += self.each(members[clause])
        return tuple(changes)

    def _set(self) -> Change:
        path = self.path()
        self._expect("=")
        if not self._takes("if_not_exists"):
            return Change(path, _present(self._operand()))
        self._expect("(")
        there = self.path()
        self._expect(",")
        otherwise = self._operand()
        self._expect(")")
        return Change(path, _present(lambda scope: there.of(scope) or otherwise(scope)))

    def _add(self) -> Change:
        path, added = self.path(), self._operand()
        return Change(path, lambda scope: _added(path.of(scope), added(scope)))

    def _discard(self) -> Change:
        path, members = self.path(), self._operand()
        return Change(path, lambda scope: _discarded(path.of(scope), members(scope)))

    def _remove(self) -> Change:
        return Change(self.path(), lambda _: None)

    # What both are made of

    def each(self, member: Callable[[], Member]) -> list[Member]:
        found = [member()]
        while self._takes(","):
            found.append(member())
        return found

    def path(self) -> Path:
        steps = [self._name()]
        while self._takes("."):
            steps.append(self._name())
        return Path(tuple(steps))

    def _operand(self) -> Operand:
        if self._next.startswith(":"):
            value = self._advance()
            return lambda scope: scope.values[value]
        return self.path().of

    def _name(self) -> str:
        token = self._advance()
        if not token:
            raise Invalid(f"Syntax error; the end is missing: {self._text}")
        if not token.startswith("#"):
            raise UnknownToMemory(f"{token}, a name without a placeholder, in {self._text}")
        return token

    @property
    def _next(self) -> str:
        return self._tokens[self._position] if self._position < len(self._tokens) else ""

    def _advance(self) -> str:
        token = self._next
        self._position += 1
        return token

    def _takes(self, token: str) -> bool:
        if self._next != token:
            return False
        self._position += 1
        return True

    def _expect(self, token: str) -> None:
        if not self._takes(token):
            raise Invalid(f"Syntax error; token: {self._next!r}, in: {self._text}")


def _tokens(text: str) -> list[str]:
    tokens: list[str] = []
    position = 0
    while position < len(text.rstrip()):
        found = _TOKEN.match(text, position)
        if found is None:
            raise Invalid(f"Syntax error; token: {text[position:]!r}, in: {text}")
        tokens.append(found[1])
        position = found.end()
    return tokens


def _equal(one: Value | None, other: Value | None) -> bool:
    return one is not None and other is not None and plain(one) == plain(other)


def _ordered(symbol: str, one: Value | None, other: Value | None) -> bool:
    if one is None or other is None:
        return False
    found = order(one, other)
    return found is not None and _COMPARE[symbol](found)


def _within(value: Value | None, first: Value | None, last: Value | None) -> bool:
    if _ordered(">", first, last):
        raise Invalid("The BETWEEN operator requires upper bound to be greater than or equal to lower bound")
    return _ordered(">=", value, first) and _ordered("<=", value, last)


def _present(operand: Operand) -> Operand:
    def value(scope: Scope) -> Value:
        found = operand(scope)
        if found is None:
            raise WrongOperand("The provided expression refers to an attribute that does not exist in the item")
        return found

    return value


_WRONG_TYPE = "An operand in the update expression has an incorrect data type"


def _added(there: Value | None, added: Value | None) -> Value | None:
    if added is None or kind_of(added) not in ("N", "NS", "SS", "BS"):
        raise Invalid("Incorrect operand type for operator or function; operator: ADD")
    if there is None:
        return added
    if kind_of(there) != kind_of(added):
        raise WrongOperand(_WRONG_TYPE)
    return number(Decimal(there["N"]) + Decimal(added["N"])) if "N" in added else united(there, added)


def _discarded(there: Value | None, members: Value | None) -> Value | None:
    if members is None or kind_of(members) not in ("NS", "SS", "BS"):
        raise Invalid("Incorrect operand type for operator or function; operator: DELETE")
    if there is None:
        return None
    if kind_of(there) != kind_of(members):
        raise WrongOperand(_WRONG_TYPE)
    return without(there, members)
