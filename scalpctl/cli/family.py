"""How command families are made, so that their help looks alike on terminals and in pipes."""

from __future__ import annotations

import os
import sys

import typer


def wants_rich() -> bool:
    """Tell whether help may be drawn with boxes: on a terminal that can."""
    return sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def family(help_text: str = "") -> typer.Typer:
    """Give the app of one family of commands."""
    return typer.Typer(
        help=help_text,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if wants_rich() else None,
    )
