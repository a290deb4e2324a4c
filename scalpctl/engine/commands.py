"""What a person may order from a terminal: close, pause, resume, halt, and the question how things stand."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from scalpctl.core import limits as brakes
from scalpctl.core.causes import Cause
from scalpctl.core.evidence import Evidence
from scalpctl.core.instants import Instant
from scalpctl.core.limits import Limit, ResumeRefused
from scalpctl.core.money import Contracts, canonical, exact, multiply, parse_decimal
from scalpctl.core.records.sessions import OperatorCommanded
from scalpctl.core.resolving import resolution
from scalpctl.engine import executing, exiting
from scalpctl.engine.context import Context
from scalpctl.engine.desk import Desk, Holding, Role
from scalpctl.engine.effects import Reply
from scalpctl.engine.events import Ordered
from scalpctl.engine.facts import facts_of
from scalpctl.engine.plan import BAR_US
from scalpctl.errors import NotCanonical


def ordered(ctx: Context, command: Ordered) -> None:
    """Carry out one command; what it asks for is recorded before it is answered."""
    if command.command == "status":
        ctx.do(Reply(command.command_id, ok=True, result=status(ctx)))
        return
    handler = _HANDLERS.get(command.command)
    if handler is None:
        ctx.do(Reply(command.command_id, ok=False, result={}, message=f"{command.command} is not known here"))
        return
    outcome = handler(ctx, command)
    ctx.record(
        OperatorCommanded(
            command_id=command.command_id,
            session_id=ctx.session_id,
            command=command.command,
            arguments=command.arguments,
            operator=command.operator,
            commanded_at=ctx.at,
            outcome=outcome,
        )
    )


def _close(ctx: Context, command: Ordered) -> str:
    """Close one position or all; the answer comes when it is flat, with its money."""
    wanted = str(command.arguments.get("instrument", ""))
    everything = bool(command.arguments.get("all"))
    fraction = _fraction(command)
    if fraction is None:
        message = "the fraction must be more than 0 and at most 1"
        ctx.do(Reply(command.command_id, ok=False, result={}, message=message))
        return "refused: not a fraction"
    desks = [desk for desk in ctx.desks.values() if desk.holding is not None and (everything or desk.inst_id == wanted)]
    small = [desk for desk in desks if desk.holding is not None and _is_too_small(desk, desk.holding, fraction)]
    if small:
        held = ", ".join(f"{desk.holding.contracts.value} {desk.inst_id}" for desk in small if desk.holding is not None)
        message = f"{fraction} of {held} is less than the smallest order; nothing was closed: close all of it, or more"
        ctx.do(Reply(command.command_id, ok=False, result={}, message=message))
        return "refused: less than the smallest order"
    if everything:
        ctx.trip(Limit.OPERATOR_PAUSE, f"{command.operator} closed everything")
    leaving = [one for desk in ctx.desks.values() if everything or desk.inst_id == wanted for one in desk.leaving]
    for one in leaving:  # flat already: the one closure answers everybody who asked
        _waits_for(ctx, command.command_id, one.holding)
    if not desks and not leaving:
        ctx.do(Reply(command.command_id, ok=True, result={"state": "already_flat", "closed": []}))
        return "nothing to close"
    for desk in desks:
        holding = desk.holding
        if holding is not None:
            _close_one(ctx, desk, holding, command, fraction)
    return f"closing {', '.join(desk.inst_id for desk in desks)}"


def _fraction(command: Ordered) -> Decimal | None:
    try:
        part = parse_decimal(str(command.arguments.get("fraction", "1")))
    except NotCanonical:
        return None
    return part if 0 < part <= 1 else None


def _part(desk: Desk, holding: Holding, fraction: Decimal) -> Contracts:
    return desk.instrument.floor_contracts(Contracts(multiply(holding.contracts.value, fraction)))


def _is_too_small(desk: Desk, holding: Holding, fraction: Decimal) -> bool:
    """Tell whether a part was asked for that no order can take: it must not become the whole."""
    return fraction < 1 and holding.close is None and not _part(desk, holding, fraction)


def _close_one(ctx: Context, desk: Desk, holding: Holding, command: Ordered, fraction: Decimal) -> None:
    part = _part(desk, holding, fraction)
    if fraction < 1 and holding.close is None:
        if desk.execution is not None:
            message = "another order of this position is under way; try again"
            ctx.do(Reply(command.command_id, ok=False, result={}, message=message))
            return
        exiting.take_fraction(ctx, desk, holding, part, command.command_id)
        return
    _waits_for(ctx, command.command_id, holding)
    shown = Evidence.of("terminal", operator=command.operator, command_id=command.command_id)
    exiting.vote(ctx, desk, holding, Cause.OPERATOR, shown, actor=command.operator or "operator")


def _waits_for(ctx: Context, command_id: str, holding: Holding) -> None:
    holding.waiting_commands.append(command_id)
    ctx.asked_to_close.setdefault(command_id, []).append(holding.position_id)


def _pause(ctx: Context, command: Ordered) -> str:
    ctx.trip(Limit.OPERATOR_PAUSE, str(command.arguments.get("reason") or "paused from a terminal"))
    _stop_entries(ctx)
    ctx.do(Reply(command.command_id, ok=True, result={"entries": "paused"}))
    return "paused"


def _halt(ctx: Context, command: Ordered) -> str:
    """Latch: no entries, own entries cancelled, stops stay; with flatten everything is closed as well."""
    ctx.trip(Limit.OPERATOR_HALT, str(command.arguments.get("reason") or "halted from a terminal"))
    _stop_entries(ctx)
    if command.arguments.get("flatten"):
        for desk in ctx.desks.values():
            if desk.holding is not None:
                shown = Evidence.of("terminal", operator=command.operator, command_id=command.command_id)
                exiting.vote(ctx, desk, desk.holding, Cause.OPERATOR, shown, actor=command.operator or "operator")
    ctx.do(Reply(command.command_id, ok=True, result={"entries": "halted", "open": ctx.held}))
    return "halted"


def _resume(ctx: Context, command: Ordered) -> str:
    """Let go of latches that wait for a person, with a reason; what may not be released yet is said."""
    reason = str(command.arguments.get("reason") or "")
    wanted = str(command.arguments.get("limit") or "")
    names = [wanted] if wanted else list(dict.fromkeys(latch.limit.value for latch in ctx.limits.latches))
    released, refused = [], {}
    for name in names:
        if name not in tuple(Limit):
            refused[name] = f"there is no such limit; one of {', '.join(Limit)}"
            continue
        answer = brakes.resumed(ctx.limits, Limit(name), ctx.at, reason, ctx.limit_parameters)
        if isinstance(answer, ResumeRefused):
            refused[name] = _WHY_NOT[answer].format(seconds=ctx.limit_parameters.resume_after_s)
        else:
            ctx.set_limits(answer, cleared_by=command.operator or "operator", reason=reason)
            released.append(name)
    ok = not refused
    message = "" if ok else "; ".join(f"{name}: {why}" for name, why in refused.items())
    ctx.do(Reply(command.command_id, ok=ok, result={"released": released, "refused": refused}, message=message))
    return f"released {', '.join(released) or 'nothing'}"


_WHY_NOT = {
    ResumeRefused.TOO_SOON: "it came less than {seconds} s ago; look first, then resume",
    ResumeRefused.NO_REASON: "a reason is needed",
    ResumeRefused.NOT_LATCHED: "it does not hold anything back",
}


def _reread(ctx: Context, command: Ordered) -> str:
    """Ask the exchange for everything again, as after a reconnect."""
    ctx.reread(Instant(int(command.arguments.get("since", 0))))
    ctx.do(Reply(command.command_id, ok=True, result={"asked": True}))
    return "asked for everything again"


def _noted(ctx: Context, command: Ordered) -> str:
    """Take a word of a person into the journal; nothing else happens here."""
    ctx.do(Reply(command.command_id, ok=True, result={"noted": command.command}))
    return "noted"


def _resolve(ctx: Context, command: Ordered) -> str:
    """Take a person's word for a drift that nothing explains."""
    ctx.record(*resolution(command.arguments, command.operator or "operator", ctx.at))
    drift_id, bill_id = str(command.arguments["drift_id"]), str(command.arguments.get("bill_id") or "")
    ctx.drifts_open = {key: known for key, known in ctx.drifts_open.items() if known != drift_id}
    ctx.suspended = {key: bill for key, bill in ctx.suspended.items() if bill.bill_id != bill_id}
    ctx.do(Reply(command.command_id, ok=True, result={"resolved": drift_id}))
    return "resolved"


