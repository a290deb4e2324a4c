"""What strangers write when they know how we are spoken to: the real names, with something wrong in them.

Every shape is drawn from a ``Random``, so that hypothesis can make it smaller, and a simulated session can be told it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from scalpctl.control.arguments import KNOWN
from scalpctl.resources import folder
from scalpctl.settings.source import read_yaml

DEFAULTS = (folder("config") / "default.yaml").read_text(encoding="utf-8")
PATHS = sorted(
    path for path in read_yaml("default.yaml", DEFAULTS).places if path and all(isinstance(one, str) for one in path)
)
"""Every setting and every section there is."""
SCALARS = (
    "1", "0", "-1", "0.5", "-0.5", "1e3", "1E-7", "0x10", "1_000", "5%", "50%", "10s", "10 ms", "1h", "$50",
    "50 USDT", "NaN",
    ".nan", ".inf", "-.inf", "1.", ".5", "+1", "007", "1" * 60, "1" * 5_000, "0." + "0" * 60 + "1", "true", "True",
    "yes",
    "null", "~", '""', "''", "'1'", '"0.5"', "2026-01-01", "2026-01-01T00:00:00Z", "BTC", "BTC-USDT-SWAP", "[]",
    "{}", "[1]",
    "[[[[]]]]", "{a: 1}", "[BTC-USDT-SWAP, BTC-USDT-SWAP]", "live", "LIVE", "*a", "&a 1", "!!int 3",
    "!!python/object:os 1",
    "|", "\\u202e", "\u202e", "\u0660", "../../etc/passwd", "https://x", "http://127.0.0.1",
)  # fmt: skip
"""Values of the wrong kind, in the wrong unit, of absurd size, spelled otherwise; and now and then a right one."""
VALUES: tuple[Any, ...] = (
    None, True, False, 0, 1, -1, 2**31, 2**63, 2**64, 10**300, 0.5, -0.0, 1e308, "", "0", "1", "0.5", "1.5", "-1",
    "1e-9",
    "NaN", "BTC-USDT-SWAP", "btc", "x" * 2_000, "\u202e", "\x00\x1b[2J", "\ud7ff", [], {}, [1], {"a": 1}, [[[[]]]],
    {"": {"": {}}},
    "daily_loss", "transfer", "suspense", "drift-1", "2026-12-01", 1_795_000_000_000_000,
)  # fmt: skip
CODES = (
    "0", "1", "2", "00", "0 ", "", "x", "50001", "50011", "51000", "51008", "51016", "51400", "99999", "-1", 0, 1,
    51008, None, True,
    0.0, [], {}, "0\x00", "\u0660",
)  # fmt: skip


def mistyped(chance: Random, name: str) -> str:
    """Give a name that is nearly right."""
    at = chance.randrange(len(name) or 1)
    return chance.choice(
        [name[:at] + name[at + 1 :], name + "s", name.upper(), f"{name} ", name.replace("_", "-"), "x"]
    )


def config_text(chance: Random) -> str:
    """Write a configuration: real settings, unknown neighbours, everything under its own section, some of it twice."""
    lines: list[str] = []
    for _ in range(chance.randint(1, 6)):
        path = list(chance.choice(PATHS))
        if chance.random() < 0.25:
            at = chance.randrange(len(path))
            path[at] = mistyped(chance, path[at])
        if chance.random() < 0.1:
            path.append(chance.choice(["deeper", *path]))
        for depth, name in enumerate(path[:-1]):
            heading = "  " * depth + f"{name}:"
            if chance.random() < 0.1 or heading not in lines[-1 - depth :]:
                lines.append(heading)
        lines.append("  " * (len(path) - 1) + f"{path[-1]}: {chance.choice(SCALARS)}")
    return "\n".join(lines) + chance.choice(["\n", "", "\n...\n", "\n---\n", "\n\t"])


def request_line(chance: Random) -> bytes:
    """Write a line for the control socket: a real command with the real names of its arguments."""
    command = chance.choice(list(KNOWN))
    known = list(KNOWN[command])
    names = chance.sample(known, chance.randint(0, len(known))) if known else []
    arguments: Any = {name: chance.choice(VALUES) for name in names}
    if chance.random() < 0.3:
        arguments[mistyped(chance, chance.choice([*known, "reason"]))] = chance.choice(VALUES)
    said: dict[str, Any] = {
        "id": f"{chance.getrandbits(64):x}", "command": command, "arguments": arguments, "operator": "a stranger",
        "version": 1,
    }  # fmt: skip
    for name in list(said):
        if chance.random() < 0.06:
            said[name] = chance.choice(VALUES)
        elif chance.random() < 0.03:
            del said[name]
    if chance.random() < 0.05:
        said["more"] = chance.choice(VALUES)
    line = json.dumps(said).encode()
    if chance.random() < 0.04:
        line = line.replace(b'"arguments": {', b'"arguments": {"a": ' + b"[" * 900 + b"]" * 900 + b", ", 1)
    return _broken(chance, line) if chance.random() < 0.08 else line


def ack_body(chance: Random, ids: Sequence[str]) -> bytes:
    """Write an answer to a write: rows with their own codes, some for others, some missing, some not readable."""
    rows: list[Any] = []
    for client_id in ids:
        for _ in range(chance.choice([0, 1, 1, 1, 1, 1, 2])):
            row: dict[str, Any] = {
                "ordId": "9001", "algoId": "9002", "clOrdId": client_id, "algoClOrdId": client_id, "tag": "",
                "ts": "1795162530456", "sCode": "0", "sMsg": "",
            }  # fmt: skip
            _spoil(chance, row)
            rows.append(row)
    if chance.random() < 0.15:
        rows.append(chance.choice([None, 1, "", [], {}, {"clOrdId": "another", "ordId": "1", "sCode": "0"}]))
    chance.shuffle(rows)
    body: dict[str, Any] = {"code": chance.choice(["0", "0", "0", "1", "2", *CODES]), "msg": "", "data": rows}
    if chance.random() < 0.1:
        body[chance.choice(list(body))] = chance.choice(VALUES)
    if chance.random() < 0.05:
        del body[chance.choice(list(body))]
    line = json.dumps(body).encode()
    return _broken(chance, line) if chance.random() < 0.1 else line


def _spoil(chance: Random, row: dict[str, Any]) -> None:
    if chance.random() < 0.5:
        row["sCode"] = chance.choice(CODES)
    for name in list(row):
        if chance.random() < 0.05:
            row[name] = chance.choice(VALUES)
        elif chance.random() < 0.04:
            del row[name]


def _broken(chance: Random, line: bytes) -> bytes:
    """Cut a line short, flip a byte of it, or put something around it."""
    at = chance.randrange(len(line))
    ways: tuple[Callable[[], bytes], ...] = (
        lambda: line[:at],
        lambda: line[:at] + bytes([chance.randrange(256)]) + line[at + 1 :],
        lambda: line[:at] + line[at + 1 :],
        lambda: line + line,
        lambda: b"\xef\xbb\xbf" + line,
        lambda: b"[" * 3_000 + line,
    )
    return chance.choice(ways)()
