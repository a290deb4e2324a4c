"""The two kinds of wire value: rows the exchange sends, asks we send."""

from __future__ import annotations

from msgspec import Struct

Number = str | None
"""A number as text; blank, null and missing all mean that it is not available."""

Flag = bool | str
"""A JSON boolean, or the word for it: the exchange uses both, sometimes for one and the same field."""


def wire_name(name: str) -> str:
    """Give the exchange's name of a field: ``open_24h`` is open24h, ``cl_ord_id`` is clOrdId, ``from_`` is from."""
    first, *rest = name.rstrip("_").split("_")
    return first + "".join(part[0].upper() + part[1:] for part in rest)


class Row(Struct, kw_only=True, rename=wire_name, gc=False):
    """Something the exchange sends: blanks are written out, fields we do not know are skipped."""


class Ask(Struct, kw_only=True, rename=wire_name, omit_defaults=True, gc=False):
    """Something we send: what is left at its default does not go on the wire."""


def is_true(flag: Flag | None) -> bool:
    """Tell whether a flag is set, however it was written."""
    return flag is True or flag == "true"
