"""Write docs/decisions.md and docs/diagrams.md from the code, so that they cannot drift away from it.

``python scripts/generate_docs.py`` writes both; a test compares them with what the code says.
"""

from __future__ import annotations

import sys
from dataclasses import fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from scalpctl.core.causes import PROTECTIVE, Cause
from scalpctl.core.closing import CLOSING
from scalpctl.core.costs import CostParameters
from scalpctl.core.drift import DriftParameters
from scalpctl.core.exits import drawdown, harvest, holding, partial, protective, smart, targets, trailing
from scalpctl.core.exits.catalogue import DEFAULT_ORDER, RULES
from scalpctl.core.exits.partial import Step
from scalpctl.core.exits.view import PriceParameters
from scalpctl.core.gates.market import MarketParameters
from scalpctl.core.gates.state import ReentryParameters
from scalpctl.core.gates.verdicts import Skip
from scalpctl.core.indicators.study import StudyParameters
from scalpctl.core.leverage import LeverageParameters
from scalpctl.core.limits import LATCHES, LimitParameters
from scalpctl.core.maker import MAKER, MakerParameters
from scalpctl.core.margin import MarginParameters
from scalpctl.core.orders import ORDERS
from scalpctl.core.parameters import PRICE_SHARE, Move, Parameters
from scalpctl.core.protection import PROTECTION, ProtectionParameters
from scalpctl.core.regime import RegimeParameters
from scalpctl.core.signals.choice import ChoiceParameters
from scalpctl.core.signals.rules import SignalKind, SignalParameters
from scalpctl.core.sizing import Profile, SizingParameters
from scalpctl.settings.loading import load
from scalpctl.settings.strategy import GROUPS, SET_IN_LIMITS

DOCS = Path(__file__).parent.parent / "docs"
NOTICE = "<!-- Written by scripts/generate_docs.py from the code. Change the code, then run it again. -->"

MODULES: dict[Cause, Any] = {
    Cause.STOP_LOSS: targets,
    Cause.TAKE_PROFIT: targets,
    Cause.LOSS_CUT: protective,
    Cause.EMERGENCY: protective,
    Cause.SMART_EXIT: smart,
    Cause.PROFIT_HARVEST: harvest,
    Cause.PROFIT_DRAWDOWN: drawdown,
    Cause.PARTIAL_TAKE: partial,
    Cause.TRAILING_STOP: trailing,
    Cause.HOLDING_LIMIT: holding,
}

REST: tuple[tuple[str, str, tuple[type[Parameters], ...]], ...] = (
    ("Prices and their age", "Older inputs are not believed; unknown never counts as good.", (PriceParameters,)),
    ("Indicators", "Fed with closed candles only; silent until all of them are warm.", (StudyParameters,)),
    ("Regime", "Trending, ranging or choppy, with hysteresis, confirmations and a minimum dwell.", (RegimeParameters,)),
    ("Signals", "Strengths in [0, 1], measured in ATRs or index points, so they mean the same on every coin.",
     (SignalParameters, ChoiceParameters)),
    ("Gates", "Everything that must be true before an entry; an unknown value never passes.",
     (ReentryParameters, MarketParameters, CostParameters)),
    ("Sizing", "A base from the balance, shaped by signal and volatility, under every cap, in whole lots.",
     (SizingParameters, Profile)),
    ("Leverage", "strength x regime x volatility, clipped to [0, 1], gives a category; the smallest ceiling wins.",
     (LeverageParameters,)),
    ("Margin safety", "The exchange's own figures, cross-checked; untrusted is neither safe nor a close.",
     (MarginParameters,)),
    ("Maker-first execution", "Post at our own side, wait, re-quote; an entry is given up, an exit may take.",
     (MakerParameters,)),
    ("Protection", "A stop kept at the exchange, confirmed, replaced new before old.", (ProtectionParameters,)),
    ("Limits", "Latches block entries, never exits, and survive restarts.", (LimitParameters,)),
    ("Drift", "A difference is believed after several reads, some time apart.", (DriftParameters,)),
)  # fmt: skip

UNITS = (
    ("_ratio", "share of one"), ("_bps", "basis points of the price"), ("_s", "seconds"), ("_usd", "quote currency"),
    ("_usd_min", "quote currency"), ("_usd_max", "quote currency"), ("_usd_size", "quote currency"),
    ("_bars", "closed candles"), ("_rate", "share of the value"), ("_atr", "ATRs"), ("_multiple", "factor"),
    ("_adx", "index points"), ("_adx_min", "index points"), ("_adx_max", "index points"),
)  # fmt: skip


def unit_of(name: str, value: Any) -> str:
    """Name the unit of a parameter, from its value or its name."""
    if isinstance(value, Move):
        return "of_margin or of_price"
    if isinstance(value, StrEnum):
        return "choice"
    found = [unit for ending, unit in UNITS if name.endswith(ending)]
    return found[-1] if found else ("count" if isinstance(value, int) else "number")


def shown(value: Any) -> str:
    """Spell a default."""
    if isinstance(value, tuple):
        return f"{len(value)} of them"
    return str(value)


