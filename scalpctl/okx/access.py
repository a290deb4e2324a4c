"""What a refusal of our key or our clock means, in words, and what cures it."""

from __future__ import annotations

from scalpctl.core.instants import MICROS_PER_SECOND
from scalpctl.errors import AccessRefused

_WRONG_WORLD = "this key belongs to the other world: demo keys work in demo only, real keys on the real exchange only"
_WRONG_REGION = "the exchange does not know this key here: keys work only in the region that issued them"
_MEANINGS: dict[str, tuple[str, str]] = {
    "50101": (_WRONG_WORLD, "run with --env demo for a demo key, or create a key in the other world"),
    "50105": ("the passphrase is wrong", "it is the one chosen when the key was created, not the login password"),
    "60024": ("the passphrase is wrong", "it is the one chosen when the key was created, not the login password"),
    "50111": ("the API key is wrong", "copy the key again; a key has no spaces"),
    "60005": ("the API key is wrong", "copy the key again; a key has no spaces"),
    "50113": ("the signature is wrong: the secret does not belong to this key", "copy the secret again"),
    "60007": ("the signature is wrong: the secret does not belong to this key", "copy the secret again"),
    "50119": (_WRONG_REGION, "set the region to global, eea or us, whichever the account belongs to"),
    "60032": (_WRONG_REGION, "set the region to global, eea or us, whichever the account belongs to"),
    "50110": ("this machine's address is not on the key's list", "add this machine's IP address to the key"),
    "50035": ("the key must be bound to an IP address", "bind the key to this machine's address"),
    "50120": ("the key may not do this", "give the key the permission to trade, never to withdraw"),
    "50030": ("the key may not do this", "give the key the permission to trade, never to withdraw"),
    "50100": ("the key is frozen", "see the account's messages at the exchange"),
}
_OTHERWISE = ("the exchange refuses this key", "check key, secret, passphrase, region and environment")


def access_refused(code: str, message: str, *, demo: bool) -> AccessRefused:
    """Say which part of the access is wrong."""
    what, cure = _MEANINGS.get(code, _OTHERWISE)
    world = "demo" if demo else "live"
    return AccessRefused(f"{what} ({world}, code {code}: {message})", hint=cure)


def clock_refused(code: str, message: str, behind_us: int) -> AccessRefused:
    """Say how far the clock is off."""
    seconds = abs(behind_us) / MICROS_PER_SECOND
    way = "behind" if behind_us >= 0 else "ahead of"
    return AccessRefused(
        f"this machine's clock is {seconds:.1f} s {way} the exchange's, and it refuses that (code {code}: {message})",
        hint="set the clock: timedatectl set-ntp true, or chronyc makestep; after a sleep of the machine, do it again",
    )
