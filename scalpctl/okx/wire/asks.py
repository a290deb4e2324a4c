"""Requests as asks: the map from our names to the exchange's, in the other direction."""

from __future__ import annotations

from decimal import Decimal

from scalpctl.core.exchange.requests import (
    AlgoKind,
    AmendAlgo,
    AmendOrder,
    CancelAlgo,
    CancelOrder,
    PlaceAlgo,
    PlaceOrder,
)
from scalpctl.core.money import Contracts, canonical
from scalpctl.core.sides import Side
from scalpctl.errors import InvariantBroken
from scalpctl.okx.wire.algos import AlgoAsk, AmendAlgoAsk, CancelAlgoAsk
from scalpctl.okx.wire.orders import AmendAsk, CancelAsk, OrderAsk

AT_MARKET = "-1"


def order_ask(order: PlaceOrder, *, code: int | None = None, tag: str = "") -> OrderAsk:
    """Spell an order: by instrument code for the WebSocket, by instrument id for REST."""
    return OrderAsk(
        inst_id="" if code is not None else order.inst_id,
        inst_id_code=code,
        td_mode=order.margin_mode.value,
        side=order.action.value,
        pos_side=_side(order.position_side),
        ord_type=order.type.value,
        sz=canonical(order.contracts.value),
        px=_text(order.price),
        cl_ord_id=order.client_id,
        reduce_only=_reduce_only(order.position_side, wanted=order.reduce_only),
        tag=tag,
    )


def amend_ask(change: AmendOrder, *, code: int | None = None) -> AmendAsk:
    """Spell a change of an order."""
    return AmendAsk(
        inst_id="" if code is not None else change.inst_id,
        inst_id_code=code,
        cl_ord_id=change.client_id,
        req_id=change.request_id,
        new_sz=_size(change.contracts),
        new_px=_text(change.price),
        cxl_on_fail=True if change.cancel_on_fail else None,
    )


def cancel_ask(order: CancelOrder, *, code: int | None = None) -> CancelAsk:
    """Spell a cancellation."""
    return CancelAsk(
        inst_id="" if code is not None else order.inst_id,
        inst_id_code=code,
        cl_ord_id=order.client_id,
    )


def algo_ask(algo: PlaceAlgo) -> AlgoAsk:
    """Spell a conditional order; without an order price it executes at market."""
    _check_legs(algo)
    at = _text(algo.order_price) or AT_MARKET
    trigger = algo.trigger_type.value
    stop, take = _text(algo.stop_trigger), _text(algo.take_trigger)
    plain_trigger = algo.kind is AlgoKind.TRIGGER
    reduce_only = _reduce_only(algo.position_side, wanted=algo.reduce_only)
    return AlgoAsk(
        inst_id=algo.inst_id,
        td_mode=algo.margin_mode.value,
        side=algo.action.value,
        ord_type=algo.kind.value,
        algo_cl_ord_id=algo.client_id,
        pos_side=_side(algo.position_side),
        sz=_size(algo.contracts),
        close_fraction=_text(algo.close_fraction),
        reduce_only=None if plain_trigger else reduce_only,
        cxl_on_close_pos=_dies_with_position(algo, reduce_only=reduce_only),
        sl_trigger_px=stop,
        sl_trigger_px_type=trigger if stop else "",
        sl_ord_px=at if stop else "",
        tp_trigger_px=take,
        tp_trigger_px_type=trigger if take else "",
        tp_ord_px=at if take else "",
        trigger_px=_text(algo.trigger_price),
        trigger_px_type=trigger if plain_trigger else "",
        order_px=at if plain_trigger else "",
        callback_ratio=_text(algo.callback_ratio),
        callback_spread=_text(algo.callback_spread),
        active_px=_text(algo.active_price),
    )


def amend_algo_ask(change: AmendAlgo) -> AmendAlgoAsk:
    """Spell a change of a conditional order; a trigger that moves is refused (51000) without its price type."""
    trigger = change.trigger_type.value
    stop, take = _text(change.stop_trigger), _text(change.take_trigger)
    return AmendAlgoAsk(
        inst_id=change.inst_id,
        algo_cl_ord_id=change.client_id,
        new_sz=_size(change.contracts),
        new_sl_trigger_px=stop,
        new_sl_trigger_px_type=trigger if stop else "",
        new_sl_ord_px=AT_MARKET if stop else "",
        new_tp_trigger_px=take,
        new_tp_trigger_px_type=trigger if take else "",
        new_tp_ord_px=AT_MARKET if take else "",
    )


def cancel_algo_ask(algo: CancelAlgo) -> CancelAlgoAsk:
    """Spell the cancellation of a conditional order, by the exchange's id where it is known."""
    return CancelAlgoAsk(
        inst_id=algo.inst_id,
        algo_id=algo.algo_id,
        algo_cl_ord_id="" if algo.algo_id else algo.client_id,
    )


def _check_legs(algo: PlaceAlgo) -> None:
    if algo.kind is AlgoKind.STOP and algo.stop_trigger is not None and algo.take_trigger is not None:
        raise InvariantBroken("a conditional order with two legs would lose one of them: use oco")
    if (algo.contracts is None) == (algo.close_fraction is None):
        raise InvariantBroken("a conditional order has either contracts or a fraction to close")


def _dies_with_position(algo: PlaceAlgo, *, reduce_only: bool | None) -> bool | None:
    """Ask for a sized stop to go with its position, lest it opens the opposite one later."""
    sized_leg = algo.kind in {AlgoKind.STOP, AlgoKind.OCO} and algo.close_fraction is None
    return True if sized_leg and reduce_only else None


def _reduce_only(side: Side | None, *, wanted: bool) -> bool | None:
    """Say reduce-only in net mode only: where sides are named, closing orders are so by nature."""
    return True if wanted and side is None else None


def _side(side: Side | None) -> str:
    return "" if side is None else side.value


def _size(size: Contracts | None) -> str:
    return "" if size is None else canonical(size.value)


def _text(value: Decimal | None) -> str:
    return "" if value is None else canonical(value)
