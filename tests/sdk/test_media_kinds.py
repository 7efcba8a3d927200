"""Sounds, films, pages, points, molecules and figures, through the log and back."""

from __future__ import annotations

import io
import json
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

import treering as tr
from treering.sdk.media.histogram import count

from .conftest import Done, Folder
from .media import Logged

RANDOM = np.random.default_rng(0)


def log(folder: Folder, **values: Any) -> Logged:
    with tr.init(project="p") as run:
        run.log(values)
    return Logged(folder)


# ── histograms ───────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_histogram_counts_nan_and_infinity_apart(folder: Folder) -> None:
    data = np.concatenate([RANDOM.normal(size=1_000), [np.nan, np.nan, np.inf, -np.inf, -np.inf]])
    value = log(folder, h=tr.Histogram(data, num_bins=32)).one("h")

    finite = data[np.isfinite(data)]
    counts, edges = np.histogram(finite, bins=32)
    assert value["_type"] == "histogram"
    assert value["values"] == counts.tolist()
    assert value["bins"] == pytest.approx(edges.tolist())
    assert (value["nan"], value["inf"]) == (2, 3)
    assert (value["min"], value["max"]) == (finite.min(), finite.max())
    assert (value["mean"], value["std"]) == pytest.approx((finite.mean(), finite.std()))


@settings(max_examples=150, deadline=None)
@given(
    data=st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=30),
    bins=st.integers(1, 512),
    dtype=st.sampled_from(["float16", "float32", "float64"]),
)
def test_a_histogram_never_raises_and_counts_everything(data: list[float], bins: int, dtype: str) -> None:
    with np.errstate(over="ignore"):
        array = np.array(data).astype(dtype)
    value = count(array, bins)

    assert sum(value["values"]) + value.get("nan", 0) + value.get("inf", 0) == len(data)
    assert len(value["bins"]) == (len(value["values"]) + 1 if value["values"] else 0)
    assert value["bins"] == sorted(value["bins"])
    assert all(np.isfinite(value["bins"]))


@pytest.mark.parametrize(
    "data",
    [
        [],
        [np.nan],
        np.zeros((3, 0)),
        [5] * 10,
        [True, False],
        np.arange(10, dtype=np.uint64),
        [1e308, -1e308],
        [1e-320] * 3,
    ],
)
def test_histograms_of_little(data: Any, folder: Folder) -> None:
    value = log(folder, h=tr.Histogram(data)).one("h")
    assert sum(value["values"]) == np.isfinite(np.asarray(data, float)).sum()


def test_a_histogram_that_was_made_elsewhere(folder: Folder) -> None:
    counts, edges = np.histogram([1, 2, 2, 5], bins=4)
    logged = log(
        folder,
        h=tr.Histogram(np_histogram=(counts, edges)),
        wrong=tr.Histogram(np_histogram=(counts, edges[:-1])),
        many=tr.Histogram(np_histogram=(np.ones(513), np.arange(514))),
        none=tr.Histogram(),
        bins=tr.Histogram([1], num_bins=513),
    )

    assert logged.one("h") == {"_type": "histogram", "bins": edges.tolist(), "values": counts.tolist()}
    assert [key for _, row in logged.rows for key in row] == ["h"]
    assert tr.Histogram([1, 1, 3], num_bins=2).histogram == [2, 1]
    assert tr.Histogram([1, 1, 3], num_bins=2).bins == [1.0, 2.0, 3.0]


# ── sounds ───────────────────────────────────────────────────────────────────────────────────────────────────────


def test_samples_become_a_wav_file(folder: Folder) -> None:
    tone = np.sin(np.arange(8_000) / 10).astype(np.float32) * 0.5
    stereo = RANDOM.integers(-(2**15), 2**15, (9_000, 2)).astype(np.int16)
    logged = log(
        folder,
        tone=tr.Audio(tone, sample_rate=8_000, caption="a tone"),
        stereo=tr.Audio(stereo, 44_100),
        turned=tr.Audio(stereo.T, 44_100),
        deep=tr.Audio(stereo.astype(np.int32) * 65_536, 44_100),
        few=tr.Audio([0.0, 1.0, -1.0], 8),
    )

    value = logged.one("tone")
    assert (value["_type"], value["format"], value["caption"]) == ("audio-file", "wav", "a tone")
    assert (value["duration_s"], value["sample_rate"], value["channels"]) == (1.0, 8_000, 1)
    with wave.open(io.BytesIO(logged.blob(value))) as sound:
        back = np.frombuffer(sound.readframes(8_000), "<i2")
    assert np.array_equal(back, np.rint(tone.astype(np.float64) * 32_767))
    assert len(value["peaks"]) == 400
    assert min(lo for lo, _ in value["peaks"]) == pytest.approx(-0.5, abs=1e-3)
    with wave.open(io.BytesIO(logged.blob(logged.one("stereo")))) as sound:
        assert np.array_equal(np.frombuffer(sound.readframes(9_000), "<i2").reshape(-1, 2), stereo)
    assert logged.one("turned")["sha256"] == logged.one("stereo")["sha256"]
    with wave.open(io.BytesIO(logged.blob(logged.one("deep")))) as sound:
        assert sound.getsampwidth() == 4
    assert logged.one("few")["peaks"] == [[0.0, 0.0], [1.0, 1.0], [-1.0, -1.0]]


