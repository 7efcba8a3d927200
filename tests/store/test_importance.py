"""Which parameters decide about a metric: Optuna's evaluators, and correlations without it."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import stats

from store.world import World
from treering.errors import InvalidValue, MissingExtra
from treering.store import Store
from treering.store import importance as importance_module
from treering.store.importance import METHODS
from treering.store.model import Column, Selection

EVERYTHING = Selection("ada", "digits")


@pytest.fixture
def trials(world: World, store: Store) -> Any:
    """60 runs whose loss is decided by lr, a little by depth and the model, and not at all by noise."""
    rng = np.random.default_rng(7)
    rows = []
    for n in range(60):
        config: dict[str, Any] = {
            "lr": float(10 ** rng.uniform(-5, -1)), "depth": int(rng.integers(2, 12)), "noise": float(rng.uniform()),
            "model": ["vit", "cnn"][int(rng.integers(2))], "seed": n, "same": 1, "path": f"/out/{n}",
        }  # fmt: skip
        loss = (math.log10(config["lr"]) + 3) ** 2 + 0.02 * config["depth"] + 0.1 * (config["model"] == "vit")
        if n == 5:
            loss = math.nan
        life = world.life(f"r{n}")
        life.config(config)
        life.log({"loss": loss, "mono": math.log(config["lr"])}, 0)
        life.end()
        rows.append((config, loss))
    store.ingest_now()
    return store, rows


def ask(store: Store, metric: str = "loss", **more: Any) -> Any:
    return store.comparing.importance(EVERYTHING, Column(f"metric:{metric}"), **more)


@pytest.mark.parametrize("method", ["fanova", "ped_anova", "mdi"])
def test_what_decides_is_found_by_each_of_optunas_evaluators(trials: Any, method: str):
    store, _ = trials
    found = ask(store, method=method)
    names = [param.by for param in found.params]
    scores = [param.importance for param in found.params]

    assert (found.method, found.n) == (method, 59)
    assert names[0] == "config.lr"
    assert set(names) == {"config.lr", "config.depth", "config.noise", "config.model"}
    assert sum(scores) == pytest.approx(1)
    assert scores == sorted(scores, reverse=True)
    assert found.warnings == ["1 runs have no finite value of the metric and are left out."]
    assert ask(store, method=method).params == found.params  # the same each time


def test_without_a_method_fanova_is_taken(trials: Any):
    store, _ = trials

    assert ask(store).method == "fanova"


def test_correlations_are_spearmans_and_need_no_optuna(trials: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importance_module, "find_spec", lambda name: None)
    store, rows = trials
    rows = [(config, loss) for config, loss in rows if not math.isnan(loss)]
    found = ask(store)
    params = {param.by: param for param in found.params}

    assert found.method == "correlation"
    assert "Optuna is not installed" in found.warnings[-1]
    for key in ("lr", "depth", "noise"):
        rho = stats.spearmanr([c[key] for c, _ in rows], [loss for _, loss in rows]).statistic
        assert params[f"config.{key}"].correlation == pytest.approx(rho, abs=1e-12)
        assert params[f"config.{key}"].importance == pytest.approx(abs(rho), abs=1e-12)
    parts = [[loss for c, loss in rows if c["model"] == model] for model in ("vit", "cnn")]
    model = params["config.model"]
    assert (model.kind, model.correlation) == ("category", None)
    assert model.importance == pytest.approx(math.sqrt(stats.kruskal(*parts).statistic / (len(rows) - 1)))
    assert ask(store, "mono", method="correlation").params[0].correlation == pytest.approx(1.0)


@pytest.mark.parametrize("method", ["fanova", "ped_anova", "mdi"])
def test_a_method_that_is_not_installed_names_the_extra(trials: Any, monkeypatch: pytest.MonkeyPatch, method: str):
    monkeypatch.setattr(importance_module, "find_spec", lambda name: None)
    store, _ = trials

    with pytest.raises(MissingExtra, match=r"treering\[sweeps\]"):
        ask(store, method=method)


def test_without_scikit_learn_there_is_ped_anova(trials: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importance_module, "find_spec", lambda name: None if name == "sklearn" else object())
    store, _ = trials

    assert ask(store).method == "ped_anova"
    with pytest.raises(MissingExtra, match="scikit-learn"):
        ask(store, method="mdi")


def test_parameters_can_be_named_and_those_that_say_nothing_are_told(trials: Any):
    store, _ = trials
    found = ask(store, params=["config.depth", "lr", "seed", "same", "absent"], method="mdi")

    assert {param.by for param in found.params} == {"config.depth", "config.lr", "config.seed"}
    assert any("No run that counts has absent" in warning for warning in found.warnings)
    assert any("same have the same value in every run" in warning for warning in found.warnings)


def test_too_few_runs_are_correlated_and_it_is_said(world: World, store: Store):
    for n in range(4):
        life = world.life(f"r{n}")
        life.config({"lr": float(n)})
        life.log({"loss": float(n)}, 0)
        life.end()
    store.ingest_now()
    found = ask(store, method="fanova")

    assert (found.method, found.n, found.params[0].correlation) == ("correlation", 4, 1.0)
    assert "fanova needs 10 runs" in found.warnings[-1]
    assert ask(store, "absent").params == []
    assert ask(store, "absent").n == 0


def test_missing_parameters_and_nan_do_not_break_a_model(world: World, store: Store):
    rng = np.random.default_rng(1)
    for n in range(40):
        life = world.life(f"r{n}")
        x = float(rng.uniform())
        config: dict[str, Any] = {
            "x": x,
            "z": [float(rng.uniform()), math.inf, "auto"][n % 3],
            "y": ["a", 1, True][n % 3],
        }
        if n % 4:
            config["rare"] = 1.0 + n
        if n == 7:
            config["x"] = math.nan
        life.config(config)
        life.log({"loss": x}, 0)
        life.end()
    store.ingest_now()
    for method in METHODS:
        found = ask(store, method=method)
        assert found.method == method
        assert {param.by: param.n for param in found.params} == {
            "config.x": 40, "config.z": 40, "config.y": 40, "config.rare": 30
        }  # fmt: skip
    warnings = ask(store).warnings
    assert "Too few runs have rare for fanova." in warnings
    assert "z have more than 12 values that are no numbers." in warnings
    assert "1 runs lack a parameter and are left out by fanova." in warnings


def test_many_runs_are_left_to_the_fast_evaluator(trials: Any, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(importance_module, "FANOVA_MAX_RUNS", 40)
    store, _ = trials

    assert ask(store).method == "ped_anova"
    assert "fanova looks at the newest 40 runs." in ask(store, method="fanova").warnings
    monkeypatch.setattr(importance_module, "IMPORTANCE_MAX_RUNS", 20)
    assert (ask(store).n, ask(store).warnings[0]) == (20, "60 runs match; the newest 20 are looked at.")


def test_an_unknown_method_is_refused(store: Store, world: World):
    world.life().end()
    store.ingest_now()

    with pytest.raises(InvalidValue, match="method must be auto"):
        ask(store, method="guess")
