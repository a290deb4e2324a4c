"""The command suite's front door: shared options, errors as sentences, exit codes that mean something."""

from __future__ import annotations

import difflib
import inspect
import os
import sys
from dataclasses import fields
from typing import Any

import typer

import scalpctl
from scalpctl.cli.catalogue import COMMANDS, NAGIOS
from scalpctl.cli.family import wants_rich
from scalpctl.cli.invocation import Common, sign
from scalpctl.cli.lazy import LazyGroup
from scalpctl.cli.render.output import ReaderGone, fail, silence
from scalpctl.errors import OutputLost, ScalpctlError

HELP = """Scalp OKX perpetual futures, with a ledger that answers every question about money.

\b
scalpctl run --for 4h --speed max   four simulated hours on the embedded exchange
scalpctl positions          the ledger's positions beside the exchange's
scalpctl config init        write a configuration to start from
scalpctl trades --json      every trade, for a program
scalpctl ledger verify      prove that nothing was changed or lost
"""
EPILOG = (
    "Every command takes the common options, before or after its name: --json, -o, --env, --account, --root, --config, "
    "--ledger, --tz, --color, -q; its own --help explains them. "
    "Exit codes: 0 fine, 1 the answer is no, 64 usage, 69 exchange, 70 bug, 74 ledger or disk, 75 lease held, "
    "77 key or permission, 78 configuration or schema, 130 interrupted, 141 nobody reads."
)
ClickException: Any = next(kind for kind in typer.BadParameter.__mro__ if kind.__name__ == "ClickException")
USAGE, BUG, INTERRUPTED, UNKNOWN, PIPE_CLOSED = 64, 70, 130, 3, 141


def main() -> None:
    """Run the command line and end with its exit code."""
    raise SystemExit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Run one command line and give the exit code; whatever goes wrong becomes a sentence on standard error."""
    try:
        return _flushed(_command()(arguments, prog_name="scalpctl", standalone_mode=False))
    except (typer.Abort, KeyboardInterrupt):
        print("interrupted", file=sys.stderr)
        return INTERRUPTED
    except (BrokenPipeError, ReaderGone):
        silence()
        return PIPE_CLOSED
    except Exception as error:  # noqa: BLE001  the last line of defence turns a bug into a sentence
        return _for_monitoring(arguments, _ended(error, arguments))


def _ended(error: Exception, arguments: list[str]) -> int:
    if isinstance(error, typer.Exit):
        return error.exit_code
    if isinstance(error, ClickException):
        error.show()
        return USAGE
    if isinstance(error, OSError) and silence():
        hint = "a file it was sent to may be on a full disk; what the command did is in the ledger"
        return _refused(OutputLost(f"its output cannot be written: {error.strerror}", hint=hint), arguments)
    if isinstance(error, OSError):
        from scalpctl.cli.system import in_words

        error = in_words(error) or error
    return _refused(error, arguments) if isinstance(error, ScalpctlError) else _bug(error, arguments)


def _command() -> Any:
    app = typer.Typer(
        cls=LazyGroup,
        name="scalpctl",
        help=HELP,
        epilog=EPILOG,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich" if wants_rich() else None,
        context_settings={"help_option_names": ["-h", "--help"], "auto_envvar_prefix": "SCALPCTL"},
    )
    app.callback(invoke_without_command=True)(_root)
    return typer.main.get_command(app)


def _root(ctx: typer.Context, **given: Any) -> None:
    if given.pop("version"):
        print(f"scalpctl {scalpctl.__version__}")
        raise typer.Exit
    ctx.obj = Common(**{field.name: given[field.name] for field in fields(Common)})


_VERSION = inspect.Parameter(
    "version",
    inspect.Parameter.KEYWORD_ONLY,
    default=typer.Option(False, "--version", help="Print the version.", is_eager=True),
    annotation=bool,
)
sign(_root, [_VERSION], on_front_page=True)


def _flushed(result: object) -> int:
    sys.stdout.flush()  # here, so that a closed pipe is noticed inside the handlers
    return result if isinstance(result, int) else 0


def _refused(error: ScalpctlError, arguments: list[str]) -> int:
    fail(type(error).__name__, error.message, error.exit_code, error.hint, as_json=_asks_for_json(arguments))
    if _asks_for_traceback(arguments):
        _print_traceback(error)
    return error.exit_code


def _bug(error: Exception, arguments: list[str]) -> int:
    hint = "this is a defect of scalpctl; run again with --debug and report what it prints"
    name = type(error).__name__
    fail(name, f"{name}: {error}", BUG, hint, as_json=_asks_for_json(arguments))
    if _asks_for_traceback(arguments):
        _print_traceback(error)
    return BUG


def _print_traceback(error: Exception) -> None:
    import traceback  # without locals: they may hold what nobody should see

    traceback.print_exception(error)


def _for_monitoring(arguments: list[str], code: int) -> int:
    """A mistyped line in a crontab must never look fine: whatever comes close to such a command counts as one."""
    if code < USAGE:
        return code
    words = [argument for argument in arguments if not argument.startswith("-")]
    meant = [word for word in words if word in NAGIOS]
    known = [word for word in words if word in COMMANDS]
    if not known:
        meant += [near for word in words for near in difflib.get_close_matches(word, COMMANDS, n=1) if near in NAGIOS]
    return UNKNOWN if meant and (not known or known[0] in NAGIOS) else code


def _asks_for_json(arguments: list[str]) -> bool:
    return "--json" in arguments or "json" in arguments


def _asks_for_traceback(arguments: list[str]) -> bool:
    return "--debug" in arguments or bool(os.environ.get("SCALPCTL_DEBUG"))
