"""Everything of one exchange put together: market, doors, books on disk, and the clock it follows."""

from __future__ import annotations

from decimal import Decimal
from random import Random
from typing import Any

from scalpctl.ports.clock import Clock
from scalpctl.simulator import actors
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.hub import Hub
from scalpctl.simulator.serving.rest import WRITES, Rest
from scalpctl.simulator.serving.session import _ACTS, Outlet, Session
from scalpctl.simulator.serving.store import Entry, Store
from scalpctl.simulator.state import Account, Algo, Fill, Order, Position

OTHERS = "others:"
PHRASE = "sim-passphrase"
TIME_EVERY_US = 10_000_000


class Host:
    """Hosts an exchange under a clock; every door and every session belongs to it."""

    def __init__(self, exchange: Exchange, clock: Clock, store: Store | None = None) -> None:
        """Open the doors."""
        self.exchange = exchange
        self.clock = clock
        self._store = store
        self.rest = Rest(exchange, self.act)
        self.hub: Hub = Remembering(exchange, self.note)
        self.sessions: list[Session] = []
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
        rows = perform(self.exchange, account, kind, ask)
        if self._store is not None and self._store.wants_snapshot:
            self._store.save(self.exchange.snapshot())
        return rows

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
        session = Session(path, self, outlet)
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
            for session in list(self.sessions):
                session.tick()

    def close(self) -> None:
        """Put everything on disk."""
        if self._store is not None:
            self._store.save(self.exchange.snapshot())
            self._store.close()


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
