"""Market values into a desk: prices to the exit rules, candles to the indicators, specifications to the ledger."""

from __future__ import annotations

from decimal import Decimal
from math import log

from scalpctl.core import regime
from scalpctl.core.indicators.study import Study
from scalpctl.core.instants import Instant
from scalpctl.core.instruments import Instrument
from scalpctl.core.market import Candle, FundingRate, MarkPrice, Ticker
from scalpctl.core.money import exact
from scalpctl.core.records.trading import InstrumentSpecified
from scalpctl.core.regime import Regime, RegimeState
from scalpctl.engine import entering, exiting, trading
from scalpctl.engine.context import Context
from scalpctl.engine.desk import ONE_FUNDING_US, Desk, Holding
from scalpctl.engine.effects import ReadCandles
from scalpctl.engine.facts import forget_facts
from scalpctl.engine.plan import BAR, BAR_US, WARM_CANDLES


def ticker(ctx: Context, desk: Desk, seen: Ticker) -> None:
    """Take best bid and ask; the exit rules are asked only where this price could change their answer."""
    before = desk.ticker
    if before is None or seen.bid_text != before.bid_text:
        desk.bid = Decimal(seen.bid_text) if seen.bid_text else None
    if before is None or seen.ask_text != before.ask_text:
        desk.ask = Decimal(seen.ask_text) if seen.ask_text else None
    desk.ticker = seen
    holding = desk.holding
    if holding is not None:
        ask_rules(ctx, desk, holding)
    if desk.execution is not None:
        trading.pursue(ctx, desk)


def mark(ctx: Context, desk: Desk, seen: MarkPrice) -> None:
    """Take the mark price, which protective rules judge."""
    desk.mark = seen
    if desk.holding is not None:
        ask_rules(ctx, desk, desk.holding)


def ask_rules(ctx: Context, desk: Desk, holding: Holding) -> None:
    """Ask the exit chain, unless nothing it could say would differ from what it said last."""
    seen, guard = desk.ticker, desk.mark
    if seen is None:
        return
    price = seen.bid if holding.position.side.sign > 0 else seen.ask
    guarded = guard.price if guard is not None else price
    if holding.watch.needs(price, guarded, ctx.at, seen.exchange_at):
        exiting.evaluate(ctx, desk, holding)
        trading.pursue(ctx, desk)


def candle(ctx: Context, desk: Desk, closed: Candle) -> None:
    """Take a candle the exchange will not change any more; a gap makes the indicators cold until they are read anew."""
    last = desk.last_candle_at
    if closed.bar != BAR or desk.warming or (last is not None and closed.opened_at <= last):
        return
    if last is not None and closed.opened_at - last > BAR_US:
        warm(ctx, desk)
        return
    _study(ctx, desk, closed)
    if desk.holding is not None:
        desk.holding.watch.clear()
        ask_rules(ctx, desk, desk.holding)
    entering.consider(ctx, desk)
    trading.pursue(ctx, desk)


def warm(ctx: Context, desk: Desk) -> None:
    """Have past candles read; until they come nothing is entered."""
    desk.warming = True
    needed = ctx.plan.study(desk.inst_id).bars_needed + 1  # the newest may still be open
    ctx.do(ReadCandles(desk.inst_id, BAR, max(WARM_CANDLES, needed)))


def candles_read(ctx: Context, desk: Desk, past: tuple[Candle, ...] | None) -> None:
    """Warm the indicators with past candles, from cold; none means that they must be asked for again."""
    if past is None:
        desk.warming = True
        return
    desk.study = Study(desk.inst_id, ctx.plan.study(desk.inst_id))
    desk.regime, desk.last_candle_at = RegimeState(), None
    desk.returns.clear()
    for one in past:
        if one.confirmed:
            _study(ctx, desk, one)
    desk.warming = desk.study.reading is None


def funding(ctx: Context, desk: Desk, rate: FundingRate) -> None:
    """Take the funding forecast; a funding time that passes while something is held will be billed."""
    before = desk.funding
    if before is not None and before.funding_at < rate.funding_at and before.funding_at <= ctx.at:
        funding_passed(desk, before.funding_at)
    desk.funding = rate


def funding_passed(desk: Desk, at: Instant) -> None:
    """Wait for the bill of a funding time at which something was held, unless it has come already."""
    holding = desk.holding
    if holding is not None and holding.position.opened_at <= at and at > desk.funding_billed_at + ONE_FUNDING_US:
        desk.funding_due = at


def specified(ctx: Context, instrument: Instrument) -> None:
    """Take an instrument's specification; a new version is a new row, and open positions keep theirs."""
    desk = ctx.desks.get(instrument.inst_id)
    version = ctx.versions.get(instrument.inst_id, (0, None))
    spec = spec_of(instrument)
    if version[1] != spec:
        version = (version[0] + 1, spec)
        ctx.versions[instrument.inst_id] = version
        ctx.record(
            InstrumentSpecified(
                inst_id=instrument.inst_id,
                version=version[0],
                ct_val=exact(instrument.ct_val),
                ct_mult=exact(instrument.ct_mult),
                lot_size=exact(instrument.lot_size),
                min_contracts=exact(instrument.min_contracts),
                tick_size=exact(instrument.tick_size),
                settle_ccy=instrument.settle_ccy,
                leverage_max=exact(instrument.leverage_max),
                state=instrument.state,
                valid_from_at=ctx.at,
            )
        )
    if desk is not None and desk.holding is not None:
        forget_facts(desk.holding)  # what closing costs may be known only now
    if desk is not None:
        if desk.instrument.state != instrument.state:
            _try_again(ctx, desk)
        desk.instrument, desk.version = instrument, version[0]
        if desk.warming:
            warm(ctx, desk)
        return
    rules = ctx.plan.rules(instrument.inst_id, Regime.RANGING)
    study = Study(instrument.inst_id, ctx.plan.study(instrument.inst_id))
    desk = Desk(instrument, version[0], rules, study, traded=instrument.inst_id in ctx.plan.settled.inst_ids)
    ctx.desks[instrument.inst_id] = desk
    warm(ctx, desk)


def _try_again(ctx: Context, desk: Desk) -> None:
    """Let what was refused be tried at once: it may have waited for this."""
    if desk.holding is not None:
        desk.holding.retry_at = ctx.at
    if desk.execution is not None:
        desk.execution.resume_at = ctx.at


def spec_of(instrument: Instrument) -> tuple[str, ...]:
    """Give what makes two specifications different."""
    return (
        exact(instrument.ct_val),
        exact(instrument.ct_mult),
        exact(instrument.lot_size),
        exact(instrument.min_contracts),
        exact(instrument.tick_size),
        instrument.settle_ccy,
        exact(instrument.leverage_max),
        instrument.state,
    )


def _study(ctx: Context, desk: Desk, closed: Candle) -> None:
    """Fold one closed candle into indicators and regime."""
    closed_at = Instant(closed.opened_at + BAR_US)
    before = desk.study.reading.close if desk.study.reading is not None else None
    reading = desk.study.on_candle(closed, closed_at)
    desk.last_candle_at = closed.opened_at
    if reading is None:
        return
    if before is not None and before > 0:
        desk.returns.append(log(reading.close / before))
    held = desk.regime.regime
    desk.regime = regime.advance(desk.regime, reading.regime_inputs(), closed_at, ctx.plan.regime(desk.inst_id))
    if desk.regime.regime is not held:
        desk.rules = ctx.plan.rules(desk.inst_id, desk.regime.regime)
        if desk.holding is not None:
            desk.holding.watch.clear()
