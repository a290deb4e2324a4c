"""What is said on a WebSocket beside pushes: login, subscriptions, trade operations, and the answers to them."""

from __future__ import annotations

from typing import Any

import msgspec

from scalpctl.okx.wire.base import Ask, Number, Row, wire_name
from scalpctl.okx.wire.envelope import OrderAck

PING = "ping"
PONG = "pong"
OPERATION_ID = "r"
"""What the ids of our trade operations begin with."""
SUBSCRIPTION_ID = "s"
"""What the ids of our subscriptions begin with."""


class ChannelArg(msgspec.Struct, kw_only=True, frozen=True, rename=wire_name, omit_defaults=True, gc=False):
    """Which channel, of what; the exchange echoes it, private ones with the account's uid."""

    channel: str
    inst_type: str = ""
    inst_family: str = ""
    inst_id: str = ""
    ccy: str = ""
    algo_id: str = ""
    extra_params: str = ""
    uid: str = ""


class LoginArg(Row):
    """The signed greeting; the repr keeps what is secret to itself."""

    api_key: str
    passphrase: str
    timestamp: str
    sign: str

    def __repr__(self) -> str:
        """Name the type only."""
        return "LoginArg(...)"


class ClientFrame(Row, omit_defaults=True):
    """Any frame of a client, as a server first sees it; ``args`` waits until the operation is known."""

    op: str
    id: str = ""
    args: msgspec.Raw = msgspec.Raw(b"[]")
    exp_time: str = ""


class LoginFrame(Ask):
    """Log in; once per connection."""

    op: str
    args: list[LoginArg]

    def __repr__(self) -> str:
        """Name the type only."""
        return "LoginFrame(...)"


class SubscriptionFrame(Ask):
    """Subscribe or unsubscribe; the answer comes per argument, each with this id."""

    op: str
    args: list[ChannelArg]
    id: str = ""


class OperationFrame(Ask):
    """A trade operation; the id is ours, at most 32 letters and digits, and comes back with the answer."""

    id: str
    op: str
    args: list[Any]
    exp_time: str = ""


class OperationReply(Row):
    """The answer to a trade operation: judged like a REST answer."""

    id: str
    op: str
    code: str
    msg: str = ""
    data: list[OrderAck] = []  # noqa: RUF012  msgspec copies the default
    in_time: str | None = None
    out_time: str | None = None


class EventFrame(Row, omit_defaults=True):
    """What the exchange says about the connection: login, subscribe, unsubscribe, error, notice, conn counts."""

    event: str
    id: str = ""
    code: str = ""
    msg: str = ""
    arg: ChannelArg | None = None
    channel: str = ""
    conn_count: Number = ""
    conn_id: str = ""


class Heard(Row):
    """Any frame of the exchange, read just far enough to know what it is."""

    event: str = ""
    op: str = ""
    id: str | None = ""
    code: str | int = ""
    msg: str | None = ""
    arg: ChannelArg | None = None
    channel: str = ""
    conn_count: str | int = ""
    conn_id: str = ""
    action: str = ""
    event_type: str = ""
    cur_page: int | None = None
    last_page: bool | None = None
    data: msgspec.Raw = msgspec.Raw(b"")
