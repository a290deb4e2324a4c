"""Tells a watchdog service that a job began, and how it ended; a watchdog that is away never changes the outcome."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

TIMEOUT_S = 5.0


@dataclass(slots=True)
class Outcome:
    """How it ended, 3 until something better is known; and what to say about the watchdog itself."""

    code: int = 3
    trouble: str = ""


@contextmanager
def pinged(url: str | None) -> Iterator[Outcome]:
    """Ping ``url/start`` before and ``url/EXITCODE`` after, also when it ends with an error."""
    outcome = Outcome()
    outcome.trouble = _ping(url, "start")
    try:
        yield outcome
    finally:
        outcome.trouble = _ping(url, str(outcome.code)) or outcome.trouble


def _ping(url: str | None, what: str) -> str:
    if url is None:
        return ""
    import httpx

    try:
        httpx.get(f"{url.rstrip('/')}/{what}", timeout=TIMEOUT_S)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        return f"the watchdog could not be pinged: {type(error).__name__}"
    return ""
