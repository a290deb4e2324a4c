"""Writes over the private WebSocket, with REST as the fallback and one budget for both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from scalpctl.core.exchange.outcomes import Outcome, Refused, Unknown
from scalpctl.core.exchange.requests import (
    AmendAlgo,
    AmendOrder,
    CancelAlgo,
    CancelOrder,
    MarginMode,
    PlaceAlgo,
    PlaceOrder,
)
from scalpctl.core.instants import NANOS_PER_SECOND, Instant, Monotonic, to_millis
from scalpctl.core.sides import Side
from scalpctl.okx.rate_limits import RateLimiter
from scalpctl.okx.rest_trading import RestTrading, in_batches, soonest, tag_of
from scalpctl.okx.server_clock import ServerClock
from scalpctl.okx.stream.states import Phase
from scalpctl.okx.transport import ANSWER_WITHIN_S
from scalpctl.okx.verdicts import UNSENT, by_order_items
from scalpctl.okx.wire.asks import amend_ask, cancel_ask, order_ask
from scalpctl.okx.wire.codec import encode
from scalpctl.okx.wire.codes import Meaning, meaning
from scalpctl.okx.wire.endpoints import OPERATIONS
from scalpctl.okx.wire.operations import OPERATION_ID, OperationFrame, OperationReply
from scalpctl.ports.clock import Clock

_REAP_EVERY_S = 0.25
_THROTTLED = frozenset({"50011", "50061", "60014"})
_NO_SUCH_NUMBER = "51001"
"""The exchange's word that it does not know an instrument: of one that it lists, it is the number it does not know."""

Send = Callable[[bytes], bool]
_Request = PlaceOrder | AmendOrder | CancelOrder


