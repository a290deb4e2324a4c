"""The business line as news of our conditional orders: it has no snapshot, so REST is asked after every reconnect."""

from __future__ import annotations

from scalpctl.errors import AnswerMalformed
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.wire.algo_reports import algo_report
from scalpctl.okx.wire.operations import OperationReply
from scalpctl.okx.wire.router import Pushed
from scalpctl.ports.exchange import AccountReader
from scalpctl.ports.feeds import AccountSink, AlgosPending

BUSINESS_CHANNELS = ("orders-algo", "algo-advance")


class AlgoFeed:
    """Lives on a business line; gives news to a sink."""

    def __init__(self, reader: AccountReader, sink: AccountSink) -> None:
        """Resync through ``reader``."""
        self._reader = reader
        self._sink = sink
        self.ready = False
        self.malformed = 0

    def pushed(self, push: Pushed) -> None:
        """Take rows; one that cannot be read is counted."""
        if push.arg.channel not in BUSINESS_CHANNELS:
            return
        for row in push.rows:
            try:
                self._sink.account(algo_report(row))
            except AnswerMalformed:
                self.malformed += 1

    def replied(self, reply: OperationReply) -> None:
        """Nothing is ever asked on a business line."""

    def moved(self, phase: Phase) -> None:
        """Remember whether the line is usable."""
        self.ready = phase is Phase.READY

    async def resync(self) -> None:
        """Ask for every conditional order there is."""
        self._sink.account(AlgosPending(await self._reader.algos_pending()))
