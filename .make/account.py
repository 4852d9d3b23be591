"""What the AWS account has to have room for, looked at before a school is deployed into it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from b2b_cli.local.template import Template

# Runs of the API at once that a school should be able to count on.
ROOM_FOR_THE_API = 20
_ALARM_PERCENT = 80
_CODE_PERCENT = 80
_MORE = (
    "aws service-quotas request-service-quota-increase --service-code lambda --quota-code L-B99A9384 "
    "--desired-value 1000"
)


@dataclass(frozen=True, slots=True)
class Account:
    """``allowed``: function runs at once in the region, ``unreserved``: those of them that no function has reserved.

    ``code_used``, ``code_allowed``: bytes of Lambda's storage.
    """

    allowed: int
    unreserved: int
    code_used: int
    code_allowed: int

    @property
    def alarm_at(self) -> int:
        """Runs at once."""
        return max(1, self.allowed * _ALARM_PERCENT // 100)

    def warnings(self, workers: int) -> Iterator[str]:
        """``workers``: runs at once that the school's queues and schedules may take up."""
        left = max(0, self.unreserved - workers)
        if left < ROOM_FOR_THE_API:
            yield (
                f"MIND: at most {self.unreserved} functions may run at once in this account and region. This school's "
                f"queues and schedules take up to {workers} of them, which leaves {left} to its API: more calls at "
                f"once are refused (503). Ask AWS for more, at no cost: {_MORE}"
            )
        if self.code_used > self.code_allowed * _CODE_PERCENT // 100:
            yield (
                f"MIND: Lambda's storage for code is used to {self.code_used * 100 // self.code_allowed} % in this "
                "account and region; delete versions of functions and layers that nobody needs."
            )


def read_account(functions: Any) -> Account | None:
    """None for whoever may not look. Raises what boto3 raises."""
    try:
        settings = functions.get_account_settings()
    except ClientError as error:
        if error.response["Error"]["Code"].startswith("AccessDenied"):
            return None
        raise
    limit = settings["AccountLimit"]
    return Account(
        allowed=limit["ConcurrentExecutions"],
        unreserved=limit["UnreservedConcurrentExecutions"],
        code_used=settings["AccountUsage"]["TotalCodeSize"],
        code_allowed=limit["TotalCodeSize"],
    )


def runs_of_workers(template: Template) -> int:
    """At once, at most."""
    return sum(source.concurrency for source in template.event_sources()) + len(template.schedules())
