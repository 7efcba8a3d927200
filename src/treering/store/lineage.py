"""
Where something comes from and what became of it: runs and versions of artifacts, as a graph.

::

    run ──made──▶ version ──used──▶ run ──made──▶ version ──linked──▶ registered model

Upstream is what a thing was made from, downstream what was made from it. The graph holds both, level by level away from
where the question began, and never what is merely a sibling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple

import msgspec

from .artifact_book import Name
from .artifacts import Artifacts, Use
from .metadata import MetadataStore
from .state import RunState

__all__ = ["Edge", "Graph", "Lineage", "Node"]

Kind = Literal["run", "version", "model", "hidden"]
Direction = Literal["up", "down", "both"]
Reads = Callable[[str, str], bool]
"""Whether the caller may read a project, by entity and name."""

_HIDDEN: Final = "something you may not see"


class Node(msgspec.Struct):
    """A node; ``depth`` counts steps from the root, negative ones upstream. ``more``: neighbours that were left out."""

    id: str
    kind: Kind
    depth: int
    label: str
    entity: str | None = None
    project: str | None = None
    run_key: str | None = None
    state: str | None = None
    job_type: str | None = None
    created_at: float | None = None
    name: str | None = None
    type: str | None = None
    version: int | None = None
    aliases: list[str] = []
    removed: bool = False
    model_id: str | None = None
    more: int = 0


class Edge(msgspec.Struct, frozen=True):
    """An edge; it points downstream."""

    source: str
    target: str
    kind: Literal["made", "used", "linked"]


class Graph(msgspec.Struct, frozen=True):
    """A lineage. ``hidden`` counts nodes that the caller may not see, ``truncated`` says that some were left out."""

    root: str
    nodes: list[Node]
    edges: list[Edge]
    hidden: int
    truncated: bool


class _Thing(NamedTuple):
    """What a node stands for: a run by its key, a version by its name and number, or a model's version."""

    kind: Literal["run", "version", "model"]
    key: str
    name: Name
    number: int

    @property
    def id(self) -> str:
        if self.kind == "run":
            return f"run:{self.key}"
        if self.kind == "model":
            return f"model:{self.key}:{self.number}"
        return f"version:{'/'.join(self.name)}:v{self.number}"


_Step = tuple[_Thing, _Thing, Literal["made", "used", "linked"]]
"""Where one stands, a neighbour, and what is between."""
_NOWHERE: Final[Name] = ("", "", "")


def _run(key: str) -> _Thing:
    return _Thing("run", key, _NOWHERE, 0)


def _version(name: Name, number: int) -> _Thing:
    return _Thing("version", "", name, number)


class Lineage:
    """Reads lineages of one store."""

    def __init__(self, metadata: MetadataStore, artifacts: Artifacts) -> None:
        self._metadata = metadata
        self._artifacts = artifacts

    def of_run(self, run_key: str, direction: Direction, depth: int, most: int, may_read: Reads) -> Graph:
        """Return the lineage of a run, at most *depth* steps away and *most* nodes."""
        return _Search(self._metadata, self._artifacts, may_read, most).run(_run(run_key), direction, depth)

    def of_version(
        self, name: Name, number: int, direction: Direction, depth: int, most: int, may_read: Reads
    ) -> Graph:
        """Return the lineage of a version, likewise."""
        return _Search(self._metadata, self._artifacts, may_read, most).run(_version(name, number), direction, depth)


