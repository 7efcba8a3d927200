"""
What a terminal would show of a stream: lines that are finished, and lines that may still change.

A progress bar writes its line a thousand times, and several of them move the cursor up and down. What is kept is what
somebody would have read: a line once it is finished, with its colours.
"""

from __future__ import annotations

import re
from typing import Final

from treering.limits import CONSOLE_LINE_MAX_CHARS

__all__ = ["Cut", "Screen"]

_ESCAPE: Final = re.compile(
    r"\x1b(?:\[(?P<parameters>[0-9;:?<>=]{0,64})[ -/]{0,8}(?P<final>[@-~])"  # CSI
    r"|\][^\x07\x1b]{0,4096}(?:\x07|\x1b\\)"  # OSC: a title, a link; its text follows as it is
    r"|[PX^_][^\x1b]{0,4096}\x1b\\|[ -/]{1,8}[0-~]|[0-Z\\^-~])"
)
_SPECIAL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_PENDING_MAX_CHARS: Final = 4_200  # of an escape sequence whose end has not come
_HELD_MAX: Final = 64  # lines above the cursor that may still be gone back to
_BELOW_MAX: Final = 200  # lines that the cursor may be moved down
_COLUMN_MAX: Final = CONSOLE_LINE_MAX_CHARS
_SEQUENCES: Final = re.compile(r"\x1b\[([^m]*)m")
_FOREGROUND: Final = re.compile(r"(?:3[0-79]|9[0-7]|38[;:][0-9;:]*)\Z")
_BACKGROUND: Final = re.compile(r"(?:4[0-79]|10[0-7]|48[;:][0-9;:]*)\Z")
_COLOURS_MAX: Final = 8  # sequences that hold at a time
_RESET: Final = "\x1b[0m"


class Cut(str):
    """The beginning of a line that is too long for one record: the line that follows goes on with it."""

    __slots__ = ()


Cell = tuple[str, str]  # a character, and the colours it has


class _Line:
    """
    One line; ``rewritten``: the cursor has gone back in it.

    As long as only uncoloured text was put behind what is there, it is kept as pieces of text: nearly every line is.
    """

    __slots__ = ("_cells", "_pieces", "length", "rewritten")

    def __init__(self) -> None:
        self._pieces: list[str] = []
        self._cells: list[Cell] | None = None
        self.length = 0
        self.rewritten = False

    @property
    def plain(self) -> bool:
        """Whether it is still kept as text."""
        return self._cells is None

    def append(self, text: str) -> None:
        """Put text behind a plain line."""
        self._pieces.append(text)
        self.length += len(text)

    def cut_head(self, size: int) -> str:
        """Take the first *size* characters of a plain line away; return them."""
        text = "".join(self._pieces)
        self._pieces, self.length = [text[size:]], len(text) - size
        return text[:size]

    def replace(self, text: str) -> None:
        """Put text in the place of all that is there."""
        self._pieces, self._cells, self.length = [text], None, len(text)

    @property
    def cells(self) -> list[Cell]:
        """Its characters with their colours, to be changed; ``measure`` afterwards."""
        if self._cells is None:
            self._cells = [(char, "") for piece in self._pieces for char in piece]
            self._pieces = []
        return self._cells

    def measure(self) -> None:
        """Note how long it is, after its cells changed."""
        if self._cells is not None:
            self.length = len(self._cells)

    def text(self) -> str:
        if self._cells is None:
            return "".join(self._pieces)
        if not any(colour for _, colour in self._cells):
            return "".join([char for char, _ in self._cells])
        parts: list[str] = []
        now = ""
        for char, colour in self._cells:
            if colour != now:
                parts.append(_RESET if now and not colour else (_RESET if now else "") + colour)
                now = colour
            parts.append(char)
        if now:
            parts.append(_RESET)
        return "".join(parts)


