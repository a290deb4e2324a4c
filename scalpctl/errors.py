"""Every error scalpctl raises, as one tree; each class carries the exit code a script will see.

    ScalpctlError                     70   something of ours is wrong
    |-- InvariantBroken               70   a promise of the code was found untrue; nothing was written
    |-- UsageError                    64   the command line asks for something that does not exist
    |-- NotCanonical                  64   a text that is not an exact decimal number or instant
    |-- ExchangeUnavailable           69   no usable answer from the exchange; trying later makes sense
    |   |-- AnswerMalformed           69   an answer came, and it cannot be read
    |   `-- ExchangeUnreachable       69   nothing left this machine: no name, no route, no TLS
    |-- LedgerError                   74   the ledger or its disk
    |   |-- LedgerMissing             74   there is no ledger at that path; readers never create one
    |   |-- LedgerCorrupt             74   the file contradicts itself or its anchors
    |   |-- LedgerWriteFailed         74   a commit failed and may or may not have been durable
    |   `-- MoneyDoesNotAddUp         74   postings or a result that would not balance were refused
    |-- OutputLost                    74   what a command writes cannot be written
    |-- SystemRefused                 74   no room, no such place, too many open files
    |-- LeaseHeld                     75   another process holds the ledger
    |-- EngineRefused                  1   a running engine answered a command with no
    |-- AccessRefused                 77   keys, key permissions, file modes
    `-- ConfigurationError            78   the configuration cannot be used
        |-- LedgerTooNew              78   a newer scalpctl wrote this ledger
        `-- LedgerTooOld              78   the ledger waits for `scalpctl ledger upgrade`

A business "no" is a value (``Refused``, ``Veto``), never one of these.
"""

from __future__ import annotations

from collections.abc import Iterable


class ScalpctlError(Exception):
    """Base of all errors: says what happened and what it means; ``hint`` says what to do next."""

    exit_code = 70

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        """Keep the sentence a person reads and the next step apart."""
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvariantBroken(ScalpctlError):
    """A promise of the code was found untrue."""


class UsageError(ScalpctlError):
    """The command line asks for something that does not exist."""

    exit_code = 64


class NotCanonical(UsageError, ValueError):
    """A text is not a canonical decimal or instant; a ValueError so that parsers may catch it as one."""


class ExchangeUnavailable(ScalpctlError):
    """The exchange gave no usable answer."""

    exit_code = 69


class AnswerMalformed(ExchangeUnavailable):
    """An answer of the exchange cannot be read; whatever it was about is not known."""


class ExchangeUnreachable(ExchangeUnavailable):
    """No connection could be made, so the request certainly never left."""


class LedgerError(ScalpctlError):
    """The ledger or its disk cannot be used."""

    exit_code = 74


class LedgerMissing(LedgerError):
    """There is no ledger at that path."""


class LedgerCorrupt(LedgerError):
    """The ledger contradicts itself or its anchors."""


class LedgerWriteFailed(LedgerError):
    """A commit failed; it may or may not have been durable."""


class MoneyDoesNotAddUp(LedgerError):
    """Postings or a result that would not balance were refused before they were written."""


class OutputLost(ScalpctlError):
    """What a command writes cannot be written."""

    exit_code = 74


class SystemRefused(ScalpctlError):
    """The system refuses a file: no room, no such place, too many open."""

    exit_code = 74


class LeaseHeld(ScalpctlError):
    """Another process holds the ledger."""

    exit_code = 75


class EngineRefused(ScalpctlError):
    """A running engine answered a command with no."""

    exit_code = 1


class AccessRefused(ScalpctlError):
    """Keys, key permissions or file modes forbid it."""

    exit_code = 77


class ConfigurationError(ScalpctlError):
    """The configuration cannot be used."""

    exit_code = 78


class LedgerTooNew(ConfigurationError):
    """A newer scalpctl wrote this ledger."""


class LedgerTooOld(ConfigurationError):
    """The ledger has an older schema than this scalpctl."""


def first_of(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """Give the error to show of several: what broke first broke the others."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = next((one for one in error.exceptions if isinstance(one, ScalpctlError)), error.exceptions[0])
    return error


def nearest(word: str, known: Iterable[str]) -> str | None:
    """Give the known word a mistyped one most likely meant."""
    import difflib  # only a mistake needs it

    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.5)
    return close[0] if close else None
