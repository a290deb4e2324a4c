"""Everything the exchange knows, as plain structures: what is written here survives the process that hosts it."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct, field

ZERO = Decimal(0)


class Candle(Struct):
    """One minute: opened at (µs), prices in ticks, contracts traded."""

    at: int
    open: int
    high: int
    low: int
    close: int
    contracts: float


class Market(Struct):
    """One instrument's market; prices are whole ticks, so that they are exact."""

    inst_id: str
    value: float
    """Where the price wants to be, in ticks."""
    anchor: float
    regime: str
    regime_until: int
    direction: int
    bid: int
    ask: int
    last: int
    mark: float
    index: float
    basis: float
    sizes: list[float]
    """Contracts at the best levels: bids first, then asks."""
    funding_at: int
    funding_rate: str
    state: str = "live"
    expires_at: int = 0
    """When it is taken off the list, once that was announced."""
    thin: bool = False
    trade_id: int = 1
    sequence: int = 1
    day_open: int = 0
    day_high: int = 0
    day_low: int = 0
    volume: float = 0.0
    silent_until: int = 0
    phase: float = 0.0
    jump: float = 0.0
    candles: list[Candle] = field(default_factory=list)
    trades: list[tuple[str, int, float, str, int]] = field(default_factory=list)
    funding_history: list[tuple[int, str]] = field(default_factory=list)

    @property
    def is_traded(self) -> bool:
        """Tell whether orders are taken and prices move: in every state but those that are known not to trade."""
        return self.state not in {"suspend", "post_only", "expired"}


class Order(Struct):
    """One order, from acceptance to its end."""

    order_id: str
    client_id: str
    inst_id: str
    mode: str
    side: str
    pos_side: str
    type: str
    price: int | None
    contracts: Decimal
    created: int
    updated: int
    reduce_only: bool = False
    tag: str = ""
    state: str = "live"
    filled: Decimal = ZERO
    value: Decimal = ZERO
    fee: Decimal = ZERO
    pnl: Decimal = ZERO
    queue: float = 0.0
    category: str = "normal"
    source: str = ""
    cancel_source: str = ""
    algo_id: str = ""
    algo_client_id: str = ""
    stp: str = "cancel_maker"
    lever: str = ""
    last_fill: str = ""
    last_price: str = ""
    last_size: str = ""
    last_at: int = 0
    leaves_at: int = 0
    """When it leaves the book, where its cancellation was acknowledged and is not done yet."""
    attached: list[dict[str, str]] = field(default_factory=list)


class Algo(Struct):
    """One conditional order the exchange keeps."""

    algo_id: str
    client_id: str
    inst_id: str
    mode: str
    kind: str
    side: str
    pos_side: str
    created: int
    updated: int
    contracts: Decimal | None = None
    fraction: str = ""
    reduce_only: bool = False
    dies_with_position: bool = False
    stop: Decimal | None = None
    stop_type: str = "last"
    stop_price: str = "-1"
    take: Decimal | None = None
    take_type: str = "last"
    take_price: str = "-1"
    trigger: Decimal | None = None
    trigger_type: str = "last"
    order_price: str = "-1"
    callback: Decimal | None = None
    spread: Decimal | None = None
    active: Decimal | None = None
    is_active: bool = True
    extreme: Decimal | None = None
    state: str = "live"
    fail_code: str = ""
    orders: list[str] = field(default_factory=list)
    actual_side: str = ""
    actual_size: str = ""
    actual_price: str = ""
    triggered: int = 0
    tag: str = ""
    last: str = ""
    above: bool = False
    """Whether a plain trigger lay above the price when it was placed."""


class Position(Struct):
    """One position; ``contracts`` is signed, a lifecycle is (id, created)."""

    pos_id: str
    inst_id: str
    mode: str
    pos_side: str
    contracts: Decimal
    average: Decimal
    margin: Decimal
    lever: str
    created: int
    updated: int
    realised: Decimal = ZERO
    fee: Decimal = ZERO
    funding: Decimal = ZERO
    penalty: Decimal = ZERO
    largest: Decimal = ZERO
    closed: Decimal = ZERO
    closed_value: Decimal = ZERO
    opened_value: Decimal = ZERO
    opened: Decimal = ZERO
    trade_id: str = ""
    warned: int = 0


