"""The single writer: records handed over in under a microsecond, durable one disk sync later, in the order handed over.

A thread takes whatever has arrived during the last sync and commits it in one transaction: the disk is the batching
window, nothing lingers. When the disk fails, the writer stops for good, because a failed commit may have been durable:
every record that is not known to be written goes to the emergency file, which the next start reads back.
"""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections import deque
from collections.abc import Callable, Sequence
from queue import Empty, SimpleQueue

from scalpctl.core.records.base import Record
from scalpctl.errors import LedgerWriteFailed, ScalpctlError
from scalpctl.ledger.anchors import AnchorLog
from scalpctl.ledger.chain import Head
from scalpctl.ledger.committer import Committed, Committer
from scalpctl.ledger.emergency import EmergencyFile, Group
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ledger.lease import Lease
from scalpctl.ledger.mirrors import Mirrors
from scalpctl.ledger.sqlite import meaning
from scalpctl.ports.clock import Clock

BATCH_RECORDS_MAX = 1_024
LATENCIES_KEPT = 512

_Handed = tuple[int, int, int, str, Sequence[Record], int | None, tuple[()]]
"""The fields of a Group, as a bare tuple: making one takes a third of the time on the hot thread."""
_Waiter = tuple[int, asyncio.AbstractEventLoop, "asyncio.Future[None]"]


