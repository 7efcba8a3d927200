"""From the shapes of the API to what the store is asked: selections of runs, and columns."""

from __future__ import annotations

from treering.ids import check_name
from treering.store.model import BestOf, Column, RunQuery, Selection, Sort

from . import run_schema
from .access import Access
from .compare_schema import MetricOf
from .compare_schema import Selection as SelectionBody
from .permissions import Action

__all__ = ["column_of", "metric_of", "run_query", "selection_of"]


def selection_of(body: SelectionBody, access: Access) -> Selection:
    """
    Return which runs are meant, once the caller may read their project.

    Raises:
        ProjectNotFound: there is none, or the caller may not read it.
    """
    entity, project = check_name(body.entity, "entity"), check_name(body.project, "project")
    access.require_project(entity, project, Action.READ)
    return Selection(entity, project, body.filter or None, body.search or None, body.regex, body.runs, body.deleted)


def run_query(body: run_schema.RunsQuery, access: Access) -> RunQuery:
    """Return the store's form of a query, once the caller may read the project. Raises ProjectNotFound."""
    entity, project = check_name(body.entity, "entity"), check_name(body.project, "project")
    access.require_project(entity, project, Action.READ)
    return RunQuery(
        entity=entity,
        project=project,
        filter=body.filter or None,
        search=body.search or None,
        regex=body.regex,
        runs=body.runs,
        deleted=body.deleted,
        sort=[Sort(s.by, s.agg, s.desc, s.step, _best_of(s.of)) for s in body.sort],
        group=body.group,
        nested=body.nested,
        offset=body.offset,
        limit=body.limit,
        metrics=body.metrics,
        config=body.config,
        columns=[column_of(column) for column in body.columns],
    )


def column_of(body: run_schema.Column) -> Column:
    """Return the store's form of a column."""
    return Column(body.by, body.agg, body.step, _best_of(body.of))


def metric_of(body: MetricOf) -> Column:
    """Return the column that a statistic is about: a metric, unless it says ``summary.`` or ``metric:`` itself."""
    by = body.metric if body.metric.startswith(("summary.", "metric:")) else f"metric:{body.metric}"
    return Column(by, body.agg, body.step, _best_of(body.of))


def _best_of(body: run_schema.BestOf | None) -> BestOf | None:
    return None if body is None else BestOf(body.key, body.agg)
