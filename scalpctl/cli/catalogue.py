"""Every command by name: where it lives, its line of help, its panel. Reading this imports nothing else."""

from __future__ import annotations

from typing import NamedTuple


class Listed(NamedTuple):
    """A command as the front page shows it; ``module`` has a Typer app named ``app``."""

    module: str
    summary: str
    panel: str


PANELS = ("Trade", "Look", "Audit", "Set up")

COMMANDS: dict[str, Listed] = {
    "run": Listed("run", "Run the engine: on the embedded exchange, OKX demo or live.", "Trade"),
    "positions": Listed("control", "Show open positions, the ledger's beside the exchange's.", "Trade"),
    "close": Listed("control", "Close one position or all of them.", "Trade"),
    "halt": Listed("control", "Stop entries until somebody resumes them.", "Trade"),
    "pause": Listed("control", "Pause entries.", "Trade"),
    "resume": Listed("control", "Let go of what holds entries back, with a reason.", "Trade"),
    "health": Listed("control", "Say in one line how the engine is, for cron and supervisors.", "Trade"),
    "sessions": Listed("look", "List the runs of the engine.", "Look"),
    "trades": Listed("look", "List positions from flat to flat, with their result and cause.", "Look"),
    "decisions": Listed("look", "List what was decided, by which rule.", "Look"),
    "drifts": Listed("look", "List where exchange and ledger disagreed.", "Look"),
    "audit": Listed("audit", "Judge the ledger by the checklist: green, yellow, red.", "Audit"),
    "analyze-session": Listed("analyze", "Say what a session earned and why, and what the exits left.", "Audit"),
    "reconcile": Listed("reconcile", "Compare ledger and exchange, to the last digit.", "Audit"),
    "replay": Listed("replay", "Play a session again from its tape, and prove that nothing differs.", "Audit"),
    "import": Listed("importing", "Take in history from exported files or from the exchange.", "Audit"),
    "ledger": Listed("ledger", "Verify, back up, restore, rebuild, upgrade, export and query the ledger.", "Audit"),
    "sim": Listed("sim", "Serve the embedded exchange on a port, and let things happen to it.", "Set up"),
    "service": Listed("service", "Render systemd units or a crontab block for audit, run and reconcile.", "Set up"),
    "config": Listed("config", "Write, show and check the configuration.", "Set up"),
    "doctor": Listed("doctor", "Check whether this machine, its ledger and its keys are fit to trade.", "Set up"),
}

NAGIOS = ("audit", "health")
"""Commands whose exit codes a monitoring system reads: what they could not judge is 3, usage errors included."""
