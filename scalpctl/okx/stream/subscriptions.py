"""Which channels were asked for, which were granted, and whose snapshot has come."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from scalpctl.okx.wire.channels import CHANNELS
from scalpctl.okx.wire.operations import SUBSCRIPTION_ID, ChannelArg, SubscriptionFrame
from scalpctl.okx.wire.router import Pushed

_Key = tuple[str, str, str]


class Subscriptions:
    """The bookkeeping of one connection; one frame per channel, so that an error tells which it is about."""

    def __init__(self, wanted: Sequence[ChannelArg]) -> None:
        """Want these, in this order."""
        self._wanted = {f"{SUBSCRIPTION_ID}{number}": arg for number, arg in enumerate(wanted)}
        self._unanswered = dict(self._wanted)
        self._snapshots = {_key(arg): arg for arg in wanted if CHANNELS[arg.channel].snapshot}

    def frames(self) -> Iterator[SubscriptionFrame]:
        """Give the frames that ask for everything wanted."""
        for frame_id, arg in self._wanted.items():
            yield SubscriptionFrame(id=frame_id, op="subscribe", args=[arg])

    @property
    def count(self) -> int:
        """Give how many are wanted."""
        return len(self._wanted)

    @property
    def complete(self) -> bool:
        """Tell whether everything has been granted."""
        return not self._unanswered

    @property
    def nothing_to_await(self) -> bool:
        """Tell whether no snapshot is missing."""
        return not self._snapshots

    def acknowledged(self, frame_id: str, arg: ChannelArg | None) -> ChannelArg | None:
        """Cross one off, by the frame's id or else by what it echoes; None when it was not asked for."""
        if frame_id in self._wanted:
            return self._unanswered.pop(frame_id, self._wanted[frame_id])
        if arg is not None:
            for known, wanted in self._wanted.items():
                if _key(wanted) == _key(arg):
                    self._unanswered.pop(known, None)
                    return wanted
        return None

    def refused(self, frame_id: str) -> ChannelArg | None:
        """Give what an error is about, if it is about one of these."""
        return self._wanted.get(frame_id)

    def again(self, arg: ChannelArg) -> SubscriptionFrame:
        """Give the frame that asks for one once more, under the id it was asked for with."""
        frame_id = next((known for known, wanted in self._wanted.items() if _key(wanted) == _key(arg)), "")
        return SubscriptionFrame(id=frame_id, op="subscribe", args=[arg])

    def do_without(self, frame_id: str) -> None:
        """Want one no longer: neither its answer nor its snapshot is waited for."""
        arg = self._wanted.pop(frame_id)
        self._unanswered.pop(frame_id, None)
        self._snapshots.pop(_key(arg), None)

    def snapshot_came(self, push: Pushed) -> bool:
        """Note a first frame; tell whether it was the last one missing. A page is not a snapshot, the last page is."""
        if push.last_page is False:
            return False
        self._snapshots.pop(_key(push.arg), None)
        return not self._snapshots


def _key(arg: ChannelArg) -> _Key:
    return (arg.channel, arg.inst_type, arg.inst_id)
