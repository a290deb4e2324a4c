"""The journal itself, the identity of the file, and who may write it."""

from typing import ClassVar

from scalpctl.ledger.tables.columns import Table, count, instant, text


class Meta(Table, table=True):
    """What this file is: environment, account, when it began. Sealed by the genesis hash of the journal."""

    __tablename__: ClassVar[str] = "meta"
    k: str = text(primary_key=True)
    v: str = text()


class Journal(Table, table=True):
    """One fact, in the only order there is, chained to the one before it."""

    __tablename__: ClassVar[str] = "journal"
    seq: int = count(primary_key=True)
    ts_us: int = instant()
    mono_ns: int = count()
    kind: str = text()
    idem: str = text(unique=True)
    writer_id: str = text()
    cause: int | None = count(default=None)
    body: str = text()
    prev: str = text()
    hash: str = text()


class Lease(Table, table=True):
    """Every take-over of the writing; the newest row holds the fence."""

    __tablename__: ClassVar[str] = "leases"
    fence: int = count(primary_key=True)
    seq: int = count()
    pid: int = count()
    boot_id: str = text()
    purpose: str = text()
    taken_at: int = instant()
