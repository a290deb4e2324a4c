"""Writes over REST: sent once, judged by the answer's own codes, never repeated."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from typing import Any, TypeVar

from scalpctl.core.exchange.outcomes import Outcome, Refused, Unknown
from scalpctl.core.exchange.requests import (
    AmendAlgo,
    AmendOrder,
    CancelAlgo,
    CancelOrder,
    Lane,
    MarginMode,
    PlaceAlgo,
    PlaceOrder,
)
from scalpctl.core.instants import Instant
from scalpctl.core.money import canonical
from scalpctl.core.sides import Side
from scalpctl.errors import ExchangeUnavailable, ExchangeUnreachable, InvariantBroken
from scalpctl.okx.rest import RestClient, TooLate
from scalpctl.okx.verdicts import UNSENT, algo_judged, orders_judged, plain_judged
from scalpctl.okx.wire import endpoints
from scalpctl.okx.wire.account import SetLeverage
from scalpctl.okx.wire.asks import algo_ask, amend_algo_ask, amend_ask, cancel_algo_ask, cancel_ask, order_ask
from scalpctl.okx.wire.endpoints import BATCH_MAX, Endpoint
from scalpctl.okx.wire.orders import CancelAllAfterAsk, ClosePositionAsk

T = TypeVar("T")
Q = TypeVar("Q", PlaceOrder, AmendOrder, CancelOrder)

ENTRY_TAG = "scalpctlentry"
"""Carried by entries only: the dead man's switch cancels what carries it, and so never an exit."""
SWITCH_SECONDS = range(10, 121)


class RestTrading:
    """The exchange's REST door for writes."""

    def __init__(self, rest: RestClient) -> None:
        """Write through ``rest``."""
        self._rest = rest

    async def place(self, order: PlaceOrder) -> Outcome:
        """Place one order."""
        ask = order_ask(order, tag=tag_of(order))
        (outcome,) = await self._orders(endpoints.ORDER, ask, (order.client_id,), order, order.expires_at)
        return outcome

    async def amend(self, change: AmendOrder) -> Outcome:
        """Change one resting order."""
        ids = (change.client_id,)
        (outcome,) = await self._orders(endpoints.AMEND, amend_ask(change), ids, change, change.expires_at)
        return outcome

    async def cancel(self, order: CancelOrder) -> Outcome:
        """Cancel one resting order."""
        (outcome,) = await self._orders(endpoints.CANCEL, cancel_ask(order), (order.client_id,), order)
        return outcome

    async def place_many(self, orders: Sequence[PlaceOrder]) -> tuple[Outcome, ...]:
        """Place several, instrument by instrument; each item has its own outcome, in the order asked."""
        return await in_batches(orders, self._place_batch)

    async def amend_many(self, changes: Sequence[AmendOrder]) -> tuple[Outcome, ...]:
        """Change several resting orders; each item has its own outcome, in the order asked."""
        return await in_batches(changes, self._amend_batch)

    async def cancel_many(self, orders: Sequence[CancelOrder]) -> tuple[Outcome, ...]:
        """Cancel several, instrument by instrument; each item has its own outcome, in the order asked."""
        return await in_batches(orders, self._cancel_batch)

    async def _place_batch(self, batch: list[PlaceOrder]) -> tuple[Outcome, ...]:
        asks = [order_ask(order, tag=tag_of(order)) for order in batch]
        return await self._orders(endpoints.BATCH_ORDERS, asks, ids_of(batch), batch[0], soonest(batch))

    async def _amend_batch(self, batch: list[AmendOrder]) -> tuple[Outcome, ...]:
        asks = [amend_ask(change) for change in batch]
        return await self._orders(endpoints.AMEND_BATCH, asks, ids_of(batch), batch[0], soonest(batch))

    async def _cancel_batch(self, batch: list[CancelOrder]) -> tuple[Outcome, ...]:
        return await self._orders(
            endpoints.CANCEL_BATCH, [cancel_ask(order) for order in batch], ids_of(batch), batch[0]
        )

    async def place_algo(self, algo: PlaceAlgo) -> Outcome:
        """Keep a conditional order at the exchange."""
        return await self._one(endpoints.ALGO, algo_ask(algo), algo.lane, algo.inst_id, algo_judged)

    async def amend_algo(self, change: AmendAlgo) -> Outcome:
        """Move the trigger of a conditional order."""
        ask = amend_algo_ask(change)
        return await self._one(endpoints.AMEND_ALGOS, ask, change.lane, change.inst_id, algo_judged)

    async def cancel_algo(self, algo: CancelAlgo) -> Outcome:
        """Cancel a conditional order."""
        asks = [cancel_algo_ask(algo)]
        return await self._one(endpoints.CANCEL_ALGOS, asks, algo.lane, algo.inst_id, algo_judged)

    async def set_leverage(self, inst_id: str, leverage: Decimal, mode: MarginMode, side: Side | None) -> Outcome:
        """Set the leverage new margin is computed with; the side matters only where it is isolated and named."""
        named = side.value if side is not None and mode is MarginMode.ISOLATED else ""
        ask = SetLeverage(inst_id=inst_id, lever=canonical(leverage), mgn_mode=mode.value, pos_side=named)
        return await self._one(endpoints.SET_LEVERAGE, ask, Lane.ENTRY, inst_id, plain_judged)

    async def cancel_all_after(self, seconds: int) -> Outcome:
        """Arm (or with 0 disarm) the exchange's dead man's switch for our resting entries."""
        if seconds and seconds not in SWITCH_SECONDS:
            raise InvariantBroken(f"the dead man's switch takes 0 or 10 to 120 seconds, not {seconds}")
        ask = CancelAllAfterAsk(time_out=str(seconds), tag=ENTRY_TAG)
        return await self._one(endpoints.CANCEL_ALL_AFTER, ask, Lane.PROTECT, "", plain_judged)

    async def close_position(self, inst_id: str, mode: MarginMode, side: Side | None, client_id: str) -> Outcome:
        """Close a whole position at market, our resting exits with it; the answer names no order, our id does."""
        named = "" if side is None else side.value
        ask = ClosePositionAsk(inst_id=inst_id, mgn_mode=mode.value, pos_side=named, auto_cxl=True, cl_ord_id=client_id)
        return await self._one(endpoints.CLOSE_POSITION, ask, Lane.EXIT, inst_id, plain_judged)

    async def _orders(
        self,
        endpoint: Endpoint,
        body: Any,
        ids: tuple[str, ...],
        request: PlaceOrder | AmendOrder | CancelOrder,
        expires_at: Instant | None = None,
    ) -> tuple[Outcome, ...]:
        try:
            answer = await self._rest.write(
                endpoint, body, lane=request.lane, inst_id=request.inst_id, expires_at=expires_at
            )
        except ExchangeUnavailable as error:
            return tuple(unanswered(error) for _ in ids)
        return orders_judged(answer, ids)

    async def _one(
        self, endpoint: Endpoint, body: Any, lane: Lane, inst_id: str, judge: Callable[[bytes], Outcome]
    ) -> Outcome:
        try:
            return judge(await self._rest.write(endpoint, body, lane=lane, inst_id=inst_id))
        except ExchangeUnavailable as error:
            return unanswered(error)


