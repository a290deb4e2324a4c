from __future__ import annotations

import asyncio
import selectors
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from scalpctl.core.money import ZERO, add
from scalpctl.engine import events
from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import prepare_folder
from scalpctl.ledger.reading import LedgerReader
from scalpctl.ledger.verification.verify import verify
from scalpctl.settings.loading import load
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.host import fresh_account, replay
from scalpctl.simulator.serving.store import Store
from scalpctl.simulator.state import Account
from scalpctl.wiring.session import Ending, Listening, Session, Wanted
from scalpctl.wiring.venues import SIM_BEGINS, SimOptions, embedded

Beside = Callable[[Session], Any]


class Blind(selectors.DefaultSelector):
    """Looks at the world outside only when there is nothing else to do: in process there is hardly any."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        return [] if timeout == 0 else super().select(timeout)


class Killed(BaseException):
    """The process is gone, without a word."""


@dataclass
class Play:
    """Plays sessions on one embedded exchange under simulated time, and holds the two books against each other."""

    root: Path
    world: str = "range"
    seed: int = 7
    faults: str = "none"
    config: str = ""
    sessions: list[str] = field(default_factory=list)
    begun: Callable[[Session], None] | None = None
    """Called with every session before it runs."""
    unheard: list[str] = field(default_factory=list)
    """Errors that asyncio would only have logged, because nobody received them."""

    @property
    def folder(self) -> LedgerFolder:
        return LedgerFolder(self.root, "sim", "main")

    def session(
        self, hours: float, beside: Beside | None = None, *, flatten: bool = False, schedule: str = ""
    ) -> Ending:
        prepare_folder(self.folder)
        file = None
        if self.config:
            file = self.root / "scalpctl.yaml"
            file.write_text(self.config)
        plan = None
        if schedule:
            plan = self.root / "schedule.yaml"
            plan.write_text(schedule)

        async def whole() -> Ending:
            listening = Listening()
            options = SimOptions(world=self.world, seed=self.seed, speed="max", faults=self.faults, schedule=plan)
            venue = embedded(self.folder.path, options, WallClock(), listening)
            session = Session(load(file, {}), self.folder, venue, listening)
            self.sessions.append(session.session_id)
            if self.begun is not None:
                self.begun(session)
            if beside is not None:
                session.also = lambda: beside(session)
            assert venue.hand is not None
            running = asyncio.ensure_future(session.run(Wanted(for_s=hours * 3_600, flatten=flatten)))
            died = self._listen_for_death(running)
            try:
                return await venue.hand.run_until(running)
            except asyncio.CancelledError:
                if died:
                    raise Killed from None
                raise

        with asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Blind())) as runner:
            return runner.run(whole())

    def _listen_for_death(self, running: asyncio.Future[Ending]) -> list[str]:
        """End a session that dies in a callback, where asyncio would log it and go on; gives a list of its deaths."""
        died: list[str] = []

        def unheard(_loop: Any, context: dict[str, Any]) -> None:
            error = context.get("exception")
            if _is_death(error):
                died.append(context["message"])
                running.cancel()
            elif error is not None:
                self.unheard.append(f"{context['message']}: {error!r}")

        asyncio.get_running_loop().set_exception_handler(unheard)
        return died

    def exchange(self) -> Exchange:
        state, entries = Store(self.folder.path).load()
        exchange = Exchange(state)
        replay(exchange, entries)
        return exchange

    def opened(self, cash: str = "1000") -> tuple[Exchange, Account]:
        """Give an exchange with an account, before any engine has seen it; whoever changes it saves it."""
        prepare_folder(self.folder)
        exchange = Exchange.open(self.world, self.seed, SIM_BEGINS)
        account, _ = fresh_account(self.seed, Decimal(cash))
        return exchange, exchange.add_account(account, Decimal(cash))

    def lose_ledger(self) -> None:
        """Leave nothing but the exchange: whoever starts next begins a new ledger on an account that is in use."""
        for path in self.folder.path.iterdir():
            if not path.name.startswith("exchange."):
                shutil.rmtree(path) if path.is_dir() else path.unlink()
        shutil.rmtree(self.root / "anchors")

    def rows(self, sql: str, *parameters: object) -> list[dict[str, Any]]:
        with LedgerReader(self.folder.ledger) as reader:
            return reader.rows(sql, parameters)

    def check(self) -> None:
        """Hold the ledger against the exchange's own books, to the last digit, and against itself."""
        self.compare(next(iter(self.exchange().state.accounts.values())))
        assert verify(self.folder.ledger).ok

    def compare(self, account: Account) -> None:
        """Hold the ledger against an account as the exchange has it now: executions, money, positions, stops."""
        traded = {row["inst_id"] for row in self.rows("SELECT inst_id FROM instruments")}
        opening = self.rows("SELECT posted_at AS at FROM postings WHERE transaction_id = 'opening'")
        since = opening[0]["at"] if opening else 0
        theirs = {
            (fill.inst_id, fill.order_id, fill.contracts, fill.price, fill.fee): fill.at
            for fill in account.fills
            if fill.inst_id in traded
        }
        ours = {
            (row["inst_id"], row["order_id"], Decimal(row["contracts"]), Decimal(row["price"]), Decimal(row["fee"]))
            for row in self.rows("SELECT * FROM fills")
        }
        assert ours <= theirs.keys()  # what a new ledger took over is older than it is
        assert ours >= {one for one, at in theirs.items() if at >= since}
        cash = add(
            *(Decimal(row["amount"]) for row in self.rows("SELECT amount FROM postings WHERE account = 'cash'")), ZERO
        )
        assert cash == add(account.cash, *(one.margin for one in account.positions.values()))
        mirrored = {row["bill_id"] for row in self.rows("SELECT bill_id FROM bills")}
        assert mirrored == {bill.bill_id for bill in account.bills if bill.at >= since}
        assert self.rows("SELECT bill_id FROM bills WHERE matched_to IS NULL") == []
        here = [one for one in account.positions.values() if one.inst_id in traded]
        held = {one.inst_id: abs(one.contracts) for one in here}
        mine = {row["inst_id"]: Decimal(row["contracts"]) for row in self.rows(_OPEN) if Decimal(row["contracts"])}
        assert mine == held
        assert self.rows("SELECT position_id FROM closures GROUP BY position_id HAVING count(*) > 1") == []
        for row in self.rows("SELECT * FROM closures"):
            assert Decimal(row["gross"]) - Decimal(row["fees"]) - Decimal(row["funding"]) == Decimal(row["net"])
        suspended = self.rows("SELECT amount FROM postings WHERE account = 'suspense'")
        assert add(*(Decimal(row["amount"]) for row in suspended), ZERO) == 0
        assert not [one.inst_id for one in here if not is_covered(one, account)]

    def head(self) -> str:
        (row,) = self.rows("SELECT hash FROM journal ORDER BY seq DESC LIMIT 1")
        return str(row["hash"])


