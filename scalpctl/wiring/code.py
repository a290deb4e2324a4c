"""Names the code that runs, so that a ledger can say what decided."""

from __future__ import annotations

from hashlib import sha256
from pathlib import Path


def code_digest() -> str:
    """Give the hash of the program's own source, so that two sessions can be told to have run the same code."""
    import scalpctl

    root = Path(scalpctl.__file__).parent
    whole = sha256()
    for path in sorted(root.rglob("*.py")):
        whole.update(path.relative_to(root).as_posix().encode() + path.read_bytes())
    return whole.hexdigest()
