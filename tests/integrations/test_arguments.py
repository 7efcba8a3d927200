"""What real parsers parsed becomes typed config, with no line for it in the script."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

pytestmark = [pytest.mark.frameworks, pytest.mark.filterwarnings("ignore")]


def recorded_config(script: str, *arguments: str, recorded: Any) -> tuple[dict[str, Any], dict[str, Any]]:
    """Run a script; return its config, and what was noted of where it came from."""
    path = Path("train.py")
    path.write_text(textwrap.dedent(script))
    done = subprocess.run([sys.executable, path, *arguments], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr[-3000:]
    run = recorded()
    return run.config, run.run.detail["meta"]["arguments"]


def test_hydra(recorded: Any) -> None:
    Path("conf").mkdir()
    Path("conf/config.yaml").write_text(
        "lr: 0.1\nmodel:\n  depth: 3\n  name: cnn\nseeds: [1, 2]\nout: ${model.name}-x\n"
    )
    script = """
    import hydra
    import treering as tr

    @hydra.main(version_base=None, config_path="conf", config_name="config")
    def main(cfg):
        tr.init(project="digits", config={"batch": 8}).finish()

    main()
    """
    config, about = recorded_config(script, "lr=0.25", "+model.width=64", recorded=recorded)

    assert config == {
        "batch": 8,
        "lr": 0.25,
        "model": {"depth": 3, "name": "cnn", "width": 64},
        "seeds": [1, 2],
        "out": "cnn-x",
    }
    assert about["source"] == "hydra"


def test_hydra_below_functions_of_the_script(recorded: Any) -> None:
    script = """
    from dataclasses import dataclass
    import hydra
    from hydra.core.config_store import ConfigStore
    import treering as tr

    @dataclass
    class Settings:
        lr: float = 0.1
        steps: int = 10

    ConfigStore.instance().store(name="settings", node=Settings)

    def train():
        with tr.init(project="digits"):
            pass

    @hydra.main(version_base=None, config_name="settings")
    def main(cfg):
        train()

    main()
    """
    config, _ = recorded_config(script, "steps=20", recorded=recorded)

    assert config == {"lr": 0.1, "steps": 20}


def test_fire(recorded: Any) -> None:
    script = """
    import fire
    import treering as tr

    def main(lr=0.1, *, depth: int = 2, name="cnn", **more):
        with tr.init(project="digits"):
            pass

    fire.Fire(main)
    """
    config, about = recorded_config(script, "--lr=0.5", "--depth", "4", "--width=8", "--flag", recorded=recorded)

    assert config == {"lr": 0.5, "depth": 4, "name": "cnn", "width": 8, "flag": True}
    assert about["source"] == "fire"


def test_fire_with_a_class_and_a_function_below(recorded: Any) -> None:
    script = """
    import fire
    import treering as tr

    class Commands:
        def train(self, lr=0.1, layers=(1, 2)):
            inner(3)

    def inner(x):
        tr.init(project="digits").finish()

    if __name__ == "__main__":
        fire.Fire(Commands)
    """
    config, _ = recorded_config(script, "train", "--lr=1e-3", "--layers=[4,5]", recorded=recorded)

    assert config == {"lr": 0.001, "layers": [4, 5]}


@pytest.mark.parametrize("way", ["cli", "parser"])
def test_jsonargparse(way: str, recorded: Any) -> None:
    script = {
        "cli": """
        from dataclasses import dataclass, field
        from jsonargparse import auto_cli
        import treering as tr

        @dataclass
        class Model:
            depth: int = 2
            name: str = "cnn"

        def main(lr: float = 0.1, model: Model = Model(), seeds: list[int] = [1]):
            with tr.init(project="digits"):
                pass

        auto_cli(main)
        """,
        "parser": """
        from jsonargparse import ArgumentParser
        import treering as tr

        parser = ArgumentParser()
        parser.add_argument("--lr", type=float, default=0.1)
        parser.add_argument("--model.depth", type=int, default=2)
        parser.add_argument("--model.name", default="cnn")
        parser.add_argument("--seeds", type=list[int], default=[1])
        args = parser.parse_args()
        with tr.init(project="digits"):
            pass
        """,
    }[way]
    config, about = recorded_config(script, "--lr=0.5", "--model.depth=4", "--seeds=[3,4]", recorded=recorded)

    assert config == {"lr": 0.5, "model": {"depth": 4, "name": "cnn"}, "seeds": [3, 4]}
    assert about["source"] == "jsonargparse"


def test_click(recorded: Any) -> None:
    script = """
    import click
    import treering as tr

    @click.group()
    @click.option("--seed", type=int, default=0)
    def main(seed):
        pass

    @main.command()
    @click.option("--lr", type=float, default=0.1)
    @click.option("--layer", multiple=True, type=int)
    @click.argument("name")
    def train(lr, layer, name):
        with tr.init(project="digits"):
            pass

    main()
    """
    config, about = recorded_config(
        script, "--seed=3", "train", "--lr=0.5", "--layer=1", "--layer=2", "cnn", recorded=recorded
    )

    assert config == {"seed": 3, "lr": 0.5, "layer": [1, 2], "name": "cnn"}
    assert about["source"] == "click"


def test_simple_argparse_below_lightning_is_still_found(recorded: Any) -> None:
    script = """
    import argparse
    import lightning  # brings jsonargparse and hydra along where they are installed
    import treering as tr

    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.1)
    parser.parse_args()
    with tr.init(project="digits"):
        pass
    """
    config, about = recorded_config(script, "--lr=0.5", recorded=recorded)

    assert config == {"lr": 0.5}
    assert about["source"] == "argparse"
