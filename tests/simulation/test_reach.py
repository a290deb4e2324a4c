"""Which plans a change of code can touch: those that entered a function that is not what it was, and no others."""

from __future__ import annotations

import sys

import pytest
from simulation.plans import brief
from simulation.playing import play_plan
from simulation.reach import PRODUCT, Lines, Reach, executable, touched, units

BEFORE = '''"""A file."""

LIMIT = 3


class Counter:
    """Counts."""

    step: int = 1

    def count(self, by: int) -> int:
        """Give what follows."""
        if by > LIMIT:
            raise ValueError(by)
        return by + self.step


def twice(counter: Counter) -> int:
    return counter.count(counter.count(1))
'''
INSIDE = BEFORE.replace("by > LIMIT", "by >= LIMIT")


def test_a_changed_function_touches_what_entered_it_and_nothing_else() -> None:
    spans, whole, new = touched(BEFORE, INSIDE)
    assert BEFORE.splitlines()[spans[0].start - 1].strip() == "if by > LIMIT:"
    assert (len(spans), whole, new) == (1, False, [])


@pytest.mark.parametrize(
    "after",
    [
        BEFORE.replace("Give what follows.", "Say what follows."),
        BEFORE.replace("        return by", "        # one more\n        return by"),
        BEFORE.replace('"""A file."""', '"""A file."""\n\nimport os'),
    ],
    ids=["docstring", "comment", "import"],
)
def test_words_about_the_code_and_imports_touch_nothing(after: str) -> None:
    assert touched(BEFORE, after) == ([], False, [])


@pytest.mark.parametrize(
    "after",
    [BEFORE.replace("LIMIT = 3", "LIMIT = 4"), BEFORE.replace("step: int = 1", "step: int = 2")],
    ids=["constant", "field"],
)
def test_what_lies_outside_functions_touches_everything(after: str) -> None:
    assert touched(BEFORE, after) == ([], True, [])


def test_a_new_function_is_named_and_one_that_is_gone_touches_what_entered_it() -> None:
    spans, whole, new = touched(BEFORE, BEFORE.replace("def twice", "def again"))
    assert (spans, whole, new) == ([units(BEFORE)["twice"][1]], False, ["again"])


def test_only_lines_of_functions_that_do_something_count_as_executable() -> None:
    assert {BEFORE.splitlines()[at - 1].strip() for at in executable(BEFORE)} == {
        "if by > LIMIT:", "raise ValueError(by)", "return by + self.step", "return counter.count(counter.count(1))",
    }  # fmt: skip


def test_every_line_that_was_seen_is_found_again_and_no_other() -> None:
    lines = Lines({"a.py": 9, "b.py": 20, "c/d.py": 1})
    seen = {("a.py", 1), ("a.py", 9), ("b.py", 1), ("b.py", 20), ("c/d.py", 1)}
    bits = lines.unpack(lines.pack(seen))
    assert {
        (name, at) for name, count in lines.counts.items() for at in range(1, count + 1) if lines.has(bits, name, at)
    } == seen


@pytest.mark.skipif(sys.version_info < (3, 12), reason="the interpreter does not tell which lines it executes")
def test_a_plan_tells_what_it_reached() -> None:
    watch = Reach()
    outcome, packed = watch.during(lambda: play_plan(brief(100)))
    bits = watch.lines.unpack(packed)
    assert outcome.ok
    assert all(
        any(watch.lines.has(bits, name, at) for at in executable((PRODUCT / name).read_text()))
        for name in ("engine/machine.py", "engine/guarding.py", "simulator/matching.py", "ledger/committer.py")
    )
