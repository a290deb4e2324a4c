"""Column types: exact decimals as canonical text, instants as integer microseconds, JSON as canonical text."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Dialect, Integer, MetaData, Text, TypeDecorator
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.elements import ColumnElement
from sqlalchemy.types import Boolean
from sqlmodel import Field, SQLModel

from scalpctl.core.instants import EARLIEST
from scalpctl.core.money import canonical, parse_decimal
from scalpctl.errors import NotCanonical
from scalpctl.ledger.sqlite import CANONICAL_CHECK

POSTGRES_CHECK = r"({c} ~ '^-?(0|[1-9][0-9]*)(\.[0-9]+)?$' AND {c} !~ '^-0(\.0+)?$')"

METADATA = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
    }
)


class Table(SQLModel):
    """Base of every table: STRICT on SQLite, in one metadata."""

    metadata = METADATA
    __table_args__: Any = {"sqlite_strict": True}


class ExactDecimal(TypeDecorator[Decimal]):
    """A Decimal stored as its canonical text; nothing is ever rounded on the way."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str | None:
        """Spell the decimal, refusing floats and everything that is not finite."""
        del dialect
        if value is None:
            return None
        if isinstance(value, str):
            value = parse_decimal(value)
        if not isinstance(value, Decimal):
            message = f"{type(value).__name__} is not an exact decimal"
            raise NotCanonical(message)
        return canonical(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """Read the text back with all its digits."""
        del dialect
        return None if value is None else parse_decimal(value)


class InstantColumn(TypeDecorator[int]):
    """UTC microseconds in a 64-bit integer; datetimes are refused so that no zone can be lost on the way."""

    impl = BigInteger
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        """STRICT tables know INTEGER, other databases need 64 bits spelled out."""
        return dialect.type_descriptor(Integer() if dialect.name == "sqlite" else BigInteger())

    def process_bind_param(self, value: Any, dialect: Dialect) -> int | None:
        """Take whole microseconds only."""
        del dialect
        if value is not None and (not isinstance(value, int) or isinstance(value, bool)):
            message = f"{value!r} is not an instant in microseconds"
            raise NotCanonical(message)
        return value


class BigCount(InstantColumn):
    """A 64-bit whole number."""

    cache_ok = True


class _Check(ColumnElement[bool]):
    inherit_cache = False
    type = Boolean()

    def __init__(self, column: str) -> None:
        self.column_name = column


@compiles(_Check, "sqlite")
def _sqlite_check(element: _Check, compiler: SQLCompiler, **options: Any) -> str:
    del compiler, options
    return CANONICAL_CHECK.format(c=element.column_name)


@compiles(_Check, "postgresql")
def _postgres_check(element: _Check, compiler: SQLCompiler, **options: Any) -> str:
    del compiler, options
    return POSTGRES_CHECK.format(c=element.column_name)


def exact(**options: Any) -> Any:
    """Declare a column of exact decimals."""
    return Field(sa_type=ExactDecimal, **options)


def instant(**options: Any) -> Any:
    """Declare a column of UTC microseconds."""
    return Field(sa_type=InstantColumn, **options)


def count(**options: Any) -> Any:
    """Declare a column of 64-bit whole numbers."""
    return Field(sa_type=BigCount, **options)


def text(**options: Any) -> Any:
    """Declare a column of text of any length."""
    return Field(sa_type=Text, **options)


def born(**options: Any) -> Any:
    """Declare the column that names the journal row which made this row."""
    return Field(sa_type=BigCount, foreign_key="journal.seq", **options)


def add_checks(metadata: MetaData) -> None:
    """Give every decimal column its canonical-text CHECK and every instant column its lower bound."""
    for table in metadata.sorted_tables:
        for column in list(table.columns):
            if isinstance(column.type, ExactDecimal):
                table.append_constraint(CheckConstraint(_Check(column.name), name=f"{column.name}_exact"))
            elif isinstance(column.type, InstantColumn) and column.name.endswith(("_at", "ts_us")):
                table.append_constraint(CheckConstraint(f"{column.name} > {EARLIEST}", name=f"{column.name}_utc_us"))