class LedgerWriter:
    """Everything the holder of the lease needs to write: hand over, wait until durable, stop."""

    def __init__(  # noqa: PLR0913  the opened parts of one ledger
        self,
        *,
        folder: LedgerFolder,
        connection: sqlite3.Connection,
        committer: Committer,
        lease: Lease,
        anchors: AnchorLog,
        emergency: EmergencyFile,
        clock: Clock,
        writer_id: str,
    ) -> None:
        """Take over opened parts; ``opening.open_ledger`` makes them."""
        self.folder = folder
        self.writer_id = writer_id
        self._connection = connection
        self._committer = committer
        self._lease = lease
        self._anchors = anchors
        self._emergency = emergency
        self._mirrors = Mirrors(folder.mirrors)
        self._clock = clock
        self.stopwatch: Callable[[], int] = clock.monotonic
        """What commits are timed with, in nanoseconds: a disk is slow in real time, however fast a market runs."""
        self._queue: SimpleQueue[_Handed | None] = SimpleQueue()
        self._put, self._now, self._steady = (
            self._queue.put,
            clock.now,
            clock.monotonic,
        )  # bound once for the hot thread
        self._tickets = 0
        self._durable = 0
        self._refused: dict[int, Exception] = {}
        self._failure: ScalpctlError | None = None
        self._done = threading.Condition()
        self._waiters: list[_Waiter] = []
        self._latencies_ns: deque[int] = deque(maxlen=LATENCIES_KEPT)
        self._identity = _identity(folder)
        self._thread = threading.Thread(target=self._work, name="ledger-writer", daemon=True)
        self._thread.start()

    @property
    def head(self) -> Head:
        """Give the newest durable row."""
        return self._committer.head

    @property
    def failure(self) -> ScalpctlError | None:
        """Give the reason why this writer has stopped for good, if it has."""
        return self._failure

    def append(self, records: Sequence[Record], cause: int | None = None) -> int:
        """Hand over a group that is written together or not at all; gives the ticket to wait for."""
        self._tickets = ticket = self._tickets + 1
        self._put((ticket, self._now(), self._steady(), self.writer_id, records, cause, ()))
        if self._failure is not None:  # the thread saves the group in the emergency file
            raise self._failure
        return ticket

    def wait(self, ticket: int | None = None) -> None:
        """Wait until a ticket (or everything handed over) is on disk; raises what refused it."""
        wanted = self._tickets if ticket is None else ticket
        with self._done:
            self._done.wait_for(lambda: self._durable >= wanted or self._failure is not None)
        self._raise_for(wanted)

    async def durable(self, ticket: int) -> None:
        """Wait in an event loop until a ticket is on disk; raises what refused it."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[None] = loop.create_future()
        with self._done:
            if self._durable >= ticket or self._failure is not None:
                future.set_result(None)
            else:
                self._waiters.append((ticket, loop, future))
        await future
        self._raise_for(ticket)

    def write(self, *records: Record, cause: int | None = None) -> None:
        """Hand over a group and wait until it is on disk."""
        self.wait(self.append(records, cause))

    def take_commit_latencies_ns(self) -> list[int]:
        """Give how long the commits since the last asking took, for heartbeats."""
        return [self._latencies_ns.popleft() for _ in range(len(self._latencies_ns))]

    def close(self) -> None:
        """Write what was handed over, note the head, and give the lease back."""
        self._queue.put(None)
        self._thread.join()
        self._connection.close()
        self._anchors.close()
        self._emergency.close()
        self._lease.release()

    def _raise_for(self, ticket: int) -> None:
        refused = self._refused.pop(ticket, None)
        if refused is not None:
            raise refused
        if self._durable < ticket and self._failure is not None:
            raise self._failure

    def _work(self) -> None:
        while True:
            groups, stop = self._gather()
            if groups:
                self._commit_or_stop(groups)
            if stop:
                return

    def _commit_or_stop(self, groups: list[Group]) -> None:
        try:
            self._commit(groups)
        except Exception as error:  # noqa: BLE001  a writer that died in silence would leave everybody waiting
            self._stop_for_good(groups, LedgerWriteFailed(f"the ledger's writer broke: {error!r}"))

    def _gather(self) -> tuple[list[Group], bool]:
        groups: list[Group] = []
        count = 0
        item = self._queue.get()
        while item is not None:
            groups.append(Group._make(item))
            count += len(item[4])
            if count >= BATCH_RECORDS_MAX:
                return groups, False
            try:
                item = self._queue.get_nowait()
            except Empty:
                return groups, False
        return groups, True

    def _commit(self, groups: list[Group]) -> None:
        if self._failure is not None:
            self._emergency.write(groups, self._failure.message)
            return
        started = self.stopwatch()
        try:
            self._require_same_file()
            done = self._committer.commit(groups)
        except sqlite3.Error as error:
            self._stop_for_good(groups, meaning(error, self.folder.ledger))
            return
        except ScalpctlError as error:
            self._stop_for_good(groups, error)
            return
        self._latencies_ns.append(self.stopwatch() - started)
        self._refused.update(done.refused)
        self._note(done)
        self._announce(groups[-1].ticket)

    def _note(self, done: Committed) -> None:
        """Anchor and mirror what is durable; where that fails the disk is sick, and the next start catches up."""
        if not done.rows:
            return
        try:
            self._anchors.note(done.head, self._clock.now())
            self._mirrors.write(done.rows, done.records)
        except (OSError, ScalpctlError) as error:
            self._failure = LedgerWriteFailed(f"{self.folder.path}: {error}", hint="check the disk and its file modes")

    def _stop_for_good(self, groups: list[Group], reason: ScalpctlError) -> None:
        self._emergency.write(groups, reason.message)
        self._failure = reason
        self._announce(self._durable)

    def _announce(self, ticket: int) -> None:
        with self._done:
            self._durable = ticket
            self._done.notify_all()
            ready = [waiter for waiter in self._waiters if waiter[0] <= ticket or self._failure is not None]
            self._waiters = [waiter for waiter in self._waiters if waiter not in ready]
        for _, loop, future in ready:
            loop.call_soon_threadsafe(_finish, future)

    def _require_same_file(self) -> None:
        if _identity(self.folder) != self._identity:
            raise LedgerWriteFailed(
                f"{self.folder.ledger} was replaced or removed under the running engine",
                hint="stop whatever moves ledger files; restore with `scalpctl ledger restore`",
            )


def _identity(folder: LedgerFolder) -> tuple[int, int]:
    try:
        status = folder.ledger.stat()
    except FileNotFoundError:
        return (0, 0)
    return status.st_dev, status.st_ino


def _finish(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
