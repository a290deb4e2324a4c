"""REST without sockets: exact bytes in, exact bytes out; signed, limited, judged; never half done."""

from __future__ import annotations

import hmac
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl

import msgspec

from scalpctl.core.instants import Instant, parse_rfc3339
from scalpctl.errors import NotCanonical
from scalpctl.okx.wire import endpoints
from scalpctl.okx.wire.endpoints import ENDPOINTS, Endpoint
from scalpctl.okx.wire.signing import signature
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving import account_handlers as account
from scalpctl.simulator.serving import public_handlers as public
from scalpctl.simulator.serving import trade_handlers as trade
from scalpctl.simulator.state import Account

Handler = Callable[[Exchange, Any, Any], list[Any]]
TIMESTAMP_WITHIN_US = 30_000_000
BODY_MAX = 1 << 20
_JUDGED = {
    endpoints.ORDER, endpoints.BATCH_ORDERS, endpoints.CANCEL, endpoints.CANCEL_BATCH, endpoints.AMEND,
    endpoints.AMEND_BATCH, endpoints.ALGO, endpoints.CANCEL_ALGOS, endpoints.AMEND_ALGOS,
}  # fmt: skip
_EXPIRING = {endpoints.ORDER, endpoints.BATCH_ORDERS, endpoints.AMEND, endpoints.AMEND_BATCH}
HANDLERS: dict[Endpoint, Handler] = {
    endpoints.TIME: public.time,
    endpoints.INSTRUMENTS: public.instruments,
    endpoints.TICKERS: public.tickers,
    endpoints.TICKER: public.ticker,
    endpoints.BOOKS: public.books,
    endpoints.CANDLES: public.candles,
    endpoints.HISTORY_CANDLES: public.candles,
    endpoints.MARK_PRICE_CANDLES: public.mark_candles,
    endpoints.INDEX_TICKERS: public.index_tickers,
    endpoints.TRADES: public.trades,
    endpoints.MARK_PRICE: public.mark_price,
    endpoints.FUNDING_RATE: public.funding_rate,
    endpoints.FUNDING_HISTORY: public.funding_history,
    endpoints.PRICE_LIMIT: public.price_limit,
    endpoints.POSITION_TIERS: public.tiers,
    endpoints.OPEN_INTEREST: public.open_interest,
    endpoints.STATUS: public.status,
    endpoints.CONFIG: account.config,
    endpoints.BALANCE: account.balance,
    endpoints.POSITIONS: account.open_positions,
    endpoints.POSITIONS_HISTORY: account.positions_history,
    endpoints.BILLS: account.bills,
    endpoints.BILLS_ARCHIVE: account.bills_archive,
    endpoints.LEVERAGE_INFO: account.leverage_info,
    endpoints.MAX_SIZE: account.max_size,
    endpoints.TRADE_FEE: account.trade_fee,
    endpoints.ACCOUNT_INSTRUMENTS: account.account_instruments,
    endpoints.RATE_LIMIT: account.rate_limit,
    endpoints.SET_LEVERAGE: account.set_leverage,
    endpoints.ORDER: trade.place,
    endpoints.BATCH_ORDERS: trade.place,
    endpoints.CANCEL: trade.cancel,
    endpoints.CANCEL_BATCH: trade.cancel,
    endpoints.AMEND: trade.amend,
    endpoints.AMEND_BATCH: trade.amend,
    endpoints.CLOSE_POSITION: trade.close_position,
    endpoints.CANCEL_ALL_AFTER: trade.cancel_all_after,
    endpoints.ORDER_DETAILS: account.order,
    endpoints.ORDERS_PENDING: account.orders_pending,
    endpoints.ORDERS_HISTORY: account.orders_history,
    endpoints.ORDERS_ARCHIVE: account.orders_archive,
    endpoints.FILLS: account.fills,
    endpoints.FILLS_HISTORY: account.fills_history,
    endpoints.ALGO: trade.place_algo,
    endpoints.CANCEL_ALGOS: trade.cancel_algos,
    endpoints.AMEND_ALGOS: trade.amend_algos,
    endpoints.ALGO_DETAILS: account.algo,
    endpoints.ALGOS_PENDING: account.algos_pending,
    endpoints.ALGOS_HISTORY: account.algos_history,
}


