"""The jobs a server runs, spelled for systemd and for cron."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path

ACKNOWLEDGED = "SCALPCTL_LIVE_ACK"
"""The variable in which an account is named whose real money is meant."""


@dataclass(frozen=True, slots=True)
class Job:
    """One thing a server does by itself."""

    name: str
    what: str
    arguments: tuple[str, ...]
    calendar: str | None
    cron: str


JOBS = {
    "run": Job("run", "trading engine", ("run", "--on-exit", "keep"), None, "@reboot"),
    "audit": Job("audit", "audit of the ledger", ("audit", "-q", "--online"), "hourly", "15 * * * *"),
    "reconcile": Job(
        "reconcile", "comparison of ledger and exchange", ("reconcile", "-q", "--policy", "observe"),
        "*:0/10", "*/10 * * * *",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Place:
    """Where and for whom it runs."""

    program: tuple[str, ...]
    root: Path
    env: str
    account: str
    config: Path | None
    user_level: bool = True
    owner: str = ""
    """Whose the ledgers are: the system's manager runs it as this user."""

    @property
    def instance(self) -> str:
        """Name the account, so that units of several can stand side by side."""
        return f"{self.env}-{self.account}"


def unit_files(job: Job, place: Place) -> dict[str, str]:
    """Give the files of one job by name: a service, and a timer where it comes round."""
    name = f"scalpctl-{job.name}-{place.instance}"
    files = {f"{name}.service": _service(job, place)}
    if job.calendar is not None:
        files[f"{name}.timer"] = _timer(job, name)
    return files


def command_of(job: Job, place: Place) -> list[str]:
    """Give the command line with everything it depends on named."""
    named = ["--root", str(place.root), "--env", place.env, "--account", place.account]
    config = ["--config", str(place.config)] if place.config else []
    live = ["--live"] if job.name == "run" and place.env == "live" else []
    return [*place.program, *job.arguments, *live, *named, *config]


def crontab(job: Job, place: Place) -> str:
    """Give a crontab block: UTC, one at a time, quiet when all is well."""
    root, lock = str(place.root), str(place.root / f".{job.name}-{place.instance}.cron.lock")
    line = f"mkdir -pm 700 {shlex.quote(root)} && flock -n {shlex.quote(lock)} {shlex.join(command_of(job, place))}"
    begin, end = f"# begin scalpctl {job.name} {place.instance}", f"# end scalpctl {job.name} {place.instance}"
    return f"{begin}\nCRON_TZ=UTC\n{job.cron} {line.replace('%', chr(92) + '%')}\n{end}\n"


def _service(job: Job, place: Place) -> str:
    command = " ".join(_escaped(part) for part in command_of(job, place))
    head = [
        "[Unit]",
        f"Description=scalpctl {job.what} ({place.instance})",
        "After=network-online.target time-sync.target",
        "Wants=network-online.target",
    ]
    body = ["", "[Service]", f"ExecStart={command}", *(_RUNS if job.calendar is None else _ONCE)]
    body += [*_hardened(place), *_real_account(job, place)]
    tail = (
        [] if job.calendar else ["", "[Install]", f"WantedBy={'default' if place.user_level else 'multi-user'}.target"]
    )
    return "\n".join([*head, *body, *tail]) + "\n"


_RUNS = (
    "Type=notify",
    "TimeoutStartSec=300",
    "WatchdogSec=60",
    "MemoryMax=2G",
    "Restart=on-failure",
    "RestartPreventExitStatus=64 77 78",
    "RestartSec=5",
    "TimeoutStopSec=120",
    "KillSignal=SIGTERM",
    "OOMScoreAdjust=-500",
)
_ONCE = ("Type=oneshot", "TimeoutStartSec=2000")
"""Two pictures of a long history may be needed, each of which takes up to a quarter of an hour."""


def _hardened(place: Place) -> list[str]:
    return [
        *([] if place.user_level or not place.owner else [f"User={place.owner}"]),
        "UMask=0077",
        "NoNewPrivileges=yes",
        "PrivateTmp=yes",
        "ProtectSystem=strict",
        "ProtectHome=read-only",
        f"ReadWritePaths={_escaped(str(place.root))}",
        "RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX",
        "RestrictRealtime=yes",
        "LockPersonality=yes",
        "Environment=TZ=UTC",
    ]


def _real_account(job: Job, place: Place) -> list[str]:
    """Give what only its owner can fill in: where the key is, and that real money is meant."""
    if place.env in {"sim", "paper"}:
        return []
    lines = ["# where no file of the configuration names the key:", "#LoadCredential=scalpctl:/etc/scalpctl/keys.yaml"]
    if job.name == "run" and place.env == "live":
        lines += ["# real money; the engine does not start without it:", f"#Environment={ACKNOWLEDGED}={place.account}"]
    return lines


def _timer(job: Job, name: str) -> str:
    lines = [
        "[Unit]",
        f"Description=timer of {name}",
        "",
        "[Timer]",
        f"OnCalendar={job.calendar}",
        "AccuracySec=10s",
        "RandomizedDelaySec=20s",
        "Persistent=true",
        "",
        "[Install]",
        "WantedBy=timers.target",
    ]
    return "\n".join(lines) + "\n"


def _escaped(text: str) -> str:
    """Spell one word so that systemd reads it as it is."""
    plain = text.replace("\\", "\\\\").replace("%", "%%").replace("$", "$$").replace('"', '\\"')
    return f'"{plain}"' if any(letter.isspace() or letter in "\"'" for letter in text) else plain
