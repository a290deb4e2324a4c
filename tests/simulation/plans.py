"""What one seed does to the whole system: which families of trouble, when, how often the process dies."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from random import Random
from typing import Any

WORLDS = ("range", "chop", "trend", "crash", "squeeze", "mixed")
NIGHT, NIGHTS = "night", 7
"""The world in which tickers fall silent by themselves: every seventh brief plan is played in it."""
WIDE = "0.02"
"""How far from the mark a price may usually be."""
LASTS_S, BRIEF_S = 2_400, 330
"""The safety phase: trouble happens in it; what follows is calm. A brief one begins with something held."""


@dataclass(frozen=True)
class Act:
    """One thing that happens at one simulated second."""

    at_s: int
    family: str
    action: str
    arguments: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.arguments)
        return f"{self.at_s:>5} s  {self.family:<9} {self.action} {shown}".rstrip()

    @classmethod
    def read(cls, line: str) -> Act:
        """Read what ``str`` gives."""
        at_s, _, family, action, *rest = line.split(maxsplit=4)
        pairs = (pair.split("=", maxsplit=1) for pair in "".join(rest).split(", ") if pair)
        return cls(int(at_s), family, action, tuple((name, value) for name, value in pairs))


@dataclass(frozen=True)
class Plan:
    """Everything about one seed."""

    seed: int
    world: str
    weather: str
    acts: tuple[Act, ...]
    lasts_s: int = LASTS_S
    settings: tuple[str, ...] = ()
    """What is configured otherwise than usual."""

    @property
    def brief(self) -> bool:
        """Whether it goes on from something held, instead of from an account that is new."""
        return self.lasts_s == BRIEF_S

    @property
    def config(self) -> str:
        """The configuration file it is played with."""
        sections: dict[str, dict[str, Any]] = {}
        for name in self.settings:
            for section, said in SETTINGS[name].items():
                sections[section] = sections.get(section, {}) | said if isinstance(said, dict) else said
        return json.dumps(sections) if sections else ""

    @property
    def families(self) -> set[str]:
        return {act.family for act in self.acts} | ({"weather"} if self.weather != "none" else set())

    def without(self, act: Act) -> Plan:
        return replace(self, acts=tuple(one for one in self.acts if one is not act))

    def __str__(self) -> str:
        head = f"seed {self.seed}, world {self.world}, weather {self.weather}, lasts {self.lasts_s}"
        more = f", settings {'+'.join(self.settings)}" if self.settings else ""
        return "\n".join([head + more, *map(str, self.acts)])

    @classmethod
    def read(cls, text: str) -> Plan:
        """Read what ``str`` gives; lines that begin with # are for people."""
        head, *lines = (line for line in text.splitlines() if line and not line.startswith("#"))
        said = dict(part.split() for part in head.split(", "))
        acts, lasts_s = tuple(map(Act.read, lines)), int(said.get("lasts", LASTS_S))
        settings = tuple(said["settings"].split("+")) if "settings" in said else ()
        return cls(int(said["seed"]), said["world"], said["weather"], acts, lasts_s, settings)


Drawn = tuple[str, dict[str, str]]
FAMILIES: dict[str, Callable[[Random], Drawn]] = {
    "others": lambda dice: dice.choice([
        ("manual-close", {}), ("manual-close", {"fraction": "0.5"}), ("manual-add", {}),
        ("trailing-stop", {}), ("attached-stop", {}),
        ("manual-open", {"instrument": "SOL-USDT-SWAP", "side": dice.choice(["buy", "sell"]), "contracts": "2"}),
        ("foreign-order", {"instrument": "DOGE-USDT-SWAP", "side": dice.choice(["buy", "sell"]), "contracts": "2"}),
    ]),
    "exchange": lambda dice: dice.choice([
        ("liquidate", {}), ("liquidate", {"fraction": "0.5"}), ("adl", {}), ("adl", {"fraction": "0.5"}),
    ]),
    "stops": lambda dice: dice.choice([("cancel-stop", {}), ("cancel-stop", {})]),
    "account": lambda dice: dice.choice([
        ("set-leverage", {"leverage": dice.choice(["3", "7"])}), ("transfer", {"amount": dice.choice(["50", "-20"])}),
    ]),
    "market": lambda dice: dice.choice([("jump", {"ratio": dice.choice(["0.01", "-0.02"])}), ("thin-book", {})]),
    "silence": lambda dice: dice.choice([
        ("mute", {"channel": dice.choice(["tickers", "orders", "positions", "mark-price"])}),
        ("silence", {"path": dice.choice(["/api/v5/trade/orders-history", "/api/v5/trade/fills", "/api/v5/account"])}),
    ]),
    "outage": lambda dice: dice.choice([
        ("outage", {"seconds": dice.choice(["10", "45"])}), ("maintenance", {"seconds": "60"}),
        ("maintenance", {"in_seconds": "120", "seconds": "60", "pre_open": "30"}),
    ]),
    "lines": lambda dice: dice.choice([("disconnect", {}), ("notice", {}), ("disconnect", {"code": "1006"})]),
    "clock": lambda dice: ("skew", {"seconds": dice.choice(["-3", "0.7", "20"])}),
    "operator": lambda dice: dice.choice([("halt", {}), ("close-all", {}), ("pause", {})]),
    "kill": lambda dice: ("kill", {}),
    "listing": lambda dice: ("suspend", {"instrument": dice.choice(["SOL-USDT-SWAP", "DOGE-USDT-SWAP"])}),
    "delisting": lambda dice: ("delist", {"instrument": "ETH-USDT-SWAP", "in_seconds": dice.choice(["0", "300"])}),
    "algos": lambda dice: ("algos-fail", {}),
    "stale": lambda dice: dice.choice([
        ("positions", {"to": "empty"}), ("oddity", {"read_lag_ms": dice.choice(["400", "2500"])}),
    ]),
}  # fmt: skip

