"""Pictures: what goes in comes out, pixel for pixel, through the log and the blobs."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image as Pictures

import treering as tr
from treering.sdk.blobs import Blobs
from treering.sdk.media.media import Media, Shelf, Unusable

from .conftest import Folder
from .media import Logged

RANDOM = np.random.default_rng(0)


def encoded(value: Media, tmp_path: Path) -> tuple[dict[str, Any], Pictures.Image, list[str]]:
    """Encode without a run: the map, the decoded picture, and what was warned of."""
    said: list[str] = []
    shelf = Shelf(Blobs(tmp_path / "blobs"), said.append)
    mapped = shelf.encode(value)
    picture = Pictures.open(shelf.blobs.path(mapped["sha256"]))
    picture.load()
    return mapped, picture, said


def pixels(value: Media, tmp_path: Path) -> Any:
    return np.asarray(encoded(value, tmp_path)[1])


# ── through a run ────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_image_is_stored_pixel_for_pixel_with_its_step_and_time(folder: Folder) -> None:
    array = RANDOM.integers(0, 256, (30, 40, 3), np.uint8)
    with tr.init(project="p") as run:
        run.log({"x": tr.Image(array, caption="a cat"), "loss": 0.5}, step=7)

    logged = Logged(folder)
    value = logged.one("x")
    assert logged.rows[0] == (7, {"loss": 0.5}), "numbers are recorded at once"
    assert logged.all("x")[0][0] == 7
    assert (value["_type"], value["format"], value["width"], value["height"]) == ("image-file", "png", 40, 30)
    assert value["caption"] == "a cat"
    assert np.array_equal(np.asarray(logged.picture(value)), array)
    assert hashlib.sha256(logged.blob(value)).hexdigest() == value["sha256"]
    file = logged.files[0]
    assert file.path == f"media/image-file/x_7_{value['sha256'][:8]}.png"
    assert file.about == {"purpose": "media"}


def test_a_file_record_stands_before_the_row_that_needs_it(folder: Folder) -> None:
    from treering.runlog import records

    with tr.init(project="p") as run:
        run.log({"x": tr.Image(np.zeros((2, 2), np.uint8))})

    kinds = [f.kind for _, life, frames in folder._segments() if life["writer"] == "" for f in frames]
    assert kinds.index(records.FILE) < kinds.index(records.ROW)


def test_the_snapshot_is_taken_at_the_call(folder: Folder) -> None:
    array = np.zeros((8, 8, 3), np.uint8)
    picture = Pictures.new("L", (4, 4), 9)
    with tr.init(project="p") as run:
        run.log({"array": tr.Image(array), "pil": tr.Image(picture), "bare": picture})
        array[:] = 255
        picture.paste(77, (0, 0, 4, 4))

    logged = Logged(folder)
    assert not np.asarray(logged.picture(logged.one("array"))).any()
    assert set(np.asarray(logged.picture(logged.one("pil"))).ravel().tolist()) == {9}
    assert set(np.asarray(logged.picture(logged.one("bare"))).ravel().tolist()) == {9}


def test_an_image_of_an_image_leaves_the_first_one_as_it_was(folder: Folder) -> None:
    first = tr.Image(np.ones((2, 2), np.uint8), caption="first")
    second = tr.Image(first, boxes={"p": {"box_data": []}}, masks={"m": {"mask_data": np.zeros((2, 2), int)}})
    with tr.init(project="p") as run:
        run.log({"first": first, "second": second, "nested": [[first]]})

    logged = Logged(folder)
    assert "boxes" not in logged.one("first")
    assert logged.one("second")["boxes"] == {"p": {"class_labels": {}, "boxes": []}}
    assert (logged.one("second")["caption"], logged.one("second")["sha256"]) == ("first", logged.one("first")["sha256"])
    assert isinstance(logged.one("nested"), str), "a list of lists is no media"


def test_several_images_stand_under_one_key(folder: Folder) -> None:
    arrays = [RANDOM.integers(0, 256, (5, 6, 3), np.uint8) for _ in range(3)]
    with tr.init(project="p") as run:
        run.log({"x": [tr.Image(array, caption=str(n)) for n, array in enumerate(arrays)]})
        run.log({"y": [Pictures.fromarray(arrays[0]), Pictures.fromarray(arrays[1])]})

    logged = Logged(folder)
    value = logged.one("x")
    assert value["_type"] == "image-file"
    assert [item["caption"] for item in value["items"]] == ["0", "1", "2"]
    for item, array in zip(value["items"], arrays, strict=True):
        assert "_type" not in item
        assert np.array_equal(np.asarray(logged.picture(item)), array)
    assert len(logged.one("y")["items"]) == 2


def test_equal_pictures_are_one_blob_and_one_object_is_encoded_once(folder: Folder) -> None:
    image = tr.Image(np.ones((4, 4, 3), np.uint8))
    with tr.init(project="p") as run:
        for _ in range(3):
            run.log({"x": image, "y": tr.Image(np.ones((4, 4, 3), np.uint8))})

    logged = Logged(folder)
    assert len({value["sha256"] for _, value in logged.all("x") + logged.all("y")}) == 1
    assert [step for step, _ in logged.all("x")] == [0, 1, 2]
    assert len({file.sha256 for file in logged.files}) == 1


def test_an_image_that_is_logged_to_two_folders_is_in_both(tmp_path: Path) -> None:
    image = tr.Image(np.ones((4, 4, 3), np.uint8))
    for name in ("a", "b"):
        with tr.init(project="p", dir=tmp_path / name) as run:
            run.log({"x": image})

    for name in ("a", "b"):
        logged = Logged(Folder(tmp_path / name))
        assert logged.picture(logged.one("x")).size == (4, 4)


def test_the_summary_holds_the_last_map(folder: Folder) -> None:
    from treering.runlog import records

    with tr.init(project="p") as run:
        for level in range(3):
            run.log({"x": tr.Image(np.full((2, 2), level, np.uint8))})

    last = Logged(folder).all("x")[-1][1]
    assert folder.records(records.STATE)[-1].data["summary"]["x"] == last
    assert run.summary["x"] == last


# ── arrays ───────────────────────────────────────────────────────────────────────────────────────────────────────


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    height=st.integers(5, 20),
    width=st.integers(5, 20),
    channels=st.sampled_from([0, 1, 2, 3, 4]),
    seed=st.integers(0, 99),
)
def test_uint8_comes_back_as_it_is(tmp_path: Path, height: int, width: int, channels: int, seed: int) -> None:
    shape = (height, width, channels) if channels else (height, width)
    array = np.random.default_rng(seed).integers(0, 256, shape, np.uint8)

    back = pixels(tr.Image(array), tmp_path)
    assert np.array_equal(back, array[:, :, 0] if channels == 1 else array)
    if channels > 1:
        assert np.array_equal(pixels(tr.Image(np.moveaxis(array, 2, 0)), tmp_path), array), "channels first"


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64"])
def test_floats_from_0_to_1_are_multiplied_by_255_and_rounded(tmp_path: Path, dtype: str) -> None:
    levels = np.arange(256).reshape(16, 16)
    array = (levels / 255).astype(dtype)

    mapped, picture, said = encoded(tr.Image(array), tmp_path)
    assert np.array_equal(np.asarray(picture), levels)
    assert said == []
    assert mapped["width"] == 16


@pytest.mark.parametrize(
    ("low", "high", "normalize", "expected", "word"),
    [
        (-0.02, 1.03, None, (0, 255), "clipped"),
        (-1.0, 1.0, None, (0, 255), "-1…1"),
        (-0.5, 0.5, None, (64, 191), "-1…1"),
        (0.0, 200.0, None, (0, 200), "levels"),
        (-5.0, 300.0, None, (0, 255), "least to the greatest"),
        (-0.5, 0.5, False, (0, 128), ""),
        (0.2, 0.4, True, (0, 255), ""),
    ],
)
def test_other_floats_are_scaled_and_a_warning_says_how(
    tmp_path: Path, low: float, high: float, normalize: bool | None, expected: tuple[int, int], word: str
) -> None:
    array = np.linspace(low, high, 64).reshape(8, 8)

    _, picture, said = encoded(tr.Image(array, normalize=normalize), tmp_path)
    assert picture.getextrema() == expected
    assert [word in text for text in said] == ([True] if word else [])


def test_nan_is_black_and_said(tmp_path: Path) -> None:
    array = np.ones((4, 4))
    array[0, 0], array[1, 1] = np.nan, np.inf

    _, picture, said = encoded(tr.Image(array), tmp_path)
    assert picture.getpixel((0, 0)) == 0
    assert picture.getpixel((1, 1)) == 255
    assert "2 pixels are NaN or infinite" in said[0]


def test_bool_uint16_and_other_integers(tmp_path: Path) -> None:
    switches = RANDOM.random((9, 9)) > 0.5
    deep = RANDOM.integers(0, 65_536, (9, 9), np.uint16)
    wide = RANDOM.integers(0, 256, (9, 9, 3), np.int64)

    _, picture, _ = encoded(tr.Image(switches), tmp_path)
    assert picture.mode == "1"
    assert np.array_equal(np.asarray(picture), switches)
    _, picture, _ = encoded(tr.Image(deep), tmp_path)
    assert picture.mode == "I;16"
    assert np.array_equal(np.asarray(picture), deep)
    assert np.array_equal(pixels(tr.Image(wide), tmp_path), wide)
    _, picture, said = encoded(tr.Image(np.array([[-5, 300]])), tmp_path)
    assert picture.getextrema() == (0, 255)
    assert "clipped" in said[0]


def test_numpy_puts_the_channels_last_and_a_tensor_first_where_both_are_possible(tmp_path: Path) -> None:
    class Tensor:
        """What a torch tensor is for an image: it can be detached and brought to the CPU."""

        dtype = "torch.uint8"

        def __init__(self, array: Any) -> None:
            self._array = array

        def detach(self) -> Tensor:
            return self

        def cpu(self) -> Tensor:
            return self

        def numpy(self) -> Any:
            return self._array

    both = RANDOM.integers(0, 256, (3, 7, 3), np.uint8)
    one = RANDOM.integers(0, 256, (3, 8, 9), np.uint8)

    assert np.array_equal(pixels(tr.Image(both), tmp_path), both)
    assert np.array_equal(pixels(tr.Image(Tensor(both)), tmp_path), both.transpose(1, 2, 0))
    assert np.array_equal(pixels(tr.Image(Tensor(one)), tmp_path), pixels(tr.Image(one), tmp_path))
    assert np.array_equal(pixels(tr.Image(one[None]), tmp_path), one.transpose(1, 2, 0)), "a batch of one"


# ── PIL and files ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_pil_image_keeps_its_mode(tmp_path: Path, mode: str) -> None:
    noise = RANDOM.integers(0, 256, (12, 10, 4), np.uint8)
    picture = Pictures.fromarray(noise)
    if mode == "I;16":
        picture = Pictures.fromarray(RANDOM.integers(0, 65_536, (12, 10), np.uint16))
    elif mode == "P":
        picture = picture.convert("RGB").quantize(17)
    else:
        picture = picture.convert(mode)

    _, back, said = encoded(tr.Image(picture), tmp_path)
    assert back.mode == mode
    assert np.array_equal(np.asarray(back), np.asarray(picture))
    assert np.array_equal(np.asarray(back.convert("RGB")), np.asarray(picture.convert("RGB"))) or mode == "I;16"
    assert said == []


def test_transparent_palettes_survive_and_other_modes_are_converted(tmp_path: Path) -> None:
    palette = Pictures.new("P", (4, 4))
    palette.putpalette([255, 0, 0, 0, 255, 0])
    palette.putdata([0, 1] * 8)
    palette.info["transparency"] = 1
    assert np.array_equal(
        np.asarray(encoded(tr.Image(palette), tmp_path)[1].convert("RGBA")), np.asarray(palette.convert("RGBA"))
    )
    cmyk = Pictures.new("CMYK", (4, 4), (10, 20, 30, 40))
    back = encoded(tr.Image(cmyk), tmp_path)[1]
    assert back.mode == "RGB"
    assert np.array_equal(np.asarray(back), np.asarray(cmyk.convert("RGB")))
    deep = Pictures.fromarray(np.full((3, 3), 1_000, np.int32))
    assert set(np.asarray(encoded(tr.Image(deep), tmp_path)[1]).ravel().tolist()) == {1_000}


@pytest.mark.parametrize(("file_type", "form"), [("jpg", "JPEG"), ("webp", "WEBP"), ("bmp", "BMP"), ("png", "PNG")])
def test_other_file_types(tmp_path: Path, file_type: str, form: str) -> None:
    y, x = np.mgrid[0:32, 0:32]
    array = np.stack([x * 8, y * 8, x + y], -1).astype(np.uint8)

    mapped, picture, _ = encoded(tr.Image(array, file_type=file_type), tmp_path)
    assert picture.format == form
    assert mapped["format"] == form.lower()
    assert np.abs(np.asarray(picture.convert("RGB")).astype(int) - array).mean() < 3
    _, _, said = encoded(tr.Image(np.zeros((4, 4, 4), np.uint8), file_type=file_type), tmp_path)
    assert bool(said) == (file_type in ("jpg", "bmp")), "the alpha channel is named when it is lost"


def test_a_mode_is_converted_to(tmp_path: Path) -> None:
    assert encoded(tr.Image(np.zeros((4, 4, 3), np.uint8), mode="L"), tmp_path)[1].mode == "L"


def test_a_file_is_stored_byte_for_byte(tmp_path: Path, folder: Folder) -> None:
    exif = Pictures.Exif()
    exif[0x0112] = 6
    photograph, film = tmp_path / "a.jpg", tmp_path / "b.gif"
    Pictures.fromarray(RANDOM.integers(0, 256, (20, 30, 3), np.uint8)).save(photograph, exif=exif)
    frames = [Pictures.fromarray(RANDOM.integers(0, 256, (9, 8), np.uint8)) for _ in range(3)]
    frames[0].save(film, save_all=True, append_images=frames[1:])
    originals = photograph.read_bytes(), film.read_bytes()
    with tr.init(project="p") as run:
        run.log({"x": tr.Image(str(photograph)), "y": tr.Image(film)})
        photograph.write_bytes(b"the next picture")

    logged = Logged(folder)
    assert logged.blob(logged.one("x")) == originals[0], "as it was at the call"
    assert logged.blob(logged.one("y")) == originals[1]
    assert (logged.one("x")["format"], logged.one("x")["width"], logged.one("x")["height"]) == ("jpeg", 30, 20)
    assert logged.one("y")["format"] == "gif"


def test_a_large_file_is_copied_by_the_encoder_and_a_change_is_said(
    tmp_path: Path, folder: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("treering.sdk.media.media.MEDIA_READ_NOW_BYTES", 10)
    first, second = tmp_path / "a.png", tmp_path / "b.png"
    for path in (first, second):
        Pictures.fromarray(RANDOM.integers(0, 256, (20, 30, 3), np.uint8)).save(path)
    changed = tr.Image(second)
    Pictures.new("L", (3, 3)).save(second)
    with tr.init(project="p") as run:
        run.log({"x": tr.Image(first), "y": changed})

    logged = Logged(folder)
    assert logged.blob(logged.one("x")) == first.read_bytes()
    assert logged.blob(logged.one("y")) == second.read_bytes()
    assert "was changed after log()" in capsys.readouterr().err


# ── boxes and masks ──────────────────────────────────────────────────────────────────────────────────────────────


def test_boxes_become_fractions(folder: Folder) -> None:
    boxes = {
        "predictions": {
            "box_data": [
                {"position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4}, "class_id": 2, "box_caption": "x"},
                {
                    "position": {"middle": (np.float32(50), 25), "width": np.int64(20), "height": 10},
                    "domain": "pixel",
                    "class_id": np.int64(1),
                    "scores": {"acc": np.float64(0.5)},
                },
            ],
            "class_labels": {1: "cat", 2: "dog"},
        },
        "truth": {"box_data": [{"position": {"middle": [0.5, 0.5], "width": 1, "height": 0.5}, "class_id": 1}]},
    }
    with tr.init(project="p") as run:
        classes = tr.Classes([{"id": 1, "name": "one"}])
        run.log({"x": tr.Image(np.zeros((50, 100, 3), np.uint8), boxes=boxes, classes=classes)})

    value = Logged(folder).one("x")["boxes"]
    assert value["predictions"]["class_labels"] == {"1": "cat", "2": "dog"}
    first, second = value["predictions"]["boxes"]
    assert first == {
        "position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4},
        "class_id": 2,
        "box_caption": "x",
    }
    assert second["position"] == pytest.approx({"minX": 0.4, "maxX": 0.6, "minY": 0.4, "maxY": 0.6})
    assert (second["class_id"], second["scores"]) == (1, {"acc": 0.5})
    assert value["truth"]["class_labels"] == {"1": "one"}
    assert value["truth"]["boxes"][0]["position"] == {"minX": 0.0, "maxX": 1.0, "minY": 0.25, "maxY": 0.75}


def test_ten_thousand_boxes_are_taken_quickly_and_more_are_refused(folder: Folder) -> None:
    import time

    box = {"position": {"minX": 0.1, "maxX": 0.2, "minY": 0.3, "maxY": 0.4}, "class_id": 2, "scores": {"a": 0.5}}
    with tr.init(project="p") as run:
        image = np.zeros((8, 8), np.uint8)
        tr.Image(image)  # the libraries are loaded by now
        began = time.perf_counter()
        run.log({"x": tr.Image(image, boxes={"p": {"box_data": [box] * 10_000}})})
        took_s = time.perf_counter() - began

    assert len(Logged(folder).one("x")["boxes"]["p"]["boxes"]) == 10_000
    assert took_s < 0.5
    assert "at most 10,000" in tr.Image(image, boxes={"p": {"box_data": [box] * 10_001}}).problem


def test_masks_are_pictures_of_class_numbers(tmp_path: Path, folder: Folder) -> None:
    small = RANDOM.integers(0, 5, (6, 7))
    large = RANDOM.integers(0, 1_000, (6, 7))
    path = tmp_path / "mask.png"
    Pictures.fromarray(small.astype(np.uint8)).save(path)
    with tr.init(project="p") as run:
        masks = {
            "a": {"mask_data": small, "class_labels": {0: "sky"}},
            "b": {"mask_data": large.astype(float)},
            "c": {"path": path},
        }
        run.log({"x": tr.Image(np.zeros((6, 7, 3), np.uint8), masks=masks)})

    logged = Logged(folder)
    masks = logged.one("x")["masks"]
    assert masks["a"]["class_labels"] == {"0": "sky"}
    assert np.array_equal(np.asarray(logged.picture(masks["a"])), small)
    assert np.array_equal(np.asarray(logged.picture(masks["b"])), large)
    assert logged.blob(masks["c"]) == path.read_bytes()


# ── what cannot be ───────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("made", "problem"),
    [
        (lambda: tr.Image("missing.png"), "missing.png"),
        (lambda: tr.Image(np.zeros((5, 5, 7))), "no dimension of 1, 3 or 4 channels"),
        (lambda: tr.Image(np.zeros((5, 3, 4, 4))), "is a batch"),
        (lambda: tr.Image(np.zeros((0, 4, 3))), "no image"),
        (lambda: tr.Image(np.array(["a"])), "no array of numbers"),
        (lambda: tr.Image(None), "no array of numbers"),
        (lambda: tr.Image(np.zeros((2, 2)), file_type="tiff"), "file_type is one of"),
        (lambda: tr.Image(np.zeros((2, 2)), boxes={"p": []}), "box_data"),
        (lambda: tr.Image(np.zeros((2, 2)), masks={"p": {"mask_data": np.zeros((2, 2, 3))}}), "height × width"),
        (lambda: tr.Image(np.zeros((2, 2)), masks={"p": {"mask_data": np.array([[-1, 2]])}}), "from 0 to 65,535"),
        (lambda: tr.Image(np.zeros((2, 2)), classes=[{"id": 1}]), "'id' and 'name'"),
    ],
)
def test_data_that_cannot_be_a_picture_cost_their_key_alone(
    made: Any, problem: str, folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    with tr.init(project="p") as run:
        for _ in range(2):
            run.log({"bad": made(), "good": 1, "also": tr.Histogram([1, 2])})

    said = [line for line in capsys.readouterr().err.splitlines() if "'bad'" in line]
    assert len(said) == 1
    assert problem in said[0]
    assert "'bad' (Image) was left out" in said[0]
    logged = Logged(folder)
    assert logged.all("bad") == []
    assert len(logged.all("good")) == len(logged.all("also")) == 2


def test_what_turns_out_later_costs_its_key_alone(
    tmp_path: Path, folder: Folder, capsys: pytest.CaptureFixture[str]
) -> None:
    text = tmp_path / "text.png"
    text.write_text("this is no picture")
    box = {"position": {"minX": 0.1}}
    with tr.init(project="p") as run:
        run.log({"bad": tr.Image(text), "good": tr.Image(np.zeros((2, 2), np.uint8))})
        run.log({"box": tr.Image(np.zeros((2, 2), np.uint8), boxes={"p": {"box_data": [box]}})})

    said = capsys.readouterr().err
    assert "'bad' (Image) was left out: 'text.png' is no image that Pillow can read" in said
    assert "'box' (Image) was left out: box 0 is not as it should be" in said
    assert [key for _, row in Logged(folder).rows for key in row] == ["good"]


def test_an_unknown_argument_is_a_mistake_in_the_program() -> None:
    with pytest.raises(TypeError):
        tr.Image(np.zeros((2, 2)), captoin="x")  # type: ignore[call-arg]


def test_a_figure_of_matplotlib_is_a_picture(folder: Folder) -> None:
    """Without matplotlib: what is asked of a figure is savefig and get_axes."""

    class Figure:
        def get_axes(self) -> list[int]:
            return [1]

        def get_children(self) -> list[int]:
            return [1, 2]

        def savefig(self, file: io.BytesIO, **options: Any) -> None:
            Pictures.new("RGBA", (12, 9), (1, 2, 3, 255)).save(file, format=options["format"])

    Figure.__module__ = "matplotlib.figure"
    with tr.init(project="p") as run:
        run.log({"x": Figure(), "y": tr.Image(Figure(), caption="c")})

    logged = Logged(folder)
    assert logged.one("x")["source"] == "matplotlib"
    assert (logged.one("x")["width"], logged.one("x")["height"]) == (12, 9)
    assert logged.picture(logged.one("y")).getpixel((0, 0)) == (1, 2, 3, 255)
    assert logged.one("y")["caption"] == "c"


def test_classes_take_a_map_too() -> None:
    assert tr.Classes({0: "a"}).labels == tr.Classes([{"id": 0, "name": "a"}]).labels == {"0": "a"}
    with pytest.raises(Unusable):
        tr.Classes([{"name": "a"}])
