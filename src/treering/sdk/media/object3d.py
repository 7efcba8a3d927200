"""Point clouds and shapes: ``tr.Object3D``."""

from __future__ import annotations

import io
import os
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from treering.limits import POINTS_MAX, SCENE_PARTS_MAX
from treering.values import clean_text

from .arrays import snapshot
from .html import document
from .media import Media, Shelf, Source, Unusable
from .payload import Payload

__all__ = ["Object3D", "box3d"]

_FORMATS: Final = frozenset({"glb", "gltf", "obj", "stl", "babylon"})
_COLUMNS: Final = {3: "xyz", 4: "xyzc", 6: "xyzrgb"}


class Object3D(Media):
    """
    Points in space, with boxes and vectors, or a shape from a file.

    Args:
        data_or_path: an array of points, (n, 3) of x y z, (n, 4) with a class number or (n, 6) with a colour
            (0 to 255); a map ``{"type": "lidar/beta", "points", "boxes", "vectors"}``; the path of a glb, gltf, obj,
            stl or pts.json file; or a file object with *file_type*.
        caption: text beside it.
        file_type: of a file object.
    """

    kind: ClassVar[str] = "object3D-file"
    accepts: ClassVar[str] = "points (n, 3), (n, 4) or (n, 6), a lidar/beta map, or a glb, gltf, obj or stl file"

    def __init__(self, data_or_path: Any, caption: str | None = None, file_type: str | None = None) -> None:
        super().__init__(caption)
        self._points: Payload | None = None
        self._data: Source | Payload | None = None
        self._format = "npy"
        self._boxes: list[dict[str, Any]] = []
        self._vectors: list[dict[str, Any]] = []
        with self._guarded():
            self._take(data_or_path, (file_type or "").lower().lstrip("."))

    def _take(self, data: Any, file_type: str) -> None:
        if isinstance(data, (str, os.PathLike)) and str(data).endswith(".pts.json"):
            import msgspec

            with open(data, "rb") as file:
                data = msgspec.json.decode(file.read())
        if isinstance(data, (str, os.PathLike)):
            self._data = Source(self, data)
            self._format = self._data.extension
        elif hasattr(data, "read"):
            name = getattr(data, "name", None)
            self._format = file_type or (os.path.splitext(name)[1].lower().lstrip(".") if isinstance(name, str) else "")
            if not self._format:
                raise Unusable("a file object needs file_type")
            self._data = self._keep(document(data))
        elif isinstance(data, Mapping):
            if data.get("type") != "lidar/beta":
                raise Unusable(f"a map has the type 'lidar/beta', got {data.get('type')!r}")
            self._points = self._keep(_points(data.get("points")))
            self._boxes = [_box(box) for box in _parts(data.get("boxes"), "boxes")]
            self._vectors = [_vector(vector) for vector in _parts(data.get("vectors"), "vectors")]
        else:
            self._points = self._keep(_points(data))
        if self._points is None and self._format not in _FORMATS:
            raise Unusable(f"the format {self._format!r} is unknown")

    @classmethod
    def from_file(cls, data_or_path: Any, file_type: str | None = None) -> Object3D:
        """Return a shape from a file."""
        return cls(data_or_path, file_type=file_type)

    @classmethod
    def from_numpy(cls, data: Any) -> Object3D:
        """Return a point cloud from an array."""
        return cls(data)

    @classmethod
    def from_point_cloud(
        cls, points: Any, boxes: Any = (), vectors: Any = None, point_cloud_type: str = "lidar/beta"
    ) -> Object3D:
        """
        Return points with boxes and vectors.

        Args:
            points: rows of 3, 4 or 6 numbers.
            boxes: maps with ``corners`` (eight points), ``label`` and ``color`` ([r, g, b] or ``rgb(r,g,b)``).
            vectors: maps with ``start`` and ``end``.
            point_cloud_type: ``lidar/beta``.
        """
        return cls({"type": point_cloud_type, "points": points, "boxes": boxes, "vectors": vectors})

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        if self._points is None:
            return self._encode_shape(shelf)
        import numpy as np

        points = np.ascontiguousarray(self._points.get(), "<f4")
        file = io.BytesIO()
        np.lib.format.write_array(file, points, version=(1, 0), allow_pickle=False)
        blob = shelf.store(file.getvalue(), "npy")
        value: dict[str, Any] = {
            "sha256": blob.sha256,
            "size": blob.size,
            "format": "npy",
            "points": len(points),
            "columns": _COLUMNS[points.shape[1]],
        }
        if self._boxes:
            value["boxes"] = self._boxes
        if self._vectors:
            value["vectors"] = self._vectors
        return self._captioned(value)

    def _encode_shape(self, shelf: Shelf) -> dict[str, Any]:
        if isinstance(self._data, Source):
            blob, _ = self._data.store(shelf)
        else:
            assert self._data is not None
            blob = shelf.store(self._data.get(), self._format)
        return self._captioned({"sha256": blob.sha256, "size": blob.size, "format": self._format})


