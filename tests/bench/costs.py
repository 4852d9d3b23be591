"""What a month costs, from requests that are counted: ``python -m tests.bench.costs``, or as a part of the bench.

Consumption is measured on the emulator (``consumption.py``), what is deployed is read from ``template.yaml``, prices
and what else cannot be measured here are assumptions, all of them in the tables below. No free tier, no data transfer
out, no taxes.
"""

import argparse
import math
import os
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench.consumption import Measured, Use, measured
from tests.bench.report import Section, paragraph, printed, table

from b2b_cli.local.template import Template

VOLUMES = (1_000, 100_000, 10_000_000)

# In dollars, list prices of us-east-1 as they are assumed for November 2026.
API_CALL = 1.00e-6  # HTTP API, the first 300 million a month, up to 512 KB each
LAMBDA_REQUEST = 0.20e-6
LAMBDA_GB_SECOND = 0.0000133334  # arm64; a start is billed like a run
READ_UNIT = 0.125e-6  # DynamoDB on demand
WRITE_UNIT = 0.625e-6
TABLE_GB_MONTH = 0.25 + 0.20  # standard storage and point-in-time recovery
SQS_REQUEST = 0.40e-6  # standard queues
SCHEDULE_RUN = 1.00e-6  # EventBridge Scheduler
LOG_GB = 0.50  # taken in
LOG_GB_MONTH = 0.03  # kept
ALARM_METRIC_MONTH = 0.10  # for each metric that an alarm looks at
METRIC_MONTH = 0.30  # a metric of one's own, and each detailed one of the gateway; by the hour in which it has data
DASHBOARD_MONTH = 3.00
SECRET_MONTH = 0.40
SECRET_CALL = 0.05 / 10_000
SNAPSTART_CACHED_GB_SECOND = 0.0000015046  # for each published version, used or not
SNAPSTART_RESTORED_GB = 0.0001397998

MONTH_SECONDS = 30 * 86_400
MONTH_HOURS = 30 * 24

# What calls are made of: shares of all calls.
MIX = {
    "GET student": 0.30,
    "GET user": 0.15,
    "GET students, a page of 15": 0.15,
    "POST student, new, 1 enrollment": 0.30,
    "POST users/upsert, new": 0.05,
    "POST users/upsert, known": 0.05,
}
_NEW_STUDENT = "POST student, new, 1 enrollment"
_USERS_CALLS = ("GET user", "POST users/upsert, new", "POST users/upsert, known")

# How long a run lasts: its CPU time here, at the share of a processor that its memory buys, and what it waits for.
_MEMORY_OF_ONE_PROCESSOR_MB = 1_769
_SECONDS_A_TRIP = 0.005
_SECONDS_A_MESSAGE = 0.010
_SECONDS_A_THINKIFIC_CALL = 0.35
_INIT_SECONDS = 0.45  # see the init part of the bench; a start has a whole processor
# An environment that nobody calls is kept for so long.
_KEPT_SECONDS = 600

# Each event source mapping keeps so many pollers at its queue, each in a long poll of 20 s, when nothing comes.
_POLLERS = 5
_POLL_SECONDS = 20
_REQUESTS_A_MESSAGE = 3  # sent, received, deleted
_ROWS_OF_A_STUDENT_BYTES = 2_000  # with its enrollment, association and seat, and their index rows

_PLATFORM_LOG_BYTES = 900  # start and report of a run, as JSON
_OWN_LOG_BYTES = 350
_ACCESS_LOG_BYTES = 350
# Count, 4xx, 5xx, Latency, IntegrationLatency, DataProcessed of each route.
_DETAILED_METRICS = 6
# Our own: those of the sync have data in an hour with an enrollment, the others in these hours of a day.
_SYNC_METRICS = 3
_IDLE_METRIC_HOURS_A_DAY = 2 * 1 + 1 * 4  # two of the daily recount, one of four catalogue refreshes

# A refresh of a small catalogue, four times a day; nothing measures it here.
_REFRESH = "catalogue"
_REFRESH_READ_UNITS, _REFRESH_WRITE_UNITS, _REFRESH_SECONDS = 30, 30, 3.0


