"""
Run cases of the exam: ``cd tests && python -m exam 07 14 simulation``, or all of them without a number.

``--full`` runs them at full size (1,000 kills instead of 30). Prints PASS or FAIL for each. A case that fails leaves
its folders: pytest names them in its report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent

# Cases that need the store's own worlds live beside its other tests. They have one size.
IN_THE_STORE = {
    "22": ("filter grammar", "test_exam_22_ten_thousand_filters_are_answered_rightly_or_refused"),
    "23": ("regex", "test_exam_23_no_regular_expression_is_slow_over_100_000_names"),
}


def cases(full: bool) -> dict[str, tuple[str, list[str]]]:
    """Return number → (name, arguments for pytest)."""
    marks = "exam or not exam" if full else "not exam"
    found = {
        path.name[5:7]: (path.stem[8:].replace("_", " "), [str(path), "-m", marks])
        for path in HERE.glob("test_[0-9][0-9]_*.py")
    }
    queries = HERE.parent / "store" / "test_query.py"
    for number, (name, test) in IN_THE_STORE.items():
        found[number] = (name, [f"{queries}::{test}", "-m", "exam"])
    found["simulation"] = ("of clocks, disks and networks that fail", [str(HERE.parent / "simulation"), "-m", marks])
    return dict(sorted(found.items()))


def main(arguments: list[str]) -> int:
    """Run the cases with these numbers and return how many failed."""
    known = cases("--full" in arguments)
    wanted = [number.zfill(2) for number in arguments if number != "--full"] or list(known)
    failed = 0
    for number in wanted:
        name, command = known.get(number, ("there is no such case", []))
        code = pytest.main([*command, "-q", "--no-header", "-rN"]) if command else 1
        failed += code != 0
        print(f"{'PASS' if code == 0 else 'FAIL'} {number} {name}")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
