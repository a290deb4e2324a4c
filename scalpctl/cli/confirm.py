"""Asks before something is replaced; without a terminal nobody is asked and nothing is done."""

from __future__ import annotations

import sys

import typer

from scalpctl.errors import UsageError


def confirm(question: str, *, yes: bool) -> None:
    """Return when the answer is yes; otherwise end with 1."""
    if yes:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError("this needs a yes, and there is no terminal to ask", hint="add --yes")
    if not typer.confirm(question, err=True):
        raise typer.Exit(1)
