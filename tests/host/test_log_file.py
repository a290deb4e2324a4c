"""The application log: small, private, clean, and never in the way."""

from __future__ import annotations

import gzip
import json
import logging
from pathlib import Path

import pytest
from builders import T0
from full_disk import no_file_may_grow_beyond

from scalpctl.core.instants import Instant
from scalpctl.host.hand_clock import HandClock
from scalpctl.host.log_file import KEPT_US, LogFile
from scalpctl.okx.redaction import guard

DAY_US = 86_400 * 1_000_000


@pytest.fixture
def clock() -> HandClock:
    return HandClock(T0)


def record(message: str) -> logging.LogRecord:
    return logging.LogRecord("scalpctl.run", logging.INFO, __file__, 1, message, None, None)


def test_a_log_is_private_and_every_record_is_one_line_of_json(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "logs" / "scalpctl.log"
    log = LogFile(path, clock)
    log.handle(record("two\nlines"))
    log.close()
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    (line,) = path.read_text().splitlines()
    assert json.loads(line)["message"] == "two\nlines"


def test_a_full_log_is_compressed_and_an_old_one_let_go_of(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "logs" / "scalpctl.log"
    log = LogFile(path, clock, bytes_max=2_000)
    for number in range(100):
        clock.advance(1)
        log.handle(record(f"line {number}"))
    log.close()
    packed = sorted(path.parent.glob("*.gz"))
    assert len(packed) > 3
    assert all(one.stat().st_mode & 0o777 == 0o600 for one in packed)
    lines = [line for one in packed for line in gzip.decompress(one.read_bytes()).decode().splitlines()]
    lines += path.read_text().splitlines()
    assert [json.loads(line)["message"] for line in lines] == [f"line {number}" for number in range(100)]
    later = HandClock(Instant(clock.now() + KEPT_US + DAY_US))
    LogFile(path, later).close()
    assert sorted(path.parent.glob("*.gz")) == []


def test_a_log_that_cannot_be_written_stops_nothing(tmp_path: Path, clock: HandClock) -> None:
    log = LogFile(tmp_path / "logs" / "scalpctl.log", clock)
    (tmp_path / "logs").rename(tmp_path / "gone")
    log.handle(record("nobody reads this"))
    log.close()


def test_a_log_holds_no_secret(tmp_path: Path, clock: HandClock) -> None:
    path = tmp_path / "logs" / "scalpctl.log"
    log = LogFile(path, clock)
    guard([log], ["canary-secret-1234"])
    log.handle(record("the key is canary-secret-1234, passphrase=hush"))
    failed = record("it broke")
    failed.exc_info = (ValueError, ValueError("canary-secret-1234"), None)
    log.handle(failed)
    log.close()
    assert "canary" not in path.read_text()
    assert "hush" not in path.read_text()
    assert "ValueError" in path.read_text()


def test_a_log_whose_volume_is_full_stops_nobody_and_goes_on_when_there_is_room(
    tmp_path: Path, clock: HandClock
) -> None:  # fmt: skip
    path = tmp_path / "logs" / "scalpctl.log"
    log = LogFile(path, clock)
    log.handle(record("before"))
    with no_file_may_grow_beyond(path.stat().st_size):
        for number in range(100):
            log.handle(record(f"lost {number}"))
    log.handle(record("after"))
    log.close()
    said = path.read_text()
    assert '"before"' in said
    assert '"after"' in said
