"""Files and folders that only their owner can read, made that way and refused otherwise."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from scalpctl.errors import AccessRefused

NETWORK_FILESYSTEMS = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "afs", "ceph", "glusterfs")


def make_private_folder(path: Path) -> Path:
    """Make a folder 0700 where it is missing, and refuse one that others can enter."""
    missing = [parent for parent in (path, *path.parents) if not parent.exists()]
    for folder in reversed(missing):
        folder.mkdir(mode=0o700)
    require_private(path)
    return path


def require_private(path: Path) -> None:
    """Refuse a path that is a link, belongs to somebody else, or that others can read or write."""
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise AccessRefused(f"{path} is a symbolic link", hint="put the real file there")
    if status.st_uid != os.geteuid():
        raise AccessRefused(
            f"{path} belongs to user {status.st_uid}, not to you", hint="chown it, or use another --root"
        )
    if status.st_mode & 0o077:
        wanted = "0700" if stat.S_ISDIR(status.st_mode) else "0600"
        raise AccessRefused(
            f"{path} can be read or written by others (mode {stat.S_IMODE(status.st_mode):04o})",
            hint=f"chmod {wanted} {path}",
        )


def create_private_file(path: Path) -> None:
    """Create an empty file 0600; an existing one is an error."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600))


def open_private_append(path: Path) -> int:
    """Open (or make) a private file so that every write goes to its end; gives the descriptor."""
    flags = os.O_CREAT | os.O_APPEND | os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC
    descriptor = os.open(path, flags, 0o600)
    try:
        require_private(path)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def write_private(path: Path, content: bytes) -> None:
    """Replace a private file in one step that survives a crash: whole old content or whole new content."""
    with made_whole(path, by=str(os.getpid())) as file:
        file.write_bytes(content)


@contextmanager
def made_whole(path: Path, *, by: str = "new") -> Iterator[Path]:
    """Give a private file to fill, which takes its place when it is whole and on disk; a crash before changes nothing.

    What was left unfinished ``by`` the same is removed: where several may make it at once each has a name of its own.
    """
    unfinished = path.with_name(f".{path.name}.{by}")
    _remove(unfinished)
    create_private_file(unfinished)
    try:
        yield unfinished
    except BaseException:
        _remove(unfinished)
        raise
    _sync(unfinished)
    unfinished.replace(path)
    sync_folder(path.parent)


def _remove(unfinished: Path) -> None:
    for suffix in ("", "-wal", "-shm", "-journal"):  # a database has companions
        unfinished.with_name(unfinished.name + suffix).unlink(missing_ok=True)


def sync_folder(path: Path) -> None:
    """Make a rename or a new file in this folder durable."""
    _sync(path, os.O_DIRECTORY)


def _sync(path: Path, kind: int = 0) -> None:
    descriptor = os.open(path, os.O_RDONLY | kind | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def refuse_network_filesystem(path: Path) -> None:
    """Refuse a folder on a network file system, where locks and fsync do not mean what they say."""
    kind = filesystem_of(path)
    if kind in NETWORK_FILESYSTEMS:
        raise AccessRefused(
            f"{path} is on {kind}, whose locks cannot be trusted", hint="keep the ledger on a local disk (--root)"
        )


def filesystem_of(path: Path) -> str:
    """Name the file system a path lies on, or say ``unknown``."""
    try:
        mounts = Path("/proc/mounts").read_text()
    except OSError:
        return "unknown"
    target = str(path.resolve())
    best, kind = "", "unknown"
    for line in mounts.splitlines():
        fields = line.split()
        if len(fields) < 3:
            continue
        mount = fields[1].replace("\\040", " ")
        if (target == mount or target.startswith(mount.rstrip("/") + "/")) and len(mount) >= len(best):
            best, kind = mount, fields[2]
    return kind
