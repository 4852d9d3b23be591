"""The template's parameters: what they accept, what `make deploy PARAMETERS=...` gives, what a person is asked for."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from b2b_cli.errors import CommandError
from b2b_cli.terminal import Terminal, answer

# Asked for although they may be left empty.
OFFERED = {"AlarmTopicArn": "SNS topic for alarms (arn:aws:sns:...; empty: alarms are only seen in CloudWatch)"}
QUESTIONS = OFFERED | {"ThinkificSubdomain": "The school's subdomain (what stands in front of .thinkific.com)"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    """As CloudFormation judges it. ``default`` None: there is none."""

    name: str
    about: str
    default: str | None
    is_number: bool
    pattern: str | None
    least: Decimal | None
    most: Decimal | None
    values: tuple[str, ...]

    def checked(self, text: str) -> str:
        """Raises CommandError with what is accepted."""
        value = text.strip()
        if self.name == "ThinkificSubdomain":
            value = subdomain_in(value)
        if not self._accepts(value):
            raise CommandError(f"{self.name} cannot be {value!r}: {self._accepted()}. ({self.about})")
        return value

    def _accepts(self, value: str) -> bool:
        if self.values:
            return value in self.values
        if self.is_number:
            try:
                number = Decimal(value)
            except InvalidOperation:
                return False
            return number.is_finite() and self._is_within_bounds(number)
        return self.pattern is None or re.fullmatch(self.pattern, value) is not None

    def _is_within_bounds(self, number: Decimal) -> bool:
        return (self.least is None or self.least <= number) and (self.most is None or number <= self.most)

    def _accepted(self) -> str:
        if self.values:
            return "one of " + ", ".join(self.values)
        if self.is_number:
            bounds = [
                f"{word} {bound}" for word, bound in (("from", self.least), ("to", self.most)) if bound is not None
            ]
            return " ".join(["a number", *bounds])
        return f"it has to fit {self.pattern}"


def read_parameters(template: Mapping[str, Any]) -> dict[str, Parameter]:
    """Of the template's content, by their names."""
    return {name: _parameter(name, found) for name, found in template["Parameters"].items()}


def given_parameters(text: str, known: Mapping[str, Parameter]) -> dict[str, str]:
    """``ThinkificRatePerMinute=90 AlarmTopicArn=arn:...`` as it is on a command line. Raises CommandError."""
    given = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not equals:
            raise CommandError(f"PARAMETERS is Name=value Name=value ..., and {word!r} is neither.")
        if name not in known:
            raise CommandError(f"There is no parameter {name}; there are {', '.join(sorted(known))}.")
        given[name] = known[name].checked(value)
    return given


def first_parameters(terminal: Terminal, known: Mapping[str, Parameter], given: Mapping[str, str]) -> dict[str, str]:
    """``given`` and what else a new stack needs, asked for. Raises CommandError where nobody can be asked."""
    chosen = dict(given)
    for name, parameter in known.items():
        if name in given:
            continue
        if parameter.default is None:
            missing = f'A new stack needs {name}: make deploy ... PARAMETERS="{name}=..." ({parameter.about})'
            question = QUESTIONS.get(name, f"{name} ({parameter.about})")
            chosen[name] = answer(terminal, None, question, parameter.checked, missing=missing)
        elif name in OFFERED and terminal.is_there:
            chosen[name] = answer(terminal, None, QUESTIONS[name], parameter.checked, missing="")
    return chosen


def subdomain_in(text: str) -> str:
    """People paste the school's address."""
    return text.lower().removeprefix("https://").removeprefix("http://").rstrip("/").removesuffix(".thinkific.com")


def _parameter(name: str, found: Mapping[str, Any]) -> Parameter:
    return Parameter(
        name=name,
        about=str(found.get("Description", "")).strip(),
        default=str(found["Default"]) if "Default" in found else None,
        is_number=found["Type"] == "Number",
        pattern=found.get("AllowedPattern"),
        least=_bound(found, "MinValue"),
        most=_bound(found, "MaxValue"),
        values=tuple(str(value) for value in found.get("AllowedValues", ())),
    )


def _bound(found: Mapping[str, Any], name: str) -> Decimal | None:
    return Decimal(str(found[name])) if name in found else None
