"""Without its framework an integration says what to install."""

from __future__ import annotations

import subprocess
import sys

import pytest


@pytest.mark.parametrize(
    ("module", "hidden", "package"),
    [
        ("huggingface", "transformers", "transformers"),
        ("accelerate", "accelerate", "accelerate"),
        ("lightning", "lightning pytorch_lightning", "lightning"),
        ("keras", "keras", "keras"),
        ("xgboost", "xgboost", "xgboost"),
        ("lightgbm", "lightgbm", "lightgbm"),
        ("sklearn", "sklearn", "scikit-learn"),
    ],
)
def test_the_command_that_installs_a_missing_framework_is_named(module: str, hidden: str, package: str) -> None:
    script = (
        f"import sys\nfor name in {hidden.split()!r}: sys.modules[name] = None\nimport treering.integrations.{module}\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)

    assert done.returncode == 1
    assert f"MissingExtra: treering.integrations.{module} needs" in done.stderr
    assert done.stderr.rstrip().endswith(f"pip install {package}")
