"""What a queue's message asks for. Unknown keys are left alone, so that an older worker understands a newer sender."""

import json


class UnreadableMessage(ValueError):
    """Goes to the dead-letter queue: nobody can know what it meant."""


def student_id_of(body: str) -> int:
    return int(_value(body, "student_id"))


def operation_id_of(body: str) -> str:
    return str(_value(body, "operation_id"))


def _value(body: str, name: str) -> str | int:
    try:
        value = json.loads(body)[name]
    except (ValueError, TypeError, KeyError):
        raise UnreadableMessage(f"A message without a readable {name}.") from None
    if not isinstance(value, str | int):
        raise UnreadableMessage(f"A message whose {name} is neither text nor a number.")
    return value
