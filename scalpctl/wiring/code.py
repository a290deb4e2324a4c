"""Names the code that runs, so that a ledger can say what decided."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path


@cache
def code_digest() -> str:
    """Give the hash of the program's own source, so that two sessions can be told to have run the same code.

    It is read once: a process goes on with the code it began with.
    """
    import scalpctl

    root = Path(scalpctl.__file__).parent
    whole = sha256()
    for path in sorted(root.rglob("*.py")):
        whole.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()
