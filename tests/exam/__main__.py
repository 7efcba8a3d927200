"""
Run cases of the exam: ``cd tests && python -m exam 07 14``, or all of them without a number.

Prints PASS or FAIL for each. A case that fails leaves its folders: pytest names them in its report.
"""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def main(numbers: list[str]) -> int:
    """Run the cases with these numbers and return how many failed."""
    found = sorted(HERE.glob("test_[0-9][0-9]_*.py"))
    wanted = {number.zfill(2) for number in numbers} or {path.name[5:7] for path in found}
    unknown = wanted - {path.name[5:7] for path in found}
    failed = len(unknown)
    for number in sorted(unknown):
        print(f"FAIL {number}: there is no such case")
    for path in found:
        if path.name[5:7] in wanted:
            code = pytest.main([str(path), "-q", "--no-header", "-rN"])
            failed += code != 0
            print(f"{'PASS' if code == 0 else 'FAIL'} {path.name[5:7]} {path.stem[8:].replace('_', ' ')}")
    return failed


if __name__ == "__main__":
    sys.exit(min(main(sys.argv[1:]), 1))
