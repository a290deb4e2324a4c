"""One WebSocket connection as the exchange sees it: frames in, frames out, time as an argument; no sockets here."""

from __future__ import annotations

import hmac
from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from scalpctl.errors import AnswerMalformed
from scalpctl.okx.wire.channels import CHANNELS, Path
from scalpctl.okx.wire.codec import decode
from scalpctl.okx.wire.endpoints import OPERATIONS
from scalpctl.okx.wire.operations import ClientFrame
from scalpctl.okx.wire.signing import login_signature
from scalpctl.simulator.denied import Denied
from scalpctl.simulator.serving import account_rows, market_rows, trade_handlers
from scalpctl.simulator.serving.account_handlers import algos_pending
from scalpctl.simulator.serving.faults import Faults
from scalpctl.simulator.serving.hub import Hub
from scalpctl.simulator.serving.rest import Rest
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account

NEVER = 1 << 62
IDLE_US = 30_000_000
LOGIN_WITHIN_US = 30_000_000
SUBSCRIPTIONS_PER_HOUR = 480
_ACTS: dict[str, Callable[..., list[dict[str, Any]]]] = {
    "order": trade_handlers.place,
    "batch-orders": trade_handlers.place,
    "cancel-order": trade_handlers.cancel,
    "batch-cancel-orders": trade_handlers.cancel,
    "amend-order": trade_handlers.amend,
    "batch-amend-orders": trade_handlers.amend,
}


class Outlet(Protocol):
    """Where a session's frames go."""

    def send(self, frame: bytes) -> None:
        """Send a frame."""
        ...

    def close(self, code: int) -> None:
        """Close the connection."""
        ...


class House(Protocol):
    """What a session needs of the exchange's host."""

    rest: Rest
    hub: Hub

    @property
    def now(self) -> int:
        """Give the exchange's time."""
        ...

    def act(self, account: Account, kind: str, ask: Any) -> list[dict[str, Any]]:
        """Carry out a write durably and give the verdict of each item."""
        ...

    def account_of(self, api_key: str) -> Account | None:
        """Give the account a key opens."""
        ...


