"""The post-mortem for a terminal: the identity first, then what a person asks next."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

from scalpctl.cli.render.charts import bar, sparkline
from scalpctl.cli.render.inert import inert
from scalpctl.core.instants import Instant, rfc3339

Row = dict[str, Any]
_CUTS = ("cause", "instrument", "side", "regime", "holding", "leverage", "strength", "hour")


def lines_of(report: Row) -> Iterator[str]:
    """Give the report line by line."""
    yield from _head(report)
    yield from _result(report)
    yield from _performance(report)
    for name in _CUTS:
        yield from _cut(report, name)
    yield from _ranked(report)
    yield from _after(report)
    yield from _funnel(report)
    yield from _execution(report)
    yield from _incidents(report)
    yield from ("", *(f"note: {said}" for said in report["unknown"]))


def _head(report: Row) -> Iterator[str]:
    one = report["session"]
    seed = f", seed {one['seed']}" if one["seed"] is not None else ""
    world = f" · world {inert(one['world'])}{seed}" if one["world"] else ""
    yield f"session {one['session_id']}  {one['env']}-{one['account']}{world}"
    ending = f"{one['end_kind']}, {inert(str(one['end_reason']))}" if one["end_kind"] else "no end yet"
    lasted = f"{_time(one['begins_at'])} to {_time(one['ends_at'])}, {one['hours']:.1f} h"
    yield f"  {lasted}, {ending}, {one['open_positions']} open"


def _result(report: Row) -> Iterator[str]:
    one = report["identity"]
    yield ""
    yield f"gross {one['gross']} - fees {one['fees']} - funding {one['funding']} = net {one['net']}"
    steps = [("- booked before", one["booked_before"]), ("+ still open", one["still_open"]), ("+ other", one["other"])]
    shown = "".join(f" {name} {amount}" for name, amount in steps if Decimal(amount))
    verdict = "both sides agree" if one["holds"] else "THE SIDES DO NOT AGREE: `scalpctl audit`"
    yield f"net {one['net']}{shown} = balance {one['balance_change']}  ({verdict})"
    curve = [float(row[1]) for row in report["equity"]]
    if len(curve) > 1:
        fall = report["drawdown"]
        yield f"{sparkline(curve)}  deepest fall {fall['deepest']}, under water {_span(fall['under_water_s'])}"


def _performance(report: Row) -> Iterator[str]:
    one, runs, maker = report["performance"], report["streaks"], report["execution"]["liquidity"]
    if not one["trades"]:
        return
    few = " (few)" if one["few"] else ""
    yield ""
    longest = f"longest run {runs['longest_winning']} won, {runs['longest_losing']} lost"
    yield f"trades      {one['trades']}{few}, {_percent(one['win_rate'])} won; {longest}"
    low, high = one["expectancy_low"], one["expectancy_high"]
    between = f" (95 %: {_short(low)} to {_short(high)})" if low is not None else ""
    yield f"expectancy  {_short(one['expectancy'])} per trade{between}; viable: {one['viable']}"
    yield (
        f"averages    win {_short(one['average_win'])}, loss {_short(one['average_loss'])}, profit factor "
        f"{one['profit_factor'] or '-'}, break-even win rate {_percent(one['break_even_win_rate'])}"
    )
    yield (
        f"fees        {_percent(one['fees_share_of_gross'])} of gross; {one['gross_won_net_lost']} trades won before "
        f"and lost after; maker {_percent(maker['maker_share'])}, takers paid {_short(maker['taker_extra'])} more"
    )


def _cut(report: Row, name: str) -> Iterator[str]:
    rows = report["by"][name]
    if not rows:
        return
    rows = sorted(rows, key=lambda row: row["value"]) if name == "hour" else rows
    largest = max(abs(float(row["net"])) for row in rows)
    width = max(len(name), *(len(inert(row["value"])) for row in rows))
    yield ""
    yield f"by {name:<{width}}   n  won        net  {'':24} {'':24}   kept   held"
    for row in rows:
        drawn = bar(float(row["net"]), largest)
        kept = f"{_percent(row['kept']):>6}" if row["kept"] else "     -"
        label = inert(row["value"])
        counts = f"{label:<{width}} {row['trades']:>3} {_percent(row['win_rate']):>5}"
        yield f"   {counts} {_short(row['net']):>10}  {drawn} {kept} {_span(row['held_s']):>6}"


def _ranked(report: Row) -> Iterator[str]:
    known = {one["position_id"]: one for one in report["trades"]}
    for title, ids in (("best", report["best"][:5]), ("worst", report["worst"][:5])):
        if ids:
            yield ""
            yield f"{title}"
        for name in ids:
            one = known[name]
            extremes = f"MAE {_short(one['mae'])} MFE {_short(one['mfe'])}"
            what = f"{one['instrument']:<16} {one['side']:<5} {_short(one['net']):>10}  {one['cause']:<16}"
            yield f"   {_time(one['closed_at'])}  {what} {extremes}  {inert(name)}"


def _after(report: Row) -> Iterator[str]:
    after = report["after_exit"]
    if not after["by_cause"]:
        return
    yield ""
    yield f"15 minutes after the exit ({after['judged']} judged): left on the table is positive, saved is negative"
    for row in after["by_cause"]:
        counts = f"early {row['early']:>3}  right {row['right']:>3}  late {row['late']:>3}"
        yield f"   {row['cause']:<18} {counts}   left {row['left']:>10.4f}"


def _funnel(report: Row) -> Iterator[str]:
    one = report["funnel"]
    yield ""
    yield "from signal to fill: " + " > ".join(f"{step['step']} {step['count']}" for step in one["steps"])
    if one["refused"]:
        yield "   refused: " + ", ".join(f"{row['reason']} {row['times']}" for row in one["refused"])


def _execution(report: Row) -> Iterator[str]:
    one = report["execution"]
    yield ""
    entry, close, ack = one["slippage_bps"]["entry"], one["slippage_bps"]["close"], one["latency_ms"]["intent_to_ack"]
    price, naked = one["data_age_s"]["price"], one["naked"]
    yield (
        f"execution   slippage {_number(entry['mean'])} bps in, {_number(close['mean'])} bps out; acknowledged in "
        f"{_number(ack['p50'])} ms (95 %: {_number(ack['p95'])}); price {_number(price['p50'])} s old at entries; "
        f"naked for {naked['worst_s']} s at most"
    )
    troubles = [f"{row['role']} {row['code']} {row['times']}x" for row in one["refusals"]]
    troubles += [f"{row['connection']} {row['event']} {row['times']}x" for row in one["connections"]]
    if troubles:
        yield "   trouble: " + ", ".join(troubles)


def _incidents(report: Row) -> Iterator[str]:
    one = report["incidents"]
    for row in one["drifts"]:
        state = "resolved" if row["resolved_at"] else "OPEN"
        why = f"{row['kind']}: {row['cause'] or 'not explained'}, {state}"
        yield f"drift       {_time(row['detected_at'])}  {row['instrument']}  {why}"
    for row in one["latches"]:
        yield f"latch       {_time(row['latched_at'])}  {row['name']}: {inert(row['reason'])}"
    parts = one["partials"]
    if parts["takes"]:
        rest = f"{parts['remainders_won']} of {parts['remainders']} remainders won, net {parts['remainders_net']}"
        yield f"partials    {parts['takes']} takes, net {parts['net']}; {rest}"
    if one["churn"]:
        yield f"churn       {len(one['churn'])} positions were opened within five minutes of a loss on their side"
    if one["planned"]["leverage_otherwise"]:
        yield f"leverage    {len(one['planned']['leverage_otherwise'])} positions had other leverage than asked"


def story_lines(story: Row) -> Iterator[str]:
    """Give one trade's story line by line."""
    one = story["trade"]
    what = f"{one['instrument']} {one['side']} {one['contracts']}"
    yield f"{one['position_id']}  {what}  {one['cause']} by {one['closed_by']}"
    yield ""
    for row in story["waterfall"]:
        yield f"   {row['step']:<20} {row['amount']:>16}"
    yield ""
    for row in story["timeline"]:
        yield f"   {rfc3339(Instant(row['at']))[11:23]}  {row['kind']:<8} {inert(row['what'])}"


def _time(at: Any) -> str:
    return rfc3339(Instant(at))[:19].replace("T", " ")


def _percent(share: Any) -> str:
    return "-" if share is None else f"{float(share) * 100:.0f} %"


def _short(amount: Any) -> str:
    return "-" if amount is None else f"{float(amount):+.4f}"


def _number(value: Any) -> str:
    return "-" if value is None else f"{value:.2f}"


def _span(seconds: Any) -> str:
    if seconds is None:
        return "-"
    return f"{seconds // 3600}h{seconds % 3600 // 60:02}" if seconds >= 3600 else f"{seconds // 60}m{seconds % 60:02}"