def box3d(
    *, center: Any, size: Any, orientation: Any, color: Any = (0, 255, 0), label: str | None = None, score: Any = None
) -> dict[str, Any]:
    """
    Return a box for a point cloud.

    Args:
        center: x, y, z.
        size: lengths along the box's own axes.
        orientation: a quaternion, real part first; it need not be of length 1.
        color: r, g, b.
        label, score: text and number beside the box.

    Raises:
        InvalidValue: a quaternion of length 0.
    """
    import numpy as np

    center, size = np.asarray(center, float), np.asarray(size, float)
    real, *imaginary = np.asarray(orientation, float)
    length = float(np.sqrt(real**2 + sum(part**2 for part in imaginary)))
    if not length:
        raise Unusable("box3d(): the orientation is a quaternion of length 0")
    w, (x, y, z) = real / length, (part / length for part in imaginary)
    turn = np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )
    signs = [(i, j, k) for i in (-1, 1) for j in (-1, 1) for k in (-1, 1)]
    box: dict[str, Any] = {
        "corners": [(center + turn @ (np.array(sign) * size / 2)).tolist() for sign in signs],
        "color": [int(part) for part in color],
    }
    if label is not None:
        box["label"] = label
    if score is not None:
        box["score"] = float(score)
    return box


def _points(given: Any) -> Any:
    import numpy as np

    array = np.zeros((0, 3), np.float32) if given is None else snapshot(given)
    if array.size == 0:
        array = np.zeros((0, 3), np.float32)
    if array.ndim != 2 or array.shape[1] not in _COLUMNS:
        raise Unusable(f"points of shape {'×'.join(map(str, array.shape))}; they are n×3, n×4 or n×6")
    if len(array) > POINTS_MAX:
        raise Unusable(f"{len(array):,} points; at most {POINTS_MAX:,}")
    return array.astype(np.float32)


def _parts(given: Any, what: str) -> list[Any]:
    parts = [] if given is None else list(given)
    if len(parts) > SCENE_PARTS_MAX:
        raise Unusable(f"{len(parts):,} {what}; at most {SCENE_PARTS_MAX:,}")
    return parts


def _triple(given: Any, what: str) -> list[float]:
    values = [float(part) for part in given]
    if len(values) != 3:
        raise Unusable(f"{what} has {len(values)} numbers; it has 3")
    return values


def _box(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or len(given.get("corners", ())) != 8:
        raise Unusable("a box is a map with eight 'corners'")
    box: dict[str, Any] = {"corners": [_triple(corner, "a corner") for corner in given["corners"]]}
    if given.get("label") is not None:
        box["label"] = clean_text(str(given["label"]))
    if given.get("score") is not None:
        box["score"] = float(given["score"])
    if (color := given.get("color")) is not None:
        if isinstance(color, str):  # rgb(255,0,0)
            color = color.strip().removeprefix("rgb(").removesuffix(")").split(",")
        box["color"] = [int(part) for part in _triple(color, "a colour")]
    return box


def _vector(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping) or "start" not in given or "end" not in given:
        raise Unusable("a vector is a map with 'start' and 'end'")
    vector: dict[str, Any] = {name: _triple(given[name], name) for name in ("start", "end")}
    if given.get("color") is not None and not isinstance(given["color"], str):
        vector["color"] = [int(part) for part in _triple(given["color"], "a colour")]
    return vector