def _extra(method: str, path: str, handler: Handler, *, private: bool = True) -> tuple[Endpoint, Handler]:
    return Endpoint(method, f"/api/v5/{path}", 20, endpoints.Scope.USER, 2, private=private), handler


OTHERS: dict[Endpoint, Handler] = dict((
    _extra("GET", "asset/currencies", public.currencies),
    _extra("GET", "asset/balances", public.nothing),
    _extra("GET", "market/history-trades", public.trades, private=False),
    _extra("GET", "market/books-full", public.books, private=False),
    _extra("GET", "public/convert-contract-coin", public.nothing, private=False),
    _extra("POST", "account/set-position-mode", account.set_position_mode),
    _extra("GET", "account/max-avail-size", account.max_avail_size),
    _extra("GET", "account/account-position-risk", account.risk),
    _extra("POST", "trade/cancel-advance-algos", trade.cancel_algos),
))  # fmt: skip
"""What ordinary clients also ask for."""
_ROUTES = {(endpoint.method, endpoint.path): endpoint for endpoint in (*ENDPOINTS, *OTHERS)}


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: HTTP status, exact body, and how long to stay away."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)


Act = Callable[[Account, str, Any], list[dict[str, Any]]]
WRITES: dict[str, Handler] = {
    endpoint.path: handler for endpoint, handler in (HANDLERS | OTHERS).items() if endpoint.method == "POST"
}
"""What changes an account, by path."""


