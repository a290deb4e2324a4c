"""What other settings would have done: a session's own prices, traded again on the embedded exchange, twice.

Once with the settings it had and once with the changed ones, so that the two differ in nothing else: both meet the same
prices, queues and latency. Nobody's orders move those prices, and every position is closed at the end.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import count
from pathlib import Path
from typing import Any

from scalpctl.analysis.summary import Summary, summarise
from scalpctl.core.instants import MICROS_PER_SECOND, Instant
from scalpctl.core.market import Candle, Ticker
from scalpctl.engine.events import CandlesRead
from scalpctl.errors import UsageError
from scalpctl.host.clock import WallClock
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.opening import prepare_folder
from scalpctl.ledger.reading import LedgerReader
from scalpctl.settings.loading import Loaded, load
from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving.host import fresh_account
from scalpctl.simulator.serving.store import Store
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.tape import PREFIX, SUFFIX, Quote, Recorder
from scalpctl.tape.recording import played_whole
from scalpctl.wiring.prices import in_ticks
from scalpctl.wiring.session import Listening, Session, Wanted
from scalpctl.wiring.venues import SIM_CASH, SIM_SEED, SimOptions, embedded

Setting = tuple[str | int, ...]


@dataclass(slots=True)
class Prices:
    """What a tape says of prices: since when, until when, and the past each instrument warmed up on."""

    world: str
    begun: Instant = Instant(0)  # noqa: RUF009  immutable
    ended: Instant = Instant(0)  # noqa: RUF009  immutable
    past: dict[str, tuple[Candle, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tried:
    """A session as it was, played again as it was, and played again with the changes."""

    was: Summary
    again: Summary
    changed: Summary


def try_changes(
    reader: LedgerReader, tapes: Path, session_id: str, changes: Mapping[Setting, Any], progress: Callable[[int], None]
) -> Tried:
    """Trade the prices of a session again, without and with the changes."""
    (session,) = reader.rows("SELECT config, tape FROM sessions WHERE session_id = ?", (session_id,))
    with tempfile.TemporaryDirectory() as folder:
        base = Path(folder)
        config = base / "was.yaml"
        config.write_text(session["config"])  # JSON is YAML
        as_sim: dict[Setting, Any] = {("env",): "sim", ("account",): "main"}
        settings = _playable(load(config, {}, as_sim)), _playable(load(config, {}, {**as_sim, **changes}))
        prices = _prices(tapes, str(session["tape"]), base / f"prices{SUFFIX}")
        cash, minutes = _cash(reader, prices.begun), count(1)

        def told() -> None:
            progress(next(minutes))

        again = _traded(base / "again", settings[0], prices, cash, told)
        changed = _traded(base / "changed", settings[1], prices, cash, told)
    return Tried(summarise(reader, session_id), again, changed)


def _playable(loaded: Loaded) -> Loaded:
    """Leave out the instruments the embedded exchange does not have: their prices are not traded again."""
    known = tuple(inst_id for inst_id in loaded.settings.instruments if inst_id in BY_ID)
    if not known:
        listed = ", ".join(BY_ID)
        raise UsageError("nothing of what it traded can be traded again", hint=f"the embedded exchange has {listed}")
    return Loaded(loaded.settings.model_copy(update={"instruments": known}), loaded.origins, loaded.file)


def _prices(tapes: Path, name: str, path: Path) -> Prices:
    """Write a tape's best bids and asks as a recording the embedded exchange can follow."""
    found, recorder = Prices(f"{PREFIX}{path}"), Recorder(path)
    for at, event in _heard(tapes, name):
        if isinstance(event, Ticker):
            found.begun = found.begun or at
            found.ended = at
            recorder.write(Quote(at - found.begun, event.inst_id, event.bid_text, event.ask_text))
        elif event.candles:
            found.past.setdefault(event.inst_id, event.candles)
    recorder.close()
    if found.ended - found.begun < 60 * MICROS_PER_SECOND:
        raise UsageError("the tape holds less than a minute of prices", hint="try a session that lasted longer")
    return found


def _heard(tapes: Path, name: str) -> Iterator[tuple[Instant, Any]]:
    for at, event in played_whole(tapes, name):
        if isinstance(event, (Ticker, CandlesRead)) and event.inst_id in BY_ID:
            yield at, event


def _cash(reader: LedgerReader, at: Instant) -> Decimal:
    """Give what the account held when the session began, as the ledger says; the usual sum where it does not."""
    rows = reader.rows(
        "SELECT dsum(amount) AS cash FROM postings WHERE account = 'cash' AND ccy = 'USDT' "
        "AND (posted_at <= ? OR transaction_id = 'opening')",
        (at,),
    )
    cash = Decimal(rows[0]["cash"] or "0")
    return cash if cash > 0 else SIM_CASH


def _traded(root: Path, loaded: Loaded, prices: Prices, cash: Decimal, told: Callable[[], None]) -> Summary:
    folder = LedgerFolder(root, "sim", "main")
    prepare_folder(folder)
    Store(folder.path).save(_opened(prices, cash).snapshot())
    ending = asyncio.run(_session(folder, loaded, (prices.ended - prices.begun) / MICROS_PER_SECOND, told))
    with LedgerReader(folder.ledger) as reader:
        return summarise(reader, ending)


def _opened(prices: Prices, cash: Decimal) -> Exchange:
    """Open an exchange whose markets have the past the session warmed up on."""
    exchange = Exchange.open(prices.world, SIM_SEED, prices.begun)
    account, _ = fresh_account(SIM_SEED, cash)
    exchange.add_account(account, cash)
    for inst_id, past in prices.past.items():
        exchange.market(inst_id).candles = in_ticks(inst_id, past)
    return exchange


async def _session(folder: LedgerFolder, loaded: Loaded, seconds: float, told: Callable[[], None]) -> str:
    listening = Listening()
    venue = embedded(folder.path, SimOptions(speed="max"), WallClock(), listening)
    session = Session(loaded, folder, venue, listening)

    async def minutes() -> None:
        while True:
            await venue.clock.sleep(60)
            told()

    session.also = minutes
    assert venue.hand is not None  # noqa: S101  a stepped exchange has one
    running = asyncio.ensure_future(session.run(Wanted(for_s=seconds, flatten=True)))
    ending = await venue.hand.run_until(running)
    return ending.session_id
