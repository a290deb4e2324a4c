"""Exports: whole tables as CSV, JSON lines or Parquet, exact text kept, hostile text made inert."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from scalpctl.core.money import CANONICAL
from scalpctl.errors import UsageError
from scalpctl.host.private_files import create_private_file, make_private_folder
from scalpctl.ledger.canonical_json import encode
from scalpctl.ledger.reading import LedgerReader

FORMATS = ("csv", "jsonl", "parquet")
_FORMULA_STARTS = ("=", "+", "-", "@", "\uff1d", "\uff0b", "\uff0d", "\uff20")
_PAGE = 5_000


def export(ledger: Path, folder: Path, form: str, tables: Iterable[str] = (), *, force: bool = False) -> list[Path]:
    """Write one file per table into a folder; gives the files written."""
    if form not in FORMATS:
        raise UsageError(f"{form!r} is not an export format", hint=f"one of {', '.join(FORMATS)}")
    make_private_folder(folder)
    with LedgerReader(ledger) as reader:
        names = list(tables) or exportable(reader)
        unknown = [name for name in names if name not in exportable(reader)]
        if unknown:
            raise UsageError(f"there is no table {unknown[0]!r}", hint=f"one of {', '.join(exportable(reader))}")
        return [_write(reader, name, folder / f"{name}.{form}", form, force=force) for name in names]


def exportable(reader: LedgerReader) -> list[str]:
    """Name the tables that can be exported."""
    rows = reader.rows("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name")
    return [row["name"] for row in rows if row["name"] != "alembic_version"]


def inert(value: Any) -> Any:
    """Give a cell that no spreadsheet takes for a formula; canonical numbers stay numbers."""
    if not isinstance(value, str) or CANONICAL.fullmatch(value):
        return value
    harmful = value.startswith(("\t", "\r")) or value.lstrip().startswith(_FORMULA_STARTS)
    return f"'{value}" if harmful else value


def csv_text(columns: list[str], rows: Iterable[Iterable[Any]]) -> str:
    """Give rows as CSV with every cell quoted and inert."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([inert(cell) for cell in row] for row in rows)
    return buffer.getvalue()


def _write(reader: LedgerReader, table: str, path: Path, form: str, *, force: bool) -> Path:
    if path.exists():
        if not force:
            raise UsageError(f"{path} exists", hint="use --force to replace it, or another folder")
        path.unlink()
    create_private_file(path)
    columns = [row[1] for row in reader.connection.execute(f"PRAGMA table_info({table})")]
    if form == "parquet":
        _parquet(columns, _rows(reader.connection, table), path)
    elif form == "csv":
        with path.open("w", encoding="utf-8", newline="") as stream:
            stream.write(csv_text(columns, _rows(reader.connection, table)))
    else:
        with path.open("wb") as stream:
            for row in _rows(reader.connection, table):
                stream.write(encode(dict(zip(columns, row, strict=True))) + b"\n")
    return path


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[tuple[Any, ...]]:
    cursor = connection.execute(f"SELECT * FROM {table} ORDER BY 1")
    while page := cursor.fetchmany(_PAGE):
        yield from page


def _parquet(columns: list[str], rows: Iterable[tuple[Any, ...]], path: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow", hint="pip install 'scalpctl[parquet]', or export csv") from error
    cells = list(zip(*rows, strict=True)) or [()] * len(columns)
    pq.write_table(pa.table({name: list(column) for name, column in zip(columns, cells, strict=True)}), path)
