"""The schema as SQL text, made from the models; used to generate ``schema.sql`` and to hold migrations against it."""

from __future__ import annotations

from sqlalchemy import Engine
from sqlalchemy.dialects import sqlite
from sqlalchemy.schema import CreateIndex, CreateTable

from scalpctl.ledger.sqlite import trigger_statements
from scalpctl.ledger.tables import METADATA
from scalpctl.ledger.views import view_statements


def schema_statements() -> tuple[str, ...]:
    """Give every statement that makes an empty ledger on SQLite, in order."""
    dialect = sqlite.dialect()
    tables = [str(CreateTable(table).compile(dialect=dialect)).strip() for table in METADATA.sorted_tables]
    indexes = [
        str(CreateIndex(index).compile(dialect=dialect)).strip()
        for table in METADATA.sorted_tables
        for index in sorted(table.indexes, key=lambda index: str(index.name))
    ]
    return (*map(_tidy, tables), *indexes, *trigger_statements(), *view_statements())


def schema_text() -> str:
    """Give the content of ``schema.sql``."""
    return "".join(f"{statement};\n\n" for statement in schema_statements())


def create_on(engine: Engine) -> None:
    """Create the tables and views on another database, where the fleet's ledgers are gathered."""
    METADATA.create_all(engine)
    with engine.begin() as unit:
        for statement in view_statements():
            unit.exec_driver_sql(statement)


def _tidy(statement: str) -> str:
    return "\n".join(line.rstrip() for line in statement.splitlines()).replace("\n\n", "\n")
