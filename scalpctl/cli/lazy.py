"""A command group that knows its commands by name and imports one only when it is called."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import typer.main
from typer.core import TyperCommand, TyperGroup

from scalpctl.cli.catalogue import COMMANDS, PANELS
from scalpctl.cli.family import family
from scalpctl.errors import nearest


class LazyGroup(TyperGroup):
    """The root group: its help is drawn from the catalogue, its commands are imported one by one."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Give the names, panel by panel."""
        del ctx
        return sorted(COMMANDS, key=lambda name: (PANELS.index(COMMANDS[name].panel), list(COMMANDS).index(name)))

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | None:
        """Give a line of help for the front page; the real command is only imported when it is called."""
        del ctx
        listed = COMMANDS.get(cmd_name)
        if listed is None:
            return None
        return TyperCommand(cmd_name, help=listed.summary, rich_help_panel=listed.panel)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find and import the command, or say which one was probably meant."""
        if args[0] in COMMANDS:
            return args[0], load(args[0]), args[1:]
        close = nearest(args[0], COMMANDS)
        hint = f" Did you mean {close!r}?" if close else ""
        return ctx.fail(f"No such command {args[0]!r}.{hint}")


def load(name: str) -> TyperCommand | TyperGroup:
    """Import a command; of a module with several, only the one of that name is built."""
    app = import_module(f"scalpctl.cli.commands.{COMMANDS[name].module}").app
    if COMMANDS[name].module != name:
        several, app = app.registered_commands, family()
        app.registered_commands = [
            known for known in several if known.callback.__name__.rstrip("_") == name.replace("-", "_")
        ]
    command: Any = typer.main.get_command(app)
    command.name = name
    chosen: TyperCommand | TyperGroup = command
    return chosen
