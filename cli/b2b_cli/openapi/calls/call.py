"""What is said of one call: its words, its examples and its answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """``example`` None: no body. ``schema``: where the route itself has none. ``headers``: beside those of all."""

    meaning: str
    example: Json | None = None
    schema: Json | None = None
    headers: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Call:
    """``bodies``: examples by name. ``not_found``, ``invalid``: what an example of 404 and of 422 says.

    ``id``: the example of the id in the path, where it is not that of all calls of the tag.
    """

    text: str
    answers: Mapping[int, Answer]
    bodies: Mapping[str, Json] = field(default_factory=dict)
    not_found: str | None = None
    invalid: Mapping[str, str] = field(default_factory=dict)
    id: int | None = None
    deprecated: bool = False


def found(example: Json, meaning: str = "What was asked for") -> dict[int, Answer]:
    return {200: Answer(meaning=meaning, example=example)}


def of(resource: Any) -> Json:
    return {"data": resource}


def started(resource: Json, operation_: Json) -> dict[int, Answer]:
    return found(of(resource) | {"operation": operation_}, "As it is now, and the operation that goes on")


DELETED = {204: Answer(meaning="It is gone; there is no body")}
NO_SUCH_ORDER = {"sort": 'The sort field must be "id" or "-id".'}
TAKEN = {"email": "The email has already been taken."}
