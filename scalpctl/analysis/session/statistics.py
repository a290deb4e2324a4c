"""What many trades say together: means and their uncertainty, streaks, drawdown. Money is exact, shares are rounded."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any

from scalpctl.analysis.session.trades import Trade
from scalpctl.core.money import ZERO, add

RESAMPLES = 2_000
FEW = 30
"""Fewer trades than this cannot tell skill from luck, and the report says so."""


def performance(trades: Sequence[Trade]) -> dict[str, Any]:
    """Give win rate, averages, profit factor, expectancy with its interval, and whether it is viable after costs."""
    wins, losses = [one.net for one in trades if one.won], [one.net for one in trades if not one.won]
    won, lost = add(*wins, ZERO), add(*losses, ZERO)
    low, high = interval([one.net for one in trades])
    rate = _share(len(wins), len(trades))
    average_win, average_loss = _mean(wins), _mean(losses)
    return {
        "trades": len(trades),
        "wins": len(wins),
        "losses": len(losses),
        "win_rate": rate,
        "average_win": _money(average_win),
        "average_loss": _money(average_loss),
        "profit_factor": None if not lost else f"{won / -lost:.3f}",
        "payoff": None if not average_win or not average_loss else f"{average_win / -average_loss:.3f}",
        "expectancy": _money(_mean([one.net for one in trades])),
        "expectancy_low": _money(low),
        "expectancy_high": _money(high),
        "gross_won_net_lost": sum(1 for one in trades if one.gross > 0 and one.net <= 0),
        "fees_share_of_gross": _fees_share(trades),
        "break_even_win_rate": _break_even(average_win, average_loss),
        "viable": _viable(low, high, len(trades)),
        "few": len(trades) < FEW,
    }


def _fees_share(trades: Sequence[Trade]) -> str | None:
    gross = add(*(one.gross for one in trades), ZERO)
    fees = add(*(one.fees for one in trades), ZERO)
    return f"{fees / gross:.4f}" if gross > 0 else None


def _break_even(average_win: Decimal | None, average_loss: Decimal | None) -> str | None:
    if not average_win or average_loss is None:
        return None
    return f"{-average_loss / (average_win - average_loss):.4f}"


def _viable(low: Decimal | None, high: Decimal | None, count: int) -> str:
    if low is None or high is None or count < FEW:
        return "cannot be told: too few trades"
    if low > 0:
        return "yes: the whole interval of the expectancy is above zero"
    return "no: the whole interval is below zero" if high < 0 else "cannot be told: the interval contains zero"


def interval(values: Sequence[Decimal], level: float = 0.95) -> tuple[Decimal | None, Decimal | None]:
    """Give the bootstrap interval of a mean; the same values always give the same interval."""
    if len(values) < 2:
        return None, None
    floats, dice = [float(value) for value in values], Random(len(values))
    size = len(floats)
    rounds = max(200, min(RESAMPLES, 2_000_000 // size))
    means = sorted(sum(dice.choices(floats, k=size)) / size for _ in range(rounds))
    cut = int(rounds * (1 - level) / 2)
    return Decimal(repr(means[cut])), Decimal(repr(means[rounds - 1 - cut]))


def streaks(trades: Sequence[Trade]) -> dict[str, Any]:
    """Give the longest runs of wins and of losses, and how the last one stands."""
    best = worst = run = 0
    for one in trades:
        run = (run + 1 if run > 0 else 1) if one.won else (run - 1 if run < 0 else -1)
        best, worst = max(best, run), min(worst, run)
    return {"longest_winning": best, "longest_losing": -worst, "last": run}


def drawdown(trades: Sequence[Trade]) -> dict[str, Any]:
    """Give the deepest fall of the running result, from which trade to which, and how long it lay under water."""
    peak = result = deepest = ZERO
    peak_at = fell_at = under = since = 0
    peak_id = low_id = from_id = ""
    for one in trades:
        result = add(result, one.net)
        if result >= peak:
            under += one.closed_at - since if since else 0
            peak, peak_id, peak_at, since = result, one.position_id, one.closed_at, 0
        else:
            since = since or one.closed_at
            if add(peak, -result) > deepest:
                deepest, low_id, from_id, fell_at = (
                    add(peak, -result),
                    one.position_id,
                    peak_id,
                    one.closed_at - peak_at,
                )
    if since and trades:
        under += trades[-1].closed_at - since
    return {
        "deepest": _money(deepest),
        "from": from_id,
        "to": low_id,
        "lasted_s": fell_at // 1_000_000 if from_id else None,
        "under_water_s": under // 1_000_000,
    }


def equity(trades: Sequence[Trade]) -> list[list[Any]]:
    """Give the running result after each trade, with its instant and its trade."""
    running, curve = ZERO, list[list[Any]]()
    for one in trades:
        running = add(running, one.net)
        curve.append([one.closed_at, format(running, "f"), one.position_id])
    return curve


def _mean(values: Sequence[Decimal]) -> Decimal | None:
    return add(*values, ZERO) / len(values) if values else None


def _money(value: Decimal | None) -> str | None:
    """Spell an amount: exact where it is short, a mean to eight decimals."""
    if value is None:
        return None
    text = format(value, "f")
    return text if len(text.partition(".")[2]) <= 12 else f"{value:.8f}"


def _share(part: int, whole: int) -> str | None:
    return f"{part / whole:.4f}" if whole else None
