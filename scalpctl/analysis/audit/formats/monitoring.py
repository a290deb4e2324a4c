"""One line for Nagios and its heirs, one text file for Prometheus."""

from __future__ import annotations

from scalpctl.analysis.audit.judging import Audit, Verdict

_WORDS = {Verdict.GREEN: "OK", Verdict.YELLOW: "WARNING", Verdict.RED: "CRITICAL", Verdict.UNKNOWN: "UNKNOWN"}


def nagios(audit: Audit) -> str:
    """Give one line with performance data."""
    bad = [one for one in audit.judged if not one.ok]
    shown = ", ".join(f"{one.check.id} {one.check.title}" for one in bad[:3]) + (", …" if len(bad) > 3 else "")
    counts = f"{audit.count('red')} red {audit.count('yellow')} yellow"
    text = f"SCALP {_WORDS[audit.verdict]} - {counts}" + (f": {shown}" if shown else "")
    if audit.unreachable:
        text += f" (exchange: {audit.unreachable})"
    figures = [f"red={audit.count('red')};;0", f"yellow={audit.count('yellow')};0", f"checks={len(audit.judged)}"]
    if "naked_max_s" in audit.figures:
        figures.append(f"naked_max={audit.figures['naked_max_s']:.3f}s;10;60")
    return f"{text.replace('|', '/')} | {' '.join(figures)}\n".replace("\x1b", "?")


def prometheus(audit: Audit) -> str:
    """Give the text file that a node exporter collects."""
    lines = [
        "# HELP scalpctl_audit_findings Findings by check.",
        "# TYPE scalpctl_audit_findings gauge",
        *(
            f'scalpctl_audit_findings{{check="{one.check.id}",section="{one.check.section}",'
            f'severity="{one.severity}"}} {len(one.findings)}'
            for one in audit.judged
            if one.not_judged is None
        ),
        "# HELP scalpctl_audit_checks Checks that came out so.",
        "# TYPE scalpctl_audit_checks gauge",
        f'scalpctl_audit_checks{{severity="red"}} {audit.count("red")}',
        f'scalpctl_audit_checks{{severity="yellow"}} {audit.count("yellow")}',
        "# HELP scalpctl_audit_exit_code 0 green, 1 yellow, 2 red, 3 could not be judged.",
        "# TYPE scalpctl_audit_exit_code gauge",
        f"scalpctl_audit_exit_code {audit.exit_code}",
        "# HELP scalpctl_audit_timestamp_seconds When it was made.",
        "# TYPE scalpctl_audit_timestamp_seconds gauge",
        f"scalpctl_audit_timestamp_seconds {audit.at / 1_000_000:.3f}",
    ]
    return "\n".join(lines) + "\n"
