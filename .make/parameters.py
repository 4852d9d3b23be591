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
# What AWS takes in a tag, but for blanks; `aws:` is its own.
_TAG = re.compile(r"(?!aws:)[\w.:/=+@-]{1,128}", re.ASCII)
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


def effective_parameters(
    known: Mapping[str, Parameter], stack: Mapping[str, Any] | None, chosen: Mapping[str, str]
) -> dict[str, str]:
    """All that the stack will have: what is chosen, else what it has, else the default."""
    found = {name: parameter.default or "" for name, parameter in known.items()}
    for parameter in (stack or {}).get("Parameters", []):
        if parameter["ParameterKey"] in found:
            found[parameter["ParameterKey"]] = parameter["ParameterValue"]
    return found | dict(chosen)


def check_together(effective: Mapping[str, str], region: str) -> None:
    """What CloudFormation would find out after half of the work. Raises CommandError."""
    if effective["DomainName"] and not effective["CertificateArn"]:
        raise CommandError("DomainName needs a CertificateArn: a certificate for it in Certificate Manager.")
    if effective["HostedZoneId"] and not effective["DomainName"]:
        raise CommandError("HostedZoneId is of use with a DomainName only.")
    certificate = effective["CertificateArn"]
    if certificate and certificate.split(":")[3] != region:
        raise CommandError(f"CertificateArn is of another region than {region}, where the API is.")


def given_tags(text: str) -> dict[str, str]:
    """``team=learning cost-center=42``; an empty value takes a tag away. Raises CommandError."""
    given = {}
    for word in shlex.split(text):
        name, equals, value = word.partition("=")
        if not (equals and _TAG.fullmatch(name) and _TAG.fullmatch(value or "-")):
            raise CommandError(f"TAGS is name=value name=value ..., without blanks in them, and {word!r} is neither.")
        given[name] = value
    return given


def effective_tags(stack: Mapping[str, Any] | None, given: Mapping[str, str]) -> dict[str, str]:
    """All that the stack will have: what it has, and what is given."""
    found = {tag["Key"]: tag["Value"] for tag in (stack or {}).get("Tags", [])} | dict(given)
    return {name: value for name, value in found.items() if value}


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
