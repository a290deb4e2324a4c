"""The machine: one event in, the records and effects it means out. It does no I/O, reads no clock and never waits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scalpctl.core.causes import Cause
from scalpctl.core.evidence import Evidence
from scalpctl.core.exchange.notices import LiquidationNear, MoneyMoved
from scalpctl.core.exchange.reports import (
    AlgoReport,
    BalanceReport,
    FillReport,
    FlatReport,
    OrderReport,
    PositionReport,
)
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.market import Book, Candle, FundingRate, MarkPrice, PriceLimit, Ticker, Trade
from scalpctl.core.money import exact
from scalpctl.core.names import Names
from scalpctl.core.records.money import DriftDetected
from scalpctl.core.records.positions import MarginChecked
from scalpctl.core.records.sessions import ConnectionNoted, SessionEnded, SessionStarted
from scalpctl.engine import (
    account,
    announcements,
    billing,
    booking,
    closures,
    commands,
    entering,
    events,
    guarding,
    hands,
    heartbeats,
    markets,
    ordering,
    recovering,
    releasing,
    rounds,
    setup,
    trading,
    unplaced,
)
from scalpctl.engine.context import Context, Step
from scalpctl.engine.desk import Desk, Holding
from scalpctl.engine.memory import Remembered, recall
from scalpctl.engine.plan import Plan
from scalpctl.engine.unplaced import APPEARED
from scalpctl.ports.feeds import AlgosPending, FillConflict, PositionsSnapshot, Resync


class Machine:
    """The engine's whole judgement over one session."""

    def __init__(self, plan: Plan, session_id: str, remembered: Remembered | None = None) -> None:
        """Begin with what the ledger remembers; nothing is traded before the exchange has confirmed it."""
        self.context = Context(plan, Names(session_id))
        if remembered is not None:
            recall(self.context, remembered)
        self._handlers: dict[type[Any], Callable[[Any], None]] = {
            Ticker: self._ticker,
            MarkPrice: self._mark,
            Candle: self._candle,
            FundingRate: self._funding,
            PriceLimit: self._price_limit,
            Instrument: self._instrument,
            Book: _ignored,
            Trade: _ignored,
            FillReport: self._fill,
            OrderReport: self._order,
            PositionReport: self._position,
            FlatReport: self._flat,
            AlgoReport: self._algo,
            BalanceReport: self._balance,
            MoneyMoved: lambda moved: entering.money_moved(self.context, moved),
            LiquidationNear: self._liquidation_near,
            Resync: self._resync,
            PositionsSnapshot: self._positions,
            AlgosPending: self._algos_pending,
            FillConflict: self._conflict,
            events.Placed: self._placed,
            events.Cancelled: self._cancelled,
            events.AlgoAnswered: self._algo_answered,
            events.LeverageAnswered: self._leverage_answered,
            events.Resolved: self._resolved,
            events.Evidence: self._evidence,
            events.BillsRead: self._bills_read,
            events.FillsRead: self._fills_read,
            events.PositionsRead: self._positions,
            events.AlgosRead: lambda read: recovering.swept(self.context, read.algos),
            events.CandlesRead: self._candles_read,
            events.Specified: self._specified,
            events.Announced: lambda announced: announcements.heard(self.context, announced),
            events.SetupRead: lambda read: setup.heard(self.context, read),
            events.LeveragesRead: lambda read: entering.leverages_read(self.context, read),
            events.Usable: self._usable,
            events.LineHeard: self._line_heard,
            events.Timer: lambda _: rounds.second(self.context),
            events.Felt: self._felt,
            events.Ordered: self._ordered,
            events.Begun: self._begun,
            events.Ending: self._ending,
            events.Ended: self._ended,
        }

    def handle(self, event: Any, at: Instant) -> Step:
        """Take one event that happened at an instant; the same events give the same steps, always."""
        context = self.context
        context.at = at
        context.step = step = Step()
        self._handlers[type(event)](event)
        return step

    # --- the market -------------------------------------------------------------------------------------------------

    def _ticker(self, ticker: Ticker) -> None:
        desk = self.context.desks.get(ticker.inst_id)
        if desk is not None:
            markets.ticker(self.context, desk, ticker)

    def _mark(self, mark: MarkPrice) -> None:
        desk = self.context.desks.get(mark.inst_id)
        if desk is not None:
            markets.mark(self.context, desk, mark)

    def _candle(self, candle: Candle) -> None:
        desk = self.context.desks.get(candle.inst_id)
        if desk is not None and candle.confirmed:
            markets.candle(self.context, desk, candle)

    def _candles_read(self, read: events.CandlesRead) -> None:
        desk = self.context.desks.get(read.inst_id)
        if desk is not None:
            markets.candles_read(self.context, desk, read.candles)

    def _funding(self, rate: FundingRate) -> None:
        desk = self.context.desks.get(rate.inst_id)
        if desk is not None:
            markets.funding(self.context, desk, rate)

    def _price_limit(self, limit: PriceLimit) -> None:
        desk = self.context.desks.get(limit.inst_id)
        if desk is not None:
            desk.limit = limit

    def _instrument(self, instrument: Instrument) -> None:
        if instrument.inst_id in self.context.desks:
            markets.specified(self.context, instrument)

    def _specified(self, specified: events.Specified) -> None:
        self.context.account.fees = specified.fees
        announcements.listed(self.context, specified.instruments)

    # --- our orders and positions -----------------------------------------------------------------------------------

    def _fill(self, report: FillReport) -> None:
        desk = self.context.desks.get(report.inst_id)
        if desk is not None and booking.heard(self.context, desk, report):
            booking.place(self.context, desk)
            trading.pursue(self.context, desk)

    def _fills_read(self, read: events.FillsRead) -> None:
        desks = self.context.desks
        for report in booking.in_order(desks.values(), read.fills or ()):
            desk = desks.get(report.inst_id)
            if desk is not None and booking.filled(self.context, desk, report):
                trading.pursue(self.context, desk)
        billing.match_waiting(self.context)

    def _order(self, report: OrderReport) -> None:
        known = self.context.orders.get(report.client_id)
        if known is not None:
            desk, working = known
            ordering.reported(self.context, working, report)
            trading.pursue(self.context, desk)
        elif (holding := self._guarded_by(report.algo_client_id)) is not None:
            guarding.executed(self.context, holding, report)
            trading.pursue(self.context, self.context.desks[report.inst_id])

    def _placed(self, answer: events.Placed) -> None:
        desk, working = self.context.orders[answer.client_id]
        ordering.placed(self.context, desk, working, answer)
        trading.pursue(self.context, desk)

    def _cancelled(self, answer: events.Cancelled) -> None:
        known = self.context.orders.get(answer.client_id)
        if known is not None:
            desk, working = known
            ordering.cancelled(self.context, desk, working, answer.outcome)
            trading.pursue(self.context, desk)

    def _resolved(self, found: events.Resolved) -> None:
        if found.is_algo:
            holding = self._guarded_by(found.client_id)
            if holding is None:
                releasing.resolved(self.context, found.client_id, found.resolution)
                return
            guarding.resolved(self.context, holding, found.client_id, found.resolution)
            trading.pursue(self.context, self.context.desks[holding.position.instrument.inst_id])
            return
        known = self.context.orders.get(found.client_id)
        if known is None:
            return
        desk, working = known
        for fill in getattr(found.resolution, "fills", ()):
            booking.filled(self.context, desk, fill)
        ordering.resolved(self.context, desk, working, found.resolution)
        trading.pursue(self.context, desk)

    def _algo_answered(self, answer: events.AlgoAnswered) -> None:
        holding = self._guarded_by(answer.client_id)
        if holding is None:
            releasing.answered(self.context, answer)
        else:
            desk = self.context.desks[holding.position.instrument.inst_id]
            guarding.answered(self.context, desk, holding, answer)
            trading.pursue(self.context, desk)

    def _algo(self, report: AlgoReport) -> None:
        holding = self._guarded_by(report.client_id)
        if holding is None:
            recovering.algo(self.context, report)
        else:
            guarding.reported(self.context, holding, report)
            trading.pursue(self.context, self.context.desks[report.inst_id])

    def _algos_pending(self, pending: AlgosPending) -> None:
        recovering.algos(self.context, pending.algos)

    def _guarded_by(self, client_id: str) -> Holding | None:
        for desk in self.context.desks.values():
            if desk.holding is not None and desk.holding.guard.knows(client_id):
                return desk.holding
        return None

    def _leverage_answered(self, answer: events.LeverageAnswered) -> None:
        desk = self.context.desks[answer.inst_id]
        entering.leverage_answered(self.context, desk, answer.leverage, answer.outcome)
        trading.pursue(self.context, desk)

    # --- the account ------------------------------------------------------------------------------------------------

    def _balance(self, report: BalanceReport) -> None:
        account.balance(self.context, report)

    def _position(self, report: PositionReport) -> None:
        account.position(self.context, report)

    def _flat(self, report: FlatReport) -> None:
        account.flat(self.context, report)

    def _positions(self, read: PositionsSnapshot | events.PositionsRead) -> None:
        if read.positions is None:
            return
        account.positions(self.context, read.positions)
        recovering.compare(self.context)
        self._after_positions()

    def _after_positions(self) -> None:
        for desk in self.context.desks.values():
            trading.checked(self.context, desk)

    def _resync(self, heard: Resync) -> None:
        recovering.resync(self.context, heard)
        self._after_positions()
        for desk in self.context.desks.values():
            trading.pursue(self.context, desk)

    def _bills_read(self, read: events.BillsRead) -> None:
        if read.bills is not None:
            billing.bills(self.context, read.bills)

    def _evidence(self, found: events.Evidence) -> None:
        if found.position_id.startswith(hands.HANDS):
            hands.evidence(self.context, found)
            return
        desk = self._desk_of(found)
        if desk is None:
            return
        since = unplaced.sought_since(desk)
        for fill in booking.in_order([desk], found.fills or ()):
            booking.filled(self.context, desk, fill, sought=since is not None and fill.filled_at >= since)
        billing.bills(self.context, found.bills or ())
        if found.position_id.startswith(APPEARED):
            recovering.looked_for(self.context, desk)
            unplaced.sought(self.context, desk, found)
        else:
            closures.evidence(self.context, desk, found)
        trading.pursue(self.context, desk)

    def _desk_of(self, found: events.Evidence) -> Desk | None:
        if found.position_id.startswith(APPEARED):
            return self.context.desks.get(found.position_id.removeprefix(APPEARED))
        for desk in self.context.desks.values():
            if any(leaving.holding.position_id == found.position_id for leaving in desk.leaving):
                return desk
        return None

    def _conflict(self, conflict: FillConflict) -> None:
        first, second = conflict.first, conflict.second
        self.context.record(
            DriftDetected(
                drift_id=self.context.names.thing("drift"), session_id=self.context.session_id,
                kind="fill_conflict", inst_id=first.inst_id, position_id=None,
                ours={"trade_id": first.trade_id, "price": exact(first.price), "contracts": exact(first.contracts)},
                theirs={
                    "trade_id": second.trade_id, "price": exact(second.price), "contracts": exact(second.contracts),
                },
                detected_at=self.context.at, action="the first copy stands; a person must look",
            )
        )  # fmt: skip

    def _liquidation_near(self, warning: LiquidationNear) -> None:
        desk = self.context.desks.get(warning.inst_id)
        holding = desk.holding if desk is not None else None
        self.context.record(
            MarginChecked(
                session_id=self.context.session_id,
                position_id=holding.position_id if holding is not None else None,
                inst_id=warning.inst_id,
                at=warning.at,
                margin_ratio=None if warning.margin_ratio is None else exact(warning.margin_ratio),
                margin_ratio_recomputed=None,
                liquidation_price=None,
                mark_price=None,
                imr=None,
                mmr=None,
                trusted=True,
                why="the exchange warns of liquidation",
                components=[],
            )
        )
        if desk is not None and holding is not None and self.context.plan.safety.guards(holding.origin):
            shown = Evidence.of("exchange", warning="liquidation", margin_ratio=warning.margin_ratio)
            trading.close(self.context, desk, Cause.MARGIN_SAFETY, shown)

    # --- the session ------------------------------------------------------------------------------------------------

    def _usable(self, usable: events.Usable) -> None:
        self.context.usable = usable.ready
        if usable.ready:
            entering.read_leverage(self.context)
        elif self.context.recovered:  # nobody hears what is set meanwhile
            entering.doubt_leverage(self.context)

    def _line_heard(self, heard: events.LineHeard) -> None:
        event = heard.event
        detail: dict[str, Any] = {"detail": event.detail} | dict(event.figures)
        noted = ConnectionNoted(
            session_id=self.context.session_id,
            at=event.at,
            connection=event.line,
            event=event.fact.value,
            detail=detail,
        )
        self.context.record(noted)

    def _felt(self, felt: events.Felt) -> None:
        heartbeats.felt(self.context, felt)

    def _ordered(self, command: events.Ordered) -> None:
        commands.ordered(self.context, command)
        for desk in self.context.desks.values():
            trading.pursue(self.context, desk)

    def _begun(self, begun: events.Begun) -> None:
        hands.ask_now(self.context)
        for desk in self.context.desks.values():
            if desk.holding is not None:  # what an earlier session left is naked from now on, not since then
                desk.holding.guard.since = self.context.at
        self.context.record(
            SessionStarted(session_id=self.context.session_id, started_at=self.context.at, **begun.facts)
        )
        rounds.begin(self.context)

    def _ending(self, ending: events.Ending) -> None:
        rounds.end(self.context, ending.reason, flatten=ending.flatten)

    def _ended(self, ended: events.Ended) -> None:
        self.context.record(
            SessionEnded(
                session_id=self.context.session_id,
                ended_at=self.context.at,
                end_kind=ended.kind,
                end_reason=ended.reason,
            )
        )


def _ignored(_event: Any) -> None:
    """What is heard for the tape only."""
