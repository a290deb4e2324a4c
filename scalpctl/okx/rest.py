"""One signed request at a time: reads are asked again, writes never."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from random import Random
from typing import Any, TypeVar
from urllib.parse import quote

import tenacity
from msgspec import to_builtins

from scalpctl.core.exchange.connections import ConnectionEvent, ConnectionFact
from scalpctl.core.exchange.requests import Lane
from scalpctl.core.instants import NANOS_PER_SECOND, Instant, Monotonic, to_millis
from scalpctl.errors import AccessRefused, AnswerMalformed, ExchangeUnavailable
from scalpctl.okx.access import access_refused, clock_refused
from scalpctl.okx.credentials import Credentials
from scalpctl.okx.rate_limits import RateLimiter
from scalpctl.okx.server_clock import ServerClock
from scalpctl.okx.transport import Headers, Request, Response, Transport
from scalpctl.okx.verdicts import code_of
from scalpctl.okx.wire import endpoints
from scalpctl.okx.wire.base import Ask
from scalpctl.okx.wire.codec import decode, encode
from scalpctl.okx.wire.codes import BUSY_READ, Meaning, meaning
from scalpctl.okx.wire.endpoints import Endpoint
from scalpctl.okx.wire.envelope import OK, Answer
from scalpctl.okx.wire.hosts import DEMO_HEADER
from scalpctl.okx.wire.market import TimeRow
from scalpctl.okx.wire.texts import instant
from scalpctl.ports.clock import Clock
from scalpctl.ports.connections import ConnectionListener

T = TypeVar("T")

READ_ATTEMPTS = 4
_BACKOFF_FIRST_S = 0.25
_BACKOFF_MOST_S = 4.0
LONG_ON_ITS_WAY_S = 10
"""After so long a refusal for being late says nothing about our clock."""
MEASURED_LATELY_S = 10
DOUBTED_AGAIN_S = 5
"""How long a measurement stands before a write refused for its time leads to another."""
_CLOCK_OFF = (b'"50036"', b'"50037"', b'"50102"', b'"50112"')
_THROTTLED = ("50011", "50061", "51113")


class ReadRefused(ExchangeUnavailable):
    """The exchange answered a read with a code; some of them mean something to the reader."""

    def __init__(self, code: str, message: str) -> None:
        """Keep the code apart from the sentence."""
        super().__init__(f"the exchange answers {code}: {message}")
        self.code = code


class _Again(ExchangeUnavailable):
    """A read that may be repeated."""


class RestClient:
    """Signs, paces and sends; knows what a read may do and a write may not."""

    def __init__(
        self,
        transport: Transport,
        clock: Clock,
        *,
        credentials: Credentials | None,
        demo: bool,
        limiter: RateLimiter,
        listener: ConnectionListener,
        random: Random,
    ) -> None:
        """Take everything it depends on."""
        self._transport = transport
        self._clock = clock
        self._credentials = credentials
        self.demo = demo
        self._listener = listener
        self._random = random
        self.limiter = limiter
        self.server_clock = ServerClock(clock)
        self.progress: Callable[[int], None] | None = None
        """Told after every read how many rows have come so far."""
        self._rows_read = 0

    async def read(self, endpoint: Endpoint, row: type[T], ask: Ask | None = None, lane: Lane = Lane.QUERY) -> list[T]:
        """Give the rows of a read; ask again after a random pause while trying later makes sense."""
        target = target_of(endpoint, ask)
        inst_id = getattr(ask, "inst_id", "")
        attempts = tenacity.AsyncRetrying(
            stop=tenacity.stop_after_attempt(READ_ATTEMPTS),
            wait=self._pause,
            sleep=self._clock.sleep,
            retry=tenacity.retry_if_exception(_worth_asking_again),
            reraise=True,
        )
        rows: list[T] = await attempts(self._read_once, endpoint, row, target, inst_id, lane)
        self._rows_read += len(rows)
        if self.progress is not None:
            self.progress(self._rows_read)
        return rows

    async def write(
        self, endpoint: Endpoint, body: Any, *, lane: Lane, inst_id: str, expires_at: Instant | None = None
    ) -> bytes:
        """Send a write once and give the answer's bytes; ExchangeUnreachable means that it certainly never left."""
        weight = len(body) if isinstance(body, Sequence) else 1
        await self.limiter.take(endpoint, lane, inst_id, weight)
        if expires_at is not None and self._clock.now() >= expires_at:
            raise TooLate("its time was over before its turn came")
        extra = {} if expires_at is None else {"expTime": str(to_millis(self.server_clock.theirs(expires_at)))}
        response = await self._send(endpoint, endpoint.path, encode(body), extra)
        self._heed_throttling(endpoint, inst_id, response)
        await self._heed_clock(response)
        return response.body

    async def synchronise(self) -> None:
        """Measure the exchange's clock, and say so when ours is off by more than a second."""
        skew = await self.server_clock.measure(self.server_time)
        if abs(skew.behind_us) > 1_000_000:
            figures = (("behind_ms", skew.behind_us // 1_000), ("uncertainty_us", skew.uncertainty_us))
            self._tell(ConnectionFact.CLOCK, "this machine's clock is off", figures)

    async def measure_doubted(self) -> None:
        """Measure the exchange's clock after it refused something for its time, unless that was done just now."""
        if not self.server_clock.measured_within_s(DOUBTED_AGAIN_S):
            with suppress(ExchangeUnavailable):
                await self.synchronise()

    async def server_time(self) -> Instant:
        """Ask for the exchange's clock, once."""
        rows = await self._read_once(endpoints.TIME, TimeRow, endpoints.TIME.path, "", Lane.QUERY)
        if len(rows) != 1:
            raise AnswerMalformed(f"the exchange gave {len(rows)} rows where its time belongs")
        return instant(rows[0].ts, "ts")

    def report_load(self) -> None:
        """Tell the listener how the limits were used since the last time."""
        load = self.limiter.drain()
        names = ("granted", "waited", "waited_ms", "throttled")
        self._tell(ConnectionFact.LOAD, "", tuple((name, getattr(load, name)) for name in names))

    async def _read_once(self, endpoint: Endpoint, row: type[T], target: str, inst_id: str, lane: Lane) -> list[T]:
        await self.limiter.take(endpoint, lane, inst_id)
        signed = self._clock.monotonic()
        response = await self._send(endpoint, target, b"", {})
        self._heed_throttling(endpoint, inst_id, response)
        code, message = code_of(response.body)
        if code == OK:
            return decode(Answer[row], response.body).data  # type: ignore[valid-type]  # chosen at run time
        said = meaning(code)
        if said is Meaning.CLOCK:
            await self._after_clock_refusal(code, message, signed)
        if said is Meaning.ACCESS:
            raise access_refused(code, message, demo=self.demo)
        if code in BUSY_READ:
            raise _Again(f"the exchange is busy: {code} {message}")
        raise ReadRefused(code, message)

    async def _after_clock_refusal(self, code: str, message: str, signed: Monotonic) -> None:
        """Measure and ask again; when a request signed with a fresh measurement was refused, that is not the cure."""
        clock = self.server_clock
        if self._clock.monotonic() - signed > LONG_ON_ITS_WAY_S * NANOS_PER_SECOND:
            raise _Again("the request was so long on its way that it had expired")
        if clock.measured_since(signed):
            raise _Again("the exchange's clock has been measured since this was signed; asking again")
        if clock.measured_within_s(MEASURED_LATELY_S):
            raise clock_refused(code, message, clock.skew().behind_us)
        await self.synchronise()
        raise _Again("the exchange's clock has been measured; asking again")

    async def _send(self, endpoint: Endpoint, target: str, body: bytes, extra: dict[str, str]) -> Response:
        headers = Headers(extra)
        if body:
            headers["Content-Type"] = "application/json"
        if self.demo:
            headers[DEMO_HEADER] = "1"
        if endpoint.private:
            if self._credentials is None:
                raise AccessRefused("this needs an API key, and there is none", hint="scalpctl config init")
            headers |= self._credentials.headers(self.server_clock.now(), endpoint.method, target, body)
        return await self._transport.send(Request(endpoint.method, target, body, headers))

    def _heed_throttling(self, endpoint: Endpoint, inst_id: str, response: Response) -> None:
        complaint = response.status == 429
        if not complaint and len(response.body) < 1_000:
            complaint = any(f'"{code}"'.encode() in response.body for code in _THROTTLED)
        if complaint:
            self.limiter.shut(endpoint, inst_id, max(2, min(response.retry_after_s, 60)))
            self._tell(ConnectionFact.THROTTLED, f"{endpoint.method} {endpoint.path}")

    async def _heed_clock(self, response: Response) -> None:
        """Measure the clock when a write was refused because of it, so that the next one is not."""
        if len(response.body) > 1_000 or not any(code in response.body for code in _CLOCK_OFF):
            return
        await self.measure_doubted()

    def _pause(self, state: tenacity.RetryCallState) -> float:
        most = min(_BACKOFF_MOST_S, _BACKOFF_FIRST_S * 2.0**state.attempt_number)
        return self._random.uniform(0.05, most)

    def _tell(self, fact: ConnectionFact, detail: str = "", figures: tuple[tuple[str, int], ...] = ()) -> None:
        self._listener.heard(ConnectionEvent(self._clock.now(), "rest", fact, detail, figures))


class TooLate(ExchangeUnavailable):
    """A write whose time was over before it could be sent; it never left."""


def target_of(endpoint: Endpoint, ask: Ask | None) -> str:
    """Give the request target exactly as it will be signed and sent."""
    if ask is None:
        return endpoint.path
    fields: dict[str, str] = to_builtins(ask)
    query = "&".join(f"{name}={quote(value, safe=',')}" for name, value in fields.items())
    return f"{endpoint.path}?{query}" if query else endpoint.path


def _worth_asking_again(error: BaseException) -> bool:
    """Tell whether asking again may help: not when the answer was a clear no."""
    return isinstance(error, ExchangeUnavailable) and not isinstance(error, ReadRefused)
