"""Reports from code: written as the Markdown that people edit, saved once, and read with their values."""

from __future__ import annotations

from pathlib import Path

import pytest

import treering as tr
from sdk.test_api import stop_owner
from server.run_logs import write_run
from treering.errors import InvalidValue, NotFound, ProjectNotFound, RemoteError
from treering.sdk.api import Api

BLOCKS = [
    tr.Report.run_sets(good={"filter": "metric.loss.last < 2", "group": ["config.lr"]}),
    '# Depth pays\n\nLoss {{ mean(loss, runs="good") }}.',
    tr.Report.figure(
        tr.views.panel("line", keys=["loss"], title="Loss"),
        tr.views.panel("scatter"),
        runs={"limit": 2},
        caption="Of {{ n(loss) }} runs",
    ),
]

MARKDOWN = """```treering
{
  "runs": {
    "good": {
      "filter": "metric.loss.last < 2",
      "group": [
        "config.lr"
      ]
    }
  }
}
```

# Depth pays

Loss {{ mean(loss, runs="good") }}.

```treering
{
  "panels": [
    {
      "type": "line",
      "settings": {
        "keys": [
          "loss"
        ]
      },
      "title": "Loss"
    },
    {
      "type": "scatter",
      "settings": {}
    }
  ],
  "runs": {
    "limit": 2
  },
  "caption": "Of {{ n(loss) }} runs"
}
```
"""


@pytest.fixture
def api(tmp_path: Path):
    write_run(tmp_path, "first", [{"loss": 1.0}], entity="ada", project="digits")
    with Api(tmp_path) as made:
        yield made
    stop_owner(tmp_path)


def test_blocks_become_the_markdown_that_the_page_reads():
    assert tr.Report("digits", "A title", BLOCKS).markdown == MARKDOWN
    assert tr.Report("digits", "Nothing").markdown == ""


def test_a_report_is_saved_once_frozen_and_says_what_has_changed(api: Api):
    report = tr.Report("digits", "Depth", BLOCKS, api=api)
    saved = report.save(published=True)
    again = tr.Report("ada/digits", "Depth", BLOCKS, api=api).save()

    assert (again.id, again.version, again.published) == (saved.id, 1, True)
    assert api.report(saved.id).markdown == MARKDOWN
    values = saved.values()
    assert (values['mean(loss, runs="good")']["written"], values["n(loss)"]["value"]) == ("1", 1.0)
    saved.freeze()
    assert (saved.version, saved.frozen_at is None, saved.changes()) == (2, False, [])
    run = api.run("first")
    run.name = "another name"
    run.update()
    (change,) = saved.changes()
    assert (change["kind"], "another name" in change["text"]) == ("name", True)
    assert saved.frozen()["evaluation"]["formulas"]["n(loss)"]["written"] == "1"
    report.append("More.")
    changed = report.save()
    assert (changed.version, changed.markdown) == (3, MARKDOWN + "\nMore.\n")
    changed.restore(1)
    assert (changed.markdown, [one["version"] for one in changed.versions()]) == (MARKDOWN, [4, 3, 2, 1])
    with pytest.raises(RemoteError) as refused:
        saved.save()
    assert refused.value.code == "conflict"
    changed.thaw()
    changed.delete()
    assert api.reports("digits") == []
    with pytest.raises(NotFound):
        api.report(saved.id)


def test_what_is_no_block_is_refused_at_once(api: Api):
    with pytest.raises(InvalidValue, match="is a text, a figure or run sets"):
        tr.Report("digits", "x", [{"what": 1}])
    with pytest.raises(InvalidValue, match="there is no field 'fliter'"):
        tr.Report.run_sets(a={"fliter": "x"})
    with pytest.raises(InvalidValue, match="a list of 1 to"):
        tr.Report.figure()
    with pytest.raises(ProjectNotFound):
        tr.Report("nothing", "x", api=api).save()
