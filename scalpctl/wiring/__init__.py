"""The composition root: the only module that names concrete adapters."""

from __future__ import annotations

import random
import shutil
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING

from scalpctl.analysis.fitness import Grade, LedgerFacts, Machine, Row
from scalpctl.core.exchange.requests import MarginMode
from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.errors import ScalpctlError
from scalpctl.host.private_files import NETWORK_FILESYSTEMS, filesystem_of
from scalpctl.ledger.folder import LedgerFolder
from scalpctl.ports.clock import Clock

if TYPE_CHECKING:
    from scalpctl.core.exchange.connections import ConnectionEvent
    from scalpctl.okx.client import OkxClient
    from scalpctl.okx.transport import HttpTransport
    from scalpctl.ports.connections import ConnectionListener
    from scalpctl.settings.loading import Loaded
    from scalpctl.settings.secrets import ApiKey


def machine_facts(root: Path, clock: Clock) -> Machine:
    """Gather what the machine is."""
    from scalpctl.ledger.sqlite import library_version

    existing = next(path for path in (root, *root.parents) if path.exists())
    kind = filesystem_of(existing)
    return Machine(
        python=sys.version_info[:3],
        sqlite=library_version(),
        filesystem=kind,
        network_filesystem=kind in NETWORK_FILESYSTEMS,
        free_bytes=shutil.disk_usage(existing).free,
        wall_step_us=_wall_step(clock),
    )


def ledger_facts(folder: LedgerFolder, clock: Clock) -> LedgerFacts:
    """Gather what the ledger is like, cheaply: its head against the newest anchor, not every row."""
    from scalpctl.ledger.backup import backups
    from scalpctl.ledger.lease import holder_of
    from scalpctl.ledger.verification.verify import quick_proof

    if not folder.ledger.exists():
        return LedgerFacts(exists=False)
    problem, cure, rows = None, "", 0
    try:
        proof = quick_proof(folder)
        rows = proof.rows
        if not proof.ok:
            problem, cure = proof.findings[0].what, "`scalpctl ledger verify` says more"
    except ScalpctlError as error:
        problem, cure = error.message, error.hint or ""
    holder = holder_of(folder.lock)
    known = backups(folder)
    return LedgerFacts(
        exists=True,
        problem=problem,
        cure=cure,
        rows=rows,
        holder=f"process {holder.get('pid')} ({holder.get('purpose')})" if holder is not None else None,
        backup_age_s=(clock.now() - int(known[-1]["at"])) // MICROS_PER_SECOND if known else None,
        emergency_bytes=folder.emergency.stat().st_size if folder.emergency.exists() else 0,
    )


async def account_rows(loaded: Loaded, key: ApiKey, clock: Clock) -> list[Row]:
    """Ask the exchange whether account, key and clock are fit to trade; refusals come as their own errors."""
    from scalpctl.okx.preflight import Expected, LeverageSet, preflight

    settings = loaded.settings
    margin = MarginMode(settings.exchange.margin_mode)
    client, transport = exchange_client(loaded, key, clock, NobodyListens())
    try:
        await client.rest.synchronise()
        account = await client.account.account()
        listed = {one.inst_id for one in await client.market.instruments()}
        asked = [inst_id for inst_id in settings.instruments if inst_id in listed]  # of any other nothing is told
        leverages = await client.account.leverages(asked, margin)
    finally:
        await transport.close()
    expected = Expected(
        live=settings.env == "live",
        position_mode=f"{settings.exchange.position_mode}_mode",
        margin_mode=margin,
        leverage_max=Decimal(settings.limits.leverage_max),
    )
    known = [LeverageSet(inst_id, leverage) for inst_id, leverage in leverages.items()]
    findings = preflight(account, client.rest.server_clock.skew(), client.hosts, known, expected)
    return [Row(f"exchange {it.check}", Grade(it.severity), it.what, it.cure) for it in findings]


def exchange_client(
    loaded: Loaded, key: ApiKey, clock: Clock, listener: ConnectionListener
) -> tuple[OkxClient, HttpTransport]:
    """Make the client of the configured exchange, and the transport its owner closes."""
    from scalpctl.okx.client import OkxClient, Outside
    from scalpctl.okx.credentials import Credentials
    from scalpctl.okx.stream.socket import WebSocketDialer
    from scalpctl.okx.transport import HttpTransport
    from scalpctl.okx.wire.hosts import hosts_of

    wanted = loaded.settings.exchange
    demo = loaded.settings.env == "demo"
    hosts = hosts_of(wanted.region, demo=demo, rest=wanted.rest_url, stream=wanted.websocket_url)
    within_s = wanted.request_timeout_ms / 1_000
    transport = HttpTransport(hosts.rest, answer_within_s=within_s)
    outside = Outside(hosts, transport, WebSocketDialer(), clock, listener, random.Random(), within_s)
    box = Credentials(key.api_key.reveal(), key.secret.reveal(), key.passphrase.reveal())
    return OkxClient(outside, box), transport


class NobodyListens:
    """Takes facts about connections for commands that keep no ledger."""

    def heard(self, event: ConnectionEvent) -> None:
        """Let the fact go."""


def _wall_step(clock: Clock) -> int:
    wall, steady = clock.now(), clock.monotonic()
    shutil.disk_usage("/")  # some work in between
    return (clock.now() - wall) - (clock.monotonic() - steady) // 1_000
