"""Stands at the exchange's door: what reaches it of ours was written down before, whoever sent it and however late."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

OURS = "sc"
_ORDER, _STOP = "SELECT 1 FROM orders WHERE client_id = ?", "SELECT 1 FROM protections WHERE protection_id = ?"


class AtTheDoor:
    """Hears the exchange before whoever listens to it, and looks into the ledger as something is taken."""

    def __init__(self, exchange: Any, ledger: Path, broke: Callable[[str], None]) -> None:
        """Stand there from now on; what the exchange has already is not asked about."""
        self._inner, exchange.listener = exchange.listener, self
        self._ledger, self._broke = ledger, broke
        self._known: set[str] = set()
        for account in exchange.state.accounts.values():
            self._known |= {order.client_id for order in (*account.orders.values(), *account.done)}
            self._known |= {algo.client_id for algo in account.algos.values()}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    def order(self, account: Any, order: Any, fill: Any) -> None:
        self._written(order.client_id, _ORDER)
        self._inner.order(account, order, fill)

    def algo(self, account: Any, algo: Any) -> None:
        self._written(algo.client_id, _STOP)
        self._inner.algo(account, algo)

    def _written(self, client_id: str, where: str) -> None:
        if not client_id.startswith(OURS) or client_id in self._known:
            return
        self._known.add(client_id)
        with closing(sqlite3.connect(f"file:{self._ledger}?mode=ro", uri=True)) as ledger:
            if ledger.execute(where, (client_id,)).fetchone() is None:
                self._broke(f"O5: {client_id} reached the exchange before its intent was in the ledger")
