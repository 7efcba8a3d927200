"""Pictures: ``tr.Image``, with boxes, masks and classes, and ``tr.Classes``."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar, Final

import msgspec

from treering.limits import IMAGE_BOXES_MAX, MEDIA_LIST_MAX
from treering.values import clean_text

from .arrays import is_torch, snapshot
from .figure import is_matplotlib, render
from .media import Media, Shelf, Source, Unusable
from .payload import Payload
from .pixels import channels_last, levels

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

__all__ = ["Classes", "Image"]

_FORMATS: Final = {"png": "png", "jpg": "jpeg", "jpeg": "jpeg", "webp": "webp", "bmp": "bmp", "gif": "gif"}
# What each format can hold without loss of meaning; other modes are converted to the first.
_MODES: Final = {
    "png": ("RGBA", "RGB", "1", "L", "LA", "P", "I;16"),
    "jpeg": ("RGB", "L"),
    "webp": ("RGBA", "RGB"),
    "bmp": ("RGB", "1", "L", "P"),
    "gif": ("RGB", "1", "L", "P"),
}
_QUALITY: Final = 95  # of JPEG and WebP
# zlib's level 1 with run lengths alone, as OpenCV: a 512×512 photograph takes 20 ms instead of 45 ms at Pillow's own
# level 6 and has the same size, noise 19 instead of 28; a drawing is 30 % larger.
_PNG: Final = {"compress_level": 1, "compress_type": 3}


class Classes:
    """
    Names of class numbers, for boxes and masks.

    Args:
        class_set: maps with ``id`` and ``name``, or a map of number → name.
    """

    def __init__(self, class_set: Sequence[Mapping[str, Any]] | Mapping[Any, Any]) -> None:
        self.labels = _labels(class_set)

    def __repr__(self) -> str:
        return f"<treering.Classes {len(self.labels)}>"


def _labels(given: Any) -> dict[str, str]:
    """Return number → name with the numbers as texts."""
    if given is None:
        return {}
    if isinstance(given, Classes):
        return given.labels
    if isinstance(given, Mapping):
        return {clean_text(str(number)): clean_text(str(name)) for number, name in given.items()}
    try:
        return {clean_text(str(entry["id"])): clean_text(str(entry["name"])) for entry in given}
    except (KeyError, TypeError):
        raise Unusable("classes are maps with 'id' and 'name', or one map of number → name") from None


class Image(Media):
    """
    A picture.

    Args:
        data_or_path: a numpy, torch or jax array, a PIL image, a matplotlib figure, or the path of an image file. A
            file is stored as the bytes that it is. See ``treering.sdk.media.pixels`` for what an array means.
        mode: a PIL mode to convert to, such as ``L`` or ``RGB``.
        caption: text below the picture.
        classes: names of the class numbers of all boxes and masks that do not bring their own.
        boxes: ``{group: {"box_data": [{"position": {minX, maxX, minY, maxY} or {middle: [x, y], width, height},
            "domain": "pixel"?, "class_id", "box_caption"?, "scores"?}], "class_labels": {0: name}}}``. Without
            ``"domain": "pixel"`` positions are fractions of width and height. At most 10,000.
        masks: ``{group: {"mask_data": array of class numbers (height, width) or "path": file, "class_labels"}}``.
        file_type: png (the default, without loss), jpg, webp, bmp or gif.
        normalize: how floats outside 0…1 are scaled.
        grouping: accepted for scripts of other trackers; changes nothing.
    """

    kind: ClassVar[str] = "image-file"
    accepts: ClassVar[str] = "a numpy or torch array, a PIL image, a matplotlib figure or the path of an image file"

    def __init__(
        self,
        data_or_path: Any,
        mode: str | None = None,
        caption: str | None = None,
        grouping: int | None = None,
        classes: Classes | Sequence[Mapping[str, Any]] | None = None,
        boxes: Mapping[str, Any] | None = None,
        masks: Mapping[str, Any] | None = None,
        file_type: str | None = None,
        normalize: bool | None = None,
    ) -> None:
        super().__init__(caption)
        self._mode = mode
        self._normalize = normalize
        self._source: Source | None = None
        self._picture: Payload | None = None
        self._channels_first = False
        self._from = ""
        self._boxes: dict[str, tuple[dict[str, str], bytes]] = {}
        self._masks: dict[str, tuple[dict[str, str], Payload | Source]] = {}
        with self._guarded():
            self._format = _format(file_type)
            self._take(data_or_path)
            labels = _labels(classes)
            for name, group in (boxes or {}).items():
                self._boxes[clean_text(str(name))] = _snapshot_boxes(group, labels)
            for name, group in (masks or {}).items():
                self._masks[clean_text(str(name))] = self._snapshot_mask(group, labels)

    def _take(self, data: Any) -> None:
        if isinstance(data, (str, os.PathLike)):
            self._source = Source(self, data)
        elif is_matplotlib(data):
            self._from = "matplotlib"
            self._picture = self._keep(render(data))
        elif type(data).__module__.partition(".")[0] == "PIL" or hasattr(data, "getbands"):
            picture = data.copy()  # reads the file too, if it was opened only
            picture.info = {name: value for name, value in data.info.items() if name in ("transparency", "icc_profile")}
            self._picture = self._keep(picture)
        elif isinstance(data, Image):
            if data.problem:
                raise Unusable(data.problem)
            own = {"caption": self.caption or data.caption, "_encoded": None, "_payloads": list(data._payloads)}
            self.__dict__.update({**data.__dict__, **own, "_boxes": dict(data._boxes), "_masks": dict(data._masks)})
        else:
            self._channels_first = is_torch(data)
            self._picture = self._keep(snapshot(data))
            channels_last(self._picture.get(), first=self._channels_first)  # says at once that it is no image

    def _snapshot_mask(self, group: Any, labels: dict[str, str]) -> tuple[dict[str, str], Payload | Source]:
        if not isinstance(group, Mapping) or ("mask_data" not in group and "path" not in group):
            raise Unusable("a mask is a map with 'mask_data' or 'path', and 'class_labels'")
        labels = _labels(group.get("class_labels")) or labels
        if "mask_data" not in group:
            return labels, Source(self, group["path"])
        return labels, self._keep(_class_numbers(snapshot(group["mask_data"])))

    # ── on the encoder's thread ─────────────────────────────────────────────────────────────────────────────────

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        value = self._encode_file(shelf) if self._source is not None else self._encode_picture(shelf)
        self._captioned(value)
        if self._from:
            value["source"] = self._from
        if self._boxes:
            size = value.get("width"), value.get("height")
            groups = {name: _encode_boxes(packed, size) for name, (_, packed) in self._boxes.items()}
            value["boxes"] = {
                name: {"class_labels": labels, "boxes": groups[name]} for name, (labels, _) in self._boxes.items()
            }
        if self._masks:
            value["masks"] = {name: _encode_mask(mask, labels, shelf) for name, (labels, mask) in self._masks.items()}
        return value

    def _encode_file(self, shelf: Shelf) -> dict[str, Any]:
        assert self._source is not None
        blob, stored = self._source.store(shelf)
        value: dict[str, Any] = {"sha256": blob.sha256, "size": blob.size}
        extension = self._source.extension
        try:
            from PIL import Image as Pictures
            from PIL import UnidentifiedImageError
        except ImportError:
            return {**value, "format": _FORMATS.get(extension, extension)}
        try:
            with Pictures.open(stored) as picture:
                value["format"] = (picture.format or extension).lower()
                value["width"], value["height"] = picture.size
        except UnidentifiedImageError:
            raise Unusable(f"{self._source.name!r} is no image that Pillow can read") from None
        except Pictures.DecompressionBombError:  # more than 179 million pixels: the browser may still show it
            value["format"] = _FORMATS.get(extension, extension)
        return value

    def _encode_picture(self, shelf: Shelf) -> dict[str, Any]:
        assert self._picture is not None
        data = self._picture.get()
        if isinstance(data, bytes):
            width, height = (int.from_bytes(data[at : at + 4], "big") for at in (16, 20))  # PNG, IHDR
            blob = shelf.store(data, "png")
            return {"sha256": blob.sha256, "size": blob.size, "format": "png", "width": width, "height": height}
        picture = data
        if hasattr(data, "dtype"):
            array = channels_last(data, first=self._channels_first)
            picture = picture_of(levels(array, self._normalize, shelf.warn))
        encoded = _encode(picture, self._format, self._mode, shelf)
        extension = "jpg" if self._format == "jpeg" else self._format
        blob = shelf.store(encoded, extension)
        value = {"sha256": blob.sha256, "size": blob.size, "format": self._format}
        value["width"], value["height"] = picture.size
        return value


def picture_of(array: Any) -> Picture:
    """Return uint8, uint16 or bool pixels, (height, width) or (height, width, 1…4), as a PIL image."""
    import numpy as np
    from PIL import Image as Pictures

    if array.ndim == 3 and array.shape[2] == 1:
        array = array[:, :, 0]
    if array.dtype == np.bool_:
        grey = Pictures.fromarray(np.ascontiguousarray(array).astype(np.uint8) * 255)
        return grey.convert("1") if array.ndim == 2 else grey
    return Pictures.fromarray(np.ascontiguousarray(array))


def _format(file_type: str | None) -> str:
    name = (file_type or "png").lower().lstrip(".")
    if name not in _FORMATS:
        raise Unusable(f"file_type is one of {', '.join(_FORMATS)}; got {file_type!r}")
    return _FORMATS[name]


def _encode(picture: Picture, name: str, mode: str | None, shelf: Shelf) -> bytes:
    if mode is not None and picture.mode != mode:
        picture = picture.convert(mode)
    picture = _fitting(picture, name, shelf)
    options: dict[str, Any] = {"quality": _QUALITY} if name in ("jpeg", "webp") else {}
    if name == "png":
        options = dict(_PNG)
    file = io.BytesIO()
    picture.save(file, format=name, **options)
    return file.getvalue()


def _fitting(picture: Picture, name: str, shelf: Shelf) -> Picture:
    """Return the picture in a mode that the format can hold."""
    from PIL import Image as Pictures

    if picture.mode in ("I", "I;16B", "I;16L", "I;16N", "F"):
        import numpy as np

        numbers = np.asarray(picture)
        picture = picture_of(levels(numbers if picture.mode == "F" else numbers.astype(np.int64), None, shelf.warn))
    modes = _MODES[name]
    if picture.mode in modes:
        return picture
    if picture.mode == "I;16":
        import numpy as np

        shelf.warn(f"16 bits were stored with 8 bits, since {name} holds no more")
        return Pictures.fromarray((np.asarray(picture) >> 8).astype(np.uint8)).convert(modes[0])
    alpha = picture.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in picture.info
    if picture.mode in ("La", "RGBa"):
        picture = picture.convert({"La": "LA", "RGBa": "RGBA"}[picture.mode])
    if alpha and "RGBA" not in modes:
        shelf.warn(f"the alpha channel was left out, since {name} holds none")
    fitting = picture.convert("RGBA" if alpha and "RGBA" in modes else "RGB")
    if picture.mode not in ("1", "L", "LA", "P", "PA", "RGB", "RGBA"):
        fitting.info.pop("icc_profile", None)  # it describes other colours than these
    return fitting


# ── masks ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _class_numbers(array: Any) -> Any:
    import numpy as np

    while array.ndim > 2 and 1 in array.shape:
        array = array.squeeze(array.shape.index(1))
    if array.ndim != 2 or array.size == 0:
        raise Unusable(f"mask_data of shape {'×'.join(map(str, array.shape))}; a mask has height × width")
    low, high = float(array.min()), float(array.max())
    whole = array.astype(np.int64) if array.dtype.kind == "f" and np.isfinite(low + high) else array
    if whole.dtype.kind == "f" or low < 0 or high > 65_535 or (whole is not array and (whole != array).any()):
        raise Unusable(f"mask_data holds class numbers from 0 to 65,535; got {array.dtype} from {low:g} to {high:g}")
    return whole.astype(np.uint8 if high <= 255 else np.uint16)


def _encode_mask(mask: Payload | Source, labels: dict[str, str], shelf: Shelf) -> dict[str, Any]:
    if isinstance(mask, Source):
        blob, _ = mask.store(shelf)
        form = _FORMATS.get(mask.extension, mask.extension)
    else:
        blob, form = shelf.store(_encode(picture_of(mask.get()), "png", None, shelf), "png"), "png"
    return {"sha256": blob.sha256, "size": blob.size, "format": form, "class_labels": labels}


# ── boxes ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _plain(value: Any) -> Any:
    """What msgpack does not know: numpy and torch scalars and arrays."""
    if hasattr(value, "tolist"):
        return value.tolist()
    if hasattr(value, "item"):
        return value.item()
    raise Unusable(f"a box holds a {type(value).__qualname__}, which is no number and no text")


_pack_boxes = msgspec.msgpack.Encoder(enc_hook=_plain).encode


def _snapshot_boxes(group: Any, labels: dict[str, str]) -> tuple[dict[str, str], bytes]:
    """Return the labels and the boxes as bytes: 10,000 maps are copied in a few milliseconds that way."""
    if not isinstance(group, Mapping) or "box_data" not in group:
        raise Unusable("a group of boxes is a map with 'box_data' and 'class_labels'")
    boxes = group["box_data"]
    if len(boxes) > IMAGE_BOXES_MAX:
        raise Unusable(f"{len(boxes):,} boxes in one group; at most {IMAGE_BOXES_MAX:,}")
    try:
        return _labels(group.get("class_labels")) or labels, _pack_boxes(list(boxes))
    except (TypeError, UnicodeEncodeError) as error:
        raise Unusable(f"a box cannot be read: {error}") from None


def _encode_boxes(packed: bytes, size: tuple[int | None, int | None]) -> list[dict[str, Any]]:
    result = []
    for number, box in enumerate(msgspec.msgpack.decode(packed, strict=False)):
        try:
            result.append(_encode_box(box, size))
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Unusable(
                f"box {number} is not as it should be ({error!r}); its position has minX, maxX, minY and maxY, or "
                "middle, width and height"
            ) from None
    return result


def _encode_box(box: dict[str, Any], size: tuple[int | None, int | None]) -> dict[str, Any]:
    place = box["position"]
    if "middle" in place:
        (x, y), half_width, half_height = place["middle"], float(place["width"]) / 2, float(place["height"]) / 2
        x, y = float(x), float(y)
        edges = x - half_width, x + half_width, y - half_height, y + half_height
    else:
        edges = float(place["minX"]), float(place["maxX"]), float(place["minY"]), float(place["maxY"])
    if box.get("domain") == "pixel":
        width, height = size
        if not width or not height:
            raise ValueError("pixel positions, and the size of the picture is not known")
        edges = edges[0] / width, edges[1] / width, edges[2] / height, edges[3] / height
    value: dict[str, Any] = {"position": dict(zip(("minX", "maxX", "minY", "maxY"), edges, strict=True))}
    if box.get("class_id") is not None:
        value["class_id"] = int(box["class_id"])
    if box.get("box_caption") is not None:
        value["box_caption"] = clean_text(str(box["box_caption"]))
    if box.get("scores"):
        scores = list(box["scores"].items())[:MEDIA_LIST_MAX]
        value["scores"] = {clean_text(str(name)): float(score) for name, score in scores}
    return value
