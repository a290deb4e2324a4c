"""What must hold at every instant, seen from outside: from the exchange's own books, while everything goes on."""

from __future__ import annotations

import gzip
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import zstandard
from engine.conftest import is_covered
from simulation.plans import Act

from scalpctl.core.exchange.requests import PlaceOrder

NAKED_S = 3.0
"""Longest without a whole stop while nothing disturbs."""
LOOSE_S = 45.0
"""Longest a conditional order of ours may stand where nothing is held: a request that was given up may arrive."""
SAID_GONE = "51400"
"""How the exchange says that there is nothing to cancel any more."""
DISTURBED_S = 75.0
"""How long a disturbance excuses: an outage lasts up to a minute, and reconnecting takes its time."""
ENDS_WITHIN_S = 5
WEATHER_S = {"none": 0, "light": 20, "storm": 20, "fog": 45}
"""What lost answers excuse: each attempt takes as long as a request may."""
PRICE_AGE_S = 1
"""As the default configuration has it: how old the price may be on which something is opened."""
EXITS_PER_MINUTE_MAX = 20
"""Of one instrument: a close that must be is tried every few seconds, and what is quoted rests for some."""
LEVERAGE_MAX, ENTRIES_PER_MINUTE_MAX, REPEATED_MAX, CLOSES_MAX, STOPS_MAX = 10, 10, 3, 4, 25
"""A close that must be is tried in three ways in turn, each every eighteen seconds, the first sooner."""
"""The first two as the default configuration has them; the last where a stop is refused whatever it asks for: twice a
second until the position is closed for want of one, every five seconds from then on."""
BLINDING = frozenset(
    {
        "silence",
        "outage",
        "lines",
        "clock",
        "kill",
        "stops",
        "account",
        "market",
        "exchange",
        "others",
        "listing",
        "algos",
        "disk",
        "away",
        "ends",
        "again",
        "refusals",
        "elsewhere",
    }
)


