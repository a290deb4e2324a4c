"""What a decision rested on: named numbers with their source and age, in order, frozen and serialisable."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from scalpctl.core.money import canonical
from scalpctl.errors import InvariantBroken

Value = Decimal | float | int | str | None


@dataclass(frozen=True, slots=True)
class Item:
    """One named number, where it came from, and how old it was when it was used."""

    name: str
    value: Value
    source: str = "computed"
    age_us: int | None = None

    def to_plain(self) -> dict[str, Any]:
        """Give the item as plain builtins: exact numbers as text, estimates as floats."""
        value = canonical(self.value) if isinstance(self.value, Decimal) else self.value
        plain: dict[str, Any] = {"name": self.name, "value": value, "source": self.source}
        if self.age_us is not None:
            plain["age_us"] = self.age_us
        return plain


@dataclass(frozen=True, slots=True)
class Evidence:
    """Items in the order they were used; a name occurs once."""

    items: tuple[Item, ...] = ()

    def __post_init__(self) -> None:
        """Refuse two items of one name: nobody could tell which one decided."""
        names = [item.name for item in self.items]
        if len(dict.fromkeys(names)) != len(names):
            message = f"evidence names an item twice: {', '.join(names)}"
            raise InvariantBroken(message)

    @classmethod
    def of(cls, source: str = "computed", /, **values: Value) -> Evidence:
        """Collect values that share one source, in the order written."""
        return cls(tuple(Item(name, value, source) for name, value in values.items()))

    def __iter__(self) -> Iterator[Item]:
        """Walk the items in order."""
        return iter(self.items)

    def __add__(self, other: Evidence) -> Evidence:
        """Append another collection."""
        return Evidence(self.items + other.items)

    def get(self, name: str) -> Value:
        """Give the value of that name; an absent name is a bug of the caller."""
        for item in self.items:
            if item.name == name:
                return item.value
        message = f"no evidence named {name}"
        raise InvariantBroken(message)

    def to_plain(self) -> list[dict[str, Any]]:
        """Give everything as plain builtins, ready for canonical JSON."""
        return [item.to_plain() for item in self.items]


def from_plain(rows: list[Mapping[str, Any]]) -> Evidence:
    """Read evidence back; exact numbers stay text, because their exactness is in the digits."""
    return Evidence(
        tuple(Item(row["name"], row["value"], row.get("source", "computed"), row.get("age_us")) for row in rows)
    )
