"""What is not known about Thinkific, as switches: a client has to work whichever way each of them stands."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, Literal, Self, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

Count = Annotated[int, Field(strict=True, ge=0)]
Limit = Annotated[int, Field(strict=True, gt=0)] | Literal["off"]
Seconds = Annotated[float, Field(ge=0, allow_inf_nan=False)]

_JSON: TypeAdapter[Any] = TypeAdapter(Any)


class SwitchError(ValueError):
    """An unknown switch, or a value that the switch does not have; the message names both."""


class Switches(BaseModel):
    """How the simulated school behaves where Thinkific's documentation is silent or contradicts what is seen."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    existing_enrollment: Literal["upsert", "reject", "duplicate"] = "upsert"
    """POST /enrollments for a pair that is enrolled: the same row is overwritten, 422, or there is a second row."""

    expiry: Literal["instant", "utc_day"] = "instant"
    """When `expired` turns true: at the moment of `expiry_date`, or at 00:00 UTC of its day."""

    put_null_clears_expiry: bool = False
    """Whether an explicit `"expiry_date": null` in a PUT lifts the limit. Off: null counts as absent."""

    put_status: Literal[204, 200] = 204
    """The status of a successful PUT: 204 as documented, or 200 with an empty body as once observed."""

    group_single: Literal["wrapped", "bare"] = "wrapped"
    """A single group is `{"group": {...}}`, as a client in production reads it, or bare, as documented."""

    group_add_existing: Literal[201, 422] = 201
    """POST /group_users for a user who is in the group already."""

    group_add_partial: Literal["atomic", "partial"] = "atomic"
    """POST /group_users with a valid and an unknown name: adds to none, or adds to the valid one. 422 either way."""

    group_dup_name: Literal["reject", "allow"] = "reject"
    """POST /groups with a name that is taken: 422, or a second group of that name."""

    bundle_async_threshold: Count = 5
    """A bundle of more courses than this answers an enrollment with 202, and its course rows appear later."""

    async_delay: Seconds = 5.0
    """Seconds from that 202 until the course rows are there."""

    bundle_growth_delay: Seconds = 86_400.0
    """Seconds until a course added to a bundle reaches those already enrolled in it: "up to 24 h"."""

    bundle_overlap: Literal["overwrite", "later_date"] = "overwrite"
    """A bundle enrollment meets a course row that exists: its dates win, or the later expiry does (none is latest)."""

    bundle_rows: Literal["per_course", "per_user"] = "per_course"
    """GET /bundles/{id}/enrollments: a row for each course of a user, or one (with the bundle's id and name)."""

    bundle_put_missing: Literal[422, 404] = 422
    """PUT /bundles/{id}/enrollments for a user who has no enrollment in the bundle."""

    rate_limit: Limit = 120
    """Calls a minute for the whole site."""

    rate_window: Literal["sliding", "fixed"] = "sliding"
    """The minute of the rate limit: any 60 seconds, or the minute of the clock."""

    concurrency_limit: Limit = 10
    """Calls in flight for the whole site; one more is answered with 429."""

    ratelimit_reset: Literal["ms", "s", "absent"] = "ms"
    """The unit of `RateLimit-Reset` (an instant, since 1970) on a 429."""

    retry_after: Literal["absent", "present"] = "absent"
    """Whether a 429 carries `Retry-After` (seconds)."""

    body_429: Literal["json", "html", "empty"] = Field("json", alias="429_body")
    """The undocumented body of a 429."""

    list_order: Literal["ascending", "descending"] = "ascending"
    """The undocumented order of every list, by id."""

    email_case: Literal["lowercase", "insensitive", "sensitive"] = "lowercase"
    """E-mail addresses are stored in lower case, kept but compared without regard to case, or compared exactly."""

    longest_name: Limit = "off"
    """The undocumented most characters of a first name, a last name, and a group's name."""

    external_source_on_create: Literal["ignored", "stored"] = "ignored"
    """POST /users with `external_source`, which is documented for PUT only."""

    false_filters: Literal["ignored", "inverted"] = "ignored"
    """`query[expired]=false` and its like: documented for true only, so without effect, or the opposite rows."""

    deleted_user_enrollments: Literal["removed", "kept"] = "removed"
    """Whether the enrollments of a deleted user vanish from GET /enrollments."""

    hidden_enrollments: Literal["listed", "by_id", "unseen"] = "listed"
    """Enrollments in courses of the newer builder: lists show them, only their own address does, or nothing does."""

    graphql_product: Literal["given", "absent"] = "given"
    """Whether GraphQL tells the product of a course."""

    graphql_missing: Literal["null", "error"] = "null"
    """GraphQL's `course(id)` for a course that does not exist: null alone, or with an error."""

    graphql_rate_limit: Limit = 2000
    """GraphQL's points a minute."""

    graphql_max_cost: Count = 1000
    """The most points that one GraphQL request may cost."""

    graphql_reset_at: Literal["time", "past", "unreadable", "absent"] = "time"
    """The `resetAt` of RATE_LIMITED: a time to come, one that is over, no time, or none at all."""

    @classmethod
    def parse(cls, settings: Iterable[str]) -> Self:
        """Switches from `name=value` texts, the rest at their defaults. Raises SwitchError."""
        return cls().changed(dict(_setting(text) for text in settings))

    def changed(self, changes: Mapping[str, Any]) -> Self:
        """These switches with some of them changed. Raises SwitchError."""
        try:
            return type(self).model_validate(self.as_json() | dict(changes))
        except ValidationError as error:
            raise SwitchError("; ".join(_reason(problem) for problem in _by_switch(error).values())) from None

    def as_json(self) -> dict[str, Any]:
        return self.model_dump(by_alias=True)

    @classmethod
    def described(cls) -> str:
        """Every switch with its default, its values and its meaning, a paragraph each."""
        return "\n".join(
            f"  {field.alias or name}={_shown(field.default)}   ({_values(field.annotation)})\n"
            f"      {(field.description or '').strip()}"
            for name, field in cls.model_fields.items()
        )