def unanswered(error: ExchangeUnavailable) -> Outcome:
    """Judge silence: only a request that certainly never left is a refusal."""
    if isinstance(error, ExchangeUnreachable | TooLate):
        return Refused(UNSENT, error.message)
    return Unknown(error.message)


def tag_of(order: PlaceOrder) -> str:
    """Give the tag of an order: entries carry one, nothing else does."""
    return ENTRY_TAG if order.lane is Lane.ENTRY and not order.reduce_only else ""


def batches(requests: Sequence[Q]) -> list[list[Q]]:
    """Cut requests into what one message may carry, one instrument each: their budgets are per instrument."""
    by_instrument: dict[str, list[Q]] = {}
    for request in requests:
        by_instrument.setdefault(request.inst_id, []).append(request)
    return [same[at : at + BATCH_MAX] for same in by_instrument.values() for at in range(0, len(same), BATCH_MAX)]


async def in_batches(
    requests: Sequence[Q], send: Callable[[list[Q]], Awaitable[tuple[Outcome, ...]]]
) -> tuple[Outcome, ...]:  # fmt: skip
    """Send requests batch by batch and give the outcomes in the order asked."""
    outcomes: dict[tuple[str, str], Outcome] = {}
    for batch in batches(requests):
        judged = await send(batch)
        outcomes |= {(one.inst_id, one.client_id): outcome for one, outcome in zip(batch, judged, strict=True)}
    return tuple(outcomes[one.inst_id, one.client_id] for one in requests)


def ids_of(batch: Sequence[Q]) -> tuple[str, ...]:
    """Give the client ids of a batch."""
    return tuple(one.client_id for one in batch)


def soonest(batch: Sequence[PlaceOrder] | Sequence[AmendOrder]) -> Instant:
    """Give the instant at which the first of a batch expires: then all of it does."""
    return min(one.expires_at for one in batch)
