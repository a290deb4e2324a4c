"""One connection without I/O: frames and time in; frames, pushes and phases out through an outlet."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from typing import Protocol

from scalpctl.core.exchange.connections import ConnectionFact
from scalpctl.core.instants import NANOS_PER_SECOND, Monotonic
from scalpctl.errors import AccessRefused, AnswerMalformed
from scalpctl.okx.access import access_refused
from scalpctl.okx.stream.freshness import Freshness
from scalpctl.okx.stream.states import Happening, Phase, advance
from scalpctl.okx.stream.subscriptions import Subscriptions
from scalpctl.okx.wire.codec import FRAME_BYTES_MAX, encode
from scalpctl.okx.wire.codes import CODE_SERVICE_UPGRADE, LOGGED_IN_ALREADY, NO_SUCH_INSTRUMENT, Meaning, meaning
from scalpctl.okx.wire.operations import PING, PONG, ChannelArg, LoginFrame, OperationReply, SubscriptionFrame
from scalpctl.okx.wire.router import Pushed, Router, Said
from scalpctl.okx.wire.texts import plain

SILENCE_BEFORE_PING_S = 15
PONG_WITHIN_S = 10
LOGIN_WITHIN_S = 10
ACKS_WITHIN_S = 10
SNAPSHOTS_WITHIN_S = 5
RESYNC_WITHIN_S = 90
MALFORMED_MAX = 3
OPERATIONS_MAX = 450
"""Subscriptions, their ends and logins in an hour of one connection; the exchange takes 480."""
CLOSE_LOGIN_FAILED = 4001
CLOSE_KEY_REVOKED = 4007
_PONG = PONG.encode()


class Outlet(Protocol):
    """Where a machine's effects go; none of these may wait."""

    def send(self, frame: bytes) -> None:
        """Send one text frame."""
        ...

    def hang_up(self, why: str) -> None:
        """Close the connection; another may be tried."""
        ...

    def pushed(self, push: Pushed) -> None:
        """Take rows of a channel."""
        ...

    def replied(self, reply: OperationReply) -> None:
        """Take the answer to a trade operation."""
        ...

    def moved(self, phase: Phase) -> None:
        """Learn that the connection has come to another phase."""
        ...

    def refused(self, why: AccessRefused) -> None:
        """Learn that no connection will ever be accepted with this key."""
        ...

    def clock_doubted(self) -> None:
        """Learn that the exchange finds our clock wrong."""
        ...

    def upgrade_announced(self) -> None:
        """Learn that this connection will be closed soon and wants a successor."""
        ...

    def noted(self, fact: ConnectionFact, detail: str) -> None:
        """Take a fact worth keeping."""
        ...


