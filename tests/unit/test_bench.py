"""The bench's arithmetic: ratios, verdicts, sizes and prices."""

from dataclasses import replace
from typing import Any

import pytest
from tests.bench.capacity import Consumed, item_bytes, read_units
from tests.bench.consumption import Measured, Use
from tests.bench.costs import (
    MIX,
    MONTH_SECONDS,
    SnapStart,
    Stack,
    cold_starts,
    idle_polls,
    idle_runs,
    month,
    run_seconds,
)
from tests.bench.report import MET, MISSED, STRETCH_MET, WITHIN_NOISE, Figure, Goal, Section, printed, table
from tests.bench.sampling import interleaved, ratio, spread

AT_MOST = Goal(1.15, stretch=0.95, unit="x")
AT_LEAST = Goal(90, stretch=97, at_least=True, unit="%", digits=1)


@pytest.mark.parametrize(
    ("value", "goal", "noise", "verdict"),
    [
        (0.95, AT_MOST, 0.0, STRETCH_MET),
        (0.954, AT_MOST, 0.0, STRETCH_MET),  # as it is printed
        (0.96, AT_MOST, 0.5, MET),  # noise reaches no stretch
        (1.15, AT_MOST, 0.0, MET),
        (1.19, AT_MOST, 0.04, WITHIN_NOISE),
        (1.19, AT_MOST, 0.01, MISSED),
        (97.0, AT_LEAST, 0.0, STRETCH_MET),
        (96.9, AT_LEAST, 0.0, MET),
        (89.0, AT_LEAST, 0.02, WITHIN_NOISE),
        (89.0, AT_LEAST, 0.0, MISSED),
        (1.0, Goal(1.1), 0.0, MET),
    ],
)
def test_a_figure_is_judged(value: float, goal: Goal, noise: float, verdict: str) -> None:
    assert Figure("it", value, goal, noise).verdict == verdict


def test_figures_stand_beside_their_targets() -> None:
    figures = [Figure("init", 0.9, AT_MOST, 0.021), Figure("backlog", 95.84, AT_LEAST)]
    text = printed([Section("Init", figures, ["a line"])])
    assert text.splitlines()[:3] == ["Init", "====", "a line"]
    assert text.splitlines()[-2:] == [
        "init        0.90x  2.1%   <= 1.15x   <= 0.95x  stretch met",
        "backlog    95.8 %        >= 90.0 %  >= 97.0 %  met",
    ]


def test_columns_are_aligned() -> None:
    assert table([["", "n"], ["one", "1"], ["ten", "10"]]) == ["      n", "one   1", "ten  10"]


def test_a_ratio_is_that_of_most_rounds() -> None:
    samples = {"ours": [2.0, 2.2, 90.0, 2.1, 2.0], "theirs": [1.0, 1.1, 1.0, 1.05, 1.0]}
    found = ratio(samples, "ours", "theirs")
    assert found.value == pytest.approx(2.0)
    assert found.noise == pytest.approx(0.0)


def test_noise_falls_with_the_rounds() -> None:
    few = [1.0, 1.1, 0.9, 1.05, 0.95]
    assert spread(few * 16) == pytest.approx(spread(few) / 4)


def test_subjects_take_turns_and_warm_ups_do_not_count() -> None:
    order: list[str] = []

    def measured(name: str) -> float:
        order.append(name)
        return len(order)

    taken = interleaved({"a": lambda: measured("a"), "b": lambda: measured("b")}, rounds=3, warm_ups=2)
    assert {name: len(found) for name, found in taken.items()} == {"a": 3, "b": 3}
    assert all(set(order[turn : turn + 2]) == {"a", "b"} for turn in range(0, 10, 2))
    assert min(map(min, taken.values())) == 5


def test_an_item_is_as_large_as_dynamodb_says() -> None:
    item = {"pk": {"S": "äb"}, "n": {"N": "-12345"}, "f": {"BOOL": True}, "s": {"NS": ["1", "22"]}}
    assert item_bytes(item) == (2 + 3) + (1 + 3) + (1 + 1) + (1 + 1 + 2)
    assert item_bytes({"m": {"M": {"a": {"L": [{"S": "xy"}]}}}}) == 1 + 3 + (1 + 1 + 3 + (1 + 2))