@dataclass(frozen=True, slots=True)
class Stack:
    """What ``template.yaml`` deploys. ``runs``: of each schedule a month, by its function.

    ``rate``: calls to Thinkific a minute. ``alarm_metrics``: those that the alarms look at.
    """

    functions: int
    api_functions: int
    memory_gb: float
    runs: Mapping[str, float]
    queues_polled: int
    log_groups: int
    retention_months: float
    alarms: int
    alarm_metrics: int
    dashboards: int
    secrets: int
    routes: int
    detailed_metrics: bool
    rate: int

    @classmethod
    def of_template(cls) -> "Stack":
        template = Template()
        content: Mapping[str, Any] = template._content
        resources: Mapping[str, Any] = content["Resources"]

        def of_type(kind: str) -> list[Mapping[str, Any]]:
            return [found.get("Properties", {}) for found in resources.values() if found["Type"] == kind]

        functions = of_type("AWS::Serverless::Function")
        events = [list(function.get("Events", {}).values()) for function in functions]
        routes = [sum(event["Type"] == "HttpApi" for event in of_one) for of_one in events]
        alarms = of_type("AWS::CloudWatch::Alarm")
        api = of_type("AWS::Serverless::HttpApi")[0]
        return cls(
            functions=len(functions),
            api_functions=sum(map(bool, routes)),
            memory_gb=content["Globals"]["Function"]["MemorySize"] / 1024,
            runs={
                schedule.handler.split(".")[1]: MONTH_SECONDS / schedule.every_seconds
                for schedule in template.schedules()
            },
            queues_polled=len(template.event_sources()),
            log_groups=len(of_type("AWS::Logs::LogGroup")),
            retention_months=content["Parameters"]["LogRetentionDays"]["Default"] / 30,
            alarms=len(alarms),
            alarm_metrics=sum(_metrics_of(alarm) for alarm in alarms),
            dashboards=len(of_type("AWS::CloudWatch::Dashboard")),
            secrets=len(of_type("AWS::SecretsManager::Secret")),
            routes=sum(routes),
            detailed_metrics=bool(api.get("DefaultRouteSettings", {}).get("DetailedMetricsEnabled")),
            rate=content["Parameters"]["ThinkificRatePerMinute"]["Default"],
        )


def _metrics_of(alarm: Mapping[str, Any]) -> int:
    return sum("MetricStat" in metric for metric in alarm["Metrics"]) if "Metrics" in alarm else 1


@dataclass(frozen=True, slots=True)
class Month:
    """Dollars by service, in the order of the report; ``cold_starts`` of the API functions."""

    calls: int
    dollars: Mapping[str, float]
    cold_starts: float
    upstream_calls: float

    @property
    def total(self) -> float:
        return sum(self.dollars.values())


def month(calls: int, used: Measured, stack: Stack) -> Month:
    """Of so many API calls in the mix, evenly spread; 0 is the stack that nobody calls."""
    looks = calls * MIX[_NEW_STUDENT]
    runs = dict(stack.runs)
    cold = cold_starts(calls, stack)
    seconds = (
        sum(calls * share * run_seconds(used.calls[what], stack) for what, share in MIX.items())
        + looks * run_seconds(used.look, stack)
        + sum(runs[name] * run_seconds(use, stack) for name, use in idle_runs(used, stack).items())
        + runs.get(_REFRESH, 0) * _REFRESH_SECONDS
        + (cold + cold_looks(looks)) * _INIT_SECONDS
    )
    reads, writes = units(calls, used, stack)
    log_gb = log_bytes(calls, looks, sum(runs.values())) / 1e9
    dollars = {
        "API Gateway": calls * API_CALL,
        "Lambda requests": (calls + looks + sum(runs.values())) * LAMBDA_REQUEST,
        "Lambda GB-seconds": seconds * stack.memory_gb * LAMBDA_GB_SECOND,
        "DynamoDB reads": reads * READ_UNIT,
        "DynamoDB writes": writes * WRITE_UNIT,
        "DynamoDB storage": looks * _ROWS_OF_A_STUDENT_BYTES / 1e9 * TABLE_GB_MONTH,
        "SQS, idle polls": idle_polls(stack) * SQS_REQUEST,
        "SQS, messages": looks * _REQUESTS_A_MESSAGE * SQS_REQUEST,
        "EventBridge Scheduler": sum(runs.values()) * SCHEDULE_RUN,
        "CloudWatch logs": log_gb * (LOG_GB + LOG_GB_MONTH * stack.retention_months),
        "CloudWatch metrics of routes": route_metrics(calls, stack) * METRIC_MONTH,
        "CloudWatch metrics of ours": own_metrics(looks) * METRIC_MONTH,
        "CloudWatch alarms": stack.alarm_metrics * ALARM_METRIC_MONTH,
        "CloudWatch dashboard": stack.dashboards * DASHBOARD_MONTH,
        # The key is read again every five minutes by each environment that calls Thinkific.
        "Secrets Manager": stack.secrets * SECRET_MONTH + min(looks, MONTH_SECONDS / 300 * 4) * SECRET_CALL,
    }
    return Month(calls, dollars, cold, looks * used.look.upstream)