def _coloured(before: str, parameters: str) -> str:
    """Return the colours that hold after a sequence. A colour takes the place of the one before it."""
    if parameters in ("", "0") or (parameters.startswith("0;") and parameters.strip("0;") == ""):
        return ""
    kept = [] if parameters.startswith("0;") else _SEQUENCES.findall(before)
    for kind in (_FOREGROUND, _BACKGROUND):
        if kind.match(parameters):
            kept = [one for one in kept if not kind.match(one)]
    return "".join(f"\x1b[{one}m" for one in [*kept[-_COLOURS_MAX:], parameters])


class Screen:
    """
    One stream. Not thread-safe.

    Args:
        colours: keep them as ANSI sequences.
    """

    def __init__(self, colours: bool = True) -> None:
        self._colours = colours
        self._colour = ""
        self._lines: list[_Line] = [_Line()]
        self._row = 0
        self._column = 0
        self._pending = ""

    def feed(self, text: str) -> list[str]:
        """Take what was written; return the lines that are finished by it and cannot change any more."""
        if self._pending:
            text, self._pending = self._pending + text, ""
        if (
            len(self._lines) == 1
            and not self._lines[0].length
            and not self._colour
            and "\x1b" not in text
            and text.endswith("\n")
            and _SPECIAL.search(text.replace("\n", "").replace("\t", "")) is None
        ):
            return self._plain(text)
        done: list[str] = []
        at, end = 0, len(text)
        while at < end:
            special = _SPECIAL.search(text, at)
            stop = special.start() if special is not None else end
            if stop > at:
                done += self._write(text[at:stop])
            if special is None:
                break
            at = self._control(text, stop, done)
        return done + self._settled(_HELD_MAX)

    @staticmethod
    def _plain(text: str) -> list[str]:
        """Whole lines without anything special: nearly everything that is printed."""
        done: list[str] = []
        for line in text[:-1].split("\n"):
            if len(line) <= CONSOLE_LINE_MAX_CHARS:
                done.append(line)
            else:
                size = CONSOLE_LINE_MAX_CHARS
                last = (len(line) - 1) // size * size
                done += [Cut(line[begin : begin + size]) for begin in range(0, last, size)]
                done.append(line[last:])
        return done

    def settle(self) -> list[str]:
        """Return lines above the cursor: nobody has gone back to them for a while."""
        return self._settled(0)

    def finish(self) -> list[str]:
        """Return all that is left, as finished lines."""
        lines = [line.text() for line in self._lines]
        self._lines, self._row, self._column, self._pending = [_Line()], 0, 0, ""
        while lines and not lines[-1]:
            lines.pop()
        return lines

    @property
    def is_open(self) -> bool:
        """Whether there is anything that may still change."""
        return len(self._lines) > 1 or self._lines[0].length > 0

    @property
    def state(self) -> str:
        """The lines that may still change, as they are now."""
        return "\n".join(line.text() for line in self._lines).rstrip("\n")

    # ── one piece ───────────────────────────────────────────────────────────────────────────────────────────────

    def _write(self, text: str) -> list[str]:
        line = self._lines[self._row]
        if line.plain and not self._colour and self._column in (line.length, 0):
            if self._column == line.length:
                line.append(text)
                return self._wrapped(line, len(text))
            if len(text) >= line.length:
                line.rewritten = True
                line.replace(text)
                return self._wrapped(line, len(text))
        cells, colour = line.cells, self._colour
        if self._column < len(cells):
            line.rewritten = True
        elif self._column > len(cells):
            cells.extend([(" ", "")] * (self._column - len(cells)))
        cells[self._column : self._column + len(text)] = [(char, colour) for char in text]
        self._column += len(text)
        done: list[str] = []
        while len(cells) > CONSOLE_LINE_MAX_CHARS and len(self._lines) == 1:
            head = _Line()
            head.cells[:] = cells[:CONSOLE_LINE_MAX_CHARS]
            done.append(Cut(head.text()))
            del cells[:CONSOLE_LINE_MAX_CHARS]
            self._column = max(0, self._column - CONSOLE_LINE_MAX_CHARS)
        if len(cells) > CONSOLE_LINE_MAX_CHARS:
            del cells[CONSOLE_LINE_MAX_CHARS:]
            self._column = min(self._column, len(cells))
        line.measure()
        return done

    def _wrapped(self, line: _Line, written: int) -> list[str]:
        """Move the cursor behind what was written to a plain line, and make several of one that is too long."""
        self._column += written
        done: list[str] = []
        while line.length > CONSOLE_LINE_MAX_CHARS:
            head = line.cut_head(CONSOLE_LINE_MAX_CHARS)
            if len(self._lines) > 1:  # there are lines above it that come first: what is too much is lost
                line.replace(head)
                self._column = min(self._column, line.length)
                break
            done.append(Cut(head))
            self._column = max(0, self._column - CONSOLE_LINE_MAX_CHARS)
        return done

    def _control(self, text: str, at: int, done: list[str]) -> int:
        """Do what the control character at *at* says; return where to go on."""
        char = text[at]
        if char == "\x1b":
            found = _ESCAPE.match(text, at)
            if found is None:
                if len(text) - at < _PENDING_MAX_CHARS:
                    self._pending = text[at:]
                    return len(text)
                return at + 1
            if found["final"] is not None:
                self._sequence(found["parameters"], found["final"])
            return found.end()
        if char == "\n":
            self._move_to(self._row + 1)
            self._column = 0
            done += self._settled(_HELD_MAX, plain_only=True)
        elif char == "\r":
            if text[at + 1 : at + 2] != "\n":
                self._lines[self._row].rewritten = True
            self._column = 0
        elif char == "\b":
            self._column = max(0, self._column - 1)
        elif char == "\x0b" or char == "\x0c":
            self._move_to(self._row + 1)
        return at + 1

    def _sequence(self, parameters: str, final: str) -> None:
        if final == "m":
            if self._colours:
                self._colour = _coloured(self._colour, parameters)
            return
        number = int(parameters) if parameters.isdigit() and len(parameters) < 6 else None
        count = number or 1
        line = self._lines[self._row]
        if final == "A" or final == "F":
            self._move_to(max(0, self._row - count))
        elif final == "B" or final == "E":
            self._move_to(self._row + min(count, _BELOW_MAX))
        elif final == "C":
            self._column = min(self._column + count, _COLUMN_MAX - 1)
        elif final == "D":
            self._column = max(0, self._column - count)
        elif final == "G":
            self._column = min(count, _COLUMN_MAX) - 1
        elif final == "H" or final == "f":
            self._move_to(0)
        elif final == "K":
            self._erase_line(line, number or 0)
        elif final == "J":
            if number in (2, 3):
                for one in self._lines:
                    one.replace("")
                    one.rewritten = True
            elif not number:
                self._erase_line(line, 0)
                del self._lines[self._row + 1 :]
        if final in "EFHf":
            self._column = 0

    def _erase_line(self, line: _Line, how: int) -> None:
        line.rewritten = True
        if how == 0:
            del line.cells[self._column :]
        elif how == 1:
            count = min(self._column + 1, len(line.cells))
            line.cells[:count] = [(" ", "")] * count
        else:
            line.cells.clear()
        line.measure()

    def _move_to(self, row: int) -> None:
        if row < self._row:
            self._lines[row].rewritten = True
        while len(self._lines) <= row:
            self._lines.append(_Line())
        self._row = row

    def _settled(self, keep: int, *, plain_only: bool = False) -> list[str]:
        """Take lines above the cursor: as long as they were never gone back to, or as more than *keep* are held."""
        done: list[str] = []
        while self._row > 0:
            if plain_only and self._lines[0].rewritten and self._row <= keep:
                break
            if not plain_only and self._row <= keep:
                break
            done.append(self._lines.pop(0).text())
            self._row -= 1
        return done
