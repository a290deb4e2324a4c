"""Everything of one exchange put together: market, doors, books on disk, and the clock it follows."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from decimal import Decimal
from random import Random
from typing import Any, NamedTuple

from scalpctl.ports.clock import Clock
from scalpctl.simulator import actors, announcements
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.faults import HTML, PRESETS, WEATHER, Faults
from scalpctl.simulator.serving.hub import Hub
from scalpctl.simulator.serving.rest import WRITES, Reply, Rest
from scalpctl.simulator.serving.session import _ACTS, Outlet, Session
from scalpctl.simulator.serving.store import Entry, Store
from scalpctl.simulator.state import Account, Algo, Fill, Order, Position

OTHERS = "others:"
REFUSED_KEPT = 200
LOST_AFTER_S = 12.0
PHRASE = "sim-passphrase"
TIME_EVERY_US = 10_000_000


class Refused(NamedTuple):
    """A write that was not carried out: when, what was asked, and the code that said so."""

    at: int
    kind: str
    ask: Any
    code: str


class Host:
    """Hosts an exchange under a clock; every door and every session belongs to it."""

    def __init__(
        self, exchange: Exchange, clock: Clock, store: Store | None = None, *, faults: str = "none"
    ) -> None:  # fmt: skip
        """Open the doors; ``faults`` is the weather to begin with."""
        self.faults = Faults(Random(f"faults:{exchange.state.seed}:{exchange.now}"), PRESETS[faults])
        self.exchange = exchange
        self.clock = clock
        self._store = store
        self.rest = Rest(exchange, self.act)
        self.hub: Hub = Remembering(exchange, self.note)
        self.sessions: list[Session] = []
        self.refused: deque[Refused] = deque(maxlen=REFUSED_KEPT)
        self._noted_at = exchange.now

    @property
    def now(self) -> int:
        """Give the exchange's time."""
        return self.exchange.now

    def account_of(self, api_key: str) -> Account | None:
        """Give the account a key opens."""
        return self.exchange.account_of(api_key)

    def catch_up(self) -> None:
        """Let the exchange's time follow the clock; every door does this before it answers."""
        self.exchange.advance(self.clock.now())
        if self._store is not None and self.exchange.now - self._noted_at >= TIME_EVERY_US:
            self.note()

    def act(self, account: Account, kind: str, ask: Any) -> list[dict[str, Any]]:
        """Carry out a write: on disk first, then done."""
        if self._store is not None:
            self._store.append(self.exchange.now, account.uid, kind, ask)
            self._noted_at = self.exchange.now
        try:
            rows = perform(self.exchange, account, kind, ask)
        except Denied as no:
            self.refused.append(Refused(self.exchange.now, kind, ask, no.code))
            raise
        for row, one in zip(rows, ask if isinstance(ask, list) else [ask], strict=False):
            if row.get("sCode", "0") != "0":
                self.refused.append(Refused(self.exchange.now, kind, one, row["sCode"]))
        if self._store is not None and self._store.wants_snapshot:
            self._store.save(self.exchange.snapshot())
        return rows

    async def carry(self, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Reply:
        """Carry a request to the exchange and its answer back, through whatever the weather is."""
        self.catch_up()
        if announcements.is_down(self.exchange):
            return _SEEN["error"]
        fate = self.faults.fate(self.now, target)
        if fate.delay_s:
            await self.clock.sleep(fate.delay_s)
            self.catch_up()
        reply = self.rest.answer(method, target, headers, body) if fate.arrives else None
        if fate.answer == "lost":
            await self.clock.sleep(LOST_AFTER_S)  # by then nobody waits for it any more
            return Reply(504, HTML)
        if fate.answer == "truncated" and reply is not None:
            return Reply(reply.status, reply.body[: len(reply.body) * 2 // 3], reply.headers)
        return _SEEN[fate.answer] if fate.answer or reply is None else reply

    def command(self, action: str, arguments: dict[str, str]) -> str:
        """Do what a terminal asks for: change the weather, or let others do something."""
        if action in WEATHER:
            return self.faults.command(self, action, arguments)
        return self.others(action, arguments)

    def others(self, action: str, arguments: dict[str, str]) -> str:
        """Let somebody else do something to the first account there is."""
        account = next(iter(self.exchange.state.accounts.values()))
        if self._store is not None:
            self._store.append(self.exchange.now, account.uid, OTHERS + action, arguments)
        return actors.perform(self.exchange, account, action, arguments)

    def note(self) -> None:
        """Put on disk how far time has come: what an account was told must not happen again."""
        if self._store is not None and self.exchange.now > self._noted_at:
            self._store.append(self.exchange.now, "", "time")
            self._noted_at = self.exchange.now

    def open_session(self, path: str, outlet: Outlet) -> Session:
        """Open a connection."""
        session = Session(path, self, outlet, self.faults)
        self.sessions.append(session)
        return session

    def close_session(self, session: Session) -> None:
        """Forget a connection."""
        session.closed()
        if session in self.sessions:
            self.sessions.remove(session)

    async def run(self) -> None:
        """Keep time until cancelled."""
        while True:
            wait_us = self.exchange.next_at() - self.clock.now()
            await self.clock.sleep(max(0.0, wait_us / 1_000_000))
            self.catch_up()
            down = announcements.is_down(self.exchange)
            for session in list(self.sessions):
                session.tick()
                if down or self.faults.hangs_up():
                    session.hang_up(1006)

    def close(self) -> None:
        """Put everything on disk."""
        if self._store is not None:
            self._store.save(self.exchange.snapshot())
            self._store.close()


_SEEN = {
    "error": Reply(503, b'{"code":"50001","msg":"Service temporarily unavailable. Try again later","data":[]}'),
    "undefined": Reply(400, b'{"code":"50004","msg":"API endpoint request timeout","data":[]}'),
    "busy": Reply(429, b'{"code":"50011","msg":"Too Many Requests","data":[]}', {"retry-after": "2"}),
    "html": Reply(200, HTML),
}
"""What a client sees instead of its answer."""


class Remembering(Hub):
    """Tells the sessions, after what an account is about to be told is on disk."""

    def __init__(self, exchange: Exchange, note: Any) -> None:
        """Note before telling."""
        super().__init__(exchange)
        self._note = note

    def order(self, account: Account, order: Order, fill: Fill | None) -> None:
        """Note, then tell."""
        self._note()
        super().order(account, order, fill)

    def algo(self, account: Account, algo: Algo) -> None:
        """Note, then tell."""
        self._note()
        super().algo(account, algo)

    def position(self, account: Account, position: Position) -> None:
        """Note, then tell."""
        self._note()
        super().position(account, position)


def perform(ex: Exchange, account: Account, kind: str, ask: Any) -> list[dict[str, Any]]:
    """Do what a write asks for; the same asks at the same instants always do the same."""
    act = _ACTS.get(kind) or WRITES[kind]
    return act(ex, account, ask)


def replay(exchange: Exchange, entries: list[Entry]) -> None:
    """Bring an exchange from its snapshot to the last thing it acknowledged."""
    for entry in entries:
        exchange.advance(entry.at)
        account = exchange.state.accounts.get(entry.uid)
        if entry.kind == "time" or account is None:
            continue
        try:
            if entry.kind.startswith(OTHERS):
                actors.perform(exchange, account, entry.kind.removeprefix(OTHERS), entry.ask)
            else:
                perform(exchange, account, entry.kind, entry.ask)
        except Denied:
            continue  # it was refused then as well


def fresh_account(seed: int, cash: Decimal) -> tuple[Account, Decimal]:
    """Make an account whose keys nobody could mistake for real ones."""
    random = Random(f"account:{seed}")
    letters = "0123456789abcdef"
    secret = "".join(random.choice(letters) for _ in range(24))  # seeded, and worth nothing
    number = 700_000_000_000_000 + random.randrange(10**12)
    return Account(uid=str(number), api_key=f"sim-{seed}", secret=f"sim-{secret}", passphrase=PHRASE), cash