@dataclass
class Oracles:
    """Watches the exchange through every event of the engine."""

    weather: str
    untraded: frozenset[str] = frozenset()
    naked_since: dict[str, int] = field(default_factory=dict)
    loose_since: dict[str, int] = field(default_factory=dict)
    worst_naked_s: float = 0.0
    excuses: list[tuple[int, int]] = field(default_factory=list)
    """From when until when stops may be late; what is announced begins later."""
    said_gone: set[str] = field(default_factory=set)
    """Conditional orders of which the exchange has told this process that they are gone, truly or not."""
    accepted: set[str] = field(default_factory=set)
    orders_seen: int = 0
    broken: list[str] = field(default_factory=list)
    judged_at: int = 0
    entries: dict[str, int] = field(default_factory=dict)
    failed_at: int | None = None
    began_at: int = 0
    """When the process began that is running now: it cannot know what another one asked for."""
    refusing: bool = False
    """Whether stops are refused at some time, whatever they ask for."""

    def disturbed(self, act: Act, now: int) -> None:
        """Take note of what happens: until it has passed, stops may be late."""
        if act.family in BLINDING:
            lasts_s = DISTURBED_S * (3 if act.action in {"mute", "silence"} else 1)
            said = dict(act.arguments)
            if act.action == "refuse":
                lasts_s += int(said["seconds"])
                self.refusing |= said["what"] == "stop"
            self.excuse(now + int(said.get("in_seconds", 0)) * 1_000_000, lasts_s)

    def excuse(self, since: int, seconds: float) -> None:
        """Let stops be late from an instant on, for a while."""
        self.excuses.append((since, since + int(seconds * 1e6)))

    def _disturbed_until(self, now: int) -> int:
        return max((until for since, until in self.excuses if since <= now), default=0)

    def quiet_from(self) -> int:
        """Give from when on nothing is excused any more, what is only announced included."""
        return max((until for _, until in self.excuses), default=0)

    def began(self, now: int) -> None:
        """Take note that a process begins."""
        self.began_at = now
        self.said_gone.clear()

    def failed(self, now: int) -> None:
        """Take note that the ledger cannot be written any more."""
        self.failed_at = self.failed_at or now

    def ended(self, exchange: Any) -> None:
        """Judge a session that ended because its ledger could not be written: at once, and without a further order."""
        failed_at, self.failed_at = self.failed_at or exchange.now, None
        if exchange.now - failed_at > ENDS_WITHIN_S * 1e6:
            self.broke(f"O14: it went on for {(exchange.now - failed_at) / 1e6:.1f} s without a ledger")
        for account in exchange.state.accounts.values():
            for order in (*account.orders.values(), *account.done):
                if order.client_id.startswith("sc") and order.created > failed_at:
                    self.broke(
                        f"O14: {order.client_id} was sent {(order.created - failed_at) / 1e6:.1f} s after the end"
                    )

    def left(self, exchange: Any) -> None:
        """Judge an orderly end that left nothing open: no stop of ours stays behind."""
        for account in exchange.state.accounts.values():
            for algo in loose_stops(account, self.untraded):
                if not self.said_gone & {algo.algo_id, algo.client_id}:
                    self.broke(f"O18: {algo.client_id} was left behind by an orderly end")

    def priced(self, session: Any, step: Any) -> None:
        """Judge what is sent to open something: what it was decided on is young, by the exchange's own time of it."""
        for effect in step.effects:
            if isinstance(effect, PlaceOrder) and not effect.reduce_only:
                heard = session.machine.context.desks[effect.inst_id].ticker
                age_s = (session.venue.host.exchange.now - heard.exchange_at) / 1e6
                if age_s > PRICE_AGE_S:
                    self.broke(f"O10: {effect.client_id} was sent on a price {age_s:.1f} s old")

    def look(self, host: Any) -> None:
        """Check the exchange's state now."""
        account = next(iter(host.exchange.state.accounts.values()), None)
        if account is not None:
            self._naked(account, host.exchange.now)
            self._loose(account, host)
            self._opening(account)
            if len(account.done) != self.orders_seen:
                self._doubled(account)
                self._hasty(account, host.exchange.now)
                self.orders_seen = len(account.done)
            self._limited(account, host.exchange.now)
            self._stubborn(host)

    def _naked(self, account: Any, now: int) -> None:
        bare = {
            f"{one.inst_id} {one.mode}"
            for one in account.positions.values()
            if one.contracts and one.inst_id not in self.untraded and not is_covered(one, account)
        }
        for inst_id in set(self.naked_since) - bare:
            del self.naked_since[inst_id]
        for inst_id in bare:
            since = self.naked_since.setdefault(inst_id, now)
            seconds = (now - max(since, self._disturbed_until(now))) / 1e6
            self.worst_naked_s = max(self.worst_naked_s, seconds)
            allowed = NAKED_S + WEATHER_S[self.weather]
            if seconds > allowed:
                self.broke(f"O9: {inst_id} has had no stop for {seconds:.1f} s")

    def _loose(self, account: Any, host: Any) -> None:
        """No stop of ours outlives its position, but where the exchange has said that it is gone.

        It would close a later one at an old price.
        """
        now, loose = host.exchange.now, tuple(loose_stops(account, self.untraded))
        if loose:
            told = (one.ask for one in host.refused if one.code == SAID_GONE and isinstance(one.ask, dict))
            self.said_gone |= {str(ask.get("algoId") or ask.get("algoClOrdId")) for ask in told}
        ids = {algo.client_id for algo in loose if not self.said_gone & {algo.algo_id, algo.client_id}}
        for client_id in set(self.loose_since) - ids:
            del self.loose_since[client_id]
        for client_id in ids:
            since = max(self.loose_since.setdefault(client_id, now), self._disturbed_until(now))
            if now - since > (LOOSE_S + WEATHER_S[self.weather]) * 1e6:
                self.broke(f"O18: {client_id} stands {(now - since) / 1e6:.1f} s after its position was closed")

    def _opening(self, account: Any) -> None:
        """No stop of ours could open anything: it closes a position, or takes a part of it and dies with it."""
        for algo in account.algos.values():
            closes = algo.reduce_only or algo.fraction == "1"
            if algo.client_id.startswith("sc") and not closes:
                self.broke(f"O7: the stop {algo.client_id} could have opened a position")

    def _doubled(self, account: Any) -> None:
        ids = [order.client_id for order in account.done if order.client_id]
        if len(ids) != len(set(ids)):
            self.broke("O4: one client id was accepted twice")

    def _hasty(self, account: Any, now: int) -> None:
        """Nothing is closed with one order after the other without a pause, taken by the exchange or not."""
        young = (one for one in account.done if one.reduce_only and now - one.created < 60_000_000)
        closing = Counter(one.inst_id for one in young if one.client_id.startswith("sc"))
        for inst_id, orders in closing.items():
            if orders > EXITS_PER_MINUTE_MAX:
                self.broke(f"O13: {orders} closing orders in {inst_id} within a minute")

    def _limited(self, account: Any, now: int) -> None:
        """Hold what the account has against the configured limits, whoever is to blame for the rest."""
        for position in account.positions.values():
            if float(position.lever) > LEVERAGE_MAX:
                self.broke(f"O8: {position.inst_id} is held at {position.lever}x")
        for order in account.orders.values():
            if order.client_id.startswith("sc") and not order.reduce_only:
                self.entries.setdefault(order.client_id, order.created)
        recent = [at for at in self.entries.values() if now - at < 60_000_000]
        if len(recent) > ENTRIES_PER_MINUTE_MAX:
            self.broke(f"O8: {len(recent)} entry orders within a minute")

    def _stubborn(self, host: Any) -> None:
        """Nothing is asked more often than the exchange allows, and no refused request is repeated for ever."""
        if host.rest.throttled and self.weather == "none":  # slow requests arrive in bunches, which no client can know
            self.broke(f"O13: {host.rest.throttled} requests were too many")
        if host.exchange.now - self.judged_at < 5_000_000 or not host.refused:
            return
        self.judged_at = host.exchange.now
        asked: dict[tuple[str, ...], int] = {}
        for one in host.refused:
            young = one.at > max(self.began_at, host.exchange.now - 60_000_000)
            if young and isinstance(one.ask, dict) and "cancel" not in one.kind:  # cancelling twice hurts nobody
                same = ("instId", "instIdCode", "side", "ordType", "sz", "px", "slTriggerPx", "algoId", "ordId")
                closes = "close" if one.kind == "order" and one.ask.get("reduceOnly") else ""
                key = (one.kind, one.code, closes, *(str(one.ask.get(name, "")) for name in same))
                asked[key] = asked.get(key, 0) + 1
        for key, times in asked.items():
            needed = self.refusing and "order-algo" in key[0]  # a stop is tried for as long as it is missing
            most = STOPS_MAX if needed else CLOSES_MAX if key[2] else REPEATED_MAX
            if times > most:
                self.broke(f"O13: refused {times} times within a minute: {' '.join(part for part in key if part)}")

    def broke(self, what: str) -> None:
        if what.split(":", maxsplit=1)[0] not in {known.split(":")[0] for known in self.broken}:
            self.broken.append(what)


