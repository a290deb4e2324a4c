"""Puts the page together: style, script and data in one file, each allowed by its own hash and nothing else."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256
from html import escape
from pathlib import Path as FilePath
from typing import Any

from scalpctl.analysis.session.after_exit import Paths
from scalpctl.core.instants import Instant, rfc3339

Row = dict[str, Any]
HERE = FilePath(__file__).parent
POINTS_MAX = 240
AROUND_US = 60_000_000


def page(report: Row, stories: Sequence[Row], paths: Paths) -> str:
    """Give the page; text from the exchange only ever stands in it as data."""
    style = (HERE / "page.css").read_text(encoding="utf-8")
    script = (HERE / "page.js").read_text(encoding="utf-8")
    data = _safe_json(report | {"stories": {one["trade"]["position_id"]: _drawn(one, paths) for one in stories}})
    allowed = f"style-src '{_hash(style)}'; script-src '{_hash(script)}'"
    policy = f"default-src 'none'; {allowed}; img-src data:; base-uri 'none'; form-action 'none'"
    session = report["session"]
    title = escape(f"{session['session_id']} · {session['env']}-{session['account']}")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{policy}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n'
        f"<title>{title}</title>\n<style>{style}</style>\n</head>\n<body>\n"
        f'<header><h1>{title}</h1><p id="when">{_when(session)}</p>'
        '<button id="zone" type="button">UTC</button></header>\n<main id="main">'
        f"<noscript>{_plain(report)}</noscript></main>\n"
        f'<script type="application/json" id="data">{data}</script>\n<script>{script}</script>\n</body>\n</html>\n'
    )


def _when(session: Row) -> str:
    return escape(f"{rfc3339(Instant(session['begins_at']))} to {rfc3339(Instant(session['ends_at']))}")


def _plain(report: Row) -> str:
    """What a reader without scripts gets: the identity."""
    one = report["identity"]
    return escape(f"gross {one['gross']} - fees {one['fees']} - funding {one['funding']} = net {one['net']}")


def _hash(text: str) -> str:
    return "sha256-" + b64encode(sha256(text.encode()).digest()).decode()


def _safe_json(value: Any) -> str:
    """Spell data so that nothing in it can end the script element or open another."""
    text = json.dumps(value, separators=(",", ":"), default=str)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026").replace("\u2028", "\\u2028")


def _drawn(story: Row, paths: Paths) -> Row:
    """Give a story with the price path it is drawn on, thinned to what a screen can show."""
    trade = story["trade"]
    path = paths.get(trade["instrument"])
    points: list[list[float]] = []
    if path is not None:
        times, prices = path.between(trade["opened_at"] - AROUND_US, trade["closed_at"] + AROUND_US)
        step = max(1, len(times) // POINTS_MAX)
        points = [[at, price] for at, price in zip(times[::step], prices[::step], strict=True)]
    return {name: story[name] for name in ("waterfall", "timeline", "lanes", "stops")} | {"path": points}
