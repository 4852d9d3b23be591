"""Records that are there, put into some of the generated cases so that they get behind the look-ups."""

import zlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import schemathesis


class Known:
    def __init__(self) -> None:
        self.emails: list[str] = []
        self.products: list[int] = []
        self.protected_token = 0

    def meet(self, case: "schemathesis.Case[Any]") -> None:
        if case.path_parameters:
            case.path_parameters = self._in_path(case.path, case.path_parameters)
        case.body = self._in_body(case.body)
        # Generated keys repeat, and a case that only repeats another's key gets no further.
        if case.headers and _chance((case.path, case.body)) % 5:
            case.headers.pop("Idempotency-Key", None)

    def _in_path(self, path: str, parameters: dict[str, Any]) -> dict[str, Any]:
        """In two of three cases a small number, which may well be somebody's id."""
        chance = _chance(parameters)
        if "id" in parameters and chance % 3:
            parameters = parameters | {"id": 1 + chance % 12}
        if path.endswith("/tokens/{id}") and str(parameters.get("id", "")) in ("1", str(self.protected_token)):
            parameters = parameters | {"id": 10_000}
        return parameters

    def _in_body(self, body: Any) -> Any:
        """In two of three cases e-mails and products that there are."""
        chance = _chance(body)
        if not isinstance(body, dict) or not chance % 3 or not self.emails:
            return body
        changed = dict(body)
        for name in ("email", "user_email"):
            if isinstance(body.get(name), str) and body[name]:
                changed[name] = self.emails[_chance(body[name]) % len(self.emails)]
        for name in ("product", "thinkific_id"):
            if name in body:
                changed[name] = self.products[chance % len(self.products)]
        if isinstance(body.get("enrollments"), list):
            changed["enrollments"] = [self.products[_chance(item) % len(self.products)] for item in body["enrollments"]]
        return changed


known = Known()


def _chance(value: object) -> int:
    """The same for the same value, as hypothesis needs it."""
    return zlib.crc32(repr(value).encode(errors="backslashreplace")) >> 3
