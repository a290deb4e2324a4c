"""One line and an exit code for how an engine is: what it says of itself, judged for cron and supervisors."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from scalpctl.core.instants import MICROS_PER_SECOND

OK, WARNING, CRITICAL, UNKNOWN = 0, 1, 2, 3
PRICE_AGE_S_MAX, CANDLE_AGE_S_MAX = 60, 180
"""How long nothing may be heard of an instrument: marks go on in the quietest night, a candle closes every minute."""
COVERED = ("protected", "replacing", "asking_new", "removing_old")


def judge(status: dict[str, Any] | None) -> tuple[int, str]:
    """Give the exit code and the line; an engine that lives and hears nothing is not fine."""
    if status is None:
        return UNKNOWN, "UNKNOWN no engine is running"
    facts = f"{len(status['positions'])} open, equity {status['equity']}"
    bare = [one["instrument"] for one in status["positions"] if one["protection"] not in COVERED]
    held = {one["instrument"] for one in status["positions"]}
    unheard = dict(_unheard(status, held))
    if bare:
        return CRITICAL, f"CRITICAL without a stop: {', '.join(bare)}; {facts}"
    if held & set(unheard):
        return CRITICAL, f"CRITICAL what is held is not heard of: {_listed(unheard, held)}; {facts}"
    why = list(_held_back(status))
    if why:
        return WARNING, f"WARNING entries are held back: {', '.join(why)}; {facts}"
    if unheard:
        return WARNING, f"WARNING nothing is heard of some: {_listed(unheard, set(unheard))}; {facts}"
    return OK, f"OK {facts}"


def _held_back(status: dict[str, Any]) -> Iterator[str]:
    yield from (latch["limit"] for latch in status["latches"])
    if not status["usable"]:
        yield "the private line is down"
    elif not status["recovered"]:
        yield "the account is still being read"
    cold = [one["instrument"] for one in status["instruments"] if one["traded"] and one["live"] and not one["warm"]]
    if cold:
        yield f"candles of {', '.join(cold)} are being read"


def _unheard(status: dict[str, Any], held: set[str]) -> Iterator[tuple[str, str]]:
    """Give the instruments nothing is heard of, each with what and for how long."""
    for one in status["instruments"]:
        if not one["live"] or not (one["traded"] or one["instrument"] in held):
            continue
        price_s = _age_s(status["at"], max(one["ticker_at"] or 0, one["mark_at"] or 0))
        candle_s = _age_s(status["at"], one["candle_at"] or 0)
        if price_s > PRICE_AGE_S_MAX:
            yield one["instrument"], _since("no price", price_s)
        elif one["warm"] and candle_s > CANDLE_AGE_S_MAX:
            yield one["instrument"], _since("no candle", candle_s)


def _age_s(now: int, at: int) -> float:
    return (now - at) / MICROS_PER_SECOND if at else float("inf")


def _since(what: str, age_s: float) -> str:
    return f"{what} yet" if age_s == float("inf") else f"{what} for {age_s:.0f} s"


def _listed(unheard: dict[str, str], wanted: set[str]) -> str:
    return ", ".join(f"{name} ({what})" for name, what in unheard.items() if name in wanted)
