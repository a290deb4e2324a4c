"""Why a position was closed or reduced: one closed enumeration; detail belongs into evidence."""

from __future__ import annotations

from enum import StrEnum


class Cause(StrEnum):
    """The one reason of a closure; UNKNOWN is allowed, counted and alarming."""

    MARGIN_SAFETY = "margin_safety"
    STOP_LOSS = "stop_loss"
    LOSS_CUT = "loss_cut"
    EMERGENCY = "emergency"
    SMART_EXIT = "smart_exit"
    PROFIT_HARVEST = "profit_harvest"
    PROFIT_DRAWDOWN = "profit_drawdown"
    TAKE_PROFIT = "take_profit"
    PARTIAL_TAKE = "partial_take"
    TRAILING_STOP = "trailing_stop"
    HOLDING_LIMIT = "holding_limit"
    UNPROTECTED = "unprotected"
    OPERATOR = "operator"
    SESSION_END = "session_end"
    DELISTING = "delisting"
    DRIFT_POLICY = "drift_policy"
    CROSSED = "crossed"
    EXCHANGE_STOP = "exchange_stop"
    EXCHANGE_TAKE_PROFIT = "exchange_take_profit"
    EXCHANGE_TRAILING = "exchange_trailing"
    EXCHANGE_ALGO = "exchange_algo"
    LIQUIDATION = "liquidation"
    PARTIAL_LIQUIDATION = "partial_liquidation"
    AUTO_DELEVERAGED = "auto_deleveraged"
    DELIVERY = "delivery"
    FORCED_CONVERSION = "forced_conversion"
    MANUAL = "manual"
    OTHER_CLIENT = "other_client"
    MOVED = "moved"
    UNKNOWN = "unknown"

    @property
    def meaning(self) -> str:
        """Say in one sentence what happened."""
        return MEANINGS[self]

    @property
    def is_protective(self) -> bool:
        """Tell whether nothing may delay this close."""
        return self in PROTECTIVE

    @property
    def is_stop(self) -> bool:
        """Tell whether it was stopped out: several of these in a row say that the market is not ours today."""
        return self in {*PROTECTIVE, Cause.EXCHANGE_STOP, Cause.EXCHANGE_TRAILING}

    @property
    def is_ours(self) -> bool:
        """Tell whether the engine or its operator closed, rather than the exchange or somebody else."""
        return self in OURS


PROTECTIVE = (Cause.MARGIN_SAFETY, Cause.STOP_LOSS, Cause.LOSS_CUT, Cause.EMERGENCY, Cause.UNPROTECTED)

OURS = (
    *PROTECTIVE,
    Cause.SMART_EXIT,
    Cause.PROFIT_HARVEST,
    Cause.PROFIT_DRAWDOWN,
    Cause.TAKE_PROFIT,
    Cause.PARTIAL_TAKE,
    Cause.TRAILING_STOP,
    Cause.HOLDING_LIMIT,
    Cause.OPERATOR,
    Cause.SESSION_END,
    Cause.DELISTING,
    Cause.DRIFT_POLICY,
    Cause.CROSSED,
)

MEANINGS: dict[Cause, str] = {
    Cause.MARGIN_SAFETY: "The exchange's own margin ratio came too close to liquidation.",
    Cause.STOP_LOSS: "The loss after costs reached the configured stop.",
    Cause.LOSS_CUT: "The loss reached the money or price limit that holds whatever the stop says.",
    Cause.EMERGENCY: "An account-wide emergency or the loss of a large share of the margin.",
    Cause.SMART_EXIT: "RSI or MACD on closed candles turned against the position while it was in profit.",
    Cause.PROFIT_HARVEST: "A quick profit after costs was taken inside its time window.",
    Cause.PROFIT_DRAWDOWN: "The position gave back the allowed share of its best profit.",
    Cause.TAKE_PROFIT: "The profit after costs reached the configured target.",
    Cause.PARTIAL_TAKE: "A step of the partial take-profit ladder was reached.",
    Cause.TRAILING_STOP: "The price fell back to the trailing stop.",
    Cause.HOLDING_LIMIT: "The position was held for as long as its limit allows, winning or losing.",
    Cause.UNPROTECTED: "No stop could be confirmed at the exchange in time.",
    Cause.OPERATOR: "A person ordered it through scalpctl.",
    Cause.SESSION_END: "The session ended with the order to leave nothing open.",
    Cause.DELISTING: "The exchange announced that it takes the instrument off its list: it was left in time.",
    Cause.DRIFT_POLICY: "An appeared or resized position was closed by policy.",
    Cause.CROSSED: "Somebody opened it against an entry of ours that was in the book already, and was executed.",
    Cause.EXCHANGE_STOP: "A stop kept at the exchange was triggered.",
    Cause.EXCHANGE_TAKE_PROFIT: "A take-profit kept at the exchange was triggered.",
    Cause.EXCHANGE_TRAILING: "A trailing order kept at the exchange was triggered.",
    Cause.EXCHANGE_ALGO: "Another conditional order kept at the exchange was triggered.",
    Cause.LIQUIDATION: "The exchange liquidated the position.",
    Cause.PARTIAL_LIQUIDATION: "The exchange liquidated a part of the position.",
    Cause.AUTO_DELEVERAGED: "The exchange closed it against a bankrupt counterparty (ADL).",
    Cause.DELIVERY: "The instrument was delivered or delisted.",
    Cause.FORCED_CONVERSION: "The exchange converted or repaid by force.",
    Cause.MANUAL: "Somebody closed it in the exchange's app or website.",
    Cause.OTHER_CLIENT: "Another program with access to the account closed it.",
    Cause.MOVED: "The position was moved, or traded as a block or spread.",
    Cause.UNKNOWN: "No evidence was found yet; it is counted and looked for again.",
}
