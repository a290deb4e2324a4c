"""Who listens to what: turns what happens at the exchange into frames, made only for those who have subscribed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from scalpctl.simulator.exchange import Exchange
from scalpctl.simulator.serving import account_rows, market_rows
from scalpctl.simulator.serving.public_handlers import BARS
from scalpctl.simulator.specs import BY_ID
from scalpctl.simulator.state import Account, Algo, Fill, Market, Order, Position

if TYPE_CHECKING:
    from scalpctl.simulator.serving.session import Session

LIMIT_EVERY_US, CANDLE_EVERY_US = 5_000_000, 5_000_000
_encode = msgspec.json.Encoder().encode


class Hub:
    """Hears the exchange, tells the sessions."""

    def __init__(self, exchange: Exchange) -> None:
        """Listen to this exchange."""
        self._exchange = exchange
        self._public: dict[tuple[str, str], list[Session]] = {}
        self._private: dict[tuple[str, str], list[tuple[Session, dict[str, Any]]]] = {}
        exchange.listener = self

    def join(self, session: Session, channel: str, inst_id: str, private: dict[str, Any] | None) -> None:
        """Let a session hear a channel; a private one is echoed with the argument it was asked for with, and a uid."""
        if private is not None:
            listening = self._private.setdefault((channel, str(private["uid"])), [])
            if (session, private) not in listening:
                listening.append((session, private))
            return
        sessions = self._public.setdefault((channel, inst_id), [])
        if session not in sessions:
            sessions.append(session)

    def leave(self, session: Session, channel: str | None = None, inst_id: str = "") -> None:
        """Let a session hear a channel, or anything, no more."""
        for (name, key), sessions in self._public.items():
            wanted = channel is None or (name == channel and (not inst_id or key == inst_id))
            if wanted and session in sessions:
                sessions.remove(session)
        for (name, _), listening in self._private.items():
            if channel is None or name == channel:
                listening[:] = [one for one in listening if one[0] is not session]

    def market(self, market: Market, what: str) -> None:
        """Tell who listens to a market."""
        if what in {"ticker", "mark"}:
            if what == "ticker":
                self._quotes(market)
            self._mark(market)
            self._at_set_times(market)
        elif what == "trade":
            self._trades(market)
        elif what == "candle":
            self._candles(market)
        elif what == "funding":
            self._tell("funding-rate", market.inst_id, lambda: market_rows.funding(self._exchange, market))
        elif what == "instrument":
            self._instrument(market)

    def _quotes(self, market: Market) -> None:
        inst_id, now = market.inst_id, self._exchange.now
        for session in self._public.get(("tickers", inst_id), ()):
            session.push("tickers", inst_id, market_rows.ticker_frame(market, now))
        for channel, depth in (("bbo-tbt", 1), ("books5", 5), ("books", 10)):
            if self._public.get((channel, inst_id)):
                row = market_rows.book(market, now, depth, with_id=True)
                extra = {"action": "snapshot"} if channel == "books" else {}
                self._send(channel, inst_id, {"channel": channel, "instId": inst_id}, extra, [row])

    def _mark(self, market: Market) -> None:
        for session in self._public.get(("mark-price", market.inst_id), ()):
            mark = format(self._exchange.mark(market.inst_id), "f")
            session.push("mark-price", market.inst_id, market_rows.mark_frame(market, mark, self._exchange.now))

    def _at_set_times(self, market: Market) -> None:
        inst_id, now = market.inst_id, self._exchange.now
        if now % LIMIT_EVERY_US == 0:
            self._tell("price-limit", inst_id, lambda: market_rows.price_limit(self._exchange, inst_id))
            self._tell("index-tickers", BY_ID[inst_id].family, lambda: market_rows.index(self._exchange, market))
            self._tell("funding-rate", inst_id, lambda: market_rows.funding(self._exchange, market))
        if now % CANDLE_EVERY_US == 0:
            self._candle(market, "candle1m", market.candles[-1], confirmed=False)

    def _trades(self, market: Market) -> None:
        for channel in ("trades", "trades-all"):
            if self._public.get((channel, market.inst_id)):
                rows = [row for row in market_rows.trades(market, 20) if int(row["ts"]) * 1_000 >= self._exchange.now]
                for row in reversed(rows):
                    self._send(channel, market.inst_id, {"channel": channel, "instId": market.inst_id}, {}, [row])

    def _candles(self, market: Market) -> None:
        """A minute has closed: tell it, and every longer candle that closed with it."""
        closed_at = market.candles[-1].at
        self._candle(market, "candle1m", market.candles[-2], confirmed=True)
        for bar, minutes in BARS.items():
            if (
                minutes > 1
                and closed_at % (minutes * 60_000_000) == 0
                and self._public.get((f"candle{bar}", market.inst_id))
            ):
                closed = market_rows.candles(market, minutes)[-2]
                row = market_rows.candle(BY_ID[market.inst_id], closed, confirmed=True)
                self._send(
                    f"candle{bar}", market.inst_id, {"channel": f"candle{bar}", "instId": market.inst_id}, {}, [row]
                )

    def _candle(self, market: Market, channel: str, candle: Any, *, confirmed: bool) -> None:
        if self._public.get((channel, market.inst_id)):
            row = market_rows.candle(BY_ID[market.inst_id], candle, confirmed=confirmed)
            self._send(channel, market.inst_id, {"channel": channel, "instId": market.inst_id}, {}, [row])

    def _instrument(self, market: Market) -> None:
        row = market_rows.instrument(market)
        for session in self._public.get(("instruments", ""), ()):
            frame = _encode({"arg": {"channel": "instruments", "instType": "SWAP"}, "data": [row]})
            session.push("instruments", "", frame)

    def status(self, row: dict[str, str]) -> None:
        """Tell who wants to know of maintenance."""
        self._send("status", "", {"channel": "status"}, {}, [row])

    def _tell(self, channel: str, inst_id: str, row: Any) -> None:
        if self._public.get((channel, inst_id)):
            self._send(channel, inst_id, {"channel": channel, "instId": inst_id}, {}, [row()])

    def _send(self, channel: str, inst_id: str, arg: dict[str, str], extra: dict[str, Any], rows: list[Any]) -> None:
        frame = _encode({"arg": arg, **extra, "data": rows})
        for session in list(self._public.get((channel, inst_id), ())):
            session.push(channel, inst_id, frame)

    # --- accounts ---------------------------------------------------------------------------------------------------

    def order(self, account: Account, order: Order, fill: Fill | None) -> None:
        """Tell an account of its order."""
        if self._private.get(("orders", account.uid)):
            row = account_rows.order_push(self._exchange, order, fill)
            if self._exchange.state.switches.get("unknown_enums") == "yes":
                row |= {"category": "something_new", "source": "99"}
            self._account("orders", account, {}, [row], order.inst_id)

    def algo(self, account: Account, algo: Algo) -> None:
        """Tell an account of its conditional order."""
        channel = "algo-advance" if algo.kind == "move_order_stop" else "orders-algo"
        if self._private.get((channel, account.uid)):
            row = account_rows.algo(algo) | {"notionalUsd": "", "reqId": "", "amendResult": ""}
            if channel == "algo-advance":
                row |= {"count": "1", "pTime": market_rows.millis(self._exchange.now)}
            self._account(channel, account, {}, [row], algo.inst_id)

    def position(self, account: Account, position: Position) -> None:
        """Tell an account of its position."""
        if self._private.get(("positions", account.uid)):
            row = self.position_row(account, position)
            self._account("positions", account, {"eventType": "event_update"}, [row], position.inst_id)

    def position_row(self, account: Account, position: Position) -> dict[str, Any]:
        """Give a position as its channel does."""
        row = account_rows.position(self._exchange, account, position)
        return row | {"pTime": market_rows.millis(self._exchange.now)}

    def balance(self, account: Account, why: str, inst_id: str, trade_id: str) -> None:
        """Tell an account of its money, and why it moved."""
        if self._private.get(("balance_and_position", account.uid)):
            held = [one for one in account.positions.values() if not inst_id or one.inst_id == inst_id]
            self._account("balance_and_position", account, {}, [self.change(account, why, held, inst_id, trade_id)], "")
        if self._private.get(("account", account.uid)):
            row = account_rows.balance(self._exchange, account)
            self._account("account", account, {"eventType": "event_update"}, [row], "")

    def change(
        self, account: Account, why: str, held: list[Position], inst_id: str, trade_id: str
    ) -> dict[str, Any]:  # fmt: skip
        """Give what balance_and_position says."""
        now = market_rows.millis(self._exchange.now)
        return {
            "pTime": now, "eventType": why,
            "balData": [{"ccy": "USDT", "cashBal": account_rows.plain(account.cash), "uTime": now}],
            "posData": [
                {
                    "posId": one.pos_id, "tradeId": one.trade_id, "instId": one.inst_id, "instType": "SWAP",
                    "mgnMode": one.mode, "posSide": one.pos_side, "pos": account_rows.plain(one.contracts),
                    "ccy": "USDT", "posCcy": "", "avgPx": account_rows.plain(one.average), "nonSettleAvgPx": "",
                    "settledPnl": "", "uTime": market_rows.millis(one.updated),
                }
                for one in held
            ],
            "trades": [{"instId": inst_id, "tradeId": trade_id}] if trade_id else [],
        }  # fmt: skip

    def warning(self, account: Account, position: Position) -> None:
        """Warn an account of a liquidation that is near."""
        if self._private.get(("liquidation-warning", account.uid)):
            row = self.position_row(account, position)
            names = (
                "instType",
                "mgnMode",
                "posId",
                "posSide",
                "pos",
                "posCcy",
                "instId",
                "lever",
                "markPx",
                "mgnRatio",
            )
            kept = {name: row[name] for name in (*names, "ccy", "cTime", "uTime", "pTime")}
            self._account("liquidation-warning", account, {}, [kept], position.inst_id)

    def _account(
        self, channel: str, account: Account, extra: dict[str, Any], rows: list[Any], inst_id: str
    ) -> None:  # fmt: skip
        for session, arg in list(self._private.get((channel, account.uid), ())):
            wanted = arg.get("instId")
            if not wanted or not inst_id or wanted == inst_id:
                session.push(channel, inst_id, _encode({"arg": arg, **extra, "data": rows}))