class _Search:
    def __init__(self, metadata: MetadataStore, artifacts: Artifacts, may_read: Reads, most: int) -> None:
        self._metadata = metadata
        self._artifacts = artifacts
        self._may_read = may_read
        self._most = most
        self._states: dict[str, RunState] = {}
        self._nodes: dict[_Thing, Node] = {}
        self._edges: dict[Edge, None] = {}
        self._hidden = 0

    def run(self, root: _Thing, direction: Direction, depth: int) -> Graph:
        self._load([root])
        self._root = root  # whoever asks about it may see it, if only this
        self._nodes[root] = self._node(root, 0)
        for sign in (-1, 1):
            if direction in ("both", "up" if sign < 0 else "down"):
                level = [root]
                for step in range(1, depth + 1):
                    level = self._step(level, sign, step)
                    if not level:
                        break
        truncated = any(node.more for node in self._nodes.values())
        return Graph(root.id, list(self._nodes.values()), list(self._edges), self._hidden, truncated)

    def _step(self, level: Sequence[_Thing], sign: int, step: int) -> list[_Thing]:
        """Add the neighbours of a level; return those that are new and may be gone on from."""
        pairs = self._upstream(level) if sign < 0 else self._downstream(level)
        self._load([other for _, other, _ in pairs])
        following: list[_Thing] = []
        for thing, other, kind in pairs:
            node = self._nodes.get(other)
            if node is None:
                if len(self._nodes) >= self._most:
                    self._nodes[thing].more += 1
                    continue
                node = self._nodes[other] = self._node(other, sign * step)
                if node.kind not in ("hidden", "model"):
                    following.append(other)
            here, there = self._nodes[thing].id, node.id
            self._edges[Edge(there, here, kind) if sign < 0 else Edge(here, there, kind)] = None
        return following

    # ── neighbours ──────────────────────────────────────────────────────────────────────────────────────────────

    def _upstream(self, level: Sequence[_Thing]) -> list[_Step]:
        found: list[_Step] = []
        keys = {self._states[thing.key].id: thing.key for thing in level if thing.key in self._states}
        for use in self._artifacts.used_by_run(list(keys)):
            run = _run(keys[use.run_id])
            found.append((run, _version(use.artifact, use.version), "used"))
        for thing in level:
            collection = self._artifacts.book.find(thing.name) if thing.kind == "version" else None
            version = None if collection is None else collection.versions.get(thing.number)
            makers = dict.fromkeys(key for key, _ in (() if version is None else version.loggers))
            found += [(thing, _run(run_key), "made") for run_key in makers]
        return found

    def _downstream(self, level: Sequence[_Thing]) -> list[_Step]:
        found: list[_Step] = []
        for thing in level:
            if thing.kind == "run":
                for collection, number in self._artifacts.book.of_run(thing.key):
                    found.append((thing, _version(collection.name, number), "made"))
        wanted = {(thing.name, thing.number): thing for thing in level if thing.kind == "version"}
        uses = [use for use in self._uses(wanted) if (use.artifact, use.version) in wanted]
        keys = {state.id: key for key, state in self._by_id({use.run_id for use in uses}).items()}
        found += [
            (wanted[use.artifact, use.version], _run(keys[use.run_id]), "used") for use in uses if use.run_id in keys
        ]
        for (name, number), thing in wanted.items():
            links = self._artifacts.models.links_of(name, number)
            found += [(thing, _Thing("model", link.model_id, _NOWHERE, link.number), "linked") for link in links]
        return found

    def _uses(self, wanted: Iterable[tuple[Name, int]]) -> list[Use]:
        names = list(dict.fromkeys(name for name, _ in wanted))
        return self._artifacts.uses_of(names) if names else []

    def _by_id(self, ids: set[int]) -> dict[str, RunState]:
        return {state.run_key: state for state in self._metadata.runs_by_id(ids).values()}

    def _load(self, things: Iterable[_Thing]) -> None:
        missing = {thing.key for thing in things if thing.kind == "run"} - self._states.keys()
        if missing:
            self._states.update(self._metadata.runs_by_key(missing))

    # ── nodes ───────────────────────────────────────────────────────────────────────────────────────────────────

    def _node(self, thing: _Thing, depth: int) -> Node:
        node = self._run_node(thing, depth) if thing.kind == "run" else None
        node = self._version_node(thing, depth) if thing.kind == "version" else node
        node = self._model_node(thing, depth) if thing.kind == "model" else node
        if node is None:
            self._hidden += 1
            return Node(f"hidden:{self._hidden}", "hidden", depth, _HIDDEN)
        return node

    def _run_node(self, thing: _Thing, depth: int) -> Node | None:
        state = self._states.get(thing.key)
        if state is None:
            return Node(thing.id, "run", depth, "a run that was removed", run_key=thing.key, removed=True)
        if thing != self._root and not self._may_read(state.entity, state.project):
            return None
        return Node(
            thing.id,
            "run",
            depth,
            state.name,
            entity=state.entity,
            project=state.project,
            run_key=state.run_key,
            state=state.state,
            job_type=state.text("job_type"),
            created_at=state.created_ns / 1e9,
            removed=state.deleted,
        )

    def _version_node(self, thing: _Thing, depth: int) -> Node | None:
        entity, project, name = thing.name
        if not self._may_read(entity, project):
            return None
        label = f"{name}:v{thing.number}"
        collection = self._artifacts.book.find(thing.name)
        version = None if collection is None else collection.versions.get(thing.number)
        where = {"entity": entity, "project": project, "name": name, "version": thing.number}
        if collection is None or version is None:
            return Node(thing.id, "version", depth, label, removed=True, **where)  # type: ignore[arg-type]
        return Node(
            thing.id,
            "version",
            depth,
            label,
            type=collection.type,
            aliases=collection.aliases_of(thing.number),
            created_at=version.created_ns / 1e9,
            removed=version.removed is not None,
            **where,  # type: ignore[arg-type]
        )

    def _model_node(self, thing: _Thing, depth: int) -> Node | None:
        model = self._artifacts.models.get(thing.key)
        if not self._may_read(model.entity, model.project):
            return None
        return Node(
            thing.id,
            "model",
            depth,
            f"{model.name} v{thing.number}",
            entity=model.entity,
            project=model.project,
            name=model.name,
            version=thing.number,
            aliases=model.aliases_of(thing.number),
            model_id=model.id,
        )
