"""What one seed does to the whole system: which families of trouble, when, how often the process dies."""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from random import Random
from typing import Any

from simulation.families import ANYTHING, ENDS, FAMILIES, RARE, SETTINGS, UNTRADED, USUAL

WORLDS = ("range", "chop", "trend", "crash", "squeeze", "mixed")
NIGHT, NIGHTS = "night", 7
"""The world in which tickers fall silent by themselves: every seventh brief plan is played in it."""
WIDE = "0.02"
"""How far from the mark a price may usually be."""
ABSENCES = ("away", "ends")
"""The families in which no engine runs for a while."""
LASTS_S, BRIEF_S = 2_400, 330
"""The safety phase: trouble happens in it; what follows is calm. A brief one begins with something held."""


@dataclass(frozen=True)
class Act:
    """One thing that happens at one simulated second."""

    at_s: int
    family: str
    action: str
    arguments: tuple[tuple[str, str], ...] = ()

    def __str__(self) -> str:
        shown = ", ".join(f"{name}={value}" for name, value in self.arguments)
        return f"{self.at_s:>5} s  {self.family:<9} {self.action} {shown}".rstrip()

    @classmethod
    def read(cls, line: str) -> Act:
        """Read what ``str`` gives."""
        at_s, _, family, action, *rest = line.split(maxsplit=4)
        pairs = (pair.split("=", maxsplit=1) for pair in "".join(rest).split(", ") if pair)
        return cls(int(at_s), family, action, tuple((name, value) for name, value in pairs))


@dataclass(frozen=True)
class Plan:
    """Everything about one seed."""

    seed: int
    world: str
    weather: str
    acts: tuple[Act, ...]
    lasts_s: int = LASTS_S
    settings: tuple[str, ...] = ()
    """What is configured otherwise than usual."""
    ledger: str = "kept"
    """Whether a brief one goes on with the ledger that knows what is held, or with a new one."""

    @property
    def brief(self) -> bool:
        """Whether it goes on from something held, instead of from an account that is new."""
        return self.lasts_s == BRIEF_S

    @property
    def ends(self) -> bool:
        """Whether all comes back that is taken away."""
        return all(sum(act.family == family for act in self.acts) % 2 == 0 for family in ENDS)

    @property
    def margin_mode(self) -> str:
        """The margin mode it is configured to trade in."""
        return "cross" if "cross" in self.settings else "isolated"

    @property
    def untraded(self) -> frozenset[str]:
        """What may be held that is nobody's business here: a new ledger knows only what is configured."""
        if "small" not in self.settings:
            return frozenset(UNTRADED)
        return frozenset(USUAL) if self.ledger == "new" else frozenset()

    @property
    def config(self) -> str:
        """The configuration file it is played with."""
        sections: dict[str, dict[str, Any]] = {}
        for name in self.settings:
            for section, said in SETTINGS[name].items():
                sections[section] = sections.get(section, {}) | said if isinstance(said, dict) else said
        return json.dumps(sections) if sections else ""

    @property
    def families(self) -> set[str]:
        return {act.family for act in self.acts} | ({"weather"} if self.weather != "none" else set())

    def without(self, act: Act) -> Plan:
        return replace(self, acts=tuple(one for one in self.acts if one is not act))

    def __str__(self) -> str:
        head = f"seed {self.seed}, world {self.world}, weather {self.weather}, lasts {self.lasts_s}"
        more = f", settings {'+'.join(self.settings)}" if self.settings else ""
        more += f", ledger {self.ledger}" if self.ledger != "kept" else ""
        return "\n".join([head + more, *map(str, self.acts)])

    @classmethod
    def read(cls, text: str) -> Plan:
        """Read what ``str`` gives; lines that begin with # are for people."""
        head, *lines = (line for line in text.splitlines() if line and not line.startswith("#"))
        said = dict(part.split() for part in head.split(", "))
        acts, lasts_s = tuple(map(Act.read, lines)), int(said.get("lasts", LASTS_S))
        settings = tuple(said["settings"].split("+")) if "settings" in said else ()
        ledger = said.get("ledger", "kept")
        return cls(int(said["seed"]), said["world"], said["weather"], acts, lasts_s, settings, ledger)


def deaf(seed: int) -> Plan:
    """A plan in which answers get lost and the channel that would tell of orders is silent: only asking helps."""
    acts = (
        Act(60, "silence", "mute", (("channel", "orders"),)),
        Act(60, "stale", "oddity", (("read_lag_ms", "2500"),)),
        Act(LASTS_S - 100, "silence", "unmute"),
    )
    return Plan(seed, WORLDS[seed % len(WORLDS)], "fog", acts)


