"""Where a ledger and its companions lie: one folder per environment and account, anchors beside all of them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from scalpctl.errors import LedgerMissing, UsageError

_NAME = re.compile(r"[A-Za-z0-9._]{1,64}")
ENVIRONMENTS = ("sim", "paper", "demo", "live")


@dataclass(frozen=True, slots=True)
class LedgerFolder:
    """The paths of one (environment, account)."""

    root: Path
    env: str
    account: str

    def __post_init__(self) -> None:
        """Refuse names that would leave the root or mix environments."""
        if self.env not in ENVIRONMENTS:
            raise UsageError(f"{self.env!r} is not an environment", hint=f"one of {', '.join(ENVIRONMENTS)}")
        if _NAME.fullmatch(self.account) is None or self.account.startswith("."):
            raise UsageError(f"{self.account!r} is not an account name", hint="letters, digits, dots and underscores")

    @property
    def name(self) -> str:
        """Name the folder: sim, demo and live can never share one."""
        return f"{self.env}-{self.account}"

    @property
    def path(self) -> Path:
        """Give the folder itself."""
        return self.root / self.name

    @property
    def ledger(self) -> Path:
        """Give the ledger's file."""
        return self.path / "ledger.db"

    @property
    def lock(self) -> Path:
        """Give the file whose lock is the lease."""
        return self.path / "ledger.lock"

    @property
    def socket(self) -> Path:
        """Give the control socket of a running engine."""
        return self.path / "control.sock"

    @property
    def emergency(self) -> Path:
        """Give the file that takes records the ledger could not."""
        return self.path / "emergency.jsonl"

    @property
    def reserve(self) -> Path:
        """Give the file that holds disk space back for the emergency file."""
        return self.path / "reserve"

    @property
    def backups(self) -> Path:
        """Give the folder of backups and their manifest."""
        return self.path / "backups"

    @property
    def drilled(self) -> Path:
        """Give the file whose age tells when a restore was last tried."""
        return self.backups / "drilled"

    @property
    def mirrors(self) -> Path:
        """Give the folder of the JSONL mirrors."""
        return self.path / "mirrors"

    @property
    def audits(self) -> Path:
        """Give the file of what audits said."""
        return self.path / "audits.jsonl"

    @property
    def audit_baseline(self) -> Path:
        """Give the file of what audits need not say again."""
        return self.path / "audit-baseline.json"

    @property
    def anchors(self) -> Path:
        """Give the file of anchors: outside the ledger's folder, so that one accident does not take both."""
        return self.root / "anchors" / f"{self.name}.log"

    def require_ledger(self) -> None:
        """Refuse where there is no ledger, before anything is made beside it."""
        if not self.ledger.exists():
            raise LedgerMissing(f"there is no ledger at {self.ledger}", hint="`scalpctl run` makes one")

    @classmethod
    def around(cls, ledger: Path) -> LedgerFolder | None:
        """Recognise the folder of a ledger named by its file, where it lies in the usual place."""
        env, _, account = ledger.parent.name.partition("-")
        if ledger.name != "ledger.db" or env not in ENVIRONMENTS or _NAME.fullmatch(account) is None:
            return None
        return cls(ledger.parent.parent, env, account)