class Rest:
    """Answers requests for one exchange; writes go through ``act``, which makes them durable first."""

    def __init__(self, exchange: Exchange, act: Act) -> None:
        """Answer for this exchange."""
        self.exchange = exchange
        self._act = act
        self._used: dict[tuple[Endpoint, str], deque[int]] = {}
        self.throttled = 0
        """How many requests were one too many for a documented limit."""
        self.any_time = False
        """Whether clients may be of another time: then timestamps are not judged by their age."""
        self.skew_us = 0
        """How far the clock this door shows is off; a fault somebody asked for."""

    def answer(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Answer one request."""
        path, _, query = target.partition("?")
        endpoint = _ROUTES.get((method, path))
        if endpoint is None:
            return _reply(404, "50404" if not path.startswith("/api/v5") else "50005", "Requested path not found")
        lower = {name.lower(): value for name, value in headers.items()}
        try:
            who = self._who(endpoint, method, target, lower, body)
            params = _params(query) if method == "GET" else _json(body)
            self.limit(endpoint, who.uid if who is not None else "ip", params)
            self._expiry(endpoint, lower.get("exptime", ""))
            if method == "POST" and who is not None:
                return self._done(endpoint, self._act(who, path, params))
            handler = HANDLERS.get(endpoint) or OTHERS[endpoint]
            return self._done(endpoint, handler(self.exchange, who, params))
        except Denied as no:
            return _reply(_status(no.code), no.code, no.message)

    def limit(self, endpoint: Endpoint, who: str, params: Any) -> None:
        """Count a request; one too many is refused before it is looked at."""
        first = params[0] if isinstance(params, list) and params else params
        inst_id = str(first.get("instId") or first.get("instIdCode") or "") if isinstance(first, dict) else ""
        weight = len(params) if isinstance(params, list) and endpoint.path.endswith("-orders") else 1
        key = (endpoint, f"{who}:{inst_id}" if endpoint.scope.per_instrument else who)
        window = self._used.setdefault(key, deque())
        now = self.exchange.now
        while window and now - window[0] >= endpoint.window_s * 1_000_000:
            window.popleft()
        if len(window) + weight > endpoint.permits:
            self.throttled += 1
            raise Denied("50011", "Too Many Requests")
        window.extend([now] * weight)

    def _expiry(self, endpoint: Endpoint, text: str) -> None:
        if endpoint in _EXPIRING:
            self.expired(text)

    def expired(self, text: str) -> None:
        """Refuse a request whose time is over; none is always in time."""
        if not text:
            return
        if not text.isdecimal():
            raise Denied("51000", "Parameter expTime error")
        if int(text) < self.now_ms():
            raise Denied("50036", "The expTime can't be earlier than the current system time.")

    def now_ms(self) -> int:
        """Give the clock this door shows, in milliseconds."""
        return (self.exchange.now + self.skew_us) // 1_000

    def _who(
        self, endpoint: Endpoint, method: str, target: str, headers: Mapping[str, str], body: bytes
    ) -> Account | None:  # fmt: skip
        if not endpoint.private:
            return None
        for name, code in (("key", "50103"), ("sign", "50106"), ("timestamp", "50107"), ("passphrase", "50104")):
            if not headers.get(f"ok-access-{name}"):
                raise Denied(code, f"Request header OK-ACCESS-{name.upper()} can not be empty.")
        timestamp = headers["ok-access-timestamp"]
        try:
            at = parse_rfc3339(timestamp)
        except NotCanonical:
            raise Denied("50112", "Invalid OK-ACCESS-TIMESTAMP") from None
        if not self.any_time and abs(at - Instant(self.now_ms() * 1_000)) > TIMESTAMP_WITHIN_US:
            raise Denied("50102", "Timestamp request expired")
        who = self.exchange.account_of(headers["ok-access-key"])
        if who is None:
            raise Denied("50111", "Invalid OK-ACCESS-KEY")
        if headers["ok-access-passphrase"] != who.passphrase:
            raise Denied("50105", "Request header OK-ACCESS-PASSPHRASE incorrect.")
        if not hmac.compare_digest(signature(who.secret, timestamp, method, target, body), headers["ok-access-sign"]):
            raise Denied("50113", "Invalid Sign")
        return who

    def _done(self, endpoint: Endpoint, rows: list[Any]) -> Reply:
        code = trade.code_of(rows) if endpoint in _JUDGED else "0"
        message = {"0": "", "1": "All operations failed", "2": "Bulk operation partially succeeded."}[code]
        body: dict[str, Any] = {"code": code, "msg": message, "data": rows}
        if endpoint in _JUDGED:
            body |= {"inTime": str(self.exchange.now), "outTime": str(self.exchange.now)}
        if endpoint is endpoints.TIME:
            body["data"] = [{"ts": str(self.now_ms())}]
        return Reply(200, msgspec.json.encode(body), {"content-type": "application/json"})


def _params(query: str) -> dict[str, str]:
    try:
        pairs = parse_qsl(query, keep_blank_values=True, strict_parsing=bool(query), max_num_fields=60)
    except ValueError:
        raise Denied("51000", "Parameter error") from None
    return dict(pairs)


def _json(body: bytes) -> Any:
    if not body:
        raise Denied("50000", "Body for POST request can not be empty.")
    if len(body) > BODY_MAX:
        raise Denied("50002", "JSON syntax error")
    try:
        value = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise Denied("50002", "JSON syntax error") from None
    if not isinstance(value, (dict, list)):
        raise Denied("50002", "JSON syntax error")
    return value


def _status(code: str) -> int:
    if code in {"50011", "50013", "51113"}:
        return 429
    if code in {"50100", "50101", "50102", "50103", "50104", "50105", "50106", "50107", "50111", "50112", "50113"}:
        return 401
    return 400 if code in {"50000", "50002", "50014", "50004"} else 200


def _reply(status: int, code: str, message: str) -> Reply:
    body = msgspec.json.encode({"code": code, "msg": message, "data": []})
    headers = {"content-type": "application/json"}
    if status == 429:
        headers["retry-after"] = "2"
    return Reply(status, body, headers)