def loose_stops(account: Any, untraded: frozenset[str] = frozenset()) -> Iterator[Any]:
    """Give the conditional orders of ours where nothing is held."""
    held = {one.inst_id for one in account.positions.values() if one.contracts}
    for algo in account.algos.values():
        if algo.client_id.startswith("sc") and algo.inst_id not in held | untraded:
            yield algo


def final(play: Any) -> Iterator[str]:
    """Check everything that must hold once it is calm: both books, the ledger against itself, and the audit."""
    from audit.forging import audited

    try:
        play.check()
    except AssertionError as error:
        yield f"O1-O3, O11: {str(error)[:300] or 'the books differ'}"
    account = next(iter(play.exchange().state.accounts.values()))
    void = {row["client_id"] for row in play.rows(_ONCE_VOID)}
    for fill in account.fills:
        if fill.client_id in void:
            yield f"O6: {fill.client_id} was called void and executed"
    known = {row["client_id"]: row["role"] for row in play.rows("SELECT client_id, role FROM orders")}
    (first,) = play.rows("SELECT min(started_at) AS at FROM sessions")
    for order in account.done:
        another_ledgers = order.created <= first["at"] and order.client_id not in known
        if order.client_id and not order.client_id.startswith("other") and not another_ledgers:
            yield from _order(order, known.get(order.client_id))
    if play.rows("SELECT 1 FROM drifts WHERE resolved_at IS NULL"):
        yield "O16: a drift is still open after the calm"
    for row in play.rows(_UNATTENDED):
        yield f"L1: the exit rules have not looked at {row['position_id']} since the last start"
    yield from _leaked(play, account)
    for check, findings in audited(play.folder.ledger).items():
        red = [one for one in findings if one.startswith("red")]
        if red and check not in EXPECTED:
            yield f"{check}: {red[0]}"