def _stop_entries(ctx: Context) -> None:
    for desk in ctx.desks.values():
        desk.wanted = None
        if desk.execution is not None and desk.execution.role is Role.ENTRY:
            executing.withdraw(ctx, desk)


_HANDLERS: dict[str, Callable[[Context, Ordered], str]] = {
    "close": _close,
    "pause": _pause,
    "halt": _halt,
    "resume": _resume,
    "reread": _reread,
    "waive": _noted,
    "resolve": _resolve,
}


def part_finished(ctx: Context, command_id: str, contracts: Contracts) -> None:
    """Answer the person whose partial close is over."""
    ctx.do(Reply(command_id, ok=bool(contracts), result={"state": "reduced", "contracts": exact(contracts)}))


def status(ctx: Context) -> dict[str, Any]:
    """Say how things stand: positions with their rule states, orders, limits, account."""
    return {
        "session_id": ctx.session_id,
        "at": ctx.at,
        "usable": ctx.usable,
        "recovered": ctx.recovered,
        "ending": ctx.ending,
        "day_net": exact(ctx.limits.day_net),
        "equity": None if ctx.account.equity is None else exact(ctx.account.equity),
        "positions": [_position(ctx, desk, desk.holding) for desk in ctx.desks.values() if desk.holding is not None],
        "orders": [_order(desk) for desk in ctx.desks.values() if desk.execution is not None],
        "latches": [
            {"limit": latch.limit.value, "instrument": latch.inst_id, "why": latch.why, "until": latch.until}
            for latch in ctx.limits.latches
        ],
        "instruments": [
            {
                "instrument": desk.inst_id,
                "regime": desk.regime.regime.value,
                "warm": not desk.warming,
                "bid": None if desk.bid is None else exact(desk.bid),
                "ask": None if desk.ask is None else exact(desk.ask),
                "ticker_at": None if desk.ticker is None else desk.ticker.exchange_at,
                "mark_at": None if desk.mark is None else desk.mark.exchange_at,
                "candle_at": None if desk.last_candle_at is None else desk.last_candle_at + BAR_US,
                "traded": desk.traded,
                "live": desk.instrument.state == "live",
                "skipped": desk.skipped,
            }
            for desk in ctx.desks.values()
        ],
    }


