"""What is asked of the embedded exchange's others and weather: a slip is named before anything happens."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from simulator.conftest import Served

from scalpctl.core.instants import Instant
from scalpctl.errors import ConfigurationError
from scalpctl.simulator.actors import ACTIONS
from scalpctl.simulator.asking import TAKES
from scalpctl.simulator.schedule import read_schedule
from scalpctl.simulator.serving.faults import WEATHER

NOW = Instant(1_767_225_600_000_000)


def test_every_action_says_which_arguments_it_takes() -> None:
    assert TAKES.keys() == ACTIONS.keys() | WEATHER.keys()


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ("{at: 1m, do: manual-clos}", "did you mean manual-close?"),
        ("{at: 1m, do: outage}", "outage is not an action"),
        ("{at: 1m, do: transfer, amout: '5'}", "did you mean amount?"),
        ("{at: 1m, do: transfer, amount: abc}", "amount=abc: not a number"),
        ("{at: 1m, do: jump, ratio: .nan}", "not a number"),
        ("{at: 1m, do: adl, instrument: BTC-USD}", "did you mean BTC-USDT"),
        ("{at: 1m, do: foreign-order, side: long}", "one of buy, sell"),
        ("{at: soon, do: adl}", "not a span"),
        ("{do: adl}", "lacks at or do"),
        ("just text", "lacks at or do"),
    ],
)
def test_a_slip_in_a_schedule_is_named_with_its_entry(tmp_path: Path, entry: str, words: str) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(f"- {{at: 5s, do: cancel-stop}}\n- {entry}\n")
    with pytest.raises(ConfigurationError, match=r"entry 2") as wrong:
        read_schedule(file, NOW)
    assert words in wrong.value.message


def test_a_schedule_may_use_yaml_s_own_words(tmp_path: Path) -> None:
    file = tmp_path / "plan.yaml"
    file.write_text(
        "- {at: 1h30m, do: thin-book, instrument: BTC-USDT, on: false}\n- {at: 2h, do: adl, fraction: 0.5}\n"
    )
    thin, adl = read_schedule(file, NOW)
    assert (thin.at, thin.arguments) == (NOW + 5_400_000_000, {"instrument": "BTC-USDT", "on": "no"})
    assert adl.arguments == {"fraction": "0.5"}


def test_things_happen_to_a_served_exchange_on_command(served: Served) -> None:
    def fault(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "scalpctl", "sim", "fault", *words, "--port", served.port, "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        return done.returncode, json.loads(done.stdout)["data"]["done"] if done.returncode == 0 else done.stderr

    assert "no position" in fault("adl")[1]
    assert "opened" in fault("manual-open", "instrument=BTC-USDT", "side=sell", "contracts=3")[1]
    assert fault("adl", "fraction=0.5") == (0, "deleveraged BTC-USDT-SWAP")
    assert fault("preset", "preset=light") == (0, "faults are light")
    for words, said in (
        (("adl", "fraction=half"), "not a number"),
        (("preset", "name=storm"), "known: preset"),
        (("liquidat",), "did you mean liquidate?"),
        (("adl", "fraction"), "is not an argument"),
    ):
        code, err = fault(*words)
        assert (code, said in err) == (64, True), err
