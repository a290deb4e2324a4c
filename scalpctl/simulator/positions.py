"""What an execution does to an account: position, margin, result, fee, bills; exact, with every cent's other side."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Context, Decimal
from typing import TYPE_CHECKING

from scalpctl.core.money import ZERO, add, multiply, subtract
from scalpctl.simulator.specs import BY_ID, Spec, Tier
from scalpctl.simulator.state import Account, Bill, Closed, Fill, Order, Position

if TYPE_CHECKING:
    from scalpctl.simulator.exchange import Exchange

_WIDE = Context(prec=50, rounding=ROUND_HALF_EVEN)
_AVERAGE = Decimal("1E-12")
_MARGIN = Decimal("1E-8")


@dataclass(frozen=True, slots=True)
class Force:
    """How an execution that nobody ordered is marked."""

    category: str
    sub_type: str
    bill_type: str
    history: str


def key_of(inst_id: str, mode: str, pos_side: str) -> str:
    """Name the place a position has in an account."""
    return f"{inst_id}|{mode}|{pos_side}"


def held(account: Account, inst_id: str, mode: str, pos_side: str) -> Position | None:
    """Give a position that is open."""
    return account.positions.get(key_of(inst_id, mode, pos_side))


def value_of(spec: Spec, contracts: Decimal, price: Decimal) -> Decimal:
    """Give what contracts are worth at a price."""
    return multiply(multiply(contracts, spec.ct_val), price)


def tier_of(spec: Spec, contracts: Decimal) -> Tier:
    """Give the margin tier of a size."""
    size = abs(contracts)
    tiers = spec.tiers()
    return next((tier for tier in tiers if size <= tier.contracts_max), tiers[-1])


def unrealised(position: Position, mark: Decimal) -> Decimal:
    """Give what closing at the mark would bring, without fees."""
    spec = BY_ID[position.inst_id]
    return multiply(multiply(subtract(mark, position.average), position.contracts), spec.ct_val)


def lever_of(account: Account, inst_id: str, mode: str) -> str:
    """Give the leverage set for an instrument."""
    return account.levers.get(f"{inst_id}|{mode}", "3")


def execute(
    ex: Exchange, account: Account, order: Order, price: Decimal, size: Decimal, liquidity: str,
    force: Force | None = None,
) -> Fill:  # fmt: skip
    """Book one execution of an order: size is what really trades."""
    spec = BY_ID[order.inst_id]
    sign = Decimal(1 if order.side == "buy" else -1)
    rate = ZERO if force is not None else (account.maker if liquidity == "M" else account.taker)
    fee = -multiply(value_of(spec, size, price), rate) or ZERO
    key = key_of(order.inst_id, order.mode, order.pos_side)
    position = account.positions.get(key)
    closing = ZERO
    if position is not None and (position.contracts > 0) is (sign < 0):
        closing = min(size, abs(position.contracts))
    trade_id = _trade_id(ex, order, force)
    pnl = ZERO
    if position is not None and closing:
        pnl = multiply(multiply(subtract(price, position.average), closing), spec.ct_val)
        pnl = pnl if position.contracts > 0 else pnl.copy_negate() if pnl else ZERO
    sub_type = force.sub_type if force is not None else _sub_type(order)
    _crowd(ex, order.inst_id, multiply(size, sign), price, spec)
    ex.state.books.fees = add(ex.state.books.fees, -fee)
    bill = _trade_bill(ex, account, order, (price, size, pnl, fee), (trade_id, liquidity, sub_type), force)
    if position is not None and closing:
        _reduce(ex, account, position, (closing, price, pnl), _part(fee, closing, size), force)
        _rest_of(account, position, trade_id)
    opening = subtract(size, closing)
    if opening:
        position = _increase(ex, account, order, (opening, price), subtract(fee, _part(fee, closing, size)), sign)
        _rest_of(account, position, trade_id)
    fill = Fill(
        inst_id=order.inst_id, trade_id=trade_id, order_id=order.order_id, client_id=order.client_id,
        bill_id=bill.bill_id, side=order.side, pos_side=order.pos_side, price=price, contracts=size, fee=fee, pnl=pnl,
        sub_type=sub_type, liquidity=liquidity, tag=order.tag, at=ex.now, mark=format(ex.mark(order.inst_id), "f"),
    )  # fmt: skip
    account.fills.append(fill)
    _count(order, fill, ex.now)
    return fill


def _part(fee: Decimal, part: Decimal, whole: Decimal) -> Decimal:
    return _WIDE.divide(_WIDE.multiply(fee, part), whole).quantize(_MARGIN) if part != whole else fee


def _trade_id(ex: Exchange, order: Order, force: Force | None) -> str:
    market = ex.market(order.inst_id)
    market.trade_id += 1
    return f"-{market.trade_id}" if force is not None else str(market.trade_id)


def _sub_type(order: Order) -> str:
    if order.pos_side == "net":
        return "1" if order.side == "buy" else "2"
    return {"buylong": "3", "sellshort": "4", "selllong": "5", "buyshort": "6"}[order.side + order.pos_side]


def _crowd(ex: Exchange, inst_id: str, signed: Decimal, price: Decimal, spec: Spec) -> None:
    """Let everybody else be the other side."""
    books = ex.state.books
    books.crowd_cash = add(books.crowd_cash, value_of(spec, signed, price))
    books.crowd_contracts[inst_id] = subtract(books.crowd_contracts.get(inst_id, ZERO), signed)


def _trade_bill(
    ex: Exchange, account: Account, order: Order, money: tuple[Decimal, Decimal, Decimal, Decimal],
    marks: tuple[str, str, str], force: Force | None,
) -> Bill:  # fmt: skip
    """Write the bill of an execution: in cross it moves the balance, in isolated its result stays at the position."""
    price, size, pnl, fee = money
    trade_id, liquidity, sub_type = marks
    kind = force.bill_type if force is not None else "2"
    isolated = order.mode == "isolated"
    bill = ex.bill(account, kind, sub_type, fee if isolated else add(pnl, fee), pnl if isolated else ZERO)
    bill.inst_id, bill.mode, bill.order_id, bill.client_id = order.inst_id, order.mode, order.order_id, order.client_id
    bill.trade_id, bill.liquidity, bill.tag = trade_id, liquidity, order.tag
    bill.price, bill.contracts, bill.pnl, bill.fee = format(price, "f"), format(size, "f"), pnl, fee
    return bill


def _increase(
    ex: Exchange, account: Account, order: Order, trade: tuple[Decimal, Decimal], fee: Decimal, sign: Decimal
) -> Position:  # fmt: skip
    spec = BY_ID[order.inst_id]
    size, price = trade
    key = key_of(order.inst_id, order.mode, order.pos_side)
    position = account.positions.get(key)
    if position is None:
        pos_id = account.pos_ids.setdefault(key, ex.number("81"))
        position = Position(
            pos_id=pos_id, inst_id=order.inst_id, mode=order.mode, pos_side=order.pos_side, contracts=ZERO,
            average=price, margin=ZERO, lever=lever_of(account, order.inst_id, order.mode), created=ex.now,
            updated=ex.now,
        )  # fmt: skip
        account.positions[key] = position
    before = abs(position.contracts)
    after = add(before, size)
    exact = add(multiply(before, position.average), multiply(size, price))
    average = _WIDE.divide(exact, after).quantize(_AVERAGE).normalize()
    average = Decimal(format(average, "f"))
    residue = multiply(subtract(multiply(average, after), exact), multiply(spec.ct_val, sign))
    ex.state.books.rounding = add(ex.state.books.rounding, residue)
    position.average = average
    position.contracts = add(position.contracts, multiply(size, sign))
    position.largest = max(position.largest, after)
    position.opened = add(position.opened, size)
    position.opened_value = add(position.opened_value, multiply(size, price))
    position.fee = add(position.fee, fee)
    if order.mode == "isolated":
        wanted = _WIDE.divide(value_of(spec, size, price), Decimal(position.lever)).quantize(_MARGIN)
        _move_margin(ex, account, position, wanted, "332")
    return position


def _reduce(
    ex: Exchange, account: Account, position: Position, trade: tuple[Decimal, Decimal, Decimal], fee: Decimal,
    force: Force | None,
) -> None:  # fmt: skip
    size, price, pnl = trade
    before = abs(position.contracts)
    sign = Decimal(1 if position.contracts > 0 else -1)
    position.contracts = subtract(position.contracts, multiply(size, sign))
    position.closed = add(position.closed, size)
    position.closed_value = add(position.closed_value, multiply(size, price))
    position.realised = add(position.realised, pnl)
    position.fee = add(position.fee, fee)
    if position.mode == "isolated":
        whole = size == before
        freed = position.margin if whole else _WIDE.divide(_WIDE.multiply(position.margin, size), before)
        freed = freed if whole else freed.quantize(_MARGIN)
        position.margin = add(
            position.margin, pnl
        )  # the result is at the position first, then it leaves with the margin
        _move_margin(ex, account, position, -add(freed, pnl), "333")
    _history(ex, account, position, sign, force)


def _move_margin(ex: Exchange, account: Account, position: Position, amount: Decimal, sub: str) -> None:
    """Move margin from the balance into an isolated position, or back."""
    if not amount:
        return
    position.margin = add(position.margin, amount)
    bill = ex.bill(account, "6", sub, -amount, amount)
    bill.inst_id, bill.mode, bill.position_balance = position.inst_id, position.mode, position.margin


def refund_margin(ex: Exchange, account: Account, position: Position) -> None:
    """Bring an isolated position's margin to what its leverage asks for; more leverage gives margin back."""
    if position.mode != "isolated":
        return
    spec = BY_ID[position.inst_id]
    worth = value_of(spec, abs(position.contracts), position.average)
    wanted = _WIDE.divide(worth, Decimal(position.lever)).quantize(_MARGIN)
    _move_margin(ex, account, position, subtract(wanted, position.margin), "160")


