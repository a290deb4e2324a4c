"""Finds the files that ship with scalpctl, in an installed wheel or in a checkout."""

from __future__ import annotations

from pathlib import Path

_PACKAGE = Path(__file__).parent
_MARKERS = {"migrations": "env.py", "config": "default.yaml"}


def folder(name: str) -> Path:
    """Give the folder ``migrations`` or ``config``; the marker file keeps a stranger's folder from being taken."""
    for candidate in (_PACKAGE / "_bundled" / name, _PACKAGE.parent / name):
        if (candidate / _MARKERS[name]).is_file():
            return candidate
    message = f"scalpctl's own folder {name!r} is missing: the installation is incomplete"
    raise FileNotFoundError(message)