class StreamTrading:
    """Trades over a line that is ready; what the WebSocket cannot carry goes over REST."""

    def __init__(
        self, rest: RestTrading, limiter: RateLimiter, clock: Clock, server_clock: ServerClock, codes: dict[str, int]
    ) -> None:
        """Know the instrument codes of this environment: they differ between real and demo."""
        self._rest = rest
        self._limiter = limiter
        self._clock = clock
        self._server_clock = server_clock
        self._codes = codes
        self._misnumbered: set[tuple[str, int | None]] = set()
        self._send: Send = lambda _frame: False
        self._waiting: dict[str, tuple[Monotonic, asyncio.Future[OperationReply | None]]] = {}
        self._reaper: asyncio.Task[None] | None = None
        self._number = 0
        self._ready = False
        self.clock_doubted: Callable[[], None] = lambda: None
        """Told when the exchange refuses something because of its time."""
        self.answer_within_s = ANSWER_WITHIN_S
        """How long an answer is waited for before its outcome is unknown."""

    def attach(self, send: Send) -> None:
        """Use this line; it takes a frame only while it is ready."""
        self._send = send

    def moved(self, phase: Phase) -> None:
        """Leave nobody waiting on a line that is gone: what was asked of it is unknown."""
        self._ready = phase is Phase.READY
        if phase in {Phase.DOWN, Phase.REFUSED}:
            for frame_id in list(self._waiting):
                self._settle(frame_id, None)

    def replied(self, reply: OperationReply) -> None:
        """Hand an answer to whoever waits for it; one that nobody waits for any more is dropped."""
        self._settle(reply.id, reply)

    async def place(self, order: PlaceOrder) -> Outcome:
        """Place one order."""
        code = self._code(order.inst_id)
        if code is None:
            return await self._rest.place(order)
        ask = order_ask(order, code=code, tag=tag_of(order))
        outcomes = await self._operate("order", [ask], (order,), order.expires_at)
        return outcomes[0] if outcomes else await self._rest.place(order)

    async def amend(self, change: AmendOrder) -> Outcome:
        """Change one resting order."""
        code = self._code(change.inst_id)
        if code is None:
            return await self._rest.amend(change)
        outcomes = await self._operate("amend-order", [amend_ask(change, code=code)], (change,), change.expires_at)
        return outcomes[0] if outcomes else await self._rest.amend(change)

    async def cancel(self, order: CancelOrder) -> Outcome:
        """Cancel one resting order."""
        code = self._code(order.inst_id)
        if code is None:
            return await self._rest.cancel(order)
        outcomes = await self._operate("cancel-order", [cancel_ask(order, code=code)], (order,))
        return outcomes[0] if outcomes else await self._rest.cancel(order)

    async def place_many(self, orders: Sequence[PlaceOrder]) -> tuple[Outcome, ...]:
        """Place several; each item has its own outcome, in the order asked."""
        return await in_batches(orders, self._place_batch)

    async def amend_many(self, changes: Sequence[AmendOrder]) -> tuple[Outcome, ...]:
        """Change several resting orders; each item has its own outcome, in the order asked."""
        return await in_batches(changes, self._amend_batch)

    async def cancel_many(self, orders: Sequence[CancelOrder]) -> tuple[Outcome, ...]:
        """Cancel several; each item has its own outcome, in the order asked."""
        return await in_batches(orders, self._cancel_batch)

    async def _place_batch(self, batch: list[PlaceOrder]) -> tuple[Outcome, ...]:
        code = self._code(batch[0].inst_id)
        asks = [order_ask(order, code=code, tag=tag_of(order)) for order in batch] if code is not None else []
        judged = await self._operate("batch-orders", asks, batch, soonest(batch)) if asks else None
        return judged or await self._rest.place_many(batch)

    async def _amend_batch(self, batch: list[AmendOrder]) -> tuple[Outcome, ...]:
        code = self._code(batch[0].inst_id)
        asks = [amend_ask(change, code=code) for change in batch] if code is not None else []
        judged = await self._operate("batch-amend-orders", asks, batch, soonest(batch)) if asks else None
        return judged or await self._rest.amend_many(batch)

    async def _cancel_batch(self, batch: list[CancelOrder]) -> tuple[Outcome, ...]:
        code = self._code(batch[0].inst_id)
        asks = [cancel_ask(order, code=code) for order in batch] if code is not None else []
        judged = await self._operate("batch-cancel-orders", asks, batch) if asks else None
        return judged or await self._rest.cancel_many(batch)

    async def place_algo(self, algo: PlaceAlgo) -> Outcome:
        """Keep a conditional order at the exchange; the WebSocket has no words for that."""
        return await self._rest.place_algo(algo)

    async def amend_algo(self, change: AmendAlgo) -> Outcome:
        """Move the trigger of a conditional order."""
        return await self._rest.amend_algo(change)

    async def cancel_algo(self, algo: CancelAlgo) -> Outcome:
        """Cancel a conditional order."""
        return await self._rest.cancel_algo(algo)

    async def set_leverage(self, inst_id: str, leverage: Decimal, mode: MarginMode, side: Side | None) -> Outcome:
        """Set the leverage new margin is computed with."""
        return await self._rest.set_leverage(inst_id, leverage, mode, side)

    async def cancel_all_after(self, seconds: int) -> Outcome:
        """Arm (or with 0 disarm) the exchange's own dead man's switch for resting entries."""
        return await self._rest.cancel_all_after(seconds)

    def _code(self, inst_id: str) -> int | None:
        code = self._codes.get(inst_id)
        return code if self._ready and (inst_id, code) not in self._misnumbered else None

    async def _operate(
        self, op: str, asks: list[Any], requests: Sequence[_Request], expires_at: Instant | None = None
    ) -> tuple[Outcome, ...] | None:
        """Send one operation; None when the line would not take it, so that nothing was sent."""
        first = requests[0]
        await self._limiter.take(OPERATIONS[op], first.lane, first.inst_id, len(asks))
        if expires_at is not None and self._clock.now() >= expires_at:
            return tuple(Refused(UNSENT, "its time was over before its turn came") for _ in requests)
        frame = OperationFrame(id=self._next_id(), op=op, args=asks, exp_time=self._expiry(expires_at))
        waiting: asyncio.Future[OperationReply | None] = asyncio.get_running_loop().create_future()
        self._waiting[frame.id] = (self._clock.monotonic(), waiting)
        if not self._send(encode(frame)):
            del self._waiting[frame.id]
            return None
        self._watch()
        try:
            reply = await waiting
        finally:
            self._waiting.pop(frame.id, None)
        if reply is None:
            return tuple(Unknown("the stream gave no answer") for _ in requests)
        self._heed(op, first.inst_id, reply)
        return by_order_items(reply.code, reply.msg, reply.data, [request.client_id for request in requests])

    def _settle(self, frame_id: str, reply: OperationReply | None) -> None:
        asked = self._waiting.pop(frame_id, None)
        if asked is not None and not asked[1].done():
            asked[1].set_result(reply)

    def _watch(self) -> None:
        """See to it that nobody waits for ever: one task for all operations, alive while there are any."""
        if self._reaper is None or self._reaper.done():
            self._reaper = asyncio.get_running_loop().create_task(self._reap())

    async def _reap(self) -> None:
        while self._waiting:
            await self._clock.sleep(_REAP_EVERY_S)
            oldest = self._clock.monotonic() - round(self.answer_within_s * NANOS_PER_SECOND)
            for frame_id in [name for name, (asked_at, _) in self._waiting.items() if asked_at <= oldest]:
                self._settle(frame_id, None)

    def _heed(self, op: str, inst_id: str, reply: OperationReply) -> None:
        codes = {reply.code, *(ack.s_code for ack in reply.data)}
        if codes & _THROTTLED:
            self._limiter.shut(OPERATIONS[op], inst_id)
        if any(meaning(code) is Meaning.CLOCK for code in codes):
            self.clock_doubted()
        if _NO_SUCH_NUMBER in codes:  # it goes over REST from here on, which names it by its id
            self._misnumbered.add((inst_id, self._codes.get(inst_id)))

    def _expiry(self, expires_at: Instant | None) -> str:
        return "" if expires_at is None else str(to_millis(self._server_clock.theirs(expires_at)))

    def _next_id(self) -> str:
        self._number += 1
        return f"{OPERATION_ID}{self._number:010d}"
