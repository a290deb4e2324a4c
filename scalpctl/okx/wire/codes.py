"""What an answer's code proves: done, refused, ask by client id, or nothing; a code we do not know proves nothing."""

from __future__ import annotations

from enum import StrEnum


class Meaning(StrEnum):
    """What a code says about the write it answers."""

    DONE = "done"
    REFUSED = "refused"
    BUSY = "busy"
    """Refused before it was looked at; the same request may be sent again later."""
    THERE = "there"
    """Something with that id exists already, or is finished already: only a query tells what."""
    ACCESS = "access"
    """Key, signature, permission, region: nothing will work until a person does something."""
    CLOCK = "clock"
    """Refused because of the time: ours is off, or the request came too late."""
    UNKNOWN = "unknown"


def _spread(*items: int | tuple[int, int]) -> frozenset[int]:
    codes: list[int] = []
    for item in items:
        codes.extend((item,) if isinstance(item, int) else range(item[0], item[1] + 1))
    return frozenset(codes)


_DONE = _spread(0)
_BUSY = _spread(50011, 50040, 50061, 51113, 60014, 60023)
_CLOCK = _spread(50036, 50037, 50102, 50112, 60004, 60006)
_ACCESS = _spread(
    50007, 50008, 50009, 50012, (50027, 50030), 50033, 50035, (50100, 50101), (50103, 50111), (50113, 50114),
    (50119, 50121), 60005, 60007, 60009, 60024, 60032,
)  # fmt: skip
_THERE = _spread(50042, 50071, 51011, 51016, 51065, 51068, 51400, 51410, 51503)
_UNKNOWN = _spread(50001, 50004, 50013, 50026, 51054, 51149, 51412, 51416, 63999, 64007)
_REFUSED = _spread(
    50000, 50002, 50005, 50006, (50014, 50025), 50038, 50041, 50046, (50051, 50053), (50059, 50060), 50062, 50067,
    50069, 50072, (51000, 51010), 51012, 51015, (51019, 51033), 51037, (51046, 51053), 51058, 51063, 51071,
    (51076, 51096), (51100, 51112), (51115, 51117), (51120, 51122), 51124, 51127, 51131, (51135, 51138), 51148, 51150,
    51155, (51169, 51171), 51174, (51185, 51187), 51196, 51197, (51201, 51207), (51209, 51214), (51257, 51261), 51275,
    (51277, 51280), (51298, 51308), 51311, 51312, (51327, 51333), 51340, 51342, (51401, 51409), 51413, (51500, 51502),
    51506, 51509, 51510, 51511, 51513, 51521, 51522, 51527, 51529, 51532, 51603, 51734, (54000, 54099),
    (59000, 59002), (59101, 59112), (59200, 59201), (59300, 59303), (59668, 59670), (59691, 59693), 60008, 60011,
    60012, 60013, 60018, 60019, 60027, 60028, 60033, 64000, 64001, 64002, 64003,
)  # fmt: skip

_ORDER = (
    (_DONE, Meaning.DONE),
    (_UNKNOWN, Meaning.UNKNOWN),
    (_THERE, Meaning.THERE),
    (_BUSY, Meaning.BUSY),
    (_CLOCK, Meaning.CLOCK),
    (_ACCESS, Meaning.ACCESS),
    (_REFUSED, Meaning.REFUSED),
)
MEANINGS: dict[str, Meaning] = {str(code): meaning for codes, meaning in reversed(_ORDER) for code in sorted(codes)}
"""Every code we know; where lists overlap, the more careful meaning wins."""

NOT_FOUND = frozenset({"51603", "51063"})
"""The exchange says that there is no such order; before the order's expiry this proves nothing."""
BUSY_READ = frozenset({"50011", "50013", "50026", "50001", "50004", "50040", "50061", "50023"})
"""A read answered with one of these may be asked again."""
NO_SUCH_INSTRUMENT = frozenset({"60018", "51001"})
"""Asked for a channel of an instrument: the exchange does not have it, or has it no longer."""
CODE_SERVICE_UPGRADE = "64008"
LOGGED_IN_ALREADY = frozenset({"60026", "60031"})


def meaning(code: str) -> Meaning:
    """Say what a code proves; one we do not know proves nothing."""
    return MEANINGS.get(code, Meaning.UNKNOWN)
