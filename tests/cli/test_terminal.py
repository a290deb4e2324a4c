"""What a person sees who types ``run`` into a terminal: a real pseudo-terminal, read as a terminal would."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

CONTROL = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


def in_a_terminal(root: Path, *arguments: str) -> tuple[int, str]:
    """Give the exit code and everything the terminal was sent."""
    ours, theirs = pty.openpty()
    environment = dict(os.environ) | {"SCALPCTL_ROOT": str(root), "TERM": "xterm-256color", "COLUMNS": "140"}
    command = [sys.executable, "-m", "scalpctl", *arguments]
    process = subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=root.parent)
    os.close(theirs)
    seen = b""
    with suppress(OSError):  # the other end is closed: the program is over
        while part := os.read(ours, 65_536):
            seen += part
    os.close(ours)
    return process.wait(30), CONTROL.sub("", seen.decode())


def test_a_terminal_is_shown_how_things_stand_and_keeps_the_last_events(root: Path) -> None:
    code, seen = in_a_terminal(root, "run", "--speed", "max", "--seed", "7", "--for", "40m")
    assert code == 0, seen
    assert "equity " in seen
    assert "trading" in seen
    assert re.search(r"instrument +side +contracts +entry +net now +stop +protection", seen)
    assert re.search(r"-USDT-SWAP +(long|short) +[0-9.]+ .*(protected|placing)", seen)
    assert "BTC " in seen
    drawn, _, after = seen.rpartition("net now")
    assert drawn
    assert "closed" in after  # the picture is gone, the last events and the summary stay
