"""The Thinkific that a local stack is told to use."""

import pytest

from b2b_cli.errors import CommandError
from b2b_cli.local.upstream import foreign_thinkific, simulated_thinkific, thinkific_rate


@pytest.mark.parametrize("rate", ["0", "-5", "many", "1.5", "1e3", "\u0661\u0660\u0660", " ", "00", "+3", "1_000"])
def test_a_rate_that_is_no_whole_number_is_refused(rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKIFIC_RATE_PER_MINUTE", rate)
    with pytest.raises(CommandError, match="must be a whole number from 1"):
        thinkific_rate()


@pytest.mark.parametrize(("given", "rate"), [("1", "1"), ("6000", "6000"), ("", "100"), (None, "100")])
def test_a_rate_is_taken_from_the_environment(given: str | None, rate: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if given is None:
        monkeypatch.delenv("THINKIFIC_RATE_PER_MINUTE", raising=False)
    else:
        monkeypatch.setenv("THINKIFIC_RATE_PER_MINUTE", given)
    assert thinkific_rate() == rate


def test_the_key_of_a_real_school_is_kept_out_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("THINKIFIC_API_KEY", "real")
    monkeypatch.setenv("THINKIFIC_SUBDOMAIN", "acme")
    real, simulated = foreign_thinkific("https://api.example", "100"), simulated_thinkific(9, "100")
    assert real.environment["THINKIFIC_API_KEY"] == "real"
    assert "THINKIFIC_API_KEY" not in real.without_secrets(real.environment)
    assert "THINKIFIC_API_KEY" in simulated.without_secrets(simulated.environment)
