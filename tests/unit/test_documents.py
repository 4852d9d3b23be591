"""What the documents for operators say of the template."""

import re
from fnmatch import fnmatchcase

import pytest
from tests.functions import of_kind
from tests.rights import RESOURCES, SECURITY, table, written

OPERATIONS = (SECURITY.with_name("operations.md")).read_text(encoding="utf-8")
ALARMS = [name for name, found in RESOURCES.items() if found["Type"] == "AWS::CloudWatch::Alarm"]
# `...ErrorsAlarm` is that of every function.
TOLD = [name.replace("...", "?*") for name in re.findall(r"`(\S*Alarm)`", OPERATIONS)]


def test_the_table_of_rights_is_the_templates() -> None:
    assert written() == table(), "run `python -m tests.rights` and look at the difference"


@pytest.mark.parametrize("name", ALARMS)
def test_an_operator_is_told_what_to_do_about_an_alarm(name: str) -> None:
    assert [told for told in TOLD if fnmatchcase(name, told)]


def test_an_operator_is_told_of_no_alarm_that_does_not_exist() -> None:
    assert [told for told in TOLD if not any(fnmatchcase(name, told) for name in ALARMS)] == []


@pytest.mark.parametrize("name", of_kind("schedules"))
def test_an_operator_is_told_what_a_schedule_does(name: str) -> None:
    assert f"\n| `{name.removeprefix('schedules.')}`, " in OPERATIONS