def _history(ex: Exchange, account: Account, position: Position, sign: Decimal, force: Force | None) -> None:
    """Write or overwrite the lifecycle's row, as the exchange does."""
    flat = not position.contracts
    kind = force.history if force is not None else ("2" if flat else "1")
    row = next(
        (one for one in reversed(account.closed) if (one.pos_id, one.created) == (position.pos_id, position.created)),
        None,
    )
    if row is None:
        row = Closed(
            pos_id=position.pos_id, inst_id=position.inst_id, mode=position.mode, pos_side=position.pos_side,
            direction="long" if sign > 0 else "short", type=kind, created=position.created, updated=ex.now,
            largest=ZERO, closed=ZERO, open_average=ZERO, close_average=ZERO, pnl=ZERO, fee=ZERO, funding=ZERO,
            penalty=ZERO, lever=position.lever,
        )  # fmt: skip
        account.closed.append(row)
    row.type, row.updated = kind, ex.now
    row.largest, row.closed = position.largest, position.closed
    row.open_average = _WIDE.divide(position.opened_value, position.opened).quantize(_AVERAGE)
    row.close_average = _WIDE.divide(position.closed_value, position.closed).quantize(_AVERAGE)
    row.pnl, row.fee, row.funding, row.penalty = position.realised, position.fee, position.funding, position.penalty
    if force is not None:
        row.trigger = format(ex.mark(position.inst_id), "f")


def _rest_of(account: Account, position: Position, trade_id: str) -> None:
    position.trade_id = trade_id.lstrip("-")
    if not position.contracts:
        account.positions.pop(key_of(position.inst_id, position.mode, position.pos_side), None)


def _count(order: Order, fill: Fill, now: int) -> None:
    order.filled = add(order.filled, fill.contracts)
    order.value = add(order.value, multiply(fill.contracts, fill.price))
    order.fee = add(order.fee, fill.fee)
    order.pnl = add(order.pnl, fill.pnl)
    order.last_fill = "0" if fill.trade_id.startswith("-") else fill.trade_id
    order.last_price, order.last_size, order.last_at = format(fill.price, "f"), format(fill.contracts, "f"), now
    order.updated = now
    order.state = "filled" if order.filled >= order.contracts else "partially_filled"