def test_a_sound_file_is_stored_byte_for_byte(folder: Folder, tmp_path: Path) -> None:
    path, other = tmp_path / "a.wav", tmp_path / "b.mp3"
    with wave.open(str(path), "wb") as sound:
        sound.setnchannels(2)
        sound.setsampwidth(2)
        sound.setframerate(100)
        sound.writeframes(RANDOM.integers(-100, 100, (300_000, 2)).astype("<i2").tobytes())
    other.write_bytes(b"ID3 nothing that we look into")
    logged = log(folder, a=tr.Audio(str(path)), b=tr.Audio(other))

    value = logged.one("a")
    assert logged.blob(value) == path.read_bytes()
    assert (value["duration_s"], value["channels"]) == (3_000.0, 2)
    assert 300 <= len(value["peaks"]) <= 400
    assert logged.one("b")["format"] == "mp3"
    assert logged.blob(logged.one("b")) == other.read_bytes()


def test_loud_and_broken_samples_are_said(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    log(
        folder,
        loud=tr.Audio(np.array([0.0, 3.0]), 8),
        nan=tr.Audio(np.array([0.0, np.nan]), 8),
        rate=tr.Audio(np.zeros(4)),
        cube=tr.Audio(np.zeros((2, 2, 2)), 8),
    )
    said = capsys.readouterr().err

    assert "'loud' (Audio): samples reach 3" in said
    assert "'nan' (Audio): 1 samples are NaN or infinite" in said
    assert "'rate' (Audio) was left out: an array of samples needs sample_rate" in said
    assert "'cube' (Audio) was left out" in said


# ── films ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_frames_become_a_gif(folder: Folder) -> None:
    levels = np.array([0, 80, 160, 250], np.uint8)
    frames = np.broadcast_to(levels[:, None, None, None], (4, 3, 10, 12)).copy()
    logged = log(
        folder,
        v=tr.Video(frames, fps=10, caption="c"),
        grey=tr.Video(frames[:, :1].astype(np.float32) / 255),
        last=tr.Video(frames.transpose(0, 2, 3, 1), format="gif"),
        five=tr.Video(np.stack([frames] * 3)),
    )

    value = logged.one("v")
    assert (value["format"], value["width"], value["height"], value["frames"], value["fps"]) == ("gif", 12, 10, 4, 10)
    film = Pictures.open(io.BytesIO(logged.blob(value)))
    seen = []
    for number in range(4):
        film.seek(number)
        seen.append(film.convert("RGB").getpixel((3, 3))[0])
        assert film.info["duration"] == 100
    assert seen == levels.tolist()
    grey = Pictures.open(io.BytesIO(logged.blob(logged.one("grey"))))
    grey.seek(2)
    assert grey.convert("L").getpixel((0, 0)) == 160
    assert logged.one("last")["sha256"] != ""
    assert (logged.one("five")["width"], logged.one("five")["height"]) == (48, 10), "three beside each other, and a gap"


def test_frames_of_other_numbers(folder: Folder) -> None:
    deep = np.full((2, 1, 4, 4), 40_000, np.uint16)
    logged = log(
        folder, deep=tr.Video(deep), switch=tr.Video(deep > 0), clear=tr.Video(np.zeros((2, 4, 5, 5), np.uint8))
    )

    film = Pictures.open(io.BytesIO(logged.blob(logged.one("deep"))))
    assert film.convert("L").getpixel((0, 0)) == 40_000 >> 8
    film = Pictures.open(io.BytesIO(logged.blob(logged.one("switch"))))
    assert film.convert("L").getpixel((0, 0)) == 255
    assert logged.one("clear")["width"] == 5


def test_a_video_file_is_stored_byte_for_byte_and_bytes_need_a_format(
    folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"\0\0\0\x18ftypmp42 and so on")
    logged = log(
        folder,
        a=tr.Video(str(path)),
        b=tr.Video(io.BytesIO(b"webm"), format="webm"),
        c=tr.Video(b"what"),
        d=tr.Video(np.zeros((2, 2))),
        e=tr.Video(np.zeros((2, 5, 7, 8))),
    )

    assert logged.blob(logged.one("a")) == path.read_bytes()
    assert logged.one("b")["format"] == "webm"
    assert [key for _, row in logged.rows for key in row] == ["a", "b"]
    assert "'d' (Video) was left out: an array of shape 2×2 is no video" in capsys.readouterr().err


def test_a_film_without_a_library_for_it_is_a_gif(
    folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "av", None)
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    value = log(folder, v=tr.Video(np.zeros((2, 3, 8, 8), np.uint8), format="mp4")).one("v")

    assert value["format"] == "gif"
    assert "mp4 needs PyAV" in capsys.readouterr().err


# ── texts ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_html_from_text_file_object_and_path(folder: Folder, tmp_path: Path) -> None:
    path = tmp_path / "a.html"
    path.write_text("<p>file</p>")
    logged = log(
        folder,
        a=tr.Html("<b>ünï</b>", inject=False),
        b=tr.Html(io.StringIO("<i>object</i>")),
        c=tr.Html(str(path)),
        d=tr.Html(path),
        e=tr.Html(str(path), data_is_not_path=True),
        f=tr.Html("nothing.html"),
    )

    texts = {key: logged.blob(logged.one(key)).decode() for key in "abcdef"}
    assert texts == {
        "a": "<b>ünï</b>",
        "b": "<i>object</i>",
        "c": "<p>file</p>",
        "d": "<p>file</p>",
        "e": str(path),
        "f": "nothing.html",
    }
    assert logged.one("a")["_type"] == "html-file"


def test_molecules(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "a.pdb"
    path.write_text("HEADER")
    logged = log(
        folder,
        a=tr.Molecule(path, caption="c"),
        b=tr.Molecule("CCO", file_type="smi"),
        c=tr.Molecule(io.StringIO("x"), file_type=".xyz"),
        d=tr.Molecule("CCO"),
        e=tr.Molecule("CCO", file_type="exe"),
    )

    assert (logged.one("a")["format"], logged.one("a")["caption"]) == ("pdb", "c")
    assert logged.blob(logged.one("a")) == b"HEADER"
    assert (logged.blob(logged.one("b")), logged.one("c")["format"]) == (b"CCO", "xyz")
    said = capsys.readouterr().err
    assert "'d' (Molecule) was left out" in said
    assert "'e' (Molecule) was left out: the format 'exe' is unknown" in said


def test_plotly_figures(folder: Folder, capsys: pytest.CaptureFixture[str]) -> None:
    class Figure:
        def to_json(self) -> str:
            return '{"data":[{"y":[1]}],"layout":{}}'

    Figure.__module__ = "plotly.graph_objs._figure"
    logged = log(
        folder,
        bare=Figure(),
        made=tr.Plotly({"data": [{"y": np.array([1.0, np.nan])}]}),
        text=tr.Plotly('{"data":[]}'),
        wrong=tr.Plotly({"dta": []}),
        other=tr.Plotly(5),
    )

    assert json.loads(logged.blob(logged.one("bare"))) == {"data": [{"y": [1]}], "layout": {}}
    assert logged.one("bare")["_type"] == "plotly-file"
    assert logged.blob(logged.one("text")) == b'{"data":[]}'
    said = capsys.readouterr().err
    assert "'wrong' (Plotly) was left out: a plotly figure has a list 'data'" in said
    assert "'other' (Plotly) was left out" in said


def test_vega_lite_with_and_without_a_table(folder: Folder) -> None:
    spec = {"mark": "bar", "data": {"name": "table"}, "encoding": {"x": {"field": "a"}}}
    table = tr.Table(columns=["a"], data=[[1], [2]])
    with tr.init(project="p") as run:
        chart = tr.VegaLite(spec, table)
        run.log({"a": chart, "b": tr.VegaLite(json.dumps(spec))})
        table.add_data(3)
        run.log({"a": chart})

    logged = Logged(folder)
    first, second = (value for _, value in logged.all("a"))
    assert json.loads(logged.blob(first)) == spec
    assert first["_type"] == "vega-file"
    assert (first["table"]["_type"], first["table"]["nrows"]) == ("table-file", 2)
    assert second["table"]["nrows"] == 3
    assert "table" not in logged.one("b")


# ── space ────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_points_are_float32_in_c_order(folder: Folder) -> None:
    points = RANDOM.random((20, 6))
    box = {"corners": RANDOM.random((8, 3)), "label": "car", "color": "rgb(1, 2, 3)"}
    logged = log(
        folder,
        p=tr.Object3D(points, caption="c"),
        three=tr.Object3D.from_numpy(points[:, :3]),
        scene=tr.Object3D.from_point_cloud(points[:, :4].tolist(), [box], [{"start": [0, 0, 0], "end": (1, 1, 1)}]),
        beta=tr.Object3D({"type": "lidar/beta", "points": points[:, :3], "boxes": np.array([box])}),
    )

    value = logged.one("p")
    assert (value["points"], value["columns"], value["format"], value["caption"]) == (20, "xyzrgb", "npy", "c")
    raw = logged.blob(value)
    assert raw[:8] == b"\x93NUMPY\x01\x00"
    assert np.array_equal(np.load(io.BytesIO(raw)), points.astype(np.float32))
    assert b"'descr': '<f4', 'fortran_order': False" in raw
    scene = logged.one("scene")
    assert scene["columns"] == "xyzc"
    assert (scene["boxes"][0]["label"], scene["boxes"][0]["color"]) == ("car", [1, 2, 3])
    assert len(scene["boxes"][0]["corners"]) == 8
    assert scene["vectors"] == [{"start": [0.0, 0.0, 0.0], "end": [1.0, 1.0, 1.0]}]
    assert logged.one("beta")["boxes"] == scene["boxes"]


def test_shapes_from_files(folder: Folder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, points = tmp_path / "a.glb", tmp_path / "b.pts.json"
    path.write_bytes(b"glTF")
    points.write_text("[[1, 2, 3]]")
    logged = log(
        folder,
        a=tr.Object3D(path),
        b=tr.Object3D(points),
        c=tr.Object3D.from_file(io.StringIO("v 1 2 3"), file_type="obj"),
        d=tr.Object3D(np.zeros((4, 5))),
        e=tr.Object3D(io.StringIO("x")),
        f=tr.Object3D({"type": "other"}),
    )

    assert (logged.one("a")["format"], logged.blob(logged.one("a"))) == ("glb", b"glTF")
    assert np.load(io.BytesIO(logged.blob(logged.one("b")))).tolist() == [[1, 2, 3]]
    assert logged.blob(logged.one("c")) == b"v 1 2 3"
    said = capsys.readouterr().err
    assert "'d' (Object3D) was left out: points of shape 4×5" in said
    assert "'e' (Object3D) was left out: a file object needs file_type" in said
    assert "'f' (Object3D) was left out" in said


def test_a_box_in_space() -> None:
    from scipy.spatial.transform import Rotation

    quaternion = np.array([0.5, 0.1, -0.3, 0.7])
    box = tr.box3d(center=[1, 2, 3], size=[2, 4, 6], orientation=quaternion, label="car", score=0.5)

    turn = Rotation.from_quat(quaternion, scalar_first=True)
    corners = np.array(box["corners"])
    back = turn.inv().apply(corners - [1, 2, 3])
    assert sorted(map(tuple, np.round(back).tolist())) == sorted(
        (x, y, z) for x in (-1.0, 1.0) for y in (-2.0, 2.0) for z in (-3.0, 3.0)
    )
    assert (box["label"], box["score"], box["color"]) == ("car", 0.5, [0, 255, 0])
    assert not tr.Object3D.from_point_cloud([[0, 0, 0]], [box]).problem


def test_names_that_could_be_paths_are_texts(folder: Folder) -> None:
    with tr.init(project="p") as run:
        run.log({"../../x//y/./..": tr.Html("x"), "a\0b": tr.Html("y"), "k" * 1_024: tr.Html("z")})

    for file in Logged(folder).files:
        assert ".." not in file.path.split("/")
        assert "\0" not in file.path
        assert "//" not in file.path
        assert len(file.path.encode()) <= 1_000


def test_without_the_libraries_of_a_kind_it_says_what_to_install(
    script: Callable[..., Done], folder: Folder, tmp_path: Path
) -> None:
    Pictures.new("L", (3, 3)).save(tmp_path / "a.png")
    done = script("""
        import sys
        class Hidden:
            def find_spec(self, name, path=None, target=None):
                if name.partition(".")[0] in ("numpy", "PIL", "duckdb", "pyarrow"):
                    raise ImportError(f"No module named {name!r}", name=name)
        sys.meta_path.insert(0, Hidden())
        import treering as tr
        with tr.init(project="p") as run:
            run.log({"array": tr.Image([[1, 2]]), "file": tr.Image("a.png"), "html": tr.Html("x"), "n": 1})
            run.log({"table": tr.Table(columns=["a"], data=[[1]]), "audio": tr.Audio([0.0], 8)})
    """)

    assert done.code == 0, done.err
    for text in (
        "'array' (Image) was left out: it needs numpy: pip install numpy",
        "'audio' (Audio) was left out: it needs numpy",
        "'table' (Table) was left out: a table needs DuckDB or pyarrow: pip install duckdb",
    ):
        assert text in done.err
    logged = Logged(folder)
    assert logged.one("file")["format"] == "png"
    assert sorted(key for _, row in logged.rows for key in row) == ["file", "html", "n"]
