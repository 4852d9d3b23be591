"""The simulated school: what the operations work on."""

from dataclasses import dataclass, field

from b2b_cli.simulator.clock import Clock
from b2b_cli.simulator.faults import FaultSchedule
from b2b_cli.simulator.limits import PointsWindow, RateWindow
from b2b_cli.simulator.store import Store
from b2b_cli.simulator.switches import Switches


@dataclass(slots=True)
class Site:
    """Everything that outlives a call: in the file (`store`), or for as long as the process runs (the rest)."""

    store: Store
    clock: Clock
    switches: Switches
    faults: FaultSchedule
    subdomain: str = ""
    window: RateWindow = field(default_factory=RateWindow)
    points: PointsWindow = field(default_factory=PointsWindow)
    in_flight: int = 0
