"""How a command was called: the options every command shares, and what follows from them."""

from __future__ import annotations

import copy
import functools
import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from scalpctl.cli.render.output import FORMATS, Output, ReaderGone
from scalpctl.errors import UsageError
from scalpctl.settings.peek import env_and_account
from scalpctl.settings.places import configuration, root

if TYPE_CHECKING:
    from scalpctl.ledger.folder import LedgerFolder
    from scalpctl.settings.loading import Loaded

_PANEL = "Common options"


def _option(*names: str, help: str, **more: Any) -> Any:  # noqa: A002  typer's own word
    long = names[0].removeprefix("--").replace("-", "_").upper()
    return typer.Option(*names, help=help, rich_help_panel=_PANEL, envvar=f"SCALPCTL_{long}", **more)


@dataclass(slots=True)
class Common:
    """The options every command takes, before or after its name."""

    output: Annotated[str | None, _option("--output", "-o", help=f"How to print: {', '.join(FORMATS)}.")] = None
    as_json: Annotated[bool, typer.Option("--json", help="Same as -o json.", rich_help_panel=_PANEL)] = False
    env: Annotated[str | None, _option("--env", help="sim, paper, demo or live.")] = None
    account: Annotated[str | None, _option("--account", help="The account's name.")] = None
    config: Annotated[Path | None, _option("--config", "-c", help="The configuration file.")] = None
    root: Annotated[Path | None, _option("--root", help="The folder of all ledgers.")] = None
    ledger: Annotated[
        Path | None, _option("--ledger", help="This ledger file, of the environment and account its folder names.")
    ] = None
    tz: Annotated[str | None, _option("--tz", help="Show times in this zone, like Europe/Berlin.")] = None
    color: Annotated[str | None, _option("--color", help="auto, always or never.")] = None
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print no hints.", rich_help_panel=_PANEL)] = False
    debug: Annotated[bool, _option("--debug", help="Show tracebacks.")] = False

    def over(self, outer: Common) -> Common:
        """Give these options, filled up from those given before the command's name."""
        values = {field.name: getattr(self, field.name) or getattr(outer, field.name) for field in fields(self)}
        return Common(**values)


class Invocation:
    """What a command knows about how it was called."""

    def __init__(self, common: Common, command: str) -> None:
        """Resolve nothing yet: reading commands never pay for what they do not ask."""
        self.common = common
        self.command = command
        self.environ = dict(os.environ)
        self.output = Output.choose(
            common.output or ("json" if common.as_json else None), color=common.color, tz=common.tz, quiet=common.quiet
        )

    @property
    def root(self) -> Path:
        """Give the folder of all ledgers."""
        return root(self.common.root, self.environ)

    @property
    def config_file(self) -> Path | None:
        """Give the configuration file that won, if any."""
        return configuration(self.common.config, self.environ)

    def env_and_account(self) -> tuple[str, str]:
        """Give environment and account without reading the whole configuration: those of a ledger named by its file."""
        named = self._named_folder()
        if named is None:
            return env_and_account(self.common.env, self.common.account, self.config_file, self.environ)
        for name, said, so in (("env", self.common.env, named.env), ("account", self.common.account, named.account)):
            if said not in {None, so, self.environ.get(f"SCALPCTL_{name.upper()}")}:  # the environment gives way
                raise UsageError(
                    f"{self.common.ledger} is a ledger of {named.name}, and --{name} says {said}",
                    hint=f"leave --{name} out, or name the other ledger",
                )
        return named.env, named.account

    def folder(self) -> LedgerFolder:
        """Give the ledger's folder."""
        from scalpctl.ledger.folder import LedgerFolder

        return self._named_folder() or LedgerFolder(self.root, *self.env_and_account())

    def _named_folder(self) -> LedgerFolder | None:
        """Give the usual folder that a ledger named by its file lies in, if it does."""
        if self.common.ledger is None:
            return None
        from scalpctl.ledger.folder import LedgerFolder

        return LedgerFolder.around(self.common.ledger.expanduser().absolute())

    def ledger_path(self) -> Path:
        """Give the ledger to read: --ledger, or the one of this environment and account."""
        return self.common.ledger.expanduser() if self.common.ledger else self.folder().ledger

    def require_usual_ledger(self) -> LedgerFolder:
        """Give the folder for commands that change a ledger; a ledger named by file must be in one."""
        if self.common.ledger is not None and self._named_folder() is None:
            raise UsageError(
                f"{self.common.ledger} is not in a ledger's folder (ENV-ACCOUNT/ledger.db)",
                hint="this command needs the anchors and backups around it; use --root, --env and --account",
            )
        self.env_and_account()  # what contradicts the folder is said
        return self.folder()

    def settings(self, **more: Any) -> Loaded:
        """Load the whole configuration, with ``more`` instead of what it says."""
        from scalpctl.settings.loading import load

        named = self._named_folder()
        env, account = (self.common.env, self.common.account) if named is None else self.env_and_account()
        wanted = {"env": env, "account": account} | more
        return load(self.config_file, self.environ, {(name,): value for name, value in wanted.items() if value})


def with_common(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the common options; its first parameter becomes the Invocation."""
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    @functools.wraps(command)
    def called(ctx: typer.Context, **given: Any) -> None:
        common = Common(**{field.name: given.pop(field.name) for field in fields(Common)})
        outer = ctx.find_root().obj
        try:
            command(Invocation(common.over(outer) if isinstance(outer, Common) else common, ctx.command_path), **given)
        except BrokenPipeError as error:
            raise ReaderGone from error  # typer would make a 1 of it, and 1 is an answer

    sign(called, own)
    return called


def sign(function: Callable[..., None], own: list[inspect.Parameter], *, on_front_page: bool = False) -> None:
    """Give a function the signature typer reads: its context, its own options, the common ones.

    On the front page the common options work, but are not listed: the commands come first.
    """
    context = inspect.Parameter("ctx", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=typer.Context)
    keyword = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in own]
    parameters = [context, *keyword, *common_parameters(hidden=on_front_page)]
    function.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    function.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    function.__dict__.pop("__wrapped__", None)


@functools.cache
def common_parameters(*, hidden: bool = False) -> tuple[inspect.Parameter, ...]:
    """Give the common options as parameters."""
    hints = inspect.get_annotations(Common, eval_str=True)
    return tuple(
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=field.default,
            annotation=_hidden(hints[field.name]) if hidden else hints[field.name],
        )
        for field in fields(Common)
    )


def _hidden(annotation: Any) -> Any:
    option = copy.copy(annotation.__metadata__[0])
    option.hidden = True
    return Annotated[annotation.__origin__, option]
