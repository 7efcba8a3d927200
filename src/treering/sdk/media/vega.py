"""Charts of the user's own making: ``tr.VegaLite``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

import msgspec

from .html import document
from .media import Media, Shelf, Unusable
from .payload import Payload
from .plotly import plain
from .table import Table

__all__ = ["VegaLite"]


class VegaLite(Media):
    """
    A chart in the grammar of Vega-Lite.

    Args:
        spec: the specification, as a dict, JSON text or an Altair chart. ``{"data": {"name": "table"}}`` in it is
            filled with the rows of *table*.
        table: a ``tr.Table`` or a pandas DataFrame.
    """

    kind: ClassVar[str] = "vega-file"
    accepts: ClassVar[str] = "a Vega-Lite specification as a dict, JSON text or Altair chart"

    def __init__(self, spec: Any, table: Any = None) -> None:
        super().__init__()
        self._table: Media | None = None
        with self._guarded():
            if hasattr(spec, "to_dict"):  # Altair
                spec = spec.to_dict()
            if isinstance(spec, (str, bytes)):
                try:
                    spec = msgspec.json.decode(document(spec))
                except msgspec.DecodeError as error:
                    raise Unusable(f"this is no JSON: {error}") from None
            if not isinstance(spec, Mapping):
                raise Unusable(f"a specification is a map, got {type(spec).__qualname__}")
            self._spec = self._keep(msgspec.json.encode(spec, enc_hook=plain))
            if table is not None:
                self._table = as_table(table)
                if self._table.problem:
                    raise Unusable(f"its table: {self._table.problem}")

    def payloads(self) -> Iterable[Payload]:
        return [*self._payloads, *(self._table.payloads() if self._table is not None else ())]

    def snapshot(self) -> Media:
        if self._table is None:
            return self
        copy = VegaLite.__new__(VegaLite)
        copy.__dict__.update(self.__dict__, _table=self._table.snapshot(), _encoded=None)
        return copy

    def encode(self, shelf: Shelf) -> dict[str, Any]:
        blob = shelf.store(self._spec.get(), "json")
        value: dict[str, Any] = {"sha256": blob.sha256, "size": blob.size}
        if self._table is not None:
            value["table"] = {"_type": self._table.kind, **shelf.encode(self._table)}
        return value


def as_table(given: Any) -> Table:
    """Return a table, made of a DataFrame or rows if it is none yet."""
    return given if isinstance(given, Table) else Table(data=given)
