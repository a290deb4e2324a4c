"""Take the pictures under docs/ again: the page, light, dark and on a phone, and the terminal report.

``python scripts/screenshots.py`` plays six simulated hours and needs a Chromium.
"""

from __future__ import annotations

import html
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PICTURES = ROOT / "docs" / "pictures"
sys.path.insert(0, str(ROOT / "tests"))

from browser import Browser, browser  # noqa: E402  tests are no package of ours

TERMINAL = (
    '<body style="margin:0;background:#0f141b;color:#dfe6ee" data-ready="1"><pre style="margin:0;padding:18px 22px;'
    'font:13px/1.35 DejaVu Sans Mono,monospace">{text}</pre></body>'
)


def main() -> None:
    """Play, report, take pictures."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        scalpctl(folder, "run", "--for", "6h", "--speed", "max", "--seed", "11", "-q")
        scalpctl(folder, "analyze-session", "--html", str(folder / "page.html"))
        text = scalpctl(folder, "analyze-session", "-o", "table", "-q")
        (folder / "terminal.html").write_text(TERMINAL.format(text=html.escape(text)))
        with browser(folder) as one:
            take(one, folder / "page.html", "page.png", 1280)
            take(one, folder / "page.html", "page-dark.png", 1280, dark=True)
            take(one, folder / "page.html", "page-phone.png", 390)
            take(one, folder / "terminal.html", "terminal.png", 1080)


def take(one: Browser, page: Path, name: str, width: int, *, dark: bool = False) -> None:
    """Take one picture of a whole page."""
    one.look_as(width, dark=dark)
    one.show(page)
    (PICTURES / name).write_bytes(one.picture())
    print(PICTURES / name)


def scalpctl(folder: Path, *arguments: str) -> str:
    """Give what a command printed."""
    command = [sys.executable, "-m", "scalpctl", *arguments, "--root", str(folder / "ledgers")]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    main()
