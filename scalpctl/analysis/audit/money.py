"""Section 10: the money adds up, from every side."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from itertools import groupby
from operator import itemgetter

from scalpctl.analysis.audit.books import Books
from scalpctl.analysis.audit.findings import RED, YELLOW, Finding, Needs, Row, check
from scalpctl.core.money import ZERO, add, multiply, parse_decimal, ratio, subtract
from scalpctl.errors import NotCanonical

DAY_US = 86_400_000_000
LOOK = (
    "`scalpctl analyze-session --trade ID` shows the whole story; `scalpctl reconcile --statement` the exchange's side"
)


@check(
    "AU-05", section=10, severity=RED, title="Every transaction balances and nothing is unexplained",
    cure="`scalpctl reconcile --statement` names the bills; money leaves suspense by evidence", needs=Needs.PROOF,
)  # fmt: skip
def balance(books: Books) -> Iterator[Finding]:
    """The legs of every transaction sum to zero per currency. Money nobody could explain yet stands in suspense: yellow
    for a day, red after it.
    """
    for seq, what in books.proof.findings.get("postings", ()):
        yield Finding(f"journal {seq}", what, rows=({"table": "postings", "seq": seq},))
    left: dict[str, list[Row]] = {}
    for row in books.rows(_SUSPENDED):
        if Decimal(row["amount"]):
            left.setdefault(row["ccy"], []).append(row)
    for ccy, rows in left.items():
        young = books.now - rows[0]["posted_at"] < DAY_US
        amount = add(*(Decimal(row["amount"]) for row in rows))
        if amount:
            yield Finding(f"suspense {ccy}", f"{amount} {ccy} is unexplained", YELLOW if young else RED, tuple(rows))


_SUSPENDED = (
    "SELECT ccy, bill_id, dsum(amount) AS amount, min(posted_at) AS posted_at, min(seq) AS seq FROM postings "
    "WHERE account = 'suspense' GROUP BY ccy, bill_id ORDER BY seq"
)
"""Bill by bill: what has been explained says nothing about how long the rest has waited."""


_DECIMALS = (
    "SELECT m.name AS tbl, p.name AS col FROM sqlite_master m JOIN pragma_table_info(m.name) p WHERE m.type = 'table' "
    "AND instr(m.sql, 'ck_' || m.name || '_' || p.name || '_exact') > 0 ORDER BY tbl"
)
INEXACT = (
    "{0} NOT NULL AND (typeof({0}) <> 'text' OR trim({0}, '0123456789') NOT IN ('', '.') AND (substr({0}, 1, 1) <> '-' "
    "OR trim(substr({0}, 2), '0123456789') NOT IN ('', '.')) OR {0} LIKE '%.' OR {0} NOT BETWEEN '1' AND ':' AND "
    "{0} <> '0' AND {0} NOT BETWEEN '0.' AND '0/' AND {0} NOT BETWEEN '-1' AND '-:' AND "
    "({0} NOT BETWEEN '-0.' AND '-0/' OR {0} NOT GLOB '*[1-9]*'))"
)
"""What ``parse_decimal`` refuses, as SQL; trimming digits is what SQLite does fastest."""


@check("AU-07", section=10, severity=RED, title="Every amount is exact text", cure="`scalpctl ledger rebuild`")
def exactness(books: Books) -> Iterator[Finding]:
    """Amounts are stored as canonical decimal text: no floating point, no exponent, no leading zero or plus, no NaN."""
    for table, columns in groupby(books.rows(_DECIMALS), itemgetter("tbl")):
        names = [column["col"] for column in columns]
        shown, wrong = ", ".join(names), " OR ".join(f"({INEXACT.format(name)})" for name in names)
        for row in books.rows(f"SELECT seq, {shown} FROM {table} WHERE {wrong} LIMIT 20"):
            for name in names:
                if row[name] is not None and not is_exact(row[name]):
                    shown_row = {"table": table, "seq": row["seq"], "value": row[name]}
                    yield Finding(f"{table}.{name}", f"{row[name]!r} is not an exact amount", rows=(shown_row,))


def is_exact(value: str) -> bool:
    """Tell whether a text is an amount as we spell it."""
    try:
        parse_decimal(value)
    except NotCanonical:
        return False
    return True


_LIVES = (
    "SELECT f.position_id, f.seq, f.inst_id, f.trade_id, f.filled_at, f.action, f.price, f.contracts, f.coins, f.fee, "
    "f.exchange_pnl, "
    "f.client_id, p.side, p.origin, p.opened_at, p.contracts AS held, p.entry_price, p.state, i.ct_val, i.ct_mult "
    "FROM fills f JOIN positions p ON p.position_id = f.position_id LEFT JOIN instruments i ON i.inst_id = f.inst_id "
    "AND i.version = (SELECT max(version) FROM instruments v WHERE v.inst_id = f.inst_id AND v.valid_from_at <= "
    "f.filled_at) "
    "WHERE p.opened_at BETWEEN :since AND :until ORDER BY f.position_id, f.filled_at, f.seq"
)


def _lives(books: Books) -> Iterator[tuple[str, list[Row]]]:
    for position, group in groupby(books.rows(_LIVES), itemgetter("position_id")):
        yield position, list(group)


def _left(fills: list[Row]) -> Decimal:
    """Give what executions leave beyond what the position says is held."""
    signed = add(*(Decimal(row["contracts"]) * (1 if _opens(row) else -1) for row in fills), ZERO)
    return add(signed, -Decimal(fills[0]["held"]))


_BEGINNINGS = "SELECT position_id, inst_id, opened_at FROM positions ORDER BY opened_at"


@dataclass(frozen=True, slots=True)
class Turn:
    """An execution that closed one position and opened the other side: what passed over, and at which price."""

    before: str
    size: Decimal
    price: str


def _turned(books: Books, lives: list[tuple[str, list[Row]]]) -> dict[str, Turn]:
    """Give the turn each position began with, where it began with one."""
    last = {(fills[-1]["inst_id"], fills[-1]["filled_at"]): (name, fills) for name, fills in lives}
    found: dict[str, Turn] = {}
    for row in books.rows(_BEGINNINGS):  # one that has no execution of its own yet as well
        before, fills = last.get((row["inst_id"], row["opened_at"]), (row["position_id"], []))
        if before == row["position_id"]:
            continue
        begun_with = found[before].size if before in found else ZERO
        size = -add(_left(fills), begun_with)
        if size > 0:
            found[row["position_id"]] = Turn(before, size, fills[-1]["price"])
    return found


def _as_the_exchange_held(lives: list[tuple[str, list[Row]]]) -> list[tuple[str, list[Row]]]:
    """Join positions that overlap: an execution heard of too late is one of its own here, and was part of one there."""
    held: list[tuple[str, list[Row]]] = []
    for name, fills in sorted(lives, key=lambda life: (life[1][0]["inst_id"], life[1][0]["filled_at"])):
        last = held[-1][1] if held else []
        same = bool(last) and (last[0]["inst_id"], last[0]["side"]) == (fills[0]["inst_id"], fills[0]["side"])
        if same and fills[0]["filled_at"] < max(row["filled_at"] for row in last):
            held[-1] = held[-1][0], sorted((*last, *fills), key=itemgetter("filled_at", "seq"))
        else:
            held.append((name, fills))
    return held


def _opens(row: Row) -> bool:
    return bool((row["action"] == "buy") == (row["side"] == "long"))


@check("AU-08", section=10, severity=RED, title="Sizes add up, and contracts are the coins they should be", cure=LOOK)
def sizes(books: Books) -> Iterator[Finding]:
    """What was opened is what was closed plus what is left, for every position; and each execution's coins are its
    contracts times the contract value of the instrument's version in force.
    """
    lives = list(_lives(books))
    turned = _turned(books, lives)
    passed_on = {turn.before: turn.size for turn in turned.values()}
    for position, fills in lives:
        known = [row for row in fills if row["ct_val"] is not None]
        for row in known:
            worth = multiply(multiply(Decimal(row["contracts"]), Decimal(row["ct_val"])), Decimal(row["ct_mult"]))
            if worth != Decimal(row["coins"]):
                yield Finding(
                    position, f"{row['contracts']} contracts are {worth} coins, not {row['coins']}", rows=(row,)
                )
        begun_with = turned[position].size if position in turned else ZERO
        left = add(_left(fills), begun_with, passed_on.get(position, ZERO))
        by_its_word = left < 0 and fills[0]["origin"] == "adopted"  # what made it could not be had
        if left and not by_its_word:
            what = f"executions leave {left} contracts more than the {fills[0]['held']} the position says are held"
            yield Finding(position, what, rows=tuple(fills))


@check(
    "AU-09",
    section=10,
    severity=RED,
    title="The exchange's profit of every close follows from the executions",
    cure=LOOK,
)
def profits(books: Books) -> Iterator[Finding]:
    """The profit of each closing execution is computed again from the average entry price, and must equal what the
    exchange stated, to one unit of the last digit it gave (its average price has ten significant digits). Positions of
    one side that overlap here were one there, and are counted as one.
    """
    lives = list(_lives(books))
    turned = _turned(books, lives)
    for position, fills in _as_the_exchange_held(lives):
        turn = turned.get(position)
        each = ratio(Decimal(fills[0]["coins"]), Decimal(fills[0]["contracts"]))
        held, average = (multiply(turn.size, each), Decimal(turn.price)) if turn else (ZERO, ZERO)
        for row in fills:
            size, price = Decimal(row["coins"]), Decimal(row["price"])
            if _opens(row):
                whole = add(held, size)
                average = ratio(add(multiply(average, held), multiply(price, size)), whole) if whole else price
                held = whole
                continue
            size = min(size, held)  # what turned it round belongs to the next one
            ours, theirs = multiply(subtract(price, average), size), Decimal(row["exchange_pnl"])
            if row["side"] != "long":
                ours = -ours
            if held and abs(subtract(ours, theirs)) > add(_unit(theirs), multiply(price, size).scaleb(-10)):
                what = f"execution {row['trade_id']}: {float(ours):.10g} by our count, {theirs} by the exchange's"
                yield Finding(position, what, rows=(row,))
            held = subtract(held, size)


def _unit(stated: Decimal) -> Decimal:
    """Give one unit of the last digit of what was stated, between a millionth and a ten-thousand-millionth."""
    return Decimal(1).scaleb(-min(max(-int(stated.as_tuple().exponent), 6), 10))


_WHOLE = (
    "SELECT c.position_id, c.seq, c.gross, c.fees, c.funding, c.net, "
    "(SELECT coalesce(dsum(f.exchange_pnl), '0') FROM fills f WHERE f.position_id = c.position_id) AS pnl, "
    "(SELECT coalesce(dsum(f.fee), '0') FROM fills f WHERE f.position_id = c.position_id AND f.filled_at <= "
    "c.closed_at) AS fee, "
    "(SELECT coalesce(dsum(l.amount), '0') FROM postings l WHERE l.position_id = c.position_id AND l.account = "
    "'liquidation_penalty') AS penalty, (SELECT coalesce(dsum(l.amount), '0') FROM postings l WHERE l.position_id = "
    "c.position_id AND l.account = 'funding') AS funded "
    "FROM closures c WHERE c.closed_at BETWEEN :since AND :until"
)


@check("AU-10", section=10, severity=RED, title="gross - fees - funding = net, counted once", cure=LOOK)
def results(books: Books) -> Iterator[Finding]:
    """Every closure adds up, its gross is the sum of what the exchange stated per execution, its fees those of the
    executions; and one funding time of an instrument was paid once.
    """
    for row in books.rows(_WHOLE):
        gross, fees, funding, net = (Decimal(row[name]) for name in ("gross", "fees", "funding", "net"))
        if add(gross, -fees, -funding) != net:
            yield Finding(row["position_id"], f"{gross} - {fees} - {funding} is not {net}", rows=(row,))
        elif gross != Decimal(row["pnl"]):
            yield Finding(row["position_id"], f"gross is {gross}, the executions say {row['pnl']}", rows=(row,))
        elif fees != add(Decimal(row["penalty"]), -Decimal(row["fee"])):
            paid = add(Decimal(row["penalty"]), -Decimal(row["fee"]))
            yield Finding(row["position_id"], f"fees are {fees}, executions and penalties say {paid}", rows=(row,))
        elif funding != Decimal(row["funded"]):
            yield Finding(row["position_id"], f"funding is {funding}, the bills say {row['funded']}", rows=(row,))
    twice = (
        "SELECT inst_id, billed_at, count(*) AS n, min(seq) AS seq FROM bills WHERE type = '8' AND billed_at BETWEEN "
        ":since "
        "AND :until GROUP BY inst_id, billed_at, sub_type, balance_change HAVING count(*) > 1"
    )
    for row in books.rows(twice):
        yield Finding(str(row["inst_id"]), f"funding of one time was paid {row['n']} times", rows=(row,))


_FEES = (
    "SELECT inst_id, trade_id, seq, price, coins, fee, liquidity FROM fills WHERE filled_at BETWEEN :since AND :until "
    "AND fee_ccy = 'USDT' AND liquidity IN ('maker', 'taker')"
)


@check(
    "AU-12", section=10, severity=YELLOW, title="Fees are those of the expected tier, and entries are makers",
    cure="compare with the account's fee tier, and set audit.fee_maker_ratio and fee_taker_ratio",
)  # fmt: skip
def fee_rates(books: Books) -> Iterator[Finding]:
    """Each execution's fee is within 2 % of the expected rate for its liquidity (red beyond twice the rate), and the
    maker share of entries is not below the target, once there are twenty of them.
    """
    limits = books.thresholds
    rates = {"maker": limits.fee_maker_ratio, "taker": limits.fee_taker_ratio}
    for row in books.rows(_FEES):
        due = multiply(multiply(Decimal(row["price"]), Decimal(row["coins"])), rates[row["liquidity"]])
        paid = -Decimal(row["fee"])
        if due and abs(paid - due) > abs(due) * Decimal("0.02") + Decimal("0.00000001"):
            bad = paid > 2 * due
            what = f"{row['liquidity']} fee {paid}, {due} was expected"
            yield Finding(f"{row['inst_id']}:{row['trade_id']}", what, RED if bad else YELLOW, (row,))
    entries = books.rows(
        "SELECT f.liquidity, count(*) AS n FROM fills f JOIN orders o ON o.client_id = f.client_id AND o.role = "
        "'entry' "
        "WHERE f.filled_at BETWEEN :since AND :until GROUP BY f.liquidity"
    )
    whole, makers = sum(row["n"] for row in entries), sum(row["n"] for row in entries if row["liquidity"] == "maker")
    if whole >= 20 and Decimal(makers) / whole < limits.maker_share_min:
        yield Finding("entries", f"{makers} of {whole} entry executions were maker", rows=tuple(entries))


_TOTALS = {
    "closures": "SELECT session_id, dsum(net) AS total FROM closures WHERE session_id IS NOT NULL GROUP BY 1",
    "trades": "SELECT session_id, dsum(net) AS total FROM trades WHERE closed_at NOT NULL AND session_id NOT NULL "
    "GROUP BY 1",
    "cash": "SELECT c.session_id, dsum(p.amount) AS total FROM postings p JOIN closures c ON c.position_id = "
    "p.position_id WHERE p.account IN ('cash', 'transfer') AND c.session_id IS NOT NULL GROUP BY 1",
}


@check("AU-50", section=10, severity=RED, title="Totals are the same whoever adds them up", cure=LOOK)
def totals(books: Books) -> Iterator[Finding]:
    """A session's result as the closures state it, as the list of trades shows it, and as money was booked to its
    positions (in cash, or in the opening balance): three ways to the same digits.
    """
    sums = {
        name: {row["session_id"]: Decimal(row["total"]) for row in books.rows(sql)} for name, sql in _TOTALS.items()
    }
    for session, total in sums["closures"].items():
        others = {name: sums[name].get(session, ZERO) for name in ("trades", "cash")}
        if any(other != total for other in others.values()):
            what = f"closures say {total}, trades {others['trades']}, cash {others['cash']}"
            yield Finding(f"session {session}", what, rows=({"session_id": session, "closures": format(total, "f")},))