def _leaked(play: Any, account: Any) -> Iterator[str]:
    secrets = [one.encode() for one in (account.secret, account.passphrase, account.api_key)]
    for path in _written(play.root):
        content = content_of(path)
        if any(secret in content for secret in secrets):
            yield f"O17: a secret stands in {path.name}"


def _written(root: Path) -> list[Path]:
    """Every file of ours: the exchange's own books may know its keys."""
    return [path for path in root.rglob("*") if path.is_file() and not path.name.startswith("exchange.")]


def content_of(path: Path) -> bytes:
    """Read a file as a person would, tapes and old logs unpacked."""
    if path.suffix == ".zst":
        plain = b""
        with path.open("rb") as packed, suppress(zstandard.ZstdError):  # a killed session's tape ends in the middle
            for part in iter(partial(_unpacked(packed).read, 1 << 20), b""):
                plain += part
        return plain
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()


def _unpacked(packed: Any) -> Any:
    return zstandard.ZstdDecompressor().stream_reader(packed, read_across_frames=True)


def _order(order: Any, role: str | None) -> Iterator[str]:
    """Check one of our orders as the exchange took it."""
    if role is None:
        yield f"O5: {order.client_id} was sent without an intent"
    elif role == "entry" and order.type != "post_only":
        yield f"O10: the entry {order.client_id} was sent as {order.type}"
    elif role != "entry" and not order.reduce_only:
        yield f"O7: {order.client_id} ({role}) could have opened a position"


_ONCE_VOID = (
    "SELECT client_id FROM orders WHERE state IN ('void', 'refused') UNION SELECT json_extract(body, '$.client_id') "
    "FROM journal WHERE kind = 'order_changed' AND json_extract(body, '$.state') IN ('void', 'refused')"
)
"""Also one that an execution has brought back to life since: it was called void when it was not."""
_UNATTENDED = (
    "SELECT p.position_id FROM positions p WHERE p.closed_at IS NULL AND p.origin = 'engine' AND NOT EXISTS (SELECT 1 "
    "FROM decisions d WHERE d.position_id = p.position_id AND d.subject = 'exit' AND d.seq > (SELECT max(seq) FROM "
    "journal WHERE kind = 'session_started'))"
)
EXPECTED = {"AU-21", "AU-22", "AU-23", "AU-31", "AU-41", "AU-42", "AU-51"}
"""What trouble itself looks like in an audit: lost lines, crashes, thin margins, naked seconds in an outage."""