def test_reads_are_paid_for_by_what_they_find() -> None:
    small, large = {"pk": {"S": "x" * 100}}, {"pk": {"S": "x" * 5_000}}
    consistent = {"ConsistentRead": True}
    assert read_units("GetItem", consistent, {"Item": large}) == (2, 1)
    assert read_units("GetItem", {}, {}) == (0.5, 0)
    assert read_units("Query", consistent, {"Items": [small] * 50, "ScannedCount": 50}) == (2, 50)
    assert read_units("Query", {}, {"Count": 1_000, "ScannedCount": 1_000}) == (18.5, 1_000)
    wanted: Any = {"RequestItems": {"t": consistent | {"Keys": [{}, {}, {}]}}}
    assert read_units("BatchGetItem", wanted, {"Responses": {"t": [small, large]}}) == (4, 2)


STACK = Stack(
    functions=10,
    api_functions=4,
    memory_gb=0.5,
    runs={"repair": 43_200, "catalogue": 120},
    queues_polled=3,
    log_groups=11,
    retention_months=3,
    alarms=2,
    alarm_metrics=10,
    dashboards=1,
    secrets=1,
    routes=7,
    detailed_metrics=True,
    rate=100,
)
USE = Use(Consumed(trips=2, read_units=3.0, write_units=4.0, messages=1), cpu_seconds=0.001)
USED = Measured(
    calls=dict.fromkeys(MIX, USE),
    look=replace(USE, upstream=3),
    schedules={"repair": Use(Consumed(trips=9, read_units=4.5), cpu_seconds=0.005)},
)


def test_the_mix_is_whole() -> None:
    assert sum(MIX.values()) == pytest.approx(1)


def test_a_stack_that_nobody_calls_costs_what_is_always_there() -> None:
    idle = month(0, USED, STACK).dollars
    assert idle["API Gateway"] == idle["DynamoDB storage"] == idle["CloudWatch metrics of routes"] == 0
    assert idle["CloudWatch alarms"] == pytest.approx(1.0)
    assert idle["CloudWatch dashboard"] == pytest.approx(3.0)
    assert idle["SQS, idle polls"] == pytest.approx(1_944_000 * 0.40e-6)
    assert idle_polls(STACK) == 1_944_000
    assert idle["DynamoDB reads"] == pytest.approx((43_200 * 4.5 + 120 * 30) * 0.125e-6)


def test_a_schedule_that_nothing_measures_counts_as_much_as_the_dearest() -> None:
    more = replace(STACK, runs={**STACK.runs, "digests": 720})
    assert idle_runs(USED, more)["digests"] == USED.schedules["repair"]
    reads = month(0, USED, more).dollars["DynamoDB reads"] - month(0, USED, STACK).dollars["DynamoDB reads"]
    assert reads == pytest.approx(720 * 4.5 * 0.125e-6)


def test_calls_cost_in_proportion() -> None:
    idle, busy = month(0, USED, STACK).dollars, month(1_000_000, USED, STACK).dollars
    assert busy["API Gateway"] == pytest.approx(1.0)
    # Three units a call, one for the token, three for the look at three calls of ten.
    assert busy["DynamoDB reads"] - idle["DynamoDB reads"] == pytest.approx((3 + 1 + 0.3 * 3) * 0.125)
    # The token is noted as used once a minute.
    writes = (1_000_000 * (4 + 0.3 * 4) + 43_200) * 0.625e-6
    assert busy["DynamoDB writes"] - idle["DynamoDB writes"] == pytest.approx(writes)
    assert busy["CloudWatch metrics of routes"] == pytest.approx(7 * 6 * 0.30)
    assert month(1_000_000, USED, replace(STACK, detailed_metrics=False)).dollars["CloudWatch metrics of routes"] == 0


def test_a_run_lasts_its_share_of_a_processor_and_its_waits() -> None:
    assert run_seconds(USE, STACK) == pytest.approx(0.001 / (512 / 1769) + 2 * 0.005 + 0.010)


def test_few_calls_start_cold_and_many_do_not() -> None:
    assert cold_starts(100, STACK) == pytest.approx(100, rel=0.05)
    assert cold_starts(10_000_000, STACK) < 1


def test_snapstart_costs_by_the_month_and_by_the_start() -> None:
    found = SnapStart.of(STACK)
    assert found.cached == pytest.approx(0.5 * MONTH_SECONDS * 0.0000015046)
    assert found.restored == pytest.approx(0.0699, rel=1e-3)


def test_what_is_deployed_is_read_from_the_template() -> None:
    stack = Stack.of_template()
    assert stack.api_functions < stack.functions <= stack.log_groups
    assert stack.alarm_metrics >= stack.alarms > 0
    assert stack.runs["repair"] == 43_200