class Closed(Struct):
    """One lifecycle of a position that has been reduced."""

    pos_id: str
    inst_id: str
    mode: str
    pos_side: str
    direction: str
    type: str
    created: int
    updated: int
    largest: Decimal
    closed: Decimal
    open_average: Decimal
    close_average: Decimal
    pnl: Decimal
    fee: Decimal
    funding: Decimal
    penalty: Decimal
    lever: str
    trigger: str = ""


class Fill(Struct):
    """One execution of this account."""

    inst_id: str
    trade_id: str
    order_id: str
    client_id: str
    bill_id: str
    side: str
    pos_side: str
    price: Decimal
    contracts: Decimal
    fee: Decimal
    pnl: Decimal
    sub_type: str
    liquidity: str
    tag: str
    at: int
    mark: str


class Bill(Struct):
    """One line of the account's ledger; the changes of all of them add up to its money."""

    bill_id: str
    type: str
    sub_type: str
    change: Decimal
    balance: Decimal
    at: int
    inst_id: str = ""
    mode: str = ""
    position_change: Decimal = ZERO
    position_balance: Decimal = ZERO
    contracts: str = ""
    price: str = ""
    pnl: Decimal = ZERO
    fee: Decimal = ZERO
    order_id: str = ""
    client_id: str = ""
    trade_id: str = ""
    liquidity: str = ""
    tag: str = ""


class Account(Struct):
    """One account: its money, what it holds, what it has asked for, and its whole history."""

    uid: str
    api_key: str
    secret: str
    passphrase: str
    cash: Decimal = ZERO
    level: str = "2"
    pos_mode: str = "net_mode"
    maker: Decimal = Decimal("0.0002")
    taker: Decimal = Decimal("0.0005")
    fee_level: str = "Lv1"
    levers: dict[str, str] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    orders: dict[str, Order] = field(default_factory=dict)
    """Resting orders by id."""
    done: list[Order] = field(default_factory=list)
    algos: dict[str, Algo] = field(default_factory=dict)
    algos_done: list[Algo] = field(default_factory=list)
    fills: list[Fill] = field(default_factory=list)
    bills: list[Bill] = field(default_factory=list)
    closed: list[Closed] = field(default_factory=list)
    switch_at: dict[str, int] = field(default_factory=dict)
    pos_ids: dict[str, str] = field(default_factory=dict)
    permissions: str = "read_only,trade"
    ip: str = "127.0.0.1"


class Books(Struct):
    """Who else the money went to: with these and all accounts every sum is zero."""

    crowd_cash: Decimal = ZERO
    crowd_contracts: dict[str, Decimal] = field(default_factory=dict)
    fees: Decimal = ZERO
    insurance: Decimal = ZERO
    funding: Decimal = ZERO
    rounding: Decimal = ZERO
    outside: Decimal = ZERO
    """What came in from outside, counted negative."""


class Scheduled(Struct):
    """Something others will do."""

    at: int
    do: str
    arguments: dict[str, str] = field(default_factory=dict)
    waits: bool = False


class State(Struct):
    """The whole exchange."""

    world: str
    seed: int
    now: int
    markets: dict[str, Market]
    accounts: dict[str, Account] = field(default_factory=dict)
    books: Books = field(default_factory=Books)
    schedule: list[Scheduled] = field(default_factory=list)
    random: list[int] = field(default_factory=list)
    number: int = 0
    status: list[dict[str, str]] = field(default_factory=list)
    funding_every_s: int = 28_800
    switches: dict[str, str] = field(default_factory=dict)
    """Documented but unproven behaviours, and faults of state, as they are set."""
    log_sequence: int = 0
    begun: int = 0
    """When this exchange was opened: a recording is played from then on."""