def _setting(text: str) -> tuple[str, Any]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise SwitchError(f"'{text}' is not of the form name=value")
    try:
        return name, _JSON.validate_json(value)
    except ValidationError:
        return name, value


def _by_switch(error: ValidationError) -> dict[str, Any]:
    """The first problem of each switch: a union reports one for each of its members."""
    return {str(problem["loc"][0]): problem for problem in reversed(error.errors())}


def _reason(problem: Mapping[str, Any]) -> str:
    name = problem["loc"][0]
    if problem["type"] == "extra_forbidden":
        known = ", ".join(sorted(field.alias or key for key, field in Switches.model_fields.items()))
        return f"there is no switch '{name}'; there are {known}"
    field = next(field for key, field in Switches.model_fields.items() if name in (key, field.alias))
    return f"switch {name} cannot be {_shown(problem['input'])}; it is {_values(field.annotation)}"


def _values(annotation: Any) -> str:
    """A type as the values a person may type: `ms, s or absent`."""
    names = [name for part in _members(annotation) for name in _named(part)]
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} or {names[-1]}"


def _members(annotation: Any) -> tuple[Any, ...]:
    if get_origin(annotation) in (Annotated, Literal) or isinstance(annotation, type):
        return (annotation,)
    return get_args(annotation)


def _named(part: Any) -> list[str]:
    if get_origin(part) is Literal:
        return [str(value) for value in get_args(part)]
    kind = get_args(part)[0] if get_origin(part) is Annotated else part
    return {bool: ["true", "false"], int: ["a whole number"], float: ["a number of seconds"]}[kind]


def _shown(value: Any) -> str:
    return value if isinstance(value, str) else _JSON.dump_json(value).decode()