ANYTHING = FAMILIES | {
    "disk": lambda dice: ("disk", {"pragma": dice.choice(["query_only = ON", "max_page_count = 1"])})
}
"""What a brief plan draws from; long ones keep the families their seeds were drawn from."""

SETTINGS: dict[str, dict[str, Any]] = {
    "one-position": {"limits": {"positions_open_max": 1}},
    "little-exposure": {"limits": {"exposure_usd_max": 150}},
    "adopting": {"safety": {"appeared_positions": "adopt"}},
    "flattening": {"safety": {"appeared_positions": "flatten"}},
    "still-stops": {"safety": {"mirror_trailing": False}},
    "cross": {"exchange": {"margin_mode": "cross"}},
    "all-signals": {"strategy": {"signals": ["rsi", "bollinger", "macd", "ema_cross", "impulse"]}},
    "large": {
        "limits": {
            "max_usd_size": 8000,
            "exposure_usd_max": 30000,
            "risk_per_trade_ratio": 0.05,
            "daily_loss_ratio_max": 0.5,
            "drawdown_ratio_max": 0.5,
        },
        "strategy": {
            "parameters": {
                "sizing": {
                    "profiles": [
                        {"equity_usd_max": 5000000, "size_usd_min": 4000, "size_usd_max": 6000, "positions_max": 6}
                    ],
                    "margin_use_ratio": 0.95,
                    "position_ratio": 0.9,
                }
            }
        },
    },
    "small": {"instruments": ["XRP-USDT-SWAP", "ADA-USDT-SWAP", "LTC-USDT-SWAP", "TRB-USDT-SWAP"]},
}
"""What brief plans may have configured otherwise; of two that say the same setting the later one holds.

What is held when they begin is in none of the small instruments: somebody took out of the configuration what is held.
"""

ENDS: dict[str, Callable[[str, dict[str, str]], tuple[str, tuple[tuple[str, str], ...]]]] = {
    "silence": lambda action, _: (f"un{action}", ()),
    "listing": lambda _, arguments: ("resume", tuple(arguments.items())),
    "algos": lambda action, _: (action, (("on", "no"),)),
    "stale": lambda action, _: (action, (("to", ""),) if action == "positions" else (("read_lag_ms", "0"),)),
}
"""How what was taken away comes back: what never speaks again cannot be traded with."""


def deaf(seed: int) -> Plan:
    """A plan in which answers get lost and the channel that would tell of orders is silent: only asking helps."""
    acts = (
        Act(60, "silence", "mute", (("channel", "orders"),)),
        Act(60, "stale", "oddity", (("read_lag_ms", "2500"),)),
        Act(LASTS_S - 100, "silence", "unmute"),
    )
    return Plan(seed, WORLDS[seed % len(WORLDS)], "fog", acts)


def plan_of(seed: int) -> Plan:
    """Draw a plan: about half of the families, so that each meets the others in many combinations."""
    dice = Random(f"plan:{seed}")
    chosen = [name for name in FAMILIES if dice.random() < 0.45]
    acts = [act for family in chosen for _ in range(dice.randint(1, 3)) for act in _drawn(dice, family, LASTS_S)]
    weather = dice.choice(["none", "none", "light", "storm", "fog"])
    return Plan(seed, dice.choice(WORLDS), weather, _in_order(acts))


def brief(seed: int) -> Plan:
    """Draw a plan of a few minutes in which two or three things meet: many of them cost what one long one does."""
    dice = Random(f"brief:{seed}")
    chosen = dice.sample(list(ANYTHING), dice.randint(2, 3))
    acts = [*(act for family in chosen for act in _drawn(dice, family, BRIEF_S)), *_narrow(seed)]
    weather = dice.choice(["none", "none", "light", "storm", "fog"])
    world = dice.choice(WORLDS)
    in_a_night = seed % NIGHTS == NIGHTS - 1
    return Plan(seed, NIGHT if in_a_night else world, weather, _in_order(acts), BRIEF_S, _settings(seed))


def _settings(seed: int) -> tuple[str, ...]:
    """Draw what is configured otherwise: about half of the plans are played as everybody's are."""
    dice = Random(f"settings:{seed}")
    return tuple(name for name in SETTINGS if dice.random() < 0.12)


def _narrow(seed: int) -> list[Act]:
    """Draw whether the exchange takes hardly any price for a while: every eighth plan."""
    dice = Random(f"limits:{seed}")
    if dice.random() >= 1 / 8:
        return []
    begins, lasts, band = dice.randint(20, 130), dice.randint(40, 150), dice.choice(["0.0003", "0.00002", "0"])
    return [
        Act(begins, "limits", "oddity", (("band", band),)),
        Act(begins + lasts, "limits", "oddity", (("band", WIDE),)),
    ]


def _drawn(dice: Random, family: str, lasts_s: int) -> list[Act]:
    """Draw something of a family, and how it ends where it must."""
    action, arguments = ANYTHING[family](dice)
    at_s = dice.randint(20 if lasts_s == BRIEF_S else 120, lasts_s - 200)
    acts = [Act(at_s, family, action, tuple(arguments.items()))]
    if family in ENDS:
        acts.append(Act(at_s + dice.randint(40, 150), family, *ENDS[family](action, arguments)))
    return acts


def _in_order(acts: list[Act]) -> tuple[Act, ...]:
    return tuple(sorted(acts, key=lambda act: (act.at_s, act.action)))
