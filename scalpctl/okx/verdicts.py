"""From an answer to an outcome: the body's code first, item by item; HTTP's status says nothing about an order."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from scalpctl.core.exchange.outcomes import Accepted, Outcome, Refused, Unknown
from scalpctl.errors import AnswerMalformed
from scalpctl.okx.wire.codec import decode
from scalpctl.okx.wire.codes import Meaning, meaning
from scalpctl.okx.wire.envelope import ALL_FAILED, OK, PARTLY, AlgoAck, Answer, OrderAck, Verdict
from scalpctl.okx.wire.texts import instant_or_none, plain

_JUDGED_BY_ITEM = (OK, ALL_FAILED, PARTLY)
UNSENT = "unsent"
"""The code of a refusal by ourselves: the request never left this process."""

_SURELY_NOT = (Meaning.REFUSED, Meaning.BUSY, Meaning.ACCESS, Meaning.CLOCK)


def by_code(code: str, message: str) -> Outcome:
    """Judge a code that is not success; what is already there or already over must be asked for."""
    said = meaning(code)
    if said in _SURELY_NOT:
        return Refused(code, plain(message))
    if said is Meaning.THERE:
        return Unknown(f"the exchange says that it is there already, or over already: {plain(message)}", code)
    return Unknown(f"the exchange leaves it open: {plain(message)}", code)


def by_order_items(code: str, message: str, acks: Sequence[OrderAck], client_ids: Sequence[str]) -> tuple[Outcome, ...]:
    """Judge each item asked for, found by its client id; one the answer does not mention, or twice, is unknown."""
    if code not in _JUDGED_BY_ITEM:
        return tuple(by_code(code, message) for _ in client_ids)
    times = Counter(ack.cl_ord_id for ack in acks)
    named = {ack.cl_ord_id: ack for ack in acks if ack.cl_ord_id and times[ack.cl_ord_id] == 1}
    in_order = len(acks) == len(client_ids)
    outcomes: list[Outcome] = []
    for place, client_id in enumerate(client_ids):
        ack = named.get(client_id)
        if ack is None and in_order and not acks[place].cl_ord_id:
            ack = acks[place]
        outcomes.append(_item(ack.s_code, ack.s_msg, ack.ord_id, ack.ts) if ack else _unmentioned())
    return tuple(outcomes)


def orders_judged(body: bytes, client_ids: Sequence[str]) -> tuple[Outcome, ...]:
    """Judge the answer to order writes; one that cannot be read proves nothing."""
    try:
        code, message = _code(body)
        acks = decode(Answer[OrderAck], body).data if code in _JUDGED_BY_ITEM else []
    except AnswerMalformed as error:
        return tuple(Unknown(error.message) for _ in client_ids)
    return by_order_items(code, message, acks, client_ids)


def algo_judged(body: bytes) -> Outcome:
    """Judge the answer to one conditional-order write."""
    try:
        code, message = _code(body)
        if code not in _JUDGED_BY_ITEM:
            return by_code(code, message)
        acks = decode(Answer[AlgoAck], body).data
    except AnswerMalformed as error:
        return Unknown(error.message)
    return _item(acks[0].s_code, acks[0].s_msg, acks[0].algo_id, "") if len(acks) == 1 else _unmentioned()


def plain_judged(body: bytes) -> Outcome:
    """Judge a write whose items carry no code of their own: only a clean outer code is a yes."""
    try:
        code, message = _code(body)
    except AnswerMalformed as error:
        return Unknown(error.message)
    return Accepted("") if code == OK else by_code(code, message)


def code_of(body: bytes) -> tuple[str, str]:
    """Give the code and message of an answer, or raise AnswerMalformed."""
    return _code(body)


def _code(body: bytes) -> tuple[str, str]:
    verdict = decode(Verdict, body)
    if verdict.code == "":
        raise AnswerMalformed("an answer without a code")
    return str(verdict.code), plain(verdict.msg)


def _item(code: str, message: str, exchange_id: str, ts: str) -> Outcome:
    if code != OK:
        return by_code(code, message)
    if not exchange_id:
        return Unknown("accepted without an id")
    try:
        return Accepted(plain(exchange_id), instant_or_none(ts))
    except AnswerMalformed:
        return Accepted(plain(exchange_id))


def _unmentioned() -> Unknown:
    return Unknown("the answer does not say what became of it")
