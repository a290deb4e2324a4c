"""What the system answers to those who name files: a sentence and a way out instead of an error number."""

from __future__ import annotations

import errno

from scalpctl.errors import AccessRefused, ScalpctlError, SystemRefused

_NO_ROOM = "make room, or name a place on another disk"
_NO_PLACE = "name a place that can exist: every folder before the last name must be one"
_NOT_YOURS = "use a place you may write to, or change its owner or mode"
_TOO_MANY = "end other programs, or raise the limit (ulimit -n)"
_HINTS = {
    errno.ENOSPC: _NO_ROOM, errno.EDQUOT: _NO_ROOM, errno.EFBIG: _NO_ROOM,
    errno.EROFS: "the disk is mounted read-only: name another place, or see why (`dmesg`)",
    errno.EIO: "the disk does not answer as it should: look at its health before anything else (`dmesg`)",
    errno.ENOENT: _NO_PLACE, errno.ENOTDIR: _NO_PLACE, errno.EISDIR: _NO_PLACE, errno.ENAMETOOLONG: _NO_PLACE,
    errno.ELOOP: _NO_PLACE,
    errno.EACCES: _NOT_YOURS, errno.EPERM: _NOT_YOURS,
    errno.EMFILE: _TOO_MANY, errno.ENFILE: _TOO_MANY,
}  # fmt: skip


def in_words(error: OSError) -> ScalpctlError | None:
    """Say what the system refused, or give nothing where it only shows a defect."""
    hint = _HINTS.get(error.errno or 0)
    if hint is None:
        return None
    named = f"{error.filename}: " if error.filename else ""
    kind = AccessRefused if isinstance(error, PermissionError) else SystemRefused
    return kind(f"{named}{(error.strerror or 'refused').lower()}", hint=hint)
