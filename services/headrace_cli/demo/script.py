"""What the bots of the demo do."""

from collections.abc import Sequence
from dataclasses import dataclass

from headrace.contracts import Contract
from headrace_cli.demo.stage import BACKLOG_RECORDS, Stage


@dataclass(frozen=True, slots=True)
class Script:
    """What the bots do.

    Attributes:
        contracts: of the tables they fill.
        events: valid events to emit.
        rate: events a second.
        seed: of the market.
    """

    contracts: Sequence[Contract]
    events: int
    rate: float
    seed: int

    def bot_arguments(self, stage: Stage) -> list[str]:
        """Of the command that runs them."""
        arguments = ["simulate", "--events", str(self.events), "--rate", str(self.rate), "--seed", str(self.seed)]
        arguments += ["--backlog-limit", str(BACKLOG_RECORDS), "--yes", "--json"]
        return [*arguments, "--ledger", str(stage.ledger)] if stage.broker == "embedded" else arguments
