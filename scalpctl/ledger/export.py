"""Exports: whole tables as CSV, JSON lines or Parquet, exact text kept, hostile text made inert."""

from __future__ import annotations

import csv
import io
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, TextIO

from scalpctl.core.money import CANONICAL
from scalpctl.errors import UsageError
from scalpctl.host.private_files import made_whole, make_private_folder
from scalpctl.ledger.canonical_json import encode
from scalpctl.ledger.reading import LedgerReader

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
        paths = {name: folder / f"{name}.{form}" for name in names}
        present = [path for path in paths.values() if path.exists()]
        if present and not force:
            raise UsageError(f"{present[0]} exists", hint="use --force to replace it, or another folder")
        reader.pin()  # the tables agree with one another, however busy the writer is
        for name, path in paths.items():
            with made_whole(path) as file:
                _WRITERS[form](_Table(reader.connection, name), file)
        return list(paths.values())


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
    _csv_rows(buffer, columns, rows)
    return buffer.getvalue()


def _csv_rows(stream: TextIO, columns: list[str], rows: Iterable[Iterable[Any]]) -> None:
    writer = csv.writer(stream, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows([inert(cell) for cell in row] for row in rows)


class _Table:
    """One table, page by page: a ledger may be larger than the memory."""

    def __init__(self, connection: sqlite3.Connection, name: str) -> None:
        self._connection, self._name = connection, name
        self.kinds = {row[1]: row[2] for row in connection.execute(f"PRAGMA table_info({name})")}

    @property
    def columns(self) -> list[str]:
        return list(self.kinds)

    def pages(self) -> Iterator[list[tuple[Any, ...]]]:
        cursor = self._connection.execute(f"SELECT * FROM {self._name} ORDER BY 1")
        while page := cursor.fetchmany(_PAGE):
            yield page


def _csv(table: _Table, path: Path) -> None:
    with path.open("w", encoding="utf-8", newline="") as stream:
        _csv_rows(stream, table.columns, (row for page in table.pages() for row in page))


def _jsonl(table: _Table, path: Path) -> None:
    with path.open("wb") as stream:
        for page in table.pages():
            stream.writelines(encode(dict(zip(table.columns, row, strict=True))) + b"\n" for row in page)


def _parquet(table: _Table, path: Path) -> None:
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UsageError("Parquet needs pyarrow", hint="pip install 'scalpctl[parquet]', or export csv") from error
    kinds = {"INTEGER": pa.int64(), "TEXT": pa.string()}
    schema = pa.schema([(name, kinds[kind]) for name, kind in table.kinds.items()])
    with pq.ParquetWriter(path, schema) as writer:
        for page in table.pages():
            columns = [list(column) for column in zip(*page, strict=True)]
            writer.write_table(pa.table(columns, schema=schema))


_WRITERS: Mapping[str, Callable[[_Table, Path], None]] = {"csv": _csv, "jsonl": _jsonl, "parquet": _parquet}
FORMATS = tuple(_WRITERS)
