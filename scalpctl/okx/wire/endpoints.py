"""Every REST endpoint with its documented limit; trade limits are shared with the WebSocket operations."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Scope(StrEnum):
    """Whose requests are counted together."""

    IP = "ip"
    IP_INSTRUMENT = "ip+instrument"
    USER = "user"
    USER_INSTRUMENT = "user+instrument"

    @property
    def per_instrument(self) -> bool:
        """Tell whether each instrument has a budget of its own."""
        return self in {Scope.IP_INSTRUMENT, Scope.USER_INSTRUMENT}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One endpoint: ``permits`` per ``window_s``; ``private`` ones are signed."""

    method: str
    path: str
    permits: int
    scope: Scope
    window_s: int = 2
    private: bool = True
    page_limit: int = 0

    @property
    def writes(self) -> bool:
        """Tell whether the endpoint changes anything: then it is never retried."""
        return self.method == "POST"


def _public(path: str, permits: int, scope: Scope = Scope.IP, *, window_s: int = 2, page_limit: int = 0) -> Endpoint:
    return Endpoint("GET", f"/api/v5/{path}", permits, scope, window_s, private=False, page_limit=page_limit)


def _read(path: str, permits: int, scope: Scope = Scope.USER, *, window_s: int = 2, page_limit: int = 0) -> Endpoint:
    return Endpoint("GET", f"/api/v5/{path}", permits, scope, window_s, page_limit=page_limit)


def _write(path: str, permits: int, scope: Scope = Scope.USER_INSTRUMENT, *, window_s: int = 2) -> Endpoint:
    return Endpoint("POST", f"/api/v5/{path}", permits, scope, window_s)


TIME = _public("public/time", 10)
INSTRUMENTS = _public("public/instruments", 20)
TICKERS = _public("market/tickers", 20)
TICKER = _public("market/ticker", 20)
BOOKS = _public("market/books", 40)
CANDLES = _public("market/candles", 40, page_limit=300)
HISTORY_CANDLES = _public("market/history-candles", 20, page_limit=300)
MARK_PRICE_CANDLES = _public("market/mark-price-candles", 20, page_limit=100)
INDEX_TICKERS = _public("market/index-tickers", 20)
TRADES = _public("market/trades", 100)
MARK_PRICE = _public("public/mark-price", 10, Scope.IP_INSTRUMENT)
FUNDING_RATE = _public("public/funding-rate", 10, Scope.IP_INSTRUMENT)
FUNDING_HISTORY = _public("public/funding-rate-history", 10, Scope.IP_INSTRUMENT, page_limit=400)
PRICE_LIMIT = _public("public/price-limit", 20)
POSITION_TIERS = _public("public/position-tiers", 10)
OPEN_INTEREST = _public("public/open-interest", 20, Scope.IP_INSTRUMENT)
STATUS = _public("system/status", 1, window_s=5)

CONFIG = _read("account/config", 5)
BALANCE = _read("account/balance", 10)
POSITIONS = _read("account/positions", 10)
POSITIONS_HISTORY = _read("account/positions-history", 10, page_limit=100)
BILLS = _read("account/bills", 5, window_s=1, page_limit=100)
BILLS_ARCHIVE = _read("account/bills-archive", 5, page_limit=100)
LEVERAGE_INFO = _read("account/leverage-info", 20)
MAX_SIZE = _read("account/max-size", 20)
TRADE_FEE = _read("account/trade-fee", 5)
ACCOUNT_INSTRUMENTS = _read("account/instruments", 20)
RATE_LIMIT = _read("trade/account-rate-limit", 1, window_s=1)
SET_LEVERAGE = _write("account/set-leverage", 20, Scope.USER)

ORDER = _write("trade/order", 60)
BATCH_ORDERS = _write("trade/batch-orders", 300)
CANCEL = _write("trade/cancel-order", 60)
CANCEL_BATCH = _write("trade/cancel-batch-orders", 300)
AMEND = _write("trade/amend-order", 60)
AMEND_BATCH = _write("trade/amend-batch-orders", 300)
CLOSE_POSITION = _write("trade/close-position", 20)
CANCEL_ALL_AFTER = _write("trade/cancel-all-after", 1, Scope.USER, window_s=1)
ORDER_DETAILS = _read("trade/order", 60, Scope.USER_INSTRUMENT)
ORDERS_PENDING = _read("trade/orders-pending", 60, page_limit=100)
ORDERS_HISTORY = _read("trade/orders-history", 40, page_limit=100)
ORDERS_ARCHIVE = _read("trade/orders-history-archive", 20, page_limit=100)
FILLS = _read("trade/fills", 60, page_limit=100)
FILLS_HISTORY = _read("trade/fills-history", 10, page_limit=100)

ALGO = _write("trade/order-algo", 20)
CANCEL_ALGOS = _write("trade/cancel-algos", 20)
AMEND_ALGOS = _write("trade/amend-algos", 20)
ALGO_DETAILS = _read("trade/order-algo", 20)
ALGOS_PENDING = _read("trade/orders-algo-pending", 20, page_limit=100)
ALGOS_HISTORY = _read("trade/orders-algo-history", 20, page_limit=100)

ENDPOINTS: tuple[Endpoint, ...] = tuple(
    value for name, value in sorted(globals().items()) if isinstance(value, Endpoint) and name.isupper()
)
"""Every endpoint, by the name of its constant."""

BATCH_MAX = 20
ACCOUNT_ORDERS_MAX = 1_000
"""New and amended orders per two seconds across all instruments; cancels are not counted."""

OPERATIONS: dict[str, Endpoint] = {
    "order": ORDER,
    "batch-orders": BATCH_ORDERS,
    "cancel-order": CANCEL,
    "batch-cancel-orders": CANCEL_BATCH,
    "amend-order": AMEND,
    "batch-amend-orders": AMEND_BATCH,
}
"""WebSocket trade operations, each with the REST endpoint whose limit it shares."""
