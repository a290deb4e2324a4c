"""Coverage-guided fuzzing of everything strangers can write to us: ``python scripts/fuzz.py TARGET [--seconds N]``.

Needs atheris (``pip install atheris``). Inputs that reach new code are kept in tests/strangers/corpus/TARGET, and the
suite plays them again; an input that raises is written there as well and ends the run with its traceback.
"""

from __future__ import annotations

import argparse
import importlib
import sys
from pathlib import Path

TESTS = Path(__file__).parent.parent / "tests"
sys.path.insert(0, str(TESTS))
BYTES_MAX = 2_000


def main() -> None:
    """Fuzz one target for a while."""
    atheris = importlib.import_module("atheris")
    with atheris.instrument_imports(include=["scalpctl"]):
        targets = importlib.import_module("strangers.targets")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("target", choices=sorted(targets.TARGETS))
    parser.add_argument("--seconds", type=int, default=60)
    asked = parser.parse_args()
    corpus = targets.CORPUS / asked.target
    corpus.mkdir(parents=True, exist_ok=True)
    limits = [f"-max_total_time={asked.seconds}", f"-max_len={BYTES_MAX}", "-timeout=5", "-rss_limit_mb=1024"]
    atheris.Setup([sys.argv[0], *limits, "-print_final_stats=1", f"-artifact_prefix={corpus}/", str(corpus)],
                  targets.TARGETS[asked.target])  # fmt: skip
    atheris.Fuzz()


if __name__ == "__main__":
    main()
