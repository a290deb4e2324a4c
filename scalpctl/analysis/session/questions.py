"""The twenty questions that are asked after every session, each answered from the one report."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """A question as people ask it, and where its answer stands."""

    name: str
    asks: str
    answer: Callable[[Row], list[Row]]


def _causes(report: Row) -> list[Row]:
    return [
        {"position_id": one["position_id"], "instrument": one["instrument"], "side": one["side"], "cause": one["cause"],
         "closed_by": one["closed_by"], "net": one["net"], "held_s": one["held_us"] // 1_000_000}
        for one in report["trades"]
    ]  # fmt: skip


def _early(report: Row) -> list[Row]:
    after = report["after_exit"]
    return list(after["by_cause"]) or [{"answer": after["why_not"] or "no exit could be judged yet"}]


def _fees(report: Row) -> list[Row]:
    liquidity, identity = report["execution"]["liquidity"], report["identity"]
    return [
        {"figure": "gross", "value": identity["gross"]},
        {"figure": "fees", "value": identity["fees"]},
        {"figure": "fees as a share of gross", "value": report["performance"]["fees_share_of_gross"]},
        {"figure": "won before fees and lost after them", "value": report["performance"]["gross_won_net_lost"]},
        {"figure": "maker share", "value": liquidity["maker_share"]},
        {"figure": "paid to makers' rate", "value": liquidity["maker"]["fees"]},
        {"figure": "paid as taker", "value": liquidity["taker"]["fees"]},
        {"figure": "of which beyond the makers' rate", "value": liquidity["taker_extra"]},
    ]


def _signals(report: Row) -> list[Row]:
    funnel = report["funnel"]
    steps = [{"what": one["step"], "count": one["count"]} for one in funnel["steps"]]
    return steps + [{"what": f"refused: {one['reason']}", "count": one["times"]} for one in funnel["refused"]]


def _exchange(report: Row) -> list[Row]:
    drifts = report["incidents"]["drifts"]
    if not drifts:
        return [{"answer": "no drift was found; `scalpctl reconcile --statement` compares to the last digit"}]
    return [
        {name: one[name] for name in ("kind", "instrument", "cause", "detected_at", "resolved_at")} for one in drifts
    ]


def _figures(report: Row) -> list[Row]:
    return [{"figure": name.replace("_", " "), "value": value} for name, value in report["performance"].items()]


def _by(*names: str) -> Callable[[Row], list[Row]]:
    def answer(report: Row) -> list[Row]:
        return [
            {"by": name, **{key: value for key, value in one.items() if key != "position_ids"}}
            for name in names
            for one in report["by"][name]
        ]

    return answer


def _unfired(report: Row) -> list[Row]:
    fired = {one["value"]: one["trades"] for one in report["by"]["cause"]}
    rules = (
        "take_profit",
        "stop_loss",
        "trailing_stop",
        "loss_cut",
        "profit_harvest",
        "profit_drawdown",
        "smart_exit",
        "holding_limit",
    )
    return [
        {"rule": rule, "fired": fired.get(rule, 0), "see": "--trade ID shows how far it was from firing"}
        for rule in rules
    ]


def _others(report: Row) -> list[Row]:
    ours = [one for one in report["trades"] if one["closed_by"] != "engine" or one["origin"] != "engine"]
    return [
        {"position_id": one["position_id"], "instrument": one["instrument"], "origin": one["origin"],
         "closed_by": one["closed_by"], "cause": one["cause"], "net": one["net"]}
        for one in ours
    ] or [{"answer": "the engine opened and closed everything itself"}]  # fmt: skip


def _leverage(report: Row) -> list[Row]:
    planned = report["incidents"]["planned"]
    rows = [
        {"figure": name.replace("_", " "), "value": value}
        for name, value in planned.items()
        if name != "leverage_otherwise"
    ]
    return [*rows, {"figure": "leverage other than asked", "value": len(planned["leverage_otherwise"])}]


def _slippage(report: Row) -> list[Row]:
    execution = report["execution"]
    rows = [{"what": f"slippage of {role} (bps)", **figures} for role, figures in execution["slippage_bps"].items()]
    return rows + [{"what": f"age of {name} (s)", **figures} for name, figures in execution["data_age_s"].items()]


def _balance(report: Row) -> list[Row]:
    identity, fall = report["identity"], report["drawdown"]
    names = (
        "gross",
        "fees",
        "funding",
        "net",
        "booked_before",
        "still_open",
        "other",
        "balance_change",
        "transfers",
        "holds",
    )
    return [{"figure": name.replace("_", " "), "value": identity[name]} for name in names] + [
        {"figure": "deepest drawdown", "value": fall["deepest"]},
        {"figure": "under water (s)", "value": fall["under_water_s"]},
    ]


def _parameters(report: Row) -> list[Row]:
    session = report["session"]
    rows = [
        {"figure": "configuration", "value": session["config_digest"]},
        {"figure": "code", "value": session["code_version"]},
    ]
    return rows + [
        {"figure": f"parameter set {one['value']}", "value": one["trades"]} for one in report["by"]["parameter_set"]
    ]


def _churn(report: Row) -> list[Row]:
    return list(report["incidents"]["churn"]) or [
        {"answer": "no position was opened within five minutes of a loss on its side"}
    ]


def _errors(report: Row) -> list[Row]:
    execution = report["execution"]
    rows = [
        {"what": f"{one['role']} refused with {one['code']}", "times": one["times"]} for one in execution["refusals"]
    ]
    rows += [{"what": f"{one['connection']} {one['event']}", "times": one["times"]} for one in execution["connections"]]
    rows += [{"what": f"limit {one['name']}: {one['reason']}", "times": 1} for one in report["incidents"]["latches"]]
    return rows or [{"answer": "no refusal, no lost line, no latched limit"}]


def _partials(report: Row) -> list[Row]:
    return [
        {"figure": name.replace("_", " "), "value": value}
        for name, value in report["incidents"]["partials"].items()
        if name != "position_ids"
    ]


def _otherwise(report: Row) -> list[Row]:
    name = report["session"]["sessions"][-1] if report["session"]["sessions"] else "last"
    return [{"answer": f"trade its prices again with another setting: scalpctl replay {name} --set NAME=VALUE"}]


QUESTIONS: dict[str, Question] = {
    one.name: one
    for one in (
        Question("why-closed", "Why was each position closed, and by whom?", _causes),
        Question("early-exits", "Was the exit too early: where did the price go, what was left?", _early),
        Question("fees", "How much did fees eat, and how many winners did they turn into losers?", _fees),
        Question("no-signals", "Why are there no signals: which gate blocks, and how often?", _signals),
        Question("matches-exchange", "Do the records match the exchange?", _exchange),
        Question("viable", "Win rate, profit factor, expectancy: is it viable?", _figures),
        Question("causes", "Which exit cause makes or loses money?", _by("cause")),
        Question("losers", "Which instrument and which side lose?", _by("instrument", "side")),
        Question("not-fired", "Why did an exit rule not fire?", _unfired),
        Question("holding", "How long were positions held?", _by("holding")),
        Question("others", "Who opened or closed it, if not the engine?", _others),
        Question("leverage", "What leverage and margin were used, against the plan?", _leverage),
        Question("slippage", "Was the entry as intended, and how old were price and signal?", _slippage),
        Question("regime", "Was it traded with the regime?", _by("regime", "signal")),
        Question("balance", "Start, end, drawdown: does it reconcile with the trades?", _balance),
        Question("parameters", "Which parameters were in force?", _parameters),
        Question("churn", "Was it re-entered right after a loss?", _churn),
        Question("errors", "Refusals, rate limits, reconnects: how many?", _errors),
        Question("partials", "Did partial takes help, and their remainders?", _partials),
        Question("what-if", "What would other parameters have done?", _otherwise),
    )
}