def is_covered(position: Any, account: Any) -> bool:
    """Tell whether a stop at the exchange closes all of a position: whatever it is then, or as much as there is."""
    size = abs(position.contracts)
    return any(
        algo.stop is not None and (algo.fraction == "1" or (algo.dies_with_position and algo.contracts >= size))
        for algo in account.algos.values()
        if (algo.inst_id, algo.mode) == (position.inst_id, position.mode)
    )


_OPEN = "SELECT inst_id, contracts FROM positions WHERE position_id NOT IN (SELECT position_id FROM closures)"


def _is_death(error: BaseException | None) -> bool:
    if isinstance(error, BaseExceptionGroup):
        return all(_is_death(one) for one in error.exceptions)
    return isinstance(error, Killed)


@pytest.fixture
def play(tmp_path: Path) -> Play:
    return Play(tmp_path / "root")


async def until(session: Session, condition: Callable[[], bool], seconds: int = 7_200) -> None:
    """Wait, in simulated time, until something is so."""
    for _ in range(seconds * 4):
        if condition():
            return
        await session.venue.clock.sleep(0.25)
    raise AssertionError("it never came to that")


async def protected(session: Any) -> Any:
    """Wait for a position whose entry is over and whose stop stands; gives its desk."""
    desks = session.machine.context.desks.values()

    def stands(desk: Any) -> bool:
        held = desk.holding
        return held is not None and held.entered and held.guard.state == "protected"

    await until(session, lambda: any(map(stands, desks)))
    return next(desk for desk in desks if stands(desk))


def command(name: str, number: int = 1, **arguments: Any) -> events.Ordered:
    return events.Ordered(f"command-{number}", name, arguments, "tester")
