"""What importing the client loads, and that the client works without the server's libraries."""

from __future__ import annotations

import os
import subprocess
import sys
import textwrap
from pathlib import Path

import treering

# Prices on two cores, Python 3.11: asyncio 57 ms, ssl 6, importlib.metadata 10, numpy 150, psutil 30.
_HEAVY = {"asyncio", "ssl", "http.client", "urllib.request", "importlib.metadata", "sqlite3", "logging", "subprocess"}
_ALLOWED = {"treering", "msgspec", "typing_extensions"}  # the last one by msgspec, if it is there


def modules_after(code: str) -> set[str]:
    program = (
        f"import sys; before = set(sys.modules)\n{textwrap.dedent(code)}\nprint(*sorted(set(sys.modules) - before))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def third_party(modules: set[str]) -> set[str]:
    tops = {module.partition(".")[0] for module in modules}
    return {top for top in tops if top not in sys.stdlib_module_names and not top.startswith("_")} - _ALLOWED


def test_import_loads_only_the_standard_library_and_msgspec() -> None:
    loaded = modules_after("import treering")

    assert third_party(loaded) == set()
    assert not loaded & _HEAVY


def test_a_whole_run_loads_nothing_else_into_the_training_process(tmp_path: Path) -> None:
    loaded = modules_after(f"""
        import treering
        run = treering.init(project="p", dir={str(tmp_path)!r}, settings={{"silent": True}}, config={{"a": 1}})
        run.log({{"loss": 1.0}})
        run.define_metric("loss", summary="min")
        run.finish()
    """)

    assert third_party(loaded) == set()
    assert not loaded & (_HEAVY - {"subprocess"})


def test_the_client_works_with_msgspec_and_psutil_alone(tmp_path: Path) -> None:
    """``pip install --no-deps treering msgspec psutil``: everything else is hidden from the import system."""
    blocker = tmp_path / "sitecustomize.py"
    blocker.write_text(
        textwrap.dedent("""
        import sys
        ALLOWED = {"treering", "msgspec", "psutil", "sitecustomize"}
        class Blocker:
            def find_spec(self, name, path=None, target=None):
                top = name.partition(".")[0]
                if top in sys.stdlib_module_names or top in ALLOWED or top.startswith("_"):
                    return None
                raise ImportError(f"{name} is not installed here")
        sys.meta_path.insert(0, Blocker())
        """)
    )
    program = """
    import treering as tr
    run = tr.init(project="p", settings={"silent": True, "sample_s": 0.1})
    for i in range(10): run.log({"loss": 1 / (i + 1)})
    import time; time.sleep(1)
    run.finish()
    """
    environment = {**os.environ, "PYTHONPATH": str(tmp_path), "TREERING_DIR": str(tmp_path / "data")}
    subprocess.run([sys.executable, "-c", textwrap.dedent(program)], env=environment, check=True, timeout=60)

    segments = list((tmp_path / "data").rglob("*.trl"))
    assert len(segments) == 2, "the trainer's and the uploader's"


def test_the_public_door_is_pinned() -> None:
    assert treering.__all__ == [
        "AlertLevel",
        "Api",
        "Artifact",
        "Audio",
        "Classes",
        "Graph",
        "Histogram",
        "Html",
        "Image",
        "Keep",
        "Molecule",
        "Object3D",
        "Plotly",
        "Report",
        "Run",
        "Settings",
        "Table",
        "VegaLite",
        "Video",
        "__version__",
        "alert",
        "box3d",
        "config",
        "define_metric",
        "errors",
        "finish",
        "init",
        "log",
        "log_artifact",
        "login",
        "plot",
        "plot_table",
        "run",
        "save",
        "stamp",
        "summary",
        "unwatch",
        "use_artifact",
        "views",
        "watch",
    ]
    assert dir(treering) == sorted(treering.__all__)
    for name in set(treering.__all__) - {"config", "summary"}:
        getattr(treering, name)


def test_every_error_is_in_the_tree_that_the_module_draws() -> None:
    from treering import errors

    for name in errors.__all__:
        kind = getattr(errors, name)
        assert issubclass(kind, errors.TreeringError)
        assert kind.__name__ in (errors.__doc__ or "")
        assert kind.__doc__