def set_in_limits(kind: type[Parameters]) -> dict[str, str]:
    """Give which parameters of one dataclass have their value from the section ``limits``, and under which name."""
    return {name: ceiling for (group, name), ceiling in SET_IN_LIMITS.items() if GROUPS[group] is kind}


def table(kind: type[Parameters]) -> list[str]:
    """Give the parameters of one dataclass as a table."""
    ceilings, limits = set_in_limits(kind), load(None, {}, {}).settings.limits
    rows = [f"`{kind.__name__}`: {(kind.__doc__ or '').strip()}", ""]
    rows += ["| parameter | default | from | to | unit | meaning |", "|---|---|---|---|---|---|"]
    for spec in fields(kind):  # type: ignore[arg-type]
        meta, value, meaning = spec.metadata, spec.default, spec.metadata["meaning"]
        if spec.name in ceilings:
            value = getattr(limits, ceilings[spec.name])
            meaning += f" (set as `limits.{ceilings[spec.name]}`)"
        low, high = ("", "") if meta["low"] is None else (shown(meta["low"]), shown(meta["high"]))
        unit = unit_of(spec.name, value)
        rows.append(f"| `{spec.name}` | {shown(value)} | {low} | {high} | {unit} | {meaning} |")
    return [*rows, ""]


def rules() -> list[str]:
    """Explain every exit rule in its default order."""
    rows: list[str] = []
    for cause in DEFAULT_ORDER:
        listed = RULES[cause]
        rank = "protective: first, never vetoed, never delayed" if cause in PROTECTIVE else "soft"
        rows += [f"### {cause.value}", "", f"{cause.meaning} ({rank})", ""]
        if cause in MODULES:
            rows += [(MODULES[cause].__doc__ or "").strip(), ""]
        if listed.parameters is not None:
            rows += table(listed.parameters)
        if cause is Cause.PARTIAL_TAKE:
            rows += table(Step)
    return rows


INTRODUCTION = f"""# Decisions

{NOTICE}

How the engine decides, rule by rule. Everything here is a pure function of what it is shown: prices with
their age, closed candles, the position's fills, the exchange's margin figures, and the time.

**Units.** A parameter's name carries its unit: `_ratio` is a share of one (0.006, never 0.6), `_bps` basis
points of the price, `_s` seconds, `_usd` quote currency. A profit or loss is written with what it is a share
of: `0.006 of_price` or `0.02 of_margin`. Bounds of moves are written for `of_margin`; for `of_price` the
upper bound is {PRICE_SHARE} of it. A value outside its bounds is refused with the value that was probably
meant.

**Where a value comes from.** Instrument x regime, then instrument, then regime, then global, then the default
here; the source of each value is recorded with it.

**Costs** are counted once: what entering and funding has cost so far, plus the taker fee of the way out at
the price judged. Every threshold on a result is a threshold after costs.

**Prices.** Soft rules judge the price we could trade at now (bid for a long, ask for a short). Protective
rules judge the mark price, as liquidation does, and fall back to the exit price while the mark is missing or
stale.

**Order.** Protective rules come first. Then the configured order; a rule that is not configured does not
exist. The first close wins, else the first partial take. While the smart exit holds on, `profit_harvest`,
`profit_drawdown`, `take_profit` and `partial_take` are suppressed for a stated time; `trailing_stop` and
`holding_limit` are not.

**Bands.** After each evaluation the chain knows between which prices, and until when, nothing can change.
Ticks inside are skipped. A better price than any before, a closed candle, a fill, a margin reading or an
emergency always evaluates. A test proves that skipping decides exactly as evaluating every tick.
"""


def decisions() -> str:
    """Give docs/decisions.md."""
    rows = [INTRODUCTION, "## Exit rules, in their default order", "", *rules(), "## Everything else", ""]
    for title, text, kinds in REST:
        rows += [f"### {title}", "", text, ""]
        for kind in kinds:
            rows += table(kind)
    rows += ["## Signals that exist", "", ", ".join(f"`{kind.value}`" for kind in SignalKind), ""]
    rows += ["## Reasons an entry is skipped for", "", ", ".join(f"`{skip.value}`" for skip in Skip), ""]
    rows += ["## Causes of a closure", "", "| cause | meaning |", "|---|---|"]
    rows += [f"| `{cause.value}` | {cause.meaning} |" for cause in Cause]
    return "\n".join(rows) + "\n"


def diagrams() -> str:
    """Give docs/diagrams.md."""
    rows = ["# Diagrams", "", NOTICE, "", "Each is drawn from the transition table the code runs on.", ""]
    for title, machine in (
        ("The life of an order", ORDERS),
        ("Maker-first execution", MAKER),
        ("The one way to close", CLOSING),
        ("Protection at the exchange", PROTECTION),
        ("Limits and their latches", LATCHES),
    ):
        rows += [f"## {title}", "", "```mermaid", machine.mermaid(), "```", ""]
    return "\n".join(rows[:-1]) + "\n"


def main() -> int:
    """Write both files."""
    DOCS.mkdir(exist_ok=True)
    (DOCS / "decisions.md").write_text(decisions(), encoding="utf-8")
    (DOCS / "diagrams.md").write_text(diagrams(), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
