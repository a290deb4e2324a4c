"""The exchange's texts as values: blanks become None, oddities are refused, nothing becomes zero."""

from __future__ import annotations

import re
from decimal import Decimal

from scalpctl.core.instants import MICROS_PER_MILLI, Instant
from scalpctl.core.money import ZERO, Contracts
from scalpctl.core.sides import Action, Side
from scalpctl.errors import AnswerMalformed

_NUMBER = re.compile(r"[+-]?[0-9]{1,40}(?:\.[0-9]{1,40})?(?:[eE][+-]?[0-9]{1,2})?")
_MILLIS = re.compile(r"[0-9]{13}")
_MICROS = re.compile(r"[0-9]{16}")
# control characters, zero-width characters and those that turn the direction of text: never to reach a terminal
_UNSAFE = re.compile("[\\x00-\\x1f\\x7f-\\x9f\\u200b-\\u200f\\u2028-\\u202e\\u2060-\\u2069\\ufeff]")
_PLAIN_MAX = 300


def decimal(text: str | None) -> Decimal | None:
    """Read a number exactly as sent; a blank is None, anything but a number is refused."""
    if not text:
        return None
    if _NUMBER.fullmatch(text) is None:
        raise AnswerMalformed(f"{plain(text, 40)!r} is not a number")
    value = Decimal(text)
    return value.copy_abs() if value.is_zero() else value


def needed(text: str | None, name: str) -> Decimal:
    """Read a number without which the row means nothing."""
    value = decimal(text)
    if value is None:
        raise AnswerMalformed(f"{name} is blank")
    return value


def contracts(text: str | None) -> Contracts | None:
    """Read a number of contracts; a blank is None."""
    value = decimal(text)
    return None if value is None else Contracts(value)


def contracts_or_none_yet(text: str | None) -> Contracts:
    """Read a running total that the exchange leaves blank until there is one."""
    return Contracts(decimal(text) or ZERO)


def instant(text: str | None, name: str) -> Instant:
    """Read a time in milliseconds without which the row means nothing."""
    value = instant_or_none(text)
    if value is None:
        raise AnswerMalformed(f"{name} is blank")
    return value


def instant_or_none(text: str | None) -> Instant | None:
    """Read a time in milliseconds; blank and 0 are None, seconds and microseconds are refused."""
    if not text or text == "0":
        return None
    if _MILLIS.fullmatch(text) is None:
        raise AnswerMalformed(f"{plain(text, 40)!r} is not a time in milliseconds")
    return Instant(int(text) * MICROS_PER_MILLI)


def action(text: str) -> Action:
    """Read buy or sell; there is no default."""
    if text not in {"buy", "sell"}:
        raise AnswerMalformed(f"{plain(text, 40)!r} is neither buy nor sell")
    return Action(text)


def position_side(text: str | None) -> Side | None:
    """Read long or short; net and blank are None, for they name no side."""
    if text in {"long", "short"}:
        return Side(text)
    if text in {"net", "", None}:
        return None
    raise AnswerMalformed(f"{plain(text or '', 40)!r} is not a position side")


def plain(text: str | None, longest: int = _PLAIN_MAX) -> str:
    """Give text that is safe on a terminal: no control, direction or zero-width characters, and not endless."""
    return _UNSAFE.sub("\N{REPLACEMENT CHARACTER}", text[:longest]) if text else ""
