import pytest
from tests.unit.clock import Clock
from tests.unit.thinkific.wire import Wire


@pytest.fixture
def wire(clock: Clock) -> Wire:
    return Wire(clock)
