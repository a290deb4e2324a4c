"""What an indicator accepts: finite positive prices, and ranges that are ranges."""

from __future__ import annotations

from math import inf
from typing import Any

from scalpctl.errors import InvariantBroken


def is_price(value: float) -> bool:
    """Tell whether a value is finite and positive (a NaN is neither)."""
    return 0.0 < value < inf


def refuse(value: object) -> InvariantBroken:
    """Make the error for a price that should have been stopped at the door."""
    message = f"{value!r} is not a price; it should have been refused before an indicator saw it"
    return InvariantBroken(message)


def check_bar(high: float, low: float, close: float) -> None:
    """Refuse a bar that cannot have happened."""
    if not 0.0 < low <= close <= high < inf:
        raise refuse((high, low, close))


def check_period(period: int, least: int = 2) -> None:
    """Refuse a period an indicator cannot have."""
    if period < least:
        message = f"a period must be at least {least}, not {period}"
        raise InvariantBroken(message)


def slots_to_state(indicator: Any) -> dict[str, Any]:
    """Give every slot of an indicator as plain builtins."""
    state = {}
    for name in indicator.__slots__:
        value = getattr(indicator, name)
        state[name] = list(value) if isinstance(value, list) else value
    return state


def slots_from_state(indicator: Any, state: dict[str, Any]) -> None:
    """Put a stored state back, refusing one of another shape."""
    if sorted(state) != sorted(indicator.__slots__):
        message = f"{type(indicator).__name__}: the stored state has other fields than this version"
        raise InvariantBroken(message)
    for name, value in state.items():
        setattr(indicator, name, list(value) if isinstance(value, list) else value)
