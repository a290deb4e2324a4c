"""Views for people: plain numbers for spreadsheets and plots, and one row per trade. The tables keep the exact text."""

from __future__ import annotations

_REAL_COLUMNS = {
    "fills": ("price", "contracts", "coins", "fee", "exchange_pnl", "slippage"),
    "closures": ("contracts", "entry_price", "exit_price", "gross", "fees", "funding", "net"),
    "postings": ("amount",),
    "bills": ("balance_change", "balance"),
}

_TRADES = """CREATE VIEW trades AS
SELECT p.position_id, coalesce(c.session_id, p.session_id) AS session_id,
       p.inst_id AS instrument, p.side, p.opened_at, p.closed_at,
       coalesce(c.contracts, p.contracts) AS contracts, coalesce(c.entry_price, p.entry_price) AS entry_price,
       c.exit_price, c.gross, c.fees, c.funding, c.net,
       CASE c.cause WHEN 'unknown' THEN coalesce((SELECT d.cause FROM drifts d WHERE d.position_id = c.position_id
         AND d.kind = 'vanished' AND d.resolved_at IS NOT NULL ORDER BY d.last_seq DESC LIMIT 1), c.cause)
         ELSE c.cause END AS cause,
       p.origin, coalesce(c.leverage, p.leverage) AS leverage,
       coalesce(c.regime, (SELECT e.regime FROM entries e WHERE e.position_id = p.position_id ORDER BY e.seq LIMIT 1))
         AS regime,
       c.maker_share, c.mae, c.mfe, p.seq AS opened_seq, c.seq AS closed_seq
FROM positions p LEFT JOIN closures c ON c.position_id = p.position_id"""

_RESULTS = """CREATE VIEW session_results AS
SELECT s.session_id, s.env, s.account, s.started_at, s.ended_at, s.end_kind, s.seed, s.code_version, s.world, s.seq,
       f.trades, f.wins, f.entries, f.partial_takes, f.gross, f.fees, f.funding, f.net, f.maker_fills, f.taker_fills,
       CASE WHEN f.maker_fills + f.taker_fills > 0
         THEN round(1.0 * f.maker_fills / (f.maker_fills + f.taker_fills), 4) END AS maker_share,
       f.maker_fees, f.taker_fees, f.maker_value, f.taker_value, f.decisions, f.drifts, f.last_seq
FROM sessions s JOIN session_figures f ON f.session_id = s.session_id"""

VIEWS = {
    "trades": "one row per position, flat to flat, with its result",
    "session_results": "one row per session with what it came to",
} | {
    f"{table}_plain": f"{table} with plain numbers beside the exact text, for spreadsheets and plots"
    for table in _REAL_COLUMNS
}


def view_statements() -> tuple[str, ...]:
    """Give the statements that create every view."""
    plain = tuple(_plain(table, columns) for table, columns in _REAL_COLUMNS.items())
    return (*plain, _TRADES, _RESULTS)


def _plain(table: str, columns: tuple[str, ...]) -> str:
    casts = ", ".join(f"CAST({column} AS REAL) AS {column}_real" for column in columns)
    return f"CREATE VIEW {table}_plain AS SELECT t.*, {casts} FROM {table} t"
