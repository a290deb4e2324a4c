"""The strategy's parameters, settable everywhere the core resolves them; declared once, in the core.

Every model here is made from a parameter dataclass of the core: its names, types, bounds and meanings. What a file sets
is checked value by value where it stands, and set by set for every instrument in every regime.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields
from decimal import Decimal
from enum import StrEnum
from types import UnionType
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    WithJsonSchema,
    create_model,
    model_validator,
)
from pydantic_core import PydanticCustomError

from scalpctl.core.causes import Cause
from scalpctl.core.costs import CostParameters
from scalpctl.core.drift import DriftParameters
from scalpctl.core.exits.catalogue import DEFAULT_ORDER, REQUIRED, RULES
from scalpctl.core.exits.view import PriceParameters
from scalpctl.core.gates.market import MarketParameters
from scalpctl.core.gates.state import ReentryParameters
from scalpctl.core.indicators.study import StudyParameters
from scalpctl.core.leverage import LeverageParameters
from scalpctl.core.limits import LimitParameters
from scalpctl.core.maker import MakerParameters
from scalpctl.core.margin import MarginParameters
from scalpctl.core.parameters import Move, Overrides, Parameters, Resolved, check_value, resolve
from scalpctl.core.protection import ProtectionParameters
from scalpctl.core.regime import Regime, RegimeParameters
from scalpctl.core.signals.choice import ChoiceParameters
from scalpctl.core.signals.rules import SignalKind, SignalParameters
from scalpctl.core.sizing import SizingParameters
from scalpctl.errors import ConfigurationError
from scalpctl.settings.units import TEXT, InstrumentId, number, whole

GROUPS: dict[str, type[Parameters]] = {
    **{cause.value: listed.parameters for cause, listed in RULES.items() if listed.parameters is not None},
    "prices": PriceParameters,
    "indicators": StudyParameters,
    "regime": RegimeParameters,
    "signals": SignalParameters,
    "choice": ChoiceParameters,
    "market": MarketParameters,
    "reentry": ReentryParameters,
    "costs": CostParameters,
    "sizing": SizingParameters,
    "leverage": LeverageParameters,
    "maker": MakerParameters,
    "margin": MarginParameters,
    "protection": ProtectionParameters,
    "drift": DriftParameters,
    "limits": LimitParameters,
}
SET_IN_LIMITS = {
    ("sizing", "max_usd_size"): "max_usd_size",
    ("sizing", "risk_ratio"): "risk_per_trade_ratio",
    ("leverage", "cap"): "leverage_max",
    ("limits", "daily_loss_ratio"): "daily_loss_ratio_max",
    ("limits", "drawdown_ratio"): "drawdown_ratio_max",
    ("limits", "losses_max"): "losses_in_a_row_max",
    ("limits", "orders_per_minute_max"): "entry_orders_per_minute_max",
}
"""Hard ceilings stand in the section ``limits`` of the configuration, and only there."""


class _Group(BaseModel):
    """Values of one group of parameters; what was not set is not part of it."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)
    core_type: ClassVar[type[Parameters]]

    def given(self) -> dict[str, Any]:
        """Give what was set, in the core's own types."""
        return {name: _plain(getattr(self, name)) for name in sorted(self.model_fields_set)}


def _plain(value: Any) -> Any:
    if isinstance(value, _Group):
        return value.core_type(**value.given())
    return tuple(map(_plain, value)) if isinstance(value, tuple) else value


def _read(kind: Any) -> Callable[[Any], Any]:
    if kind is Decimal:
        return number
    if kind is int:
        return whole
    return _move if kind is Move else lambda value: value


def _move(value: Any) -> Move:
    try:
        return Move.parse(value if isinstance(value, str) else f"{value}")
    except (ConfigurationError, ValueError) as error:
        hint = getattr(error, "hint", None)
        raise PydanticCustomError("move", "{what}", {"what": f"{error}" + (f"; {hint}" if hint else "")}) from None


def _checked(kind: Any, where: str, meta: Mapping[str, Any]) -> Any:
    read = _read(kind)

    def check(value: Any) -> Any:
        exact = read(value)
        try:
            check_value(where, exact, meta)
        except ConfigurationError as error:
            what = error.message + (f"; {error.hint}" if error.hint else "")
            raise PydanticCustomError("bounds", "{what}", {"what": what}) from None
        return exact

    if kind is Move:
        return Annotated[kind, BeforeValidator(check), PlainSerializer(str), WithJsonSchema({"type": "string"})]
    return Annotated[kind, BeforeValidator(check), *([TEXT] if kind is Decimal else [])]


