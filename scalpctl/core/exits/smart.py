"""Smart exit: RSI or MACD reversal on closed candles closes; as long as both hold, softer exits wait a stated time."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from msgspec.structs import replace

from scalpctl.core.causes import Cause
from scalpctl.core.exits.bands import NOWHERE, Band
from scalpctl.core.exits.state import ChainState
from scalpctl.core.exits.verdicts import Kind, Verdict, Why, net_below
from scalpctl.core.exits.view import View
from scalpctl.core.indicators.study import Reading
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.core.money import ZERO
from scalpctl.core.parameters import Move, Parameters, of_price, setting
from scalpctl.core.sides import Side

HUNDRED = 100.0


@dataclass(frozen=True, slots=True)
class SmartExitParameters(Parameters):
    """When closed candles count as a reversal, written for a long; a short mirrors them at 50."""

    rsi_overheated: float = setting(
        70.0, "RSI above which a long closes (short: below 100 minus it)", low=55.0, high=99.0
    )
    rsi_middle: float = setting(
        50.0, "RSI below which a long holds on (short: above 100 minus it)", low=20.0, high=80.0
    )
    confirm_bars: int = setting(1, "closed candles in a row that must show the reversal", low=1, high=10)
    min_hold_s: int = setting(30, "seconds a position is left alone", low=0, high=3600)
    profit_move: Move = setting(
        of_price("0.0005"), "profit after costs below which a reversal does not close", low=ZERO, high=Decimal("0.1")
    )
    veto_s: int = setting(60, "seconds holding on may suppress softer exits", low=0, high=1800)

    def __post_init__(self) -> None:
        """Refuse an overheated level inside the holding zone."""
        self.check_bounds()
        if self.rsi_middle >= self.rsi_overheated:
            raise self.impossible("rsi_middle is not below rsi_overheated", "usual values are 50 and 70")


@dataclass(frozen=True, slots=True)
class SmartExit:
    """Closes in profit on a confirmed reversal; holding on vetoes harvest, drawdown, target and partial takes."""

    parameters: SmartExitParameters
    cause = Cause.SMART_EXIT
    vetoable = False

    def reverses(self, reading: Reading, side: Side) -> bool:
        """Tell whether the last closed candle speaks against the side."""
        limits = self.parameters
        rsi = reading.rsi if side is Side.LONG else HUNDRED - reading.rsi
        if rsi > limits.rsi_overheated:
            return True
        if rsi < limits.rsi_middle:
            return False
        against = (reading.macd_line - reading.macd_signal) * side.sign
        return against < 0

    def advance(self, view: View, state: ChainState) -> ChainState:
        """Count reversal candles, and remember since when the smart exit holds on."""
        reading = view.reading
        if reading is None or reading.revision == state.revision:
            return state
        if self.reverses(reading, view.facts.side):
            return replace(state, revision=reading.revision, reversal_bars=state.reversal_bars + 1, veto_since=None)
        since = view.at if state.veto_since is None else state.veto_since
        return replace(state, revision=reading.revision, reversal_bars=0, veto_since=since)

    def judge(self, view: View, state: ChainState) -> Verdict:
        """Close on a confirmed reversal in profit; otherwise hold, and veto softer exits while holding on."""
        if view.reading is None:
            return Verdict(self.cause, Kind.HOLD, Why.NO_READING, unit="index", input="rsi")
        if state.reversal_bars == 0:
            return self._hold_on(view, state)
        return self._reversal(view, state)

    def _reversal(self, view: View, state: ChainState) -> Verdict:
        """Close if the reversal is confirmed and in profit."""
        limits = self.parameters
        profit = view.facts.amount(limits.profit_move)
        if view.net is None:
            return Verdict(self.cause, Kind.HOLD, Why.NO_PRICE, None, profit, band=NOWHERE)
        if view.net < profit:
            band = net_below(view, profit)
            return Verdict(self.cause, Kind.HOLD, Why.NOT_PROFITABLE, view.net, profit, band=band)
        if state.reversal_bars < limits.confirm_bars:
            return Verdict(self.cause, Kind.HOLD, Why.CONFIRMING, Decimal(state.reversal_bars), unit="bars")
        if view.held_us < limits.min_hold_s * MICROS_PER_SECOND:
            return Verdict(self.cause, Kind.HOLD, Why.MIN_HOLD, view.net, profit, band=NOWHERE)
        return Verdict(self.cause, Kind.CLOSE, Why.REACHED, view.net, profit, input="rsi", band=NOWHERE)

    def _hold_on(self, view: View, state: ChainState) -> Verdict:
        since = view.at if state.veto_since is None else state.veto_since
        until = since + self.parameters.veto_s * MICROS_PER_SECOND
        if view.at >= until:
            return Verdict(self.cause, Kind.HOLD, Why.VETO_LAPSED, unit="seconds", input="rsi")
        return Verdict(
            self.cause, Kind.VETO, Why.HOLDING_ON, unit="seconds", input="rsi", until=until, band=Band(until=until)
        )
