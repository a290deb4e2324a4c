"""Prices from elsewhere: recorded ones played again, or live ones of another exchange; matching stays our own."""

from __future__ import annotations

from bisect import bisect_right
from decimal import Decimal
from pathlib import Path
from typing import Protocol

import msgspec
import zstandard

from scalpctl.errors import ConfigurationError
from scalpctl.simulator.specs import BY_ID

PREFIX, FED = "tape:", "fed"
SUFFIX = ".quotes.zst"


class Quote(msgspec.Struct, array_like=True):
    """Best bid and ask of one instrument, so many microseconds after the recording began."""

    after_us: int
    inst_id: str
    bid: str
    ask: str


class Quotes(Protocol):
    """Where best bid and ask come from."""

    def at(self, inst_id: str, after_us: int) -> tuple[int, int] | None:
        """Give bid and ask in ticks, or None before the first is known."""
        ...


class Recorded:
    """A recording; after its end the last prices stand still."""

    def __init__(self, path: Path) -> None:
        """Read a file that ``sim record`` wrote."""
        self._times: dict[str, list[int]] = {}
        self._ticks: dict[str, list[tuple[int, int]]] = {}
        try:
            body = zstandard.ZstdDecompressor().stream_reader(path.read_bytes()).read()
            quotes = [msgspec.json.decode(line, type=Quote) for line in body.splitlines()]
        except (OSError, zstandard.ZstdError, msgspec.MsgspecError) as error:
            raise ConfigurationError(
                f"{path} is not a recording: {error}", hint="`scalpctl sim record` makes one"
            ) from error
        for quote in quotes:
            spec = BY_ID.get(quote.inst_id)
            if spec is not None:
                self._times.setdefault(quote.inst_id, []).append(quote.after_us)
                self._ticks.setdefault(quote.inst_id, []).append(_ticks(quote.inst_id, quote.bid, quote.ask))

    def at(self, inst_id: str, after_us: int) -> tuple[int, int] | None:
        """Give bid and ask in ticks."""
        times = self._times.get(inst_id)
        if not times:
            return None
        place = bisect_right(times, after_us) - 1
        return self._ticks[inst_id][place] if place >= 0 else None


class Fed:
    """Prices that somebody tells as they come."""

    def __init__(self) -> None:
        """Know nothing yet."""
        self._latest: dict[str, tuple[int, int]] = {}

    def tell(self, inst_id: str, bid: str, ask: str) -> None:
        """Take best bid and ask of an instrument this exchange lists."""
        if inst_id in BY_ID and bid and ask:
            self._latest[inst_id] = _ticks(inst_id, bid, ask)

    def at(self, inst_id: str, after_us: int) -> tuple[int, int] | None:  # noqa: ARG002  whatever is newest
        """Give bid and ask in ticks."""
        return self._latest.get(inst_id)


class Recorder:
    """Writes quotes, compressed; a file cut short is readable up to the cut."""

    def __init__(self, path: Path) -> None:
        """Begin a recording."""
        self._file = path.open("wb")
        self._out = zstandard.ZstdCompressor(level=6).stream_writer(self._file)
        self.count = 0

    def write(self, quote: Quote) -> None:
        """Add one quote."""
        self._out.write(msgspec.json.encode(quote) + b"\n")
        self.count += 1

    def close(self) -> None:
        """End the recording."""
        self._out.close()  # type: ignore[no-untyped-call] # zstandard leaves it without types
        self._file.close()


def _ticks(inst_id: str, bid: str, ask: str) -> tuple[int, int]:
    tick = BY_ID[inst_id].tick
    low = int(Decimal(bid) / tick)
    return low, max(low + 1, int(Decimal(ask) / tick))