def _annotation(kind: Any, where: str, meta: Mapping[str, Any]) -> Any:
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return tuple[_annotation(item, where, meta), ...]  # type: ignore[misc] # made at run time
    if isinstance(kind, type) and issubclass(kind, Parameters):
        return _model_of(kind, frozenset())
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return kind
    if isinstance(kind, UnionType):
        return kind
    return bool if kind is bool else _checked(kind, where, meta)


def _model_of(kind: type[Parameters], left_out: frozenset[str]) -> type[_Group]:
    """Make the model of one parameter dataclass; every field may be left out."""
    hints = get_type_hints(kind)
    declared: dict[str, Any] = {}
    for spec in fields(kind):  # type: ignore[arg-type]
        if spec.name in left_out:
            continue
        meaning = str(spec.metadata.get("meaning", ""))
        default = None if spec.default is MISSING else spec.default
        where = f"{kind.__name__}.{spec.name}"
        description = f"{meaning} (default {default})"
        declared[spec.name] = (
            _annotation(hints[spec.name], where, spec.metadata),
            Field(None, description=description),
        )
    model = create_model(kind.__name__, __base__=_Group, __doc__=kind.__doc__, **declared)
    model.core_type = kind
    return model


def _left_out(group: str) -> frozenset[str]:
    return frozenset(name for known, name in SET_IN_LIMITS if known == group)


_MODELS: dict[str, Any] = {name: (_model_of(kind, _left_out(name)) | None, None) for name, kind in GROUPS.items()}
Groups: Any = create_model("Groups", __base__=_Group, __doc__="Values for some groups of parameters.", **_MODELS)
InstrumentGroups: Any = create_model(
    "InstrumentGroups",
    __base__=Groups,
    __doc__="Values for one instrument, and for it in one regime.",
    by_regime=(dict[Regime, Groups], Field(default_factory=dict, description="values for this instrument in a regime")),
)


class Strategy(BaseModel):
    """What decides entries and exits."""

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        hide_input_in_errors=True,
        use_attribute_docstrings=True,
        arbitrary_types_allowed=True,
    )

    signals: tuple[SignalKind, ...]
    """What may speak on a closed candle; a kind that is left out does not exist."""
    exits: tuple[Cause, ...]
    """The exit rules in their order; a rule that is left out does not exist."""
    parameters: Groups
    """Values for every instrument in every regime; what is not set keeps the default of its rule."""
    by_regime: dict[Regime, Groups]
    """Values for one regime."""
    by_instrument: dict[InstrumentId, InstrumentGroups]
    """Values for one instrument, and under its by_regime for it in one regime."""

    @model_validator(mode="after")
    def _possible(self) -> Strategy:
        missing = [cause.value for cause in REQUIRED if cause not in self.exits]
        unknown = [cause.value for cause in self.exits if cause not in RULES]
        if missing or unknown or len(set(self.exits)) != len(self.exits):
            what = f"lacks {', '.join(missing)}" if missing else f"names {', '.join(unknown) or 'a rule twice'}"
            known = ", ".join(cause.value for cause in DEFAULT_ORDER)
            raise PydanticCustomError(
                "exits", "the order of exits {what}; known: {known}", {"what": what, "known": known}
            )
        for group in GROUPS:
            for inst_id in (*self.by_instrument, ""):
                for regime in Regime:
                    self.resolved(group, inst_id, regime)
        return self

    def overrides(self, group: str, ceilings: object = None) -> Overrides:
        """Give what was set for one group, as the core resolves it; ``ceilings`` are the values of ``limits``."""
        everywhere = _given(self.parameters, group)
        for (known, name), ceiling in SET_IN_LIMITS.items():
            if known == group and ceilings is not None:
                everywhere[name] = getattr(ceilings, ceiling)
        return Overrides(
            everywhere=everywhere,
            by_regime={regime.value: _given(values, group) for regime, values in self.by_regime.items()},
            by_instrument={inst_id: _given(values, group) for inst_id, values in self.by_instrument.items()},
            by_both={
                (inst_id, regime.value): _given(inner, group)
                for inst_id, values in self.by_instrument.items()
                for regime, inner in values.by_regime.items()
            },
        )

    def resolved(self, group: str, inst_id: str, regime: Regime, ceilings: object = None) -> Resolved[Any]:
        """Give the parameters of one group for one instrument in one regime, with the source of each value."""
        try:
            return resolve(GROUPS[group], self.overrides(group, ceilings), inst_id, regime.value)
        except ConfigurationError as error:
            where = f"{group} of {inst_id or 'every instrument'} in {regime.value}"
            what = f"{where}: {error.message}" + (f"; {error.hint}" if error.hint else "")
            raise PydanticCustomError("impossible", "{what}", {"what": what}) from None


def _given(values: Any, group: str) -> dict[str, Any]:
    chosen = getattr(values, group, None)
    return chosen.given() if chosen is not None else {}
