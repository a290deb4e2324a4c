"""The units of settings: each checks the number it is given and says what it expected."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer
from pydantic_core import PydanticCustomError

from scalpctl.core.instruments import parse_inst_id
from scalpctl.core.money import SETTLE, canonical, parse_decimal
from scalpctl.errors import NotCanonical


def number(value: Any) -> Decimal:
    """Give an exact number; text counts only where it is one, booleans and floats never do."""
    if isinstance(value, bool) or value is None:
        raise PydanticCustomError("number", "{value} is not a number", {"value": repr(value)})
    if isinstance(value, Decimal | int):
        return Decimal(value)
    if isinstance(value, str) and value.rstrip().endswith("%"):
        raise PydanticCustomError("percent", "{value} is a percentage{hint}", _percent_hint(value))
    try:
        return parse_decimal(value)
    except NotCanonical as error:
        raise PydanticCustomError("number", "{what}", {"what": error.message}) from None


def ratio(value: Any) -> Decimal:
    """Give a share of one; a number above one is taken for the percentage it probably is, and refused."""
    share = number(value)
    if not 0 <= share <= 1:
        hint = f"; did you mean {canonical(share / 100)}?" if 1 < share <= 100 else ""
        message = "{value} is not a share of one (0 to 1){hint}"
        raise PydanticCustomError("ratio", message, {"value": canonical(share), "hint": hint})
    return share


def whole(value: Any) -> int:
    """Give a whole number."""
    exact = number(value)
    if exact != exact.to_integral_value():
        raise PydanticCustomError("whole", "{value} is not a whole number", {"value": canonical(exact)})
    return int(exact)


def instrument(value: Any) -> str:
    """Give an exact instrument id, of one that is settled in what equity and limits are reckoned in."""
    try:
        inst_id = parse_inst_id(value if isinstance(value, str) else repr(value))
    except NotCanonical as error:
        raise PydanticCustomError("instrument", "{what}", {"what": error.message}) from None
    if inst_id.split("-")[1] != SETTLE:
        what = f"{inst_id} is not settled in {SETTLE}, and equity and limits count nothing else"
        raise PydanticCustomError("instrument", "{what}", {"what": what})
    return inst_id


def _percent_hint(value: str) -> dict[str, str]:
    try:
        share = parse_decimal(value.strip().removesuffix("%").strip()) / 100
    except NotCanonical:
        return {"value": repr(value), "hint": "; write it as a share of one"}
    return {"value": repr(value), "hint": f"; write it as a share of one: {canonical(share)}"}


TEXT = PlainSerializer(canonical, return_type=str)

Number = Annotated[Decimal, BeforeValidator(number), TEXT]
Ratio = Annotated[Decimal, BeforeValidator(ratio), TEXT]
Usd = Annotated[Decimal, BeforeValidator(number), Field(gt=0), TEXT]
Seconds = Annotated[int, BeforeValidator(whole), Field(ge=0, le=31_536_000)]
Millis = Annotated[int, BeforeValidator(whole), Field(ge=0, le=600_000)]
Count = Annotated[int, BeforeValidator(whole), Field(ge=0, le=1_000_000)]
Leverage = Annotated[Decimal, BeforeValidator(number), Field(ge=1, le=125), TEXT]
InstrumentId = Annotated[str, BeforeValidator(instrument)]
