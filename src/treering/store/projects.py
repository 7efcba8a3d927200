"""The list of projects, and what a project's pages need to build their menus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from typing import Any, Final

import msgspec
import sqlalchemy as sa

from . import schema as t
from .defines import define_of, summaries, text_or_none
from .metadata import MetadataStore, ProjectRef
from .model import ConfigKey, KeyInfo, Project, ProjectRow, Spark
from .overlay import Overlay, ShownMetric

# Definitions hold for a project's charts; the latest runs say what they are now.
_RUNS_ASKED: Final = 20
# Values looked at to tell the type of a config key and how many different values it has.
_VALUES_SAMPLED: Final = 1_000

r = t.runs.c


def list_projects(
    metadata: MetadataStore, sparks: dict[int, Spark], visible: Collection[tuple[str, str]] | None = None
) -> list[ProjectRow]:
    """Return projects, the latest active first; only the (entity, project) pairs of *visible*, if it is given."""
    projects = [p for p in metadata.projects() if visible is None or (p.entity, p.name) in visible]
    query = (
        sa.select(
            r.project_id,
            r.state,
            sa.func.count().label("runs"),
            sa.func.min(r.created_us).label("created_us"),
            sa.func.max(r.activity_us).label("activity_us"),
        )
        .where(r.deleted.is_(False))
        .group_by(r.project_id, r.state)
    )
    if visible is not None:
        query = query.where(r.project_id.in_([project.id for project in projects]))
    with metadata.connect() as connection:
        rows = connection.execute(query).all()
    found = []
    for project in projects:
        mine = [row for row in rows if row.project_id == project.id]
        if not mine:
            continue
        count = Counter({row.state: row.runs for row in mine})
        found.append(
            ProjectRow(
                entity=project.entity,
                project=project.name,
                runs=sum(count.values()),
                running=count["running"],
                failed=count["failed"] + count["crashed"],
                created_at=min(row.created_us for row in mine) / 1e6,
                last_activity_at=max(row.activity_us for row in mine) / 1e6,
                spark=sparks.get(project.id),
            )
        )
    return sorted(found, key=lambda row: (-row.last_activity_at, row.entity, row.project))


def locate_run(metadata: MetadataStore, run_key: str) -> tuple[str, str] | None:
    """Return entity and project of a run, deleted ones too, or None if no run has this key."""
    query = (
        sa.select(t.entities.c.name, t.projects.c.name)
        .select_from(t.runs)
        .join(t.projects, t.projects.c.id == r.project_id)
        .join(t.entities, t.entities.c.id == r.entity_id)
        .where(r.run_key == run_key)
    )
    with metadata.connect() as connection:
        found = connection.execute(query).one_or_none()
    return None if found is None else (found[0], found[1])


def latest_run(metadata: MetadataStore, project_id: int) -> int | None:
    """Return the id of the run of a project that was active last."""
    query = (
        sa.select(r.id)
        .where(r.project_id == project_id, r.deleted.is_(False))
        .order_by(r.activity_us.desc(), r.number.desc(), r.id.desc())
        .limit(1)
    )
    with metadata.connect() as connection:
        return connection.scalar(query)


def read_project(metadata: MetadataStore, project: ProjectRef) -> Project:
    """Return counts, keys, config keys and definitions of one project."""
    states = (
        sa.select(r.state, sa.func.count()).where(r.project_id == project.id, r.deleted.is_(False)).group_by(r.state)
    )
    with metadata.connect() as connection:
        count: Counter[str] = Counter(dict(connection.execute(states).all()))
        keys = connection.execute(
            sa.select(t.keys).where(t.keys.c.project_id == project.id).order_by(t.keys.c.name)
        ).all()
        config = []
        for key in keys:
            if key.space == "config":
                found = _config_key(connection, key.id, key.name)
                if found is not None:
                    config.append(found)
    defines = project_defines(metadata, project)
    overlay = metadata.overlay(project.id)
    logged = [key for key in keys if key.space == "metric" and key.runs > 0]
    if overlay is None:
        infos = [key_info(key.name, key.kind, key.runs, defines) for key in logged]
    else:
        infos = _shown_infos(metadata, overlay, {key.id: key for key in logged}, defines)
    return Project(
        entity=project.entity,
        project=project.name,
        runs=sum(count.values()),
        running=count["running"],
        keys=infos,
        config_keys=config,
        defines=list(defines.values()),
    )


def project_defines(metadata: MetadataStore, project: ProjectRef) -> dict[str, dict[str, Any]]:
    """Return the definitions of the latest runs, the newest winning per name."""
    query = (
        sa.select(r.id)
        .where(r.project_id == project.id, r.deleted.is_(False))
        .order_by(r.created_us.desc(), r.number.desc())
        .limit(_RUNS_ASKED)
    )
    with metadata.connect() as connection:
        ids = list(connection.scalars(query))
    states = metadata.runs_by_id(ids)
    defines: dict[str, dict[str, Any]] = {}
    for number in reversed(ids):
        if number in states:
            defines.update(states[number].defines)
    return defines


def _shown_infos(
    metadata: MetadataStore, overlay: Overlay, logged: dict[int, Any], defines: dict[str, dict[str, Any]]
) -> list[KeyInfo]:
    infos = []
    s = t.series.c
    for name, metric in sorted(overlay.shown.items()):
        mine = [logged[source.key.id] for source in metric.sources if source.key.id in logged]
        if not mine:
            continue
        runs = mine[0].runs
        if len(mine) > 1:
            select = sa.select(sa.func.count(sa.distinct(s.run_id))).where(s.key_id.in_([key.id for key in mine]))
            with metadata.connect() as connection:
                runs = int(connection.scalar(select) or 0)
        infos.append(
            shown_info(overlay, metric, runs, defines)
            if metric.corrections
            else key_info(name, metric.kind, runs, defines)
        )
    return infos


def shown_info(overlay: Overlay, metric: ShownMetric, runs: int, defines: dict[str, dict[str, Any]]) -> KeyInfo:
    """
    Return what is known of a corrected metric: what was defined for the key that it was logged as, in its new terms.
    """
    info = key_info(metric.logged_name, metric.kind, runs, defines)
    goal = info.goal
    if metric.is_turned and goal is not None:
        goal = "maximize" if goal == "minimize" else "minimize"
    names = [source.key.name for source in metric.sources]
    return msgspec.structs.replace(
        info,
        key=metric.name,
        unit=metric.unit or info.unit,
        goal=goal,
        corrections=list(metric.corrections),
        logged_as=[] if names == [metric.name] else names,
    )


def key_info(name: str, kind: str, runs: int, defines: dict[str, dict[str, Any]]) -> KeyInfo:
    define = define_of(defines, name)
    return KeyInfo(
        key=name,
        kind=kind,
        runs=runs,
        step_metric=text_or_none(define, "step_metric"),
        goal=text_or_none(define, "goal"),
        unit=text_or_none(define, "unit"),
        summary=summaries(define),
        hidden=bool(define.get("hidden")),
    )


def _config_key(connection: sa.Connection, key: int, name: str) -> ConfigKey | None:
    a = t.attrs.c
    rows = connection.execute(sa.select(a.kind, a.num, a.text).where(a.key_id == key).limit(_VALUES_SAMPLED)).all()
    if not rows:
        return None
    kinds = Counter(row.kind for row in rows)
    kind = kinds.most_common(1)[0][0]
    if kind == "int" and kinds["float"]:
        kind = "float"
    return ConfigKey(name, kind, len(set(rows)))