def idle_runs(used: Measured, stack: Stack) -> dict[str, Use]:
    """A run of each schedule, by its function. One that nothing measures counts as much as the dearest that is."""
    dearest = max(used.schedules.values(), key=lambda use: use.cpu_seconds)
    return {name: used.schedules.get(name, dearest) for name in stack.runs if name != _REFRESH}


def run_seconds(use: Use, stack: Stack) -> float:
    processor = stack.memory_gb * 1024 / _MEMORY_OF_ONE_PROCESSOR_MB
    waits = (
        use.consumed.trips * _SECONDS_A_TRIP
        + use.consumed.messages * _SECONDS_A_MESSAGE
        + use.upstream * _SECONDS_A_THINKIFIC_CALL
    )
    return use.cpu_seconds / processor + waits


def units(calls: int, used: Measured, stack: Stack) -> tuple[float, float]:
    """Read and write units of DynamoDB. Every call reads its token, which is noted as used once a minute."""
    looks = calls * MIX[_NEW_STUDENT]
    times = {what: calls * share for what, share in MIX.items()}
    parts = [(times[what], use) for what, use in used.calls.items() if what in times]
    parts += [(looks, used.look)]
    parts += [(stack.runs[name], use) for name, use in idle_runs(used, stack).items()]
    refreshes = stack.runs.get(_REFRESH, 0)
    reads = sum(count * use.consumed.read_units for count, use in parts) + calls + refreshes * _REFRESH_READ_UNITS
    writes = sum(count * use.consumed.write_units for count, use in parts) + refreshes * _REFRESH_WRITE_UNITS
    return reads, writes + min(calls, MONTH_SECONDS / 60)


def cold_starts(calls: int, stack: Stack) -> float:
    """Of the API functions: calls that come when the last one is so long ago that nothing was kept."""
    users = sum(MIX[what] for what in _USERS_CALLS)
    return sum(share * calls * _nobody_came(share * calls) for share in (users, 1 - users))


def cold_looks(looks: float) -> float:
    return looks * _nobody_came(looks)


def _nobody_came(events: float) -> float:
    """In the time for which an environment is kept, of events that come by chance."""
    return math.exp(-events / MONTH_SECONDS * _KEPT_SECONDS)


def idle_polls(stack: Stack) -> float:
    return stack.queues_polled * _POLLERS * MONTH_SECONDS / _POLL_SECONDS


def log_bytes(calls: float, looks: float, runs: float) -> float:
    # A look logs a line and a figure; a run of a schedule nothing of its own.
    return (
        calls * (_ACCESS_LOG_BYTES + _PLATFORM_LOG_BYTES + _OWN_LOG_BYTES)
        + looks * (_PLATFORM_LOG_BYTES + 2 * _OWN_LOG_BYTES)
        + runs * _PLATFORM_LOG_BYTES
    )


def route_metrics(calls: float, stack: Stack) -> float:
    """Metric-months: of each route for the hours in which it is called."""
    if not stack.detailed_metrics:
        return 0.0
    hours = 1 - math.exp(-calls / stack.routes / MONTH_HOURS)
    return stack.routes * _DETAILED_METRICS * hours


def own_metrics(looks: float) -> float:
    hours = 1 - math.exp(-looks / MONTH_HOURS)
    return _SYNC_METRICS * hours + _IDLE_METRIC_HOURS_A_DAY / 24


@dataclass(frozen=True, slots=True)
class SnapStart:
    """Dollars a month: ``cached`` for one version of one function; ``restored`` and ``init`` for a thousand starts."""

    cached: float
    restored: float
    init: float

    @classmethod
    def of(cls, stack: Stack) -> "SnapStart":
        return cls(
            cached=stack.memory_gb * MONTH_SECONDS * SNAPSTART_CACHED_GB_SECOND,
            restored=1_000 * stack.memory_gb * SNAPSTART_RESTORED_GB,
            init=1_000 * stack.memory_gb * _INIT_SECONDS * LAMBDA_GB_SECOND,
        )


def measure(folder: Path) -> Section:
    stack, used = Stack.of_template(), measured(folder)
    idle, months = month(0, used, stack), [month(calls, used, stack) for calls in VOLUMES]
    lines = [
        *_dollars(idle, months),
        "",
        *paragraph(
            f"The stack that nobody calls: ${idle.total:.2f} a month, of it alarms and dashboard",
            f"${idle.dollars['CloudWatch alarms'] + idle.dollars['CloudWatch dashboard']:.2f},",
            f"idle polls ${idle.dollars['SQS, idle polls']:.2f}.",
        ),
        "",
        *_consumed(used),
        "",
        *_snapstart(stack, months),
        "",
        *_assumptions(stack, used, months[-1]),
    ]
    return Section("Costs a month, in dollars", (), lines)


