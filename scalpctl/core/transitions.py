"""State machines as tables: one row per allowed step, and the diagram drawn from the same rows."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from scalpctl.errors import InvariantBroken

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Step(Generic[S, E]):
    """From one state, on one event, to another state; ``note`` says why where that is not obvious."""

    state: S
    event: E
    to: S
    note: str = ""


@dataclass(frozen=True)
class Table(Generic[S, E]):
    """All steps of one machine; a pair that is not listed is a bug or an impossible report."""

    name: str
    initial: S
    final: tuple[S, ...]
    steps: tuple[Step[S, E], ...]
    _index: dict[tuple[S, E], S] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse two answers to one question."""
        index: dict[tuple[S, E], S] = {}
        for step in self.steps:
            if (step.state, step.event) in index:
                message = f"{self.name}: {step.state} answers {step.event} twice"
                raise InvariantBroken(message)
            index[step.state, step.event] = step.to
        object.__setattr__(self, "_index", index)

    def allows(self, state: S, event: E) -> bool:
        """Tell whether that event has a meaning in that state."""
        return (state, event) in self._index

    def next(self, state: S, event: E) -> S:
        """Give the next state; an unlisted pair is refused loudly."""
        try:
            return self._index[state, event]
        except KeyError:
            message = f"{self.name}: {event} has no meaning in state {state}"
            raise InvariantBroken(message) from None

    def reachable(self) -> tuple[S, ...]:
        """Give every state that can be reached from the initial one, in the order found."""
        found = [self.initial]
        for state in found:
            found.extend(step.to for step in self.steps if step.state is state and step.to not in found)
        return tuple(dict.fromkeys(found))

    def mermaid(self) -> str:
        """Draw the table as a Mermaid state diagram."""
        lines = ["stateDiagram-v2", f"    [*] --> {self.initial}"]
        for step in self.steps:
            note = f" ({step.note})" if step.note else ""
            lines.append(f"    {step.state} --> {step.to}: {step.event}{note}")
        lines.extend(f"    {state} --> [*]" for state in self.final)
        return "\n".join(lines)
