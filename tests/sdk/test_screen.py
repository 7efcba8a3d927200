"""What a terminal would show, as lines."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from treering.limits import CONSOLE_LINE_MAX_CHARS
from treering.sdk.screen import Screen


def shown(*writes: str, colours: bool = True) -> list[str]:
    """Return all lines of a stream that was written in these pieces."""
    screen = Screen(colours)
    lines: list[str] = []
    for write in writes:
        lines += screen.feed(write)
    return lines + screen.finish()


@pytest.mark.parametrize(
    ("writes", "lines"),
    [
        (["hello\n"], ["hello"]),
        (["hello", "\n"], ["hello"]),
        (["a\n\nb\n"], ["a", "", "b"]),
        (["a\r\nb\r\n"], ["a", "b"]),
        (["no end"], ["no end"]),
        (["tab\there\n"], ["tab\there"]),
        (["100%\r 50%\r  7%\n"], ["  7%"]),
        (["longer line\rshort\n"], ["shortr line"]),
        (["longer line\r\x1b[Kshort\n"], ["short"]),
        (["ab\b\bcd\n"], ["cd"]),
        (["abc\x1b[2Dx\n"], ["axc"]),
        (["abc\x1b[5Cx\n"], ["abc     x"]),
        (["abc\x1b[2Gx\n"], ["axc"]),
        (["one\ntwo\n\x1b[2Kthree\n"], ["one", "two", "three"]),
        (["keep\x1b[1K\n"], ["    "]),
        (["bell\x07 and nul\0\n"], ["bell and nul"]),
        (["\x1b]0;a title\x07text\n"], ["text"]),
        (["\x1b]8;;https://example.org\x1b\\link\x1b]8;;\x1b\\\n"], ["link"]),
        (["\x1b[?25lhidden cursor\x1b[?25h\n"], ["hidden cursor"]),
        (["\x1b[3", "1mred\x1b", "[0m\n"], ["\x1b[31mred\x1b[0m"]),
        (["\x1b[1m\x1b[31mboth\x1b[m plain\n"], ["\x1b[1m\x1b[31mboth\x1b[0m plain"]),
        (["\x1b[31mover\n", "lines\x1b[0m\n"], ["\x1b[31mover\x1b[0m", "\x1b[31mlines\x1b[0m"]),
        (["\x1b"], []),
        (["\x1b[" + "1;" * 5_000 + "m lost\n"], None),
    ],
)
def test_what_is_read_is_what_a_terminal_shows(writes: list[str], lines: list[str] | None):
    found = shown(*writes)
    if lines is not None:
        assert found == lines
    assert found == shown(*"".join(writes)), "a character at a time"


def test_a_bar_of_ten_thousand_updates_is_one_line():
    writes = [f"\r{i // 100:3d}%|{'#' * (i // 500):<20}| {i}/10000" for i in range(1, 10_001)]

    assert shown(*writes, "\n") == ["100%|####################| 10000/10000"]


def test_nested_bars_are_the_lines_that_stay():
    writes = []
    for epoch in range(3):
        writes.append(f"\repoch {epoch}")
        for batch in range(5):
            writes += ["\n", f"\r  batch {batch}", "\x1b[A"]
    writes += ["\n", "\n", "done\n"]

    assert shown(*writes) == ["epoch 2", "  batch 4", "done"]


def test_a_line_that_was_gone_back_to_is_held_until_it_is_settled():
    screen = Screen()
    assert screen.feed("plain\n") == ["plain"]
    assert screen.feed("\rbar 1") == []
    assert screen.feed("\n") == []
    assert screen.state == "bar 1"
    assert screen.feed("\x1b[A\rbar 2\n") == []
    assert screen.settle() == ["bar 2"]
    assert screen.state == ""


def test_held_lines_are_bounded():
    screen = Screen()
    lines = []
    for i in range(1_000):
        lines += screen.feed(f"\r{i}\n")
    assert len(lines) > 900
    assert lines + screen.finish() == [str(i) for i in range(1_000)]


def test_a_line_of_ten_million_characters_comes_in_pieces():
    text = "0123456789" * 1_000_000
    for lines in (shown(text + "\n"), shown(*(text[i : i + 99_999] for i in range(0, len(text), 99_999)), "\n")):
        assert "".join(lines) == text
        assert max(map(len, lines)) <= CONSOLE_LINE_MAX_CHARS


def test_colours_are_left_out_if_that_is_wanted():
    assert shown("\x1b[31mred\x1b[0m\n", colours=False) == ["red"]


@given(st.lists(st.text(alphabet=st.characters(exclude_categories=["C"]))))
def test_plain_lines_are_kept_as_they_are(lines: list[str]):
    text = "".join(f"{line}\n" for line in lines)
    while lines and not lines[-1]:
        lines = lines[:-1]
    found = shown(text)
    while found and not found[-1]:
        found.pop()

    assert found == lines


@given(st.lists(st.text(alphabet="ab\r\n\b\t\x1b[]0123;ABCDKJHm\x07"), max_size=30))
def test_nothing_that_is_printed_raises(writes: list[str]):
    shown(*writes)


@pytest.mark.parametrize("hostile", ["\x1b[999999999B", "\x1b[999999999C", "\x1b[99999B" * 1_000, "\n" * 100_000])
def test_a_cursor_that_is_sent_far_away_costs_no_memory(hostile: str):
    screen = Screen()
    screen.feed(hostile + "x")

    assert len(screen.state) < 400_000


def test_a_colour_takes_the_place_of_the_one_before_it():
    many = [f"\x1b[38;2;{n};0;0mword{n} " for n in range(20)]
    (line,) = shown("".join(many), "\n")

    assert line == "\x1b[0m".join(many) + "\x1b[0m"
    assert shown("\x1b[1m\x1b[31mred\x1b[32mgreen\x1b[44mon blue\x1b[0m\n") == [
        "\x1b[1m\x1b[31mred\x1b[0m\x1b[1m\x1b[32mgreen\x1b[0m\x1b[1m\x1b[32m\x1b[44mon blue\x1b[0m"
    ]


@pytest.mark.parametrize("end", ["", "\r", "\b", "\x1b[2K", "\x1b[1;31m"])
def test_a_line_in_many_pieces_is_what_it_is_in_one(end: str):
    text = "0123456789" * 14_000 + end + "and on"
    assert shown(*text, "\n") == shown(text + "\n")