class Session:
    """One connection on one path."""

    def __init__(self, path: str, house: House, outlet: Outlet, faults: Faults) -> None:
        """Begin; nothing is told before it is asked for."""
        self._faults = faults
        self._late: list[bytes] = []
        """Frames held back until the next look at the time: others have overtaken them by then."""
        self._held: list[tuple[int, ClientFrame]] = []
        """Operations on their way: they arrive at their time, or with the end of the line, but they arrive."""
        self.path = path
        self.account: Account | None = None
        self._house = house
        self._outlet = outlet
        self._busy_at = house.now
        self._subscribed: list[int] = []

    def heard(self, frame: bytes) -> None:
        """Take a frame of the client."""
        self._busy_at = self._house.now
        if frame == b"ping":
            self._outlet.send(b"pong")
            return
        try:
            said = decode(ClientFrame, frame)
        except AnswerMalformed:
            self._error("60012", "Illegal request: " + frame[:100].decode("utf-8", "replace"))
            return
        if said.op == "login":
            self._login(said)
        elif said.op in {"subscribe", "unsubscribe"}:
            self._subscriptions(said)
        elif said.op in _ACTS:
            self._operate(said)
        else:
            self._error("60012", f"Illegal request: {said.op[:40]}", said.id)

    def tick(self) -> None:
        """Look at the time: a connection without a word for half a minute is closed."""
        late, self._late = self._late, []
        for frame in late:
            self._outlet.send(frame)
        self._arrived(self._house.now)
        if self._house.now - self._busy_at > IDLE_US:
            self._outlet.close(4004)

    def push(self, channel: str, inst_id: str, frame: bytes) -> None:
        """Tell the client something it has subscribed to."""
        self._busy_at = self._house.now
        if self._faults.is_late():
            self._late.append(frame)
            return
        for _ in range(self._faults.copies(channel, inst_id)):
            self._outlet.send(frame)

    def hang_up(self, code: int) -> None:
        """Close the connection from this side."""
        self._outlet.close(code)

    def notice(self, code: str, message: str) -> None:
        """Tell the client about the connection itself."""
        self._say({"event": "notice", "code": code, "msg": message, "connId": "a4d3ae55"})

    def closed(self) -> None:
        """Forget the client; what it has sent still arrives."""
        self._arrived(NEVER)
        self._house.hub.leave(self)

    def _login(self, said: ClientFrame) -> None:
        try:
            (arg,) = decode(list[dict[str, str]], bytes(said.args))
            key, phrase, at, sign = (str(arg[name]) for name in ("apiKey", "passphrase", "timestamp", "sign"))
        except (AnswerMalformed, ValueError, KeyError):
            self._error("60027", "Parameter args can not be empty.", said.id)
            return
        account = self._house.account_of(key)
        if account is None:
            self._error("60005", "Invalid apiKey", said.id)
        elif not at.isdecimal() or not self._is_now(int(at)):
            self._error("60006", "Timestamp request expired", said.id)
        elif phrase != account.passphrase:
            self._error("60024", "Wrong passphrase", said.id)
        elif not hmac.compare_digest(login_signature(account.secret, at), sign):
            self._error("60007", "Invalid sign", said.id)
        else:
            self.account = account
            self._say({"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"})

    def _is_now(self, seconds: int) -> bool:
        rest = self._house.rest
        return rest.any_time or abs(seconds * 1_000 - rest.now_ms()) <= LOGIN_WITHIN_US // 1_000

    def _subscriptions(self, said: ClientFrame) -> None:
        try:
            args = decode(list[dict[str, Any]], bytes(said.args))
        except AnswerMalformed:
            self._error("60012", "Illegal request: args", said.id)
            return
        for arg in args:
            if said.op == "subscribe":
                self._subscribe(arg, said.id)
            else:
                self._house.hub.leave(self, str(arg.get("channel")), str(arg.get("instId") or ""))
                self._say({"event": "unsubscribe", "arg": arg, "connId": "a4d3ae55"}, said.id)

    def _subscribe(self, arg: dict[str, Any], frame_id: str) -> None:
        name, inst_id = str(arg.get("channel") or ""), str(arg.get("instId") or "")
        channel = CHANNELS.get(name)
        if channel is None or channel.path != self.path:
            self._error("60018", f"Wrong URL or channel:{name[:40]},instId:{inst_id[:40]} doesn't exist.", frame_id)
            return
        if channel.login and self.account is None:
            self._error("60011", "Please log in", frame_id)
            return
        whole = channel.login or name in {"instruments", "status"}
        known = inst_id in BY_ID or (name == "index-tickers" and f"{inst_id}-SWAP" in BY_ID)
        if not whole and not known:
            self._error("60018", f"Wrong URL or channel:{name},instId:{inst_id[:40]} doesn't exist.", frame_id)
            return
        if not self._may_subscribe():
            self._error("60014", "Requests too frequent", frame_id)
            return
        private = {**arg, "uid": self.account.uid} if channel.login and self.account is not None else None
        self._house.hub.join(self, name, "" if whole else inst_id, private)
        self._say({"event": "subscribe", "arg": arg, "connId": "a4d3ae55"}, frame_id)
        self._snapshot(name, inst_id, arg)

    def _may_subscribe(self) -> bool:
        now = self._house.now
        self._subscribed = [at for at in self._subscribed if now - at < 3_600_000_000]
        self._subscribed.append(now)
        return len(self._subscribed) <= SUBSCRIPTIONS_PER_HOUR

    def _snapshot(self, name: str, inst_id: str, arg: dict[str, Any]) -> None:
        """Send where a channel stands, for those that begin with that."""
        ex = self._house.rest.exchange
        if self.account is not None and name in {"account", "positions", "balance_and_position", "algo-advance"}:
            self._account_snapshot(name, self.account, arg)
            return
        if inst_id not in BY_ID:
            return
        market = ex.market(inst_id)
        rows: dict[str, Callable[[], Any]] = {
            "tickers": lambda: market_rows.ticker(market, ex.now),
            "bbo-tbt": lambda: market_rows.book(market, ex.now, 1, with_id=True),
            "books5": lambda: market_rows.book(market, ex.now, 5, with_id=True),
            "books": lambda: market_rows.book(market, ex.now, 10, with_id=True),
            "mark-price": lambda: market_rows.mark_price(ex, inst_id),
            "funding-rate": lambda: market_rows.funding(ex, market),
            "price-limit": lambda: market_rows.price_limit(ex, inst_id),
        }
        if name in rows:
            extra = {"action": "snapshot"} if name == "books" else {}
            frame = {"arg": {"channel": name, "instId": inst_id}, **extra, "data": [rows[name]()]}
            self.push(name, inst_id, msgspec.json.encode(frame))

    def _account_snapshot(self, name: str, account: Account, arg: dict[str, Any]) -> None:
        hub, ex = self._house.hub, self._house.rest.exchange
        whole = {**arg, "uid": account.uid}
        held = [one for one in account.positions.values() if arg.get("instId") in {None, "", one.inst_id}]
        extra: dict[str, Any] = {"eventType": "snapshot", "curPage": 1, "lastPage": True}
        if name == "account":
            rows: list[Any] = [account_rows.balance(ex, account)]
        elif name == "positions":
            rows = [hub.position_row(account, one) for one in held]
        elif name == "balance_and_position":
            rows, extra = [hub.change(account, "snapshot", held, "", "")], {}
        else:
            rows, extra = algos_pending(ex, account, {"ordType": "move_order_stop"}), {}
        self.push(name, "", msgspec.json.encode({"arg": whole, **extra, "data": rows}))

    def _operate(self, said: ClientFrame) -> None:
        if self.path != Path.PRIVATE:
            self._error("60028", "The current operation is not supported by this URL.", said.id)
            return
        if self.account is None:
            self._error("60011", "Please log in", said.id)
            return
        if self._faults.loses(self._faults.odds.lost_request):
            return
        delay_us = self._faults.delays()
        if delay_us:
            self._held.append((self._house.now + delay_us, said))
        else:
            self._carry_out(said, self.account)

    def _arrived(self, until: int) -> None:
        """Carry out the operations whose time has come."""
        due = [said for at, said in self._held if at <= until]
        self._held = [(at, said) for at, said in self._held if at > until]
        for said in due:
            if self.account is not None:
                self._carry_out(said, self.account)

    def _carry_out(self, said: ClientFrame, account: Account) -> None:
        try:
            items = decode(list[dict[str, Any]], bytes(said.args))
            endpoint = OPERATIONS[said.op]
            self._house.rest.limit(endpoint, account.uid, items)
            self._house.rest.expired(said.exp_time)
            rows = self._house.act(account, said.op, items)
        except AnswerMalformed:
            self._reply(said, "60013", "Invalid args", [])
            return
        except Denied as no:
            self._reply(said, no.code, no.message, [])
            return
        if self._faults.loses(self._faults.odds.undefined):  # what was done stays done
            self._reply(said, "50004", "API endpoint request timeout", [])
        elif not self._faults.loses(self._faults.odds.lost_answer):
            self._reply(said, trade_handlers.code_of(rows), "", rows)

    def _reply(self, said: ClientFrame, code: str, message: str, rows: list[dict[str, Any]]) -> None:
        now = str(self._house.now)
        self._say(
            {"id": said.id, "op": said.op, "code": code, "msg": message, "data": rows, "inTime": now, "outTime": now}
        )

    def _error(self, code: str, message: str, frame_id: str = "") -> None:
        self._say({"event": "error", "code": code, "msg": message, "connId": "a4d3ae55"}, frame_id)

    def _say(self, frame: dict[str, Any], frame_id: str = "") -> None:
        if frame_id:
            frame = {"id": frame_id, **frame}
        self._busy_at = self._house.now
        self._outlet.send(msgspec.json.encode(frame))
