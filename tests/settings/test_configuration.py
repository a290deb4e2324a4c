"""A configuration that cannot be used is refused whole, with the place, the value and the cure of every problem."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from scalpctl.errors import ConfigurationError, UsageError, nearest
from scalpctl.settings.loading import load
from scalpctl.settings.model import Settings
from scalpctl.settings.peek import env_and_account
from scalpctl.settings.places import configuration, root, user_file
from scalpctl.settings.problems import ConfigurationProblems
from scalpctl.settings.source import read_yaml
from scalpctl.settings.strategy import _Group


def problems(tmp_path: Path, text: str, environ: dict[str, str] | None = None) -> list[str]:
    path = tmp_path / "c.yaml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(ConfigurationProblems) as refused:
        load(path, environ or {})
    assert refused.value.exit_code == 78
    return [str(problem).replace(f"{path}:", "") for problem in refused.value.problems]


def test_the_defaults_are_complete_and_usable() -> None:
    loaded = load(None, {})
    assert loaded.settings.env == "sim"
    assert loaded.settings.limits.max_usd_size == Decimal(100)
    assert loaded.origin_of(("limits", "max_usd_size")).startswith("default.yaml:")


def test_every_setting_is_described_and_has_its_default_in_the_file() -> None:
    def walk(model: type, path: tuple[str, ...]) -> None:
        for name, info in model.model_fields.items():  # type: ignore[attr-defined]
            if issubclass(model, _Group):  # a parameter that is not set keeps the default its rule declares
                assert info.description or hasattr(info.annotation, "__args__"), name
                continue
            assert info.is_required(), f"{name}: defaults live in default.yaml"
            if hasattr(info.annotation, "model_fields"):
                walk(info.annotation, (*path, name))
            else:
                assert info.description, f"{'.'.join((*path, name))} is not described"

    walk(Settings, ())


CASES = {
    "limits:\n  max_usd_sise: 3\n": ["2:3: limits.max_usd_sise: is not a setting (did you mean 'max_usd_size'?)"],
    "limit:\n  max_usd_size: 3\n": ["1:1: limit: is not a setting (did you mean 'limits'?)"],
    "limits:\n  max_usd_size: 3\n  max_usd_size: 4\n": [
        "3:3: limits.max_usd_size: is set twice; the first time in line 2 (keep one of them)"
    ],
    "a:\n\t- b\n": ["2:1: found character '\\t' that cannot start any token (indent with spaces, never with tabs)"],
    "limits:\n  drawdown_ratio_max: 5\n": [
        "2:3: limits.drawdown_ratio_max: 5 is not a share of one (0 to 1); did you mean 0.05?"
    ],
    "instruments: [BTC-USDT, ETH-USDC]\n": [
        "1:25: instruments[1]: ETH-USDC-SWAP is not settled in USDT, and equity and limits count nothing else"
    ],
    "limits:\n  drawdown_ratio_max: 5%\n": [
        "2:3: limits.drawdown_ratio_max: '5%' is a percentage; write it as a share of one: 0.05"
    ],
    "limits:\n  positions_open_max: three\n": ["2:3: limits.positions_open_max: 'three' is not a plain decimal number"],
    "limits:\n  positions_open_max: 2.5\n": ["2:3: limits.positions_open_max: 2.5 is not a whole number"],
    "limits:\n  max_usd_size: 1e2\n": [
        "2:17: limits.max_usd_size: '1e2' is not a plain decimal number "
        "(write it like 0.0005 or -12.5: digits, at most one point, no exponent)"
    ],
    "limits:\n  max_usd_size: -5\n": ["2:3: limits.max_usd_size: should be greater than 0 (got -5)"],
    "limits:\n  max_usd_size: .inf\n": [
        "2:17: limits.max_usd_size: '.inf' is not a plain decimal number "
        "(write it like 0.0005 or -12.5: digits, at most one point, no exponent)"
    ],
    "limits:\n  max_usd_size: true\n": ["2:3: limits.max_usd_size: True is not a number"],
    "limits:\n  leverage_max: 50\n": ["2:3: limits.leverage_max: should be less than or equal to 20 (got 50)"],
    "limits:\n  max_usd_size: 500\n": [
        "1:1: limits: max_usd_size is above exposure_usd_max: no position of that size could ever be opened"
    ],
    "env: prod\n": ["1:1: env: should be 'sim', 'paper', 'demo' or 'live' (got 'prod')"],
    "instruments: [BTC-USDT, BTC-USDT-SWAP]\n": [": instruments names one instrument twice"],
    "instruments: [BTCUSDT]\n": ["1:15: instruments[0]: 'BTCUSDT' is not an instrument"],
    "instruments: BTC-USDT\n": ["1:1: instruments: should be a valid tuple (got 'BTC-USDT')"],
    "exchange:\n  rest_url: http://example.com\n": ["(got 'http://example.com')"],
    "- a\n- b\n": ["1:1: the file must be a mapping of names to values"],
    "1: 2\n": ["1:1: '1' is not a name"],
    "limits: 3\n": ["1:1: limits: should be a valid dictionary or instance of Limits (got 3)"],
    "env: [sim\n": ["2:1: expected ',' or ']', but got '<stream end>'"],
}


@pytest.mark.parametrize("text", CASES, ids=range(len(CASES)))
def test_each_mistake_is_named_with_its_place_and_cure(tmp_path: Path, text: str) -> None:
    found = problems(tmp_path, text)
    assert len(found) == len(CASES[text])
    for line, expected in zip(found, CASES[text], strict=True):
        assert line.endswith(expected)


def test_all_mistakes_are_reported_at_once(tmp_path: Path) -> None:
    text = "env: prod\nlimits:\n  leverage_max: 1e2\n  nothing: 1\nsafety:\n  protect_within_ms: 99999\n"
    found = problems(tmp_path, text, {"SCALPCTL__LIMITS__MAX_USD_SIZE": "5%"})
    assert len(found) == 5
    assert found[-1].startswith("environment SCALPCTL__LIMITS__MAX_USD_SIZE: limits.max_usd_size: '5%'")


def test_later_sources_win_and_say_so(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("env: demo\nlimits:\n  max_usd_size: 7.50\n")
    environ = {"SCALPCTL__LIMITS__MAX_USD_SIZE": "8", "SCALPCTL__INSTRUMENTS": "BTC-USDT, ETH-USDT-SWAP"}
    loaded = load(path, environ, {("env",): "paper"})
    assert loaded.settings.env == "paper"
    assert loaded.origin_of(("env",)) == "command line"
    assert loaded.settings.limits.max_usd_size == 8
    assert loaded.settings.instruments == ("BTC-USDT-SWAP", "ETH-USDT-SWAP")
    assert loaded.origin_of(("limits", "max_usd_size")) == "environment SCALPCTL__LIMITS__MAX_USD_SIZE"
    assert str(load(path, {}).settings.limits.max_usd_size) == "7.50"
    assert load(path, {}).origin_of(("limits", "max_usd_size")) == f"{path}:3:3"


def test_the_digest_names_the_configuration(tmp_path: Path) -> None:
    assert load(None, {}).digest() == load(None, {}).digest()
    assert load(None, {}).digest() != load(None, {"SCALPCTL__LIMITS__MAX_USD_SIZE": "8"}).digest()


def test_a_missing_or_unreadable_file_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no configuration file"):
        load(tmp_path / "none.yaml", {})
    (tmp_path / "binary.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigurationError, match="cannot be read"):
        load(tmp_path / "binary.yaml", {})


@given(st.text(max_size=200))
def test_no_text_breaks_the_reader(text: str) -> None:
    source = read_yaml("x", text)
    assert isinstance(source.values, dict)


def test_an_absurd_file_is_refused() -> None:
    assert read_yaml("x", "a: " + "b" * 1_100_000).problems
    assert read_yaml("x", "{a: " * 30 + "1" + "}" * 30).problems
    assert read_yaml("x", "").values == {}
    assert read_yaml("x", "a: yes").values == {"a": "yes"}
    assert read_yaml("x", "a: True").problems
    assert read_yaml("x", "a: ~").values == {"a": None}


def test_references_are_read_once_and_few_lines_never_stand_for_millions_of_values() -> None:
    assert read_yaml("x", "a: &one 1\nb: *one\n").values == {"a": 1, "b": 1}
    (problem,) = read_yaml("x", "a: &one 1\nb: &one 2\n").problems
    assert problem.what == "duplicate anchor 'one'"
    lines = ["a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 9)]
    assert [one.what for one in read_yaml("x", "\n".join(lines)).problems] == ["stands for more than 20000 values"]


def test_a_mistyped_name_finds_its_neighbour() -> None:
    assert nearest("instrumnets", ["instruments", "limits"]) == "instruments"
    assert nearest("zzz", ["instruments"]) is None


def test_places_follow_flag_environment_and_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    home = {"HOME": str(tmp_path)}
    assert root(None, home) == tmp_path / ".local/state/scalpctl"
    assert root(None, home | {"XDG_STATE_HOME": "/x"}) == Path("/x/scalpctl")
    assert root(None, home | {"SCALPCTL_ROOT": "/y"}) == Path("/y")
    assert root(Path("/z"), home) == Path("/z")
    assert configuration(None, home) is None
    user_file(home).parent.mkdir(parents=True)
    user_file(home).write_text("env: demo\n")
    assert configuration(None, home) == user_file(home)
    Path("scalpctl.yaml").write_text("env: live\n")
    assert configuration(None, home) == Path("scalpctl.yaml")
    assert configuration(None, home | {"SCALPCTL_CONFIG": "/c"}) == Path("/c")
    assert configuration(Path("/d"), home) == Path("/d")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("env: demo\naccount: two # comment\n", ("demo", "two")),
        ("# env: live\n", ("sim", "main")),
        ("{env: paper}\n", ("paper", "main")),
        ("'env': paper\n", ("paper", "main")),
        ("env:   live\r\n", ("live", "main")),
        ("env : demo\n", ("demo", "main")),
        ("limits:\n  max_usd_size: 3\n", ("sim", "main")),
    ],
)
def test_the_quick_look_sees_what_the_whole_reader_sees(tmp_path: Path, text: str, expected: tuple[str, str]) -> None:
    path = tmp_path / "c.yaml"
    path.write_text(text)
    assert env_and_account(None, None, path, {}) == expected
    settings = load(path, {}).settings
    assert (settings.env, settings.account) == expected


def test_the_quick_look_honours_flags_and_environment(tmp_path: Path) -> None:
    assert env_and_account("live", "x", None, {}) == ("live", "x")
    assert env_and_account(None, None, None, {"SCALPCTL__ENV": "demo"}) == ("demo", "main")
    with pytest.raises(ConfigurationError):
        env_and_account(None, None, tmp_path / "none.yaml", {})


def test_usage_errors_are_not_configuration_errors() -> None:
    assert UsageError("x").exit_code == 64
