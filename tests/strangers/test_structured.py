"""Whoever knows how we are spoken to and gets it wrong is told so in words; nothing is ever taken on trust."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from strangers.shaping import PATHS, SCALARS, ack_body, config_text, mistyped, request_line
from strangers.targets import IDS, WRITES, config, control, judged

from scalpctl.control.arguments import KNOWN, require_fitting
from scalpctl.control.protocol import decode_request
from scalpctl.core.exchange.outcomes import Accepted, Unknown
from scalpctl.errors import ScalpctlError, UsageError
from scalpctl.settings.loading import ENV_PREFIX, changed, load
from scalpctl.settings.problems import ConfigurationProblems

CHANCE = st.randoms(use_true_random=False)


@given(CHANCE)
@settings(max_examples=150, deadline=None)
def test_no_configuration_is_a_traceback_and_every_problem_has_a_place_and_words(chance: Random) -> None:
    text = config_text(chance)
    config(text.encode())
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        problems = ()
        try:
            load(Path(file.name), {})
        except ConfigurationProblems as error:
            problems = tuple(error.problems)
    assert all(problem.where and problem.what for problem in problems)


@given(CHANCE, st.sampled_from(PATHS), st.sampled_from(SCALARS))
@settings(max_examples=100, deadline=None)
def test_a_setting_that_does_not_exist_is_never_taken(chance: Random, path: tuple[str, ...], value: str) -> None:
    wrong = (*path[:-1], mistyped(chance, path[-1]).strip())
    if tuple(part.lower() for part in wrong) in PATHS:
        wrong = (*path[:-1], "no_such_setting")
    environ = {ENV_PREFIX + "__".join(wrong).upper(): value}
    with pytest.raises(ConfigurationProblems):
        load(None, environ)
    with pytest.raises(ScalpctlError):
        load(None, {}, changed([f"{'.'.join(wrong)}={value}"]))


@given(CHANCE)
@settings(max_examples=300, deadline=None)
def test_no_request_is_a_traceback_and_none_passes_with_arguments_of_another_kind(chance: Random) -> None:
    line = request_line(chance)
    control(line)
    try:
        request = decode_request(line)
        require_fitting(request.command, request.arguments)
    except ScalpctlError:
        return
    for name, value in request.arguments.items() if request.command in KNOWN else ():
        wanted = {"since": int, "until": int, "all": bool, "flatten": bool}.get(name, str)
        assert type(value) is wanted or (wanted is str and value is None)


@pytest.mark.parametrize(
    ("command", "arguments"),
    [
        ("close", {"fraction": 0.5}), ("close", {"instruments": "x"}), ("close", {"all": "yes"}),
        ("reread", {"since": "now"}),
        ("reread", {"since": None}), ("reread", {"since": True}), ("reread", {"since": -1}),
        ("picture", {"since": 10**30}),
        ("pause", {"reason": "x" * 2_000}), ("resolve", {"reason": "x"}), ("resolve", {"drift_id": "d", "reason": ""}),
        ("resolve", {"drift_id": "d", "reason": "x", "amount": "1e3", "to": "fee", "bill_id": "1"}),
        ("resolve", {"drift_id": "d", "reason": "x", "amount": "1", "to": "cash", "bill_id": "1"}),
        ("resolve", {"drift_id": "d", "reason": "x", "amount": "1", "bill_id": "1"}), ("status", {"more": 1}),
        ("waive", {"check": "AU-22"}),
    ],
)  # fmt: skip
def test_arguments_that_do_not_fit_are_refused(command: str, arguments: dict[str, Any]) -> None:
    with pytest.raises(ScalpctlError):
        require_fitting(command, arguments)


def test_arguments_that_fit_are_taken() -> None:
    require_fitting("close", {"instrument": "BTC-USDT-SWAP", "all": False, "fraction": "0.5"})
    require_fitting("resolve", {"drift_id": "d", "reason": "x", "amount": "", "bill_id": None, "to": "fee"})
    require_fitting("nobody knows", {"x": 1})
    with pytest.raises(UsageError, match="close takes no 'fractions'"):
        require_fitting("close", {"fractions": "1"})


@given(CHANCE, st.sampled_from(sorted(WRITES)))
@settings(max_examples=400, deadline=None)
def test_no_answer_to_a_write_is_a_traceback_and_none_is_a_yes_without_its_own_code(chance: Random, name: str) -> None:
    body = ack_body(chance, IDS[: WRITES[name].asked])
    outcomes = judged(name, body)
    assert len(outcomes) == WRITES[name].asked
    if not _is_json(body):
        assert all(isinstance(outcome, Unknown) for outcome in outcomes)


def test_of_two_words_about_one_order_neither_is_believed() -> None:
    row = {"ordId": "9001", "clOrdId": IDS[0], "sCode": "0", "sMsg": ""}
    for rows in ([row, row | {"sCode": "51008"}], [row | {"sCode": "51008"}, row]):
        body = json.dumps({"code": "2", "msg": "", "data": rows}).encode()
        (outcome,) = judged("place", body)
        assert isinstance(outcome, Unknown)


def test_a_clean_answer_to_every_write_is_a_yes() -> None:
    for name, write in WRITES.items():
        rows = [
            {"ordId": "9001", "algoId": "9002", "clOrdId": one, "algoClOrdId": one, "sCode": "0", "sMsg": "", "ts": ""}
            for one in IDS[: write.asked]
        ]
        outcomes = judged(name, json.dumps({"code": "0", "msg": "", "data": rows}).encode())
        assert all(isinstance(outcome, Accepted) for outcome in outcomes), name


def _is_json(body: bytes) -> bool:
    try:
        json.loads(body.decode("utf-8", "replace"))
    except (ValueError, RecursionError):
        return False
    return True
