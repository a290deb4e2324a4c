"""What may go wrong in a plan, by families, and what may be configured otherwise than usual."""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

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


def _asked(dice: Random) -> Drawn:
    what = dice.choice(list(REFUSALS))
    lasts = dice.choice(["8", "20", "90"])
    return "refuse", {"what": what, "code": dice.choice(REFUSALS[what]), "seconds": lasts}


REFUSALS = {
    "order": (
        "51030",
        "50026",
        "50013",
        "51008",
        "51004",
        "51020",
        "51112",
        "51169",
        "51290",
        "51006",
        "51149",
        "51999",
    ),
    "amend": ("51503", "51511", "51030", "50013", "51999"),
    "cancel": ("51400", "51401", "51402", "51410", "51412", "50013", "51030", "51999"),
    "stop": ("51088", "51030", "51278", "50013", "51250", "51302", "51999"),
    "move-stop": ("51527", "51529", "51503", "50013", "51030", "51999"),
    "cancel-stop": ("51400", "51416", "50013", "51030", "51999"),
    "leverage": ("59101", "59107", "59668", "50013", "51010", "51999"),
}  # fmt: skip
"""What each kind of request may be refused with: documented codes that fit, some that mean nobody knows, and one that
no documentation names."""

UNTRADED = ("ADA-USDT-SWAP", "LTC-USDT-SWAP", "TRB-USDT-SWAP")
"""What nothing is traded in, unless a plan is played with the small instruments."""

USUAL = ("BTC-USDT-SWAP", "ETH-USDT-SWAP", "SOL-USDT-SWAP", "DOGE-USDT-SWAP")
"""What is traded unless a plan is played with the small instruments."""

RARE: dict[str, Callable[[Random], Drawn]] = {
    "away": lambda dice: ("away", {"seconds": dice.choice(["45", "240", "1200"])}),
    "ends": lambda dice: (
        "end", {"flatten": dice.choice(["no", "no", "yes"]), "seconds": dice.choice(["1", "60", "600"])},
    ),
    "again": lambda dice: ("kill", {"twice_after_s": dice.choice(["1", "3", "8"])}),
    "funding": lambda dice: ("funding", {"in_seconds": dice.choice(["5", "60", "120"])}),
    "part": lambda dice: ("close-part", {"fraction": dice.choice(["0.3", "0.5"])}),
    "reread": lambda dice: ("reread", {}),
    "refusals": _asked,
    "bills": lambda dice: ("adjust", {"amount": dice.choice(["-1.5", "0.7"])}),
    "warning": lambda dice: ("warn", {}),
    "elsewhere": lambda dice: (
        "foreign-order",
        {"instrument": dice.choice(UNTRADED), "side": dice.choice(["buy", "sell"]), "contracts": "2"},
    ),
    "entire": lambda dice: ("entire-stop", {"leg": dice.choice(["stop", "target"]), "instead": "yes"}),
}  # fmt: skip
"""What every second brief plan meets beside the others: an absence, an end, a refusal, things that come rarely."""
