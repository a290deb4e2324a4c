"""Loads the configuration: defaults, then a file, then the environment, then the command line; the last one wins.

Every value remembers where it came from, and every problem of every source is reported at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from hashlib import sha256
from pathlib import Path as FilePath
from types import UnionType
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError

from scalpctl.core.money import parse_decimal
from scalpctl.errors import ConfigurationError, NotCanonical, UsageError, nearest
from scalpctl.resources import folder
from scalpctl.settings.model import Credentials, Settings
from scalpctl.settings.problems import ConfigurationProblems, Path, Problem, dotted
from scalpctl.settings.source import Source, read_yaml

ENV_PREFIX = "SCALPCTL__"


@dataclass(slots=True)
class Loaded:
    """The configuration in force, and where each value of it came from."""

    settings: Settings
    origins: dict[Path, str] = field(default_factory=dict)
    file: FilePath | None = None

    def origin_of(self, path: Path) -> str:
        """Say where a value came from."""
        for length in range(len(path), 0, -1):
            if path[:length] in self.origins:
                return self.origins[path[:length]]
        return "default.yaml"

    @property
    def credentials(self) -> Credentials:
        """Give where the API key is found; a relative file lies beside the configuration that names it."""
        said = self.settings.credentials
        if said.file is None or self.file is None:
            return said
        return said.model_copy(update={"file": self.file.absolute().parent / said.file.expanduser()})

    def with_safety(self, **changed: Any) -> Loaded:
        """Give the same configuration with other safety settings, for one command."""
        safety = self.settings.safety.model_copy(update=changed)
        return Loaded(self.settings.model_copy(update={"safety": safety}), self.origins, self.file)

    def digest(self) -> str:
        """Give the hash that names this configuration in the ledger; no secret is part of it."""
        return sha256(self.settings.model_dump_json(exclude_unset=True).encode()).hexdigest()


def load(file: FilePath | None, environ: Mapping[str, str], overrides: Mapping[Path, Any] | None = None) -> Loaded:
    """Give the configuration in force, or every reason why there is none."""
    sources = [_defaults(), *([_file(file)] if file else []), *_environment(environ), _overrides(overrides or {})]
    values: dict[str, Any] = {}
    origin: dict[Path, Source] = {}
    problems: list[Problem] = []
    for source in sources:
        problems += source.problems
        _merge(values, source.values, source, origin, ())
    settings, refused = _validate(values, origin, sources)
    problems += refused
    if problems or settings is None:
        raise ConfigurationProblems(sorted(set(problems), key=lambda problem: _order(sources, problem)))
    return Loaded(settings, {path: source.where(path) for path, source in origin.items()}, file)


def recorded_problems(text: str) -> list[str]:
    """Give what is wrong with a configuration a ledger recorded; settings it did not know yet have their defaults."""
    sources = [_defaults(), read_yaml("recorded", text)]
    values: dict[str, Any] = {}
    origin: dict[Path, Source] = {}
    problems = [problem for source in sources for problem in source.problems]
    for source in sources:
        _merge(values, source.values, source, origin, ())
    problems += _validate(values, origin, sources)[1]
    return [f"{dotted(problem.path)} {problem.what}" for problem in problems]


@cache
def _defaults() -> Source:
    """Read what every configuration begins with: once, because nobody changes what was read."""
    path = folder("config") / "default.yaml"
    return read_yaml("default.yaml", path.read_text(encoding="utf-8"))


def _file(path: FilePath) -> Source:
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        raise ConfigurationError(
            f"there is no configuration file {path}", hint="`scalpctl config init` writes one"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigurationError(f"{path} cannot be read: {error}") from error
    return read_yaml(str(path), text)


def _environment(environ: Mapping[str, str]) -> Iterator[Source]:
    """Read ``SCALPCTL__LIMITS__MAX_USD_SIZE=50``: the path in capitals, joined by double underscores."""
    for name in sorted(environ):
        if name.startswith(ENV_PREFIX):
            path = tuple(name.removeprefix(ENV_PREFIX).lower().split("__"))
            source = Source(f"environment {name}")
            _set(source.values, path, _parsed(environ[name], _annotation(path)))
            yield source


def _overrides(given: Mapping[Path, Any]) -> Source:
    source = Source("command line")
    for path, value in given.items():
        _set(source.values, path, value)
    return source


def changed(texts: Sequence[str]) -> dict[Path, Any]:
    """Read changes as they are typed, like ``limits.max_usd_size=50``; whether there are such, loading says."""
    found: dict[Path, Any] = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip():
            raise UsageError(f"{text!r} is no change", hint="write it like limits.max_usd_size=50")
        path: Path = tuple(name.strip().split("."))
        found[path] = _parsed(value.strip(), _annotation(path))
    return found


def _set(values: dict[str, Any], path: Path, value: Any) -> None:
    for part in path[:-1]:
        child = values.setdefault(str(part), {})
        if not isinstance(child, dict):
            return
        values = child
    values[str(path[-1])] = value


def _annotation(path: Path) -> str:
    field_info: Any = None
    model: type[BaseModel] | None = Settings
    for part in path:
        field_info = model.model_fields.get(str(part)) if model is not None else None
        annotation = field_info.annotation if field_info is not None else None
        model = annotation if isinstance(annotation, type) and issubclass(annotation, BaseModel) else None
    return str(field_info.annotation) if field_info is not None else ""


def _parsed(text: str, annotation: str) -> Any:
    if text in {"", "null"}:
        return None
    if annotation.startswith("tuple["):
        return [part.strip() for part in text.split(",") if part.strip()]
    if text in {"true", "false"} and "bool" in annotation:
        return text == "true"
    try:
        value = parse_decimal(text)
    except NotCanonical:
        return text
    return value if "." in text else int(value)


def _merge(into: dict[str, Any], new: Mapping[str, Any], source: Source, origin: dict[Path, Source], at: Path) -> None:
    for key, value in new.items():
        path = (*at, key)
        if isinstance(value, dict) and isinstance(into.get(key), dict):
            _merge(into[key], value, source, origin, path)
        else:
            into[key] = dict(value) if isinstance(value, dict) else value
            origin[path] = source
            if isinstance(value, dict):
                into[key] = {}
                _merge(into[key], value, source, origin, path)


def _validate(
    values: dict[str, Any], origin: Mapping[Path, Source], sources: Sequence[Source]
) -> tuple[Settings | None, list[Problem]]:
    try:
        return Settings.model_validate(values), []
    except ValidationError as error:
        unreadable = {problem.path for source in sources for problem in source.problems}
        details = error.errors(include_url=False)
        places = [tuple(detail["loc"]) for detail in details]
        inner = {place[:length] for place in places for length in range(1, len(place))}  # said once, where it is
        return None, [
            _translate(detail, origin, sources)
            for detail, place in zip(details, places, strict=True)
            if place not in unreadable and place not in inner
        ]


def _translate(detail: Any, origin: Mapping[Path, Source], sources: Sequence[Source]) -> Problem:
    path: Path = tuple(part for part in detail["loc"] if isinstance(part, str | int))
    source = _source_of(path, origin) or sources[-1]
    if detail["type"] == "extra_forbidden":
        known = list(_names_at(path[:-1]))
        guess = nearest(str(path[-1]), known)
        hint = f"did you mean {guess!r}?" if guess else f"known here: {', '.join(known)}"
        return Problem(source.where(path), path, "is not a setting", hint)
    value = detail.get("input")
    spelled = repr(value) if isinstance(value, str) else str(value)
    shown = f" (got {spelled})" if isinstance(value, str | int | Decimal) and str(value) not in detail["msg"] else ""
    return Problem(source.where(path), path, f"{detail['msg']}{shown}".replace("Input should", "should"))


def _source_of(path: Path, origin: Mapping[Path, Source]) -> Source | None:
    """Find who set a value; of a whole section, who changed something in it last."""
    inside = [
        source for known, source in origin.items() if known[: len(path)] == path and source.name != "default.yaml"
    ]
    if inside:
        return inside[-1]
    found = (origin[path[:length]] for length in range(len(path), 0, -1) if path[:length] in origin)
    return next(found, None)


def _names_at(path: Path) -> Iterator[str]:
    kind: Any = Settings
    for part in path:
        kind = _inside(kind, part)
    model = _model_in(kind)
    if model is not None:
        yield from model.model_fields


def _inside(kind: Any, part: str | int) -> Any:
    """Give the type of what lies under a name or an index."""
    model = _model_in(kind)
    if model is not None:
        info = model.model_fields.get(str(part))
        return info.annotation if info is not None else None
    arguments = get_args(kind)
    return arguments[-1] if get_origin(kind) is dict else arguments[0] if arguments else None


def _model_in(kind: Any) -> type[BaseModel] | None:
    candidates = get_args(kind) if isinstance(kind, UnionType) else (kind,)
    models = (one for one in candidates if isinstance(one, type) and issubclass(one, BaseModel))
    return next(models, None)


def _order(sources: Sequence[Source], problem: Problem) -> tuple[int, int, int, str]:
    name, line, column = ([*problem.where.rsplit(":", 2), "0", "0"])[:3]
    rank = next((index for index, source in enumerate(sources) if problem.where.startswith(source.name)), 99)
    return rank, int(line) if line.isdigit() else 0, int(column) if column.isdigit() else 0, name + dotted(problem.path)
