"""Where a budget keeps its state, in memory."""

from b2b.domain.work.budget import BudgetState


class Ledger:
    """Compare-and-set, as the item of the table does it."""

    def __init__(self) -> None:
        self.state = BudgetState()
        self.reads = 0

    def read(self) -> BudgetState:
        self.reads += 1
        return self.state

    def replace(self, state: BudgetState) -> BudgetState | None:
        if state.version != self.state.version + 1:
            return self.state
        self.state = state
        return None