def _dollars(idle: Month, months: list[Month]) -> list[str]:
    rows = [["calls a month", "none", *(f"{each.calls:,}" for each in months)]]
    rows += [[service, *(f"{each.dollars[service]:,.2f}" for each in (idle, *months))] for service in idle.dollars]
    rows.append(["total", *(f"{each.total:,.2f}" for each in (idle, *months))])
    rows.append(["for a million calls", "", *(f"{each.total / each.calls * 1e6:,.2f}" for each in months)])
    return table(rows)


def _consumed(used: Measured) -> list[str]:
    rows = [["measured, each", "share", "trips", "read units", "write units", "messages", "Thinkific", "CPU ms"]]
    parts = [(what, f"{share:.0%}", used.calls[what]) for what, share in MIX.items()]
    parts += [("a look of the sync", "", used.look)]
    parts += [(f"a run of {name}, idle", "", use) for name, use in used.schedules.items()]
    for what, share, use in parts:
        consumed = use.consumed
        rows.append(
            [
                what,
                share,
                str(consumed.trips),
                f"{consumed.read_units:.1f}",
                f"{consumed.write_units:.1f}",
                str(consumed.messages),
                str(use.upstream),
                f"{use.cpu_seconds * 1000:.1f}",
            ]
        )
    return table(rows)


def _snapstart(stack: Stack, months: list[Month]) -> list[str]:
    snapstart = SnapStart.of(stack)
    starts = ", ".join(f"{each.cold_starts:,.0f} at {each.calls:,} calls" for each in months)
    return paragraph(
        f"SnapStart: ${snapstart.cached:.2f} for each published version of a function,",
        f"${snapstart.restored:.3f} for a thousand restores, against ${snapstart.init:.4f} for a thousand starts of",
        f"{_INIT_SECONDS} s without it; ${snapstart.cached * stack.api_functions:.2f} for the {stack.api_functions}",
        f"API functions, ${snapstart.cached * stack.functions:.2f} for all {stack.functions}, and as much again for",
        f"every old version that is not deleted. Cold starts of the API: {starts}.",
    )


def _assumptions(stack: Stack, used: Measured, largest: Month) -> list[str]:
    unmeasured = idle_runs(used, stack).keys() - used.schedules.keys()
    runs = ", ".join(f"{name} {count:,.0f}" for name, count in stack.runs.items())
    processor = stack.memory_gb * 1024 / _MEMORY_OF_ONE_PROCESSOR_MB
    return [
        *paragraph(
            "Prices: list prices of us-east-1, assumed for November 2026. No free tier, no data transfer out.",
            f"From the template: {stack.functions} functions of {stack.memory_gb:g} GB, {stack.alarms} alarms on",
            f"{stack.alarm_metrics} metrics, {stack.log_groups} log groups, {stack.routes} routes",
            f"with{'' if stack.detailed_metrics else 'out'} detailed metrics, {stack.queues_polled} polled queues;",
            f"runs a month: {runs}.",
            f"Not measured, and taken for the dearest schedule: {', '.join(sorted(unmeasured)) or 'none'}.",
        ),
        *paragraph(
            f"Idle polls: {_POLLERS} pollers a queue, each asking every {_POLL_SECONDS} s:",
            f"{idle_polls(stack):,.0f} requests a month. A run lasts its CPU time / {processor:.2f} of a processor,",
            f"{_SECONDS_A_TRIP * 1000:.0f} ms a trip, {_SECONDS_A_MESSAGE * 1000:.0f} ms a message,",
            f"{_SECONDS_A_THINKIFIC_CALL * 1000:.0f} ms a call to Thinkific. Environments are kept for",
            f"{_KEPT_SECONDS / 60:.0f} minutes; calls come evenly; every call reads its token.",
            "The recount's daily walk is left out: it reads every row of the users once.",
            "Storage is that of one month's new students.",
        ),
        *paragraph(
            f"{largest.calls:,} calls want {largest.upstream_calls:,.0f} calls to Thinkific; at {stack.rate} a minute",
            f"{stack.rate * MONTH_SECONDS / 60:,.0f} are possible in a month.",
        ),
    ]


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.bench.costs", description="What a month costs.")
    parser.parse_args()
    os.environ["POWERTOOLS_LOG_LEVEL"] = "CRITICAL"
    with tempfile.TemporaryDirectory(prefix="b2b-bench-") as folder:
        sys.stdout.write(printed([measure(Path(folder))]) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
