"""The envelope around every REST answer and WebSocket reply, and the acknowledgements inside."""

from __future__ import annotations

from typing import Generic, TypeVar

from scalpctl.okx.wire.base import Row

T = TypeVar("T")

OK = "0"
ALL_FAILED = "1"
PARTLY = "2"


class Answer(Row, Generic[T]):
    """What REST answers; an error of the whole request may come without data."""

    code: str
    msg: str = ""
    data: list[T] = []  # noqa: RUF012  msgspec copies the default
    in_time: str | None = None
    out_time: str | None = None


class Verdict(Row):
    """Only the envelope's code: read first, because it decides what the rest may be."""

    code: str | int = ""
    msg: str | None = ""


class OrderAck(Row):
    """One item's answer to place, amend or cancel; ``s_code`` decides, the outer code does not."""

    ord_id: str = ""
    cl_ord_id: str = ""
    tag: str = ""
    ts: str = ""
    req_id: str = ""
    s_code: str = ""
    s_msg: str = ""
    sub_code: str = ""


class AlgoAck(Row):
    """One item's answer to placing, amending or cancelling a conditional order."""

    algo_id: str = ""
    algo_cl_ord_id: str = ""
    cl_ord_id: str = ""
    tag: str = ""
    req_id: str = ""
    s_code: str = ""
    s_msg: str = ""
    sub_code: str = ""