class StreamMachine:
    """Brings one connection from open to ready, and watches that it stays worth having."""

    def __init__(
        self,
        outlet: Outlet,
        wanted: Sequence[ChannelArg],
        *,
        login: Callable[[], LoginFrame] | None = None,
        demo: bool = False,
        given_up: dict[tuple[str, str], float] | None = None,
    ) -> None:
        """Want these channels; log in first where a login is given; learn for whoever connects next what was silent."""
        self._outlet = outlet
        self._login = login
        self._demo = demo
        self._router = Router()
        self._subscriptions = Subscriptions(wanted)
        self.freshness = Freshness(given_up)
        self.phase = Phase.DOWN
        self.malformed = 0
        self._login_judged = False
        """Whether an error has said why the login failed: the close that follows it says less."""
        self._heard_at = Monotonic(0)
        self._phase_since = Monotonic(0)
        self._pinged_at: Monotonic | None = None
        self._asked_again: deque[Monotonic] = deque()

    def opened(self, now: Monotonic) -> None:
        """Greet: log in, or subscribe at once."""
        self._heard_at = now
        self._move(Happening.OPENED, now)
        if self._login is None:
            self._move(Happening.LOGIN_NOT_NEEDED, now)
            self._subscribe(now)
        else:
            self._outlet.send(encode(self._login()))

    def heard(self, frame: bytes, now: Monotonic) -> None:
        """Take one frame, whatever it is; nothing it contains raises."""
        self._heard_at = now
        self._pinged_at = None
        if frame == _PONG:
            return
        try:
            said = self._router.read(frame) if len(frame) <= FRAME_BYTES_MAX else None
        except AnswerMalformed:
            said = None
        if said is None:
            self._count_malformed(len(frame))
        elif isinstance(said, Pushed):
            self.freshness.heard(said.arg, now)
            if self.phase is not Phase.READY and self._subscriptions.snapshot_came(said):
                self._snapshots_complete(now)
            self._outlet.pushed(said)
        elif isinstance(said, OperationReply):
            self._outlet.replied(said)
        else:
            self._said(said, now)

    def tick(self, now: Monotonic) -> None:
        """Look at the time: ping, give up, or ask a silent channel again."""
        if self.phase in {Phase.DOWN, Phase.REFUSED}:
            return
        if self._pinged_at is not None and now - self._pinged_at > PONG_WITHIN_S * NANOS_PER_SECOND:
            self._outlet.hang_up("no pong")
            return
        if self._pinged_at is None and now - self._heard_at > SILENCE_BEFORE_PING_S * NANOS_PER_SECOND:
            self._pinged_at = now
            self._outlet.send(PING.encode())
        in_phase_s = (now - self._phase_since) / NANOS_PER_SECOND
        if self.phase is Phase.CONNECTED and in_phase_s > LOGIN_WITHIN_S:
            self._outlet.hang_up("the login was not answered")
        elif self.phase is Phase.LOGGED_IN and in_phase_s > ACKS_WITHIN_S:
            self._outlet.hang_up("a subscription was not answered")
        elif self.phase is Phase.SUBSCRIBED and in_phase_s > SNAPSHOTS_WITHIN_S:
            # an account without positions may have nothing to send; the resync asks REST in any case
            self._move(Happening.SNAPSHOTS_COMPLETE, now)
        elif self.phase is Phase.SNAPSHOT and in_phase_s > RESYNC_WITHIN_S:
            self._outlet.hang_up("the resync takes too long")
        elif self.phase is Phase.READY:
            self._watch_freshness(now)

    def resyncing(self, now: Monotonic) -> None:
        """Learn that REST is asked again: each time of asking has its own limit."""
        if self.phase is Phase.SNAPSHOT:
            self._phase_since = now

    def resynced(self, now: Monotonic) -> None:
        """Learn that REST has been asked and merged."""
        if self.phase is Phase.SNAPSHOT:
            self._move(Happening.RESYNCED, now)

    def lost(self, code: int | None, now: Monotonic) -> None:
        """Learn that the connection is gone, and why as far as a close code tells."""
        if code == CLOSE_KEY_REVOKED and self.phase not in {Phase.DOWN, Phase.REFUSED}:
            self._move(Happening.KEY_REVOKED, now)
            why = AccessRefused("the exchange closed the stream: the key was changed or deleted", hint="see the key")
            self._outlet.refused(why)
        elif code == CLOSE_LOGIN_FAILED and self.phase is Phase.CONNECTED and not self._login_judged:
            self._refuse(str(code), "login failed", now)
        self._move(Happening.LOST, now)

    def _said(self, said: Said, now: Monotonic) -> None:
        if said.event == "login" and said.code in {"0", ""}:
            self._logged_in(now)
        elif said.event == "subscribe":
            self._acknowledged(said, now)
        elif said.event == "error":
            self._complained(said, now)
        elif said.event == "channel-conn-count-error":
            detail = f"{plain(said.channel, 60)}: {plain(said.conn_count, 10)} connections have it already"
            self._lose_channel(detail, now)
        elif said.event == "notice" and said.code == CODE_SERVICE_UPGRADE:
            self._outlet.noted(ConnectionFact.UPGRADE, plain(said.msg))
            self._outlet.upgrade_announced()

    def _logged_in(self, now: Monotonic) -> None:
        if self.phase is Phase.CONNECTED:
            self._move(Happening.LOGIN_ACCEPTED, now)
            self._subscribe(now)

    def _complained(self, said: Said, now: Monotonic) -> None:
        if self.phase is Phase.CONNECTED:
            self._login_failed(said, now)
        elif said.code in LOGGED_IN_ALREADY:
            return
        elif (arg := self._subscriptions.refused(said.id)) is not None:
            self._not_granted(said, arg, now)
        elif said.id:  # an operation that was turned away before it was looked at
            self._outlet.replied(OperationReply(id=said.id, op="", code=said.code, msg=said.msg))
        else:
            self._outlet.noted(ConnectionFact.MALFORMED, f"the exchange complains: {said.code} {plain(said.msg)}")

    def _not_granted(self, said: Said, arg: ChannelArg, now: Monotonic) -> None:
        """Go on without an instrument the exchange does not have: it must not deafen us to the others."""
        detail = f"{said.code} {plain(said.msg)}"
        if said.code not in NO_SUCH_INSTRUMENT or not arg.inst_id:
            self._lose_channel(detail, now)
            return
        self._outlet.noted(ConnectionFact.UNSUBSCRIBED, f"{arg.channel} {arg.inst_id}: {detail}")
        self._subscriptions.do_without(said.id)
        self.freshness.forget(arg)
        self._granted_so_far(now)

    def _login_failed(self, said: Said, now: Monotonic) -> None:
        kind, self._login_judged = meaning(said.code), True
        if said.code in LOGGED_IN_ALREADY:
            self._logged_in(now)
        elif kind is Meaning.CLOCK:
            self._outlet.clock_doubted()
            self._outlet.hang_up("the exchange finds our clock wrong")
        elif kind is Meaning.ACCESS:
            self._refuse(said.code, plain(said.msg), now)
        else:
            self._outlet.hang_up(f"the login failed: {said.code}")

    def _refuse(self, code: str, message: str, now: Monotonic) -> None:
        self._move(Happening.LOGIN_REFUSED, now)
        self._outlet.refused(access_refused(code, message, demo=self._demo))
        self._outlet.hang_up("the login was refused")

    def _subscribe(self, now: Monotonic) -> None:
        for frame in self._subscriptions.frames():
            self._outlet.send(encode(frame))
        if self._subscriptions.complete:
            self._all_subscribed(now)

    def _acknowledged(self, said: Said, now: Monotonic) -> None:
        arg = self._subscriptions.acknowledged(said.id, said.arg)
        if arg is not None:
            self.freshness.expect(arg, now)
        self._granted_so_far(now)

    def _granted_so_far(self, now: Monotonic) -> None:
        if self._subscriptions.complete and self.phase is Phase.LOGGED_IN:
            self._all_subscribed(now)
        elif self._subscriptions.nothing_to_await:
            self._snapshots_complete(now)

    def _all_subscribed(self, now: Monotonic) -> None:
        self._move(Happening.ALL_SUBSCRIBED, now)
        if self._subscriptions.nothing_to_await:
            self._move(Happening.SNAPSHOTS_COMPLETE, now)

    def _snapshots_complete(self, now: Monotonic) -> None:
        if self.phase is Phase.SUBSCRIBED:  # before that, the last acknowledgement will see that none is missing
            self._move(Happening.SNAPSHOTS_COMPLETE, now)

    def _lose_channel(self, detail: str, now: Monotonic) -> None:
        if self.phase in {Phase.DOWN, Phase.CONNECTED, Phase.REFUSED}:
            return
        self._outlet.noted(ConnectionFact.UNSUBSCRIBED, detail)
        self._move(Happening.CHANNEL_LOST, now)
        self._outlet.hang_up("a channel was lost")

    def _watch_freshness(self, now: Monotonic) -> None:
        deaf = self.freshness.deaf(now)
        if deaf:
            self._outlet.hang_up(f"{deaf[0].channel} {deaf[0].inst_id} stays silent")
            return
        if not self._may_ask_again(now):
            return
        for arg in self.freshness.to_ask_again(now, self._asks_left()):
            self._outlet.noted(ConnectionFact.STALE, f"{arg.channel} {arg.inst_id}")
            self._asked_again.append(now)
            self._outlet.send(encode(SubscriptionFrame(op="unsubscribe", args=[arg])))
            self._outlet.send(encode(self._subscriptions.again(arg)))

    def _may_ask_again(self, now: Monotonic) -> bool:
        while self._asked_again and now - self._asked_again[0] > 3_600 * NANOS_PER_SECOND:
            self._asked_again.popleft()
        return self._asks_left() > 0

    def _asks_left(self) -> int:
        """Give how many may be asked for anew: each is two operations, beside the login and the first asking."""
        return (OPERATIONS_MAX - 1 - self._subscriptions.count) // 2 - len(self._asked_again)

    def _count_malformed(self, size: int) -> None:
        self.malformed += 1
        self._outlet.noted(ConnectionFact.MALFORMED, f"frame of {size} bytes, number {self.malformed}")
        if self.malformed == MALFORMED_MAX:
            self._outlet.hang_up("frames cannot be read")

    def _move(self, happening: Happening, now: Monotonic) -> None:
        before, self.phase = self.phase, advance(self.phase, happening)
        self._phase_since = now
        if self.phase is not before:
            self._outlet.moved(self.phase)
