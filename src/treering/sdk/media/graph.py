"""The graph of a model: ``tr.Graph``, which ``run.watch(log_graph=True)`` makes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec

from .media import Media, Shelf, Unusable
from .plotly import plain

__all__ = ["Graph"]


class Graph(Media):
    """
    Nodes and edges.

    Args:
        graph: ``{"nodes": [{"id", "name", "class", "parameters", "output_shape"?}], "edges": [[id, id]]}``.
    """

    kind: ClassVar[str] = "graph"
    accepts: ClassVar[str] = "a map of nodes and edges"

    def __init__(self, graph: Any = None) -> None:
        super().__init__()
        self._parameters = 0
        with self._guarded():
            if not isinstance(graph, Mapping) or "nodes" not in graph or "edges" not in graph:
                raise Unusable("a graph has nodes and edges")
            self._parameters = sum(int(node.get("parameters") or 0) for node in graph["nodes"])
            self._data = self._keep(msgspec.json.encode(graph, enc_hook=plain))

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        blob = shelf.store(self._data.get(), "json")
        return {"sha256": blob.sha256, "size": blob.size, "parameters": self._parameters}
