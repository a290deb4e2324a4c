"""``scalpctl config``: write a configuration to start from, show what is in force and why, check it, describe it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from scalpctl.cli.family import family
from scalpctl.cli.invocation import Invocation, with_common
from scalpctl.cli.render.output import Envelope, write
from scalpctl.errors import UsageError
from scalpctl.host.clock import WallClock

app = family("Write, show and check the configuration.")


@app.command()
@with_common
def init(
    call: Invocation,
    path: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("scalpctl.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
) -> None:
    """Write a commented configuration with every setting at its default."""
    from scalpctl.host.private_files import write_private
    from scalpctl.resources import folder

    if path.exists() and not force:
        raise UsageError(f"{path} exists", hint="use --force to replace it")
    if not path.parent.is_dir():
        raise UsageError(f"there is no folder {path.parent}", hint="make it first")
    write_private(path, (folder("config") / "default.yaml").read_bytes())
    print(path)
    call.output.say([f"edit it, then: scalpctl config check --config {path}"])


@app.command()
@with_common
def show(
    call: Invocation,
    origin: Annotated[bool, typer.Option("--origin", help="Say where each value came from.")] = False,
) -> None:
    """Show every setting in force; secrets are not part of it."""
    loaded = call.settings()
    values = loaded.settings.model_dump(mode="json", exclude_unset=True)
    envelope = Envelope("config", WallClock().now(), loaded.settings.env, loaded.settings.account)
    if call.output.form in {"json", "jsonl"} and not origin:
        call.output.facts(envelope, values)
        return
    rows = [
        {"setting": ".".join(path), "value": value, "origin": loaded.origin_of(path)} for path, value in _flat(values)
    ]
    call.output.rows(envelope, rows, ["setting", "value", "origin"] if origin else ["setting", "value"])


@app.command()
@with_common
def check(call: Invocation) -> None:
    """Check the configuration; every problem is listed with its place and its cure."""
    loaded = call.settings()
    name = str(loaded.file) if loaded.file else "defaults"
    envelope = Envelope("config-check", WallClock().now(), loaded.settings.env, loaded.settings.account)
    call.output.facts(envelope, {"ok": True, "file": name, "digest": loaded.digest()})


@app.command()
@with_common
def schema(call: Invocation) -> None:
    """Print the JSON Schema of the configuration, for editors."""
    del call
    from scalpctl.settings.model import Settings

    write(json.dumps(Settings.model_json_schema(), indent=2) + "\n")


def _flat(values: dict[str, Any], at: tuple[str, ...] = ()) -> list[tuple[tuple[str, ...], Any]]:
    found: list[tuple[tuple[str, ...], Any]] = []
    for name, value in values.items():
        path = (*at, name)
        found += _flat(value, path) if isinstance(value, dict) and value else [(path, value)]
    return found
