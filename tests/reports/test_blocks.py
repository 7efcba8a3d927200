"""A report's Markdown in blocks, its formulas, and the numbers that somebody typed; the page reads the same examples."""

from __future__ import annotations

import json
import time
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.errors import InvalidValue
from treering.limits import REPORT_NUMBERS_MAX, REPORT_RUN_SETS_MAX
from treering.reports.blocks import find_formulas, formula_texts, headings, split_blocks
from treering.reports.run_sets import ALL_RUNS, Order, RunSet, parse_figure, parse_run_set, read_run_sets
from treering.reports.typed_numbers import find_typed_numbers

# What web/test/unit/reportBlocks.test.ts reads too.
EXAMPLES = json.loads((Path(__file__).parent / "blocks.json").read_text())


@pytest.mark.parametrize("example", EXAMPLES, ids=range(len(EXAMPLES)))
def test_the_examples_have_the_blocks_and_formulas_that_they_say(example):
    blocks = split_blocks(example["markdown"])

    assert [[block.kind, block.line] for block in blocks] == example["blocks"]
    assert "".join(block.source for block in blocks) == example["markdown"]
    found = [p.text for block in blocks if block.kind == "text" for p in find_formulas(block.source)]
    assert found == example["formulas"]


@pytest.mark.parametrize(
    "text",
    ["# a{s}b", "[", "![", "<", "{{", "{{{{a}}}}", "`a` ", "9", "a", "_", "`\n\n", "[a](", "a://", "1,", "$", "{{\n"],
)
def test_no_text_takes_longer_than_its_length(text: str):
    # Where it did, one of 60,000 characters held the server for half a minute.
    markdown = text.format(s=" " * 60_000) if "{s}" in text else text * (60_000 // len(text))
    begin = time.process_time()

    formula_texts(markdown)
    headings(markdown)
    find_typed_numbers(markdown)

    assert time.process_time() - begin < 2.5


@given(
    st.lists(st.sampled_from(["```treering\n", "```", "~~~", "\n", "{}", '{"panel": {}}', "a", " ", "\r\n", "````"]))
)
def test_the_blocks_of_any_text_are_the_text(pieces):
    markdown = "".join(pieces)

    assert "".join(block.source for block in split_blocks(markdown)) == markdown


@given(st.text(alphabet="{}`\\a\n ", max_size=30))
def test_formulas_lie_within_the_text(text):
    for place in find_formulas(text):
        assert text[place.begin : place.begin + 2] == "{{"
        assert text[place.end - 2 : place.end] == "}}"


def test_a_block_that_is_wrong_says_why():
    (block,) = split_blocks("```treering\n{]\n```\n")
    (other,) = split_blocks('```treering\n{"what": 1}\n```\n')

    assert (block.kind, other.kind) == ("wrong", "wrong")
    assert "not JSON" in block.error
    assert '"panel"' in other.error


def test_formulas_of_captions_count_and_each_is_named_once():
    markdown = '{{ n(a) }} {{n(a)}}\n\n```treering\n{"panel": {"type": "line"}, "caption": "{{ n(b) }}"}\n```\n'

    assert formula_texts(markdown) == ["n(a)", "n(b)"]


def test_headings_are_read_outside_of_code():
    assert headings("# One #\n\n```\n# no\n```\n### Three\n#no\n") == [(1, "One"), (3, "Three")]


# ── run sets and figures ─────────────────────────────────────────────────────────────────────────────────────────
def test_a_run_set_is_read_with_all_its_fields():
    found = parse_run_set(
        {
            "project": "ada/digits",
            "filter": "config.lr > 0.1",
            "search": "x",
            "regex": True,
            "runs": ["a", "b"],
            "group": "config.model",
            "pinned": ["a"],
            "baseline": "b",
            "order": "-metric:val/acc@max",
            "limit": 5,
        }
    )

    assert found == RunSet(
        ("ada", "digits"),
        "config.lr > 0.1",
        "x",
        True,
        ("a", "b"),
        ("config.model",),
        ("a",),
        "b",
        Order("metric:val/acc", "max", True),
        5,
    )
    assert parse_run_set({}) == ALL_RUNS


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([], "is an object"),
        ({"fliter": "x"}, "there is no field 'fliter'"),
        ({"filter": 3}, "filter is a text"),
        ({"runs": [3]}, "runs is a list of texts"),
        ({"regex": "yes"}, "regex is true or false"),
        ({"limit": 0}, "limit is a whole number"),
        ({"limit": True}, "limit is a whole number"),
        ({"project": "digits"}, 'project is "entity/name"'),
        ({"order": {"by": 3}}, "order is a column"),
        ({"order": {"by": "name", "up": True}}, "order is a column"),
    ],
)
def test_a_run_set_that_is_wrong_says_which_field(value, words):
    with pytest.raises(InvalidValue, match=words):
        parse_run_set(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"panel": {"type": "line"}, "panels": []}, "not both"),
        ({"panels": []}, "a list of 1 to"),
        ({"panel": {"kind": "line"}}, 'with a "type"'),
        ({"panel": {"type": "line", "settings": []}}, "settings of a panel are an object"),
        ({"panel": {"type": "line"}, "run": "A"}, "there is no field 'run'"),
        ({"panel": {"type": "line"}, "runs": {"limit": -1}}, "limit"),
    ],
)
def test_a_figure_that_is_wrong_says_what(value, words):
    with pytest.raises(InvalidValue, match=words):
        parse_figure(value)


def test_run_sets_with_one_name_or_none_are_told():
    sets = '```treering\n{"runs": {"A": {}, "": {}, "#1": {}, "B": {"x": 1}}}\n```\n```treering\n{"runs": {"A": {}}}\n```\n'
    found, wrong = read_run_sets(split_blocks(sets))

    assert list(found) == ["A"]
    assert [text.split(":")[0] for text in wrong] == ["Line 1", "Line 1", "Line 1", "Line 4"]
    many = json.dumps({"runs": {str(n): {} for n in range(REPORT_RUN_SETS_MAX + 1)}})
    assert len(read_run_sets(split_blocks(f"```treering\n{many}\n```\n"))[0]) == REPORT_RUN_SETS_MAX


# ── numbers typed by hand ────────────────────────────────────────────────────────────────────────────────────────
def test_numbers_are_found_where_they_stand():
    found = find_typed_numbers("# Results\n\nWe reach 91.2 % and −0.913, of 1,234.5 or 3e-4.\n")

    assert [(one.line, one.column, one.text, one.value, one.digits) for one in found] == [
        (3, 10, "91.2 %", 91.2, 3),
        (3, 21, "−0.913", -0.913, 3),
        (3, 32, "1,234.5", 1234.5, 5),
        (3, 43, "3e-4", 3e-4, 1),
    ]


@pytest.mark.parametrize(
    "text",
    [
        "{{ mean(x) + 0.913 }}",
        "`0.913`",
        "```\n0.913\n```",
        "[0.913](http://x/0.914)",
        "<http://x/0.913>",
        "$0.913$",
        "on 2026-11-25 at 10:30",
        "v1.2.3",
        "1. first",
        "## 2. second",
        "5 seeds, 20 epochs",
        "res-0.913x",
        "0.913/0.914",
    ],
)
def test_what_is_no_result_is_passed_over(text):
    assert find_typed_numbers(text) == []


def test_a_text_of_numbers_alone_is_cut():
    assert len(find_typed_numbers("0.123 " * (REPORT_NUMBERS_MAX + 10))) == REPORT_NUMBERS_MAX
