"""What may be asked of others and of the weather, and with which arguments: a slip is named before anything happens."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import fields
from decimal import Decimal, InvalidOperation

from scalpctl.errors import nearest
from scalpctl.simulator.actors import ACTIONS
from scalpctl.simulator.denied import REFUSABLE, Denied
from scalpctl.simulator.serving.faults import ODDITIES, WEATHER, Odds
from scalpctl.simulator.specs import BY_ID

_ODDS = tuple(field.name for field in fields(Odds))
TAKES: Mapping[str, tuple[str, ...]] = {
    "manual-close": ("instrument", "fraction"),
    "manual-open": ("instrument", "side", "contracts", "mode"),
    "manual-add": ("instrument", "contracts"),
    "manual-order": ("instrument", "side", "contracts", "ratio", "mode", "reduce"),
    "liquidate": ("instrument", "fraction"),
    "adl": ("instrument", "fraction"),
    "foreign-order": ("instrument", "side", "contracts", "type", "price", "mode"),
    "trailing-stop": ("instrument", "ratio"),
    "attached-stop": ("instrument", "ratio"),
    "entire-stop": ("instrument", "leg", "ratio", "instead"),
    "cancel-stop": ("instrument",),
    "set-leverage": ("instrument", "leverage", "mode"),
    "set-mode": ("to",),
    "transfer": ("amount",),
    "suspend": ("instrument", "state"),
    "resume": ("instrument",),
    "delist": ("instrument", "in_seconds"),
    "maintenance": ("in_seconds", "seconds", "pre_open"),
    "thin-book": ("instrument", "on"),
    "jump": ("instrument", "ratio"),
    "algos-fail": ("on",),
    "funding": ("instrument", "in_seconds"),
    "adjust": ("amount", "type"),
    "warn": ("instrument",),
    "refuse": ("what", "code", "seconds"),
    "preset": ("preset",),
    "mute": ("channel", "instrument"),
    "unmute": (),
    "silence": ("path",),
    "unsilence": (),
    "outage": ("seconds",),
    "skew": ("seconds",),
    "disconnect": ("code",),
    "notice": (),
    "odds": _ODDS,
    "positions": ("to",),
    "oddity": ODDITIES,
}
_NUMBERS = {
    "fraction", "contracts", "price", "ratio", "leverage", "amount", "seconds", "in_seconds", "pre_open", "code",
    *_ODDS,
}  # fmt: skip
_WORDS = {
    "side": ("buy", "sell"),
    "mode": ("isolated", "cross"),
    "on": ("yes", "no"),
    "what": REFUSABLE,
    "leg": ("stop", "target"),
    "instead": ("yes", "no"),
    "reduce": ("yes", "no"),
}


def require(action: str, arguments: Mapping[str, str]) -> None:
    """Refuse what cannot be asked of a running exchange."""
    if wrong := slip(action, arguments):
        raise Denied("51000", wrong)


def slip(action: str, arguments: Mapping[str, str], *, weather: bool = True) -> str:
    """Say what is wrong with something that is asked for, or nothing."""
    known = [*ACTIONS, *(WEATHER if weather else ())]
    if action not in known:
        return f"{action} is not an action; {_guess(action, known)}"
    for name, value in arguments.items():
        if name not in TAKES[action]:
            return f"{action} takes no {name}; {_guess(name, TAKES[action])}"
        if wrong := _wrong(name, value):
            return f"{name}={value}: {wrong}"
    return ""


def _wrong(name: str, value: str) -> str:
    if name == "instrument" and value not in BY_ID and f"{value}-SWAP" not in BY_ID:
        return f"not listed here; {_guess(value, BY_ID)}"
    if name in _NUMBERS and not _is_number(value):
        return "not a number"
    if name in _WORDS and value not in _WORDS[name]:
        return f"one of {', '.join(_WORDS[name])}"
    return ""


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite()
    except InvalidOperation:
        return False


def _guess(word: str, known: Collection[str]) -> str:
    if close := nearest(word, known):
        return f"did you mean {close}?"
    return f"known: {', '.join(sorted(known))}" if known else "it takes no arguments"