def _position(ctx: Context, desk: Desk, holding: Holding) -> dict[str, Any]:
    price = desk.bid if holding.side.sign > 0 else desk.ask
    net = None if price is None or not holding.contracts else facts_of(ctx, desk, holding).net_at(price)
    guard = holding.guard
    margin = None if desk.theirs is None else desk.theirs.margin_ratio
    return {
        "position_id": holding.position_id,
        "instrument": desk.inst_id,
        "side": holding.side.value,
        "contracts": exact(holding.contracts),
        "entry_price": exact(holding.position.average_price) if holding.contracts else None,
        "leverage": exact(holding.leverage),
        "unrealised_net": None if net is None else exact(net),
        "fees": exact(holding.fees),
        "funding": exact(holding.funding),
        "opened_at": holding.position.opened_at,
        "protection": guard.state.value,
        "stop": None if guard.trigger is None else exact(guard.trigger),
        "margin_ratio": None if margin is None else exact(margin),
        "closing": None if holding.close is None else holding.close.owner.cause.value,
        "origin": holding.origin,
        "rules": [f"{rule.value}:{kind.value}:{why.value}" for rule, kind, why in holding.standing],
    }


def _order(desk: Desk) -> dict[str, Any]:
    execution = desk.execution
    if execution is None:
        return {}
    quoter = execution.quoter
    return {
        "instrument": desk.inst_id,
        "role": execution.role.value,
        "action": quoter.action.value,
        "contracts": exact(quoter.left),
        "price": None if quoter.quoted_price is None else canonical(quoter.quoted_price),
        "state": quoter.state.value,
        "quotes": quoter.quotes,
    }