def plan_of(seed: int) -> Plan:
    """Draw a plan: about half of the families, so that each meets the others in many combinations."""
    dice = Random(f"plan:{seed}")
    chosen = [name for name in FAMILIES if dice.random() < 0.45]
    acts = [act for family in chosen for _ in range(dice.randint(1, 3)) for act in _drawn(dice, family, LASTS_S)]
    weather = dice.choice(["none", "none", "light", "storm", "fog"])
    return Plan(seed, dice.choice(WORLDS), weather, _in_order(acts))


def brief(seed: int) -> Plan:
    """Draw a plan of a few minutes in which two or three things meet: many of them cost what one long one does."""
    dice = Random(f"brief:{seed}")
    chosen = dice.sample(list(ANYTHING), dice.randint(2, 3))
    drawn = [act for family in chosen for act in _drawn(dice, family, BRIEF_S)]
    acts = [*drawn, *_narrow(seed), *_rare(seed), *_resting(seed)]
    weather = dice.choice(["none", "none", "light", "storm", "fog"])
    world = dice.choice(WORLDS)
    in_a_night = seed % NIGHTS == NIGHTS - 1
    where = NIGHT if in_a_night else world
    return Plan(seed, where, weather, _in_order(acts), BRIEF_S, _settings(seed), _ledger(seed))


def _ledger(seed: int) -> str:
    """Draw whether somebody begins a new ledger on an account that is in use: every twelfth plan."""
    return "new" if Random(f"ledger:{seed}").random() < 1 / 12 else "kept"


def _settings(seed: int) -> tuple[str, ...]:
    """Draw what is configured otherwise: about half of the plans are played as everybody's are."""
    dice = Random(f"settings:{seed}")
    return tuple(name for name in SETTINGS if dice.random() < 0.12)


def _narrow(seed: int) -> list[Act]:
    """Draw whether the exchange takes hardly any price for a while: every eighth plan."""
    dice = Random(f"limits:{seed}")
    if dice.random() >= 1 / 8:
        return []
    begins, lasts, band = dice.randint(20, 130), dice.randint(40, 150), dice.choice(["0.0003", "0.00002", "0"])
    return [
        Act(begins, "limits", "oddity", (("band", band),)),
        Act(begins + lasts, "limits", "oddity", (("band", WIDE),)),
    ]


def _resting(seed: int) -> list[Act]:
    """Draw whether somebody leaves an order in the book, near or far, that may open or only close: every tenth plan."""
    dice = Random(f"resting:{seed}")
    if dice.random() >= 1 / 10:
        return []
    said = {
        "instrument": dice.choice(USUAL), "side": dice.choice(["buy", "sell"]), "contracts": dice.choice(["0.3", "2"]),
        "ratio": dice.choice(["0", "0.0005", "0.002", "0.05"]), "reduce": dice.choice(["no", "no", "yes"]),
    }  # fmt: skip
    return [Act(dice.randint(20, BRIEF_S - 150), "others", "manual-order", tuple(said.items()))]


def _rare(seed: int) -> list[Act]:
    """Draw what comes rarely, and sometimes others while nobody is there: every second plan."""
    dice = Random(f"rare:{seed}")
    if dice.random() >= 1 / 2:
        return []
    acts: list[Act] = []
    for family in dice.sample(list(RARE), dice.choice([1, 1, 2])):
        action, arguments = RARE[family](dice)
        at_s = dice.randint(20, BRIEF_S - 150)
        acts.append(Act(at_s, family, action, tuple(arguments.items())))
        if family == "elsewhere" and dice.random() < 2 / 3:
            other = arguments | {"side": dice.choice(["buy", "sell"]), "contracts": dice.choice(["1", "2", "3"])}
            acts.append(Act(at_s + dice.randint(5, 100), family, action, tuple(other.items())))
        if family in ABSENCES and dice.random() < 2 / 3:
            other, said = ANYTHING["others" if dice.random() < 2 / 3 else "exchange"](dice)
            then_s = at_s + dice.randint(1, int(arguments["seconds"]))
            acts.append(Act(then_s, "others", other, tuple(said.items())))
            if other == "manual-open" and dice.random() < 1 / 2:  # and guards it as the app offers
                guard = {"instrument": said["instrument"], "leg": dice.choice(["stop", "target"])}
                acts.append(Act(then_s, "others", "entire-stop", tuple(guard.items())))
    return acts


def _drawn(dice: Random, family: str, lasts_s: int) -> list[Act]:
    """Draw something of a family, and how it ends where it must."""
    action, arguments = ANYTHING[family](dice)
    at_s = dice.randint(20 if lasts_s == BRIEF_S else 120, lasts_s - 200)
    acts = [Act(at_s, family, action, tuple(arguments.items()))]
    if family in ENDS:
        acts.append(Act(at_s + dice.randint(40, 150), family, *ENDS[family](action, arguments)))
    return acts


def _in_order(acts: list[Act]) -> tuple[Act, ...]:
    return tuple(sorted(acts, key=lambda act: (act.at_s, act.action)))
