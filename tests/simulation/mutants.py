"""Which engine is wrong on purpose in which one way, as a real one might be; every one is caught from outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

from simulation import plans
from simulation import wrong_acts as acts
from simulation import wrong_books as books
from simulation.families import UNTRADED
from simulation.plans import Plan

from scalpctl.simulator import specs, worlds
from scalpctl.simulator.serving import account_handlers

SWARM, DEAF, DEATHS, DISKS, EMERGENCY, RESTARTS = "swarm", "deaf", "deaths", "disks", "emergency", "restarts"
MUTANTS: dict[str, tuple[Callable[[], list[acts.Change]], str]] = {
    "a stop is never placed": (acts.no_stop, SWARM),
    "a cancelled stop is believed to stand": (acts.stop_assumed, SWARM),
    "what others opened is left bare": (acts.others_left_bare, SWARM),
    "no answer means no order": (acts.void_at_once, DEAF),
    "the first not-found is believed": (acts.first_not_found, DEAF),
    "an unknown outcome is a refusal": (acts.status_decides, DEAF),
    "what got no answer is sent again": (acts.blind_retry, DEAF),
    "orders carry no expiry": (acts.no_expiry, DEAF),
    "exits may open": (acts.exits_may_open, SWARM),
    "entries take": (acts.entries_take, SWARM),
    "bills are not booked": (books.bills_forgotten, SWARM),
    "fees are reckoned and not read": (books.fees_guessed, SWARM),
    "fees count twice": (books.counted_twice, SWARM),
    "money passes through a float": (books.floats, SWARM),
    "what others close costs nothing": (books.strangers_cost_nothing, SWARM),
    "missed executions are not read again": (books.fills_not_read_again, SWARM),
    "positions that vanish are not noticed": (books.vanished_ignored, SWARM),
    "one picture is believed": (books.believed_at_once, "added-unseen"),
    "every cause is unknown": (books.closed_on_a_guess, SWARM),
    "strangers stay strangers": (books.strangers_unexplained, SWARM),
    "gates only advise": (acts.gates_open, SWARM),
    "a restart forgets what a turn left": (books.turn_forgotten, "turned-while-away"),
    "a restart forgets all stops but the newest": (books.older_stops_forgotten, "older-stop-stands"),
    "a restart sells before it has looked": (acts.sold_unseen, "closed-while-away"),
    "a restart leaves alone what is held": (books.held_and_left_alone, SWARM),
    "a close that waits has no stop beside it": (acts.no_second_stop, "thin-while-stops-are-refused"),
    "a stop let go of is not followed": (acts.let_go_and_forgotten, "arrived-after-the-close"),
    "a restart forgets its orders": (books.orders_forgotten, DEATHS),
    "acts before it records": (books.act_then_record, DEATHS),
    "it goes on without a ledger": (books.on_without_a_ledger, DISKS),
    "a refusal in an answer is taken for a yes": (acts.answers_for_yes, SWARM),
    "an emergency waits": (acts.patient_in_an_emergency, EMERGENCY),
    "what is too old to quote for is taken at the market": (acts.market_when_stale, "20104"),
    "a restart places no stop": (acts.recovers_without_a_stop, SWARM),
    "what is booked is told by its position": (books.one_fill_a_minute, SWARM),
    "funding is an execution": (books.funding_is_a_fill, "paid"),
    "a blank number is zero": (books.blank_is_zero, "blank"),
    "times are read as local ones": (books.naive_times, SWARM),
    "instruments are told by how they begin": (books.instruments_by_prefix, "alike"),
    "how far a trail has come is only in memory": (books.trail_forgotten, RESTARTS),
}
"""What is wrong, and where it is looked for: in the swarm, where answers get lost, around deaths, where disks are sick,
in what only the books show afterwards, in a plan below, in a kept plan."""

PLANS = {
    "paid": """
seed 11, world range, weather none, lasts 330
   30 s  funding   funding in_seconds=20
  150 s  operator  close-all
""",
    "blank": """
seed 11, world range, weather none, lasts 330
   25 s  stale     oddity blank_fields=yes
   30 s  funding   funding in_seconds=20
   40 s  account   transfer amount=50
  110 s  stale     oddity blank_fields=no
""",
    "alike": """
seed 11, world chop, weather none, lasts 600
   60 s  others    foreign-order instrument=ETHW-USDT-SWAP, side=buy, contracts=2
  300 s  others    foreign-order instrument=ETHW-USDT-SWAP, side=sell, contracts=1
""",
}
"""Plans in which little goes wrong but for the engine: a funding is paid, required fields are blank for a while, others
trade in an instrument whose name begins like that of one of ours."""
ALIKE = replace(specs.SPECS[1], base="ETHW", code=10_999)


def plan(name: str) -> Plan:
    """Give one of these plans."""
    return Plan.read(PLANS[name])


@contextmanager
def mutated(name: str) -> Iterator[None]:
    """Make the engine wrong in one way, for a while."""
    with changed(MUTANTS[name][0]()):
        yield


@contextmanager
def changed(changes: list[acts.Change]) -> Iterator[None]:
    """Exchange some things for others, for a while."""
    with ExitStack() as stack:
        for where, attribute, other in changes:
            stack.enter_context(patch.object(where, attribute, other))
        yield


@contextmanager
def an_exchange_for(name: str) -> Iterator[None]:
    """Let the exchange be as a plan needs it: one that leaves required fields blank, one that lists a namesake."""
    real = account_handlers._bills

    def bills(ex: Any, *arguments: Any) -> Any:
        rows, blank = real(ex, *arguments), ex.state.switches.get("blank_fields") == "yes"
        return [row | {"balChg": "", "posBalChg": ""} for row in rows] if blank else rows

    if name == "blank":
        with patch.object(account_handlers, "_bills", bills):
            yield
    elif name == "alike":
        with (
            patch.object(worlds, "SPECS", (*specs.SPECS, ALIKE)),
            patch.dict(specs.BY_ID, {ALIKE.inst_id: ALIKE}),
            patch.dict(specs.BY_CODE, {ALIKE.code: ALIKE}),
            patch.object(plans, "UNTRADED", (*UNTRADED, ALIKE.inst_id)),
        ):
            yield
    else:
        yield
