"""Files on their way: found in the records, asked about, sent in pieces, and gone on with after whatever happens."""

from __future__ import annotations

import hashlib
import itertools
import os
import random
from pathlib import Path
from typing import Any

import pytest

from treering.ids import new_life_id, run_key
from treering.runlog import records
from treering.runlog.writer import Writer
from treering.sdk.destination import Refused, TooLarge, Unreachable
from treering.sdk.file_shipping import Declared, FileShipper, PieceGap, declared_files
from treering.sdk.shipping import SegmentStatus

KEY = run_key("ada", "digits", "r")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


class Folder:
    """A data folder with one run, its log and its files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folder = root / "runs" / KEY
        self.folder.mkdir(parents=True)
        run = {"entity": "ada", "project": "digits", "id": "r", "key": KEY}
        self.log = Writer(self.folder, {"run": run, "life_id": new_life_id(), "writer": ""}, mapped=False)

    def file(self, content: bytes, **about: Any) -> str:
        """Store bytes and declare them."""
        path = self.root / "blobs" / sha(content)[:2] / sha(content)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return self.declare(content)

    def declare(self, content: bytes) -> str:
        self.log.append(records.FILE, [1, "a path", sha(content), len(content), {"purpose": "saved"}])
        return sha(content)

    def run_of(self, segment: str) -> str:
        return KEY

    def pread(self, segment: str, length: int, offset: int) -> bytes:
        with self.log.path.open("rb") as file:
            return os.pread(file.fileno(), length, offset)

    @property
    def size(self) -> int:
        return self.log.path.stat().st_size

    def status(self, held: int | None = None) -> list[SegmentStatus]:
        length = self.size if held is None else held
        return [SegmentStatus(self.log.segment_id, self.log.segment_id, length, self.size, False, True, True, "")]


class There:
    """A destination that keeps what it is sent."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.trouble: list[Exception] = []
        self.pieces: list[int] = []
        self.took_s = 0.0
        self.now = 0.0

    def clock(self) -> float:
        return self.now

    def _trouble(self) -> None:
        if self.trouble:
            raise self.trouble.pop(0)

    def missing_files(self, run_key: str, sha256: list[str]) -> list[tuple[str, int]]:
        self._trouble()
        assert run_key == KEY
        return [(n, len(self.files.get(n, b""))) for n in sha256 if sha(self.files.get(n, b"none")) != n]

    def send_piece(self, run_key: str, file: Declared, offset: int, piece: bytes) -> tuple[int, bool]:
        self._trouble()
        self.now += self.took_s
        self.pieces.append(len(piece))
        have = self.files.get(file.sha256, b"")
        if offset != len(have):
            raise PieceGap(len(have))
        self.files[file.sha256] = have = have + piece
        return len(have), len(have) == file.size


def ship(shipper: FileShipper, there: There, most: int = 1_000) -> None:
    for _ in range(most):
        if shipper.settled:
            return
        there.now = max(there.now, shipper.step())
    raise AssertionError(f"not settled: {shipper.error} {shipper.left}")


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    return Folder(tmp_path)


@pytest.fixture
def there() -> There:
    return There()


@pytest.fixture
def shipper(folder: Folder, there: There) -> FileShipper:
    return FileShipper(folder, folder.root / "blobs", there, there.clock, chance=random.Random(1))


def test_declarations_are_found_among_millions_of_other_bytes_wherever_a_read_ends(folder: Folder):
    names = []
    for i in range(300):
        folder.log.append(records.ROW, [i, i, {"text": "TRF\xf2\x17 is no frame " + "x" * (i * 37 % 4_000)}])
        names.append(folder.file(f"content {i}".encode()))
    pread = lambda length, offset: folder.pread("", length, offset)  # noqa: E731

    whole, _ = declared_files(folder.log.segment_id, pread, 0, folder.size)
    assert [file.sha256 for file in whole] == names
    found, at = [], 0
    for end in [*range(0, folder.size, 997), folder.size]:
        some, at = declared_files(folder.log.segment_id, pread, at, end)
        found += some
    assert [file.sha256 for file in found] == names


def test_files_arrive_once_and_what_is_there_is_not_sent(folder: Folder, shipper: FileShipper, there: There):
    contents = [b"", b"a", b"b" * 3_000_000, b"a"]
    for content in contents:
        folder.file(content)
    there.files[sha(b"a")] = b"a"
    shipper.look(folder.status(), ("s", 0))
    ship(shipper, there)

    assert there.files == {sha(content): content for content in contents}
    assert shipper.sent_bytes == 3_000_000
    shipper.look(folder.status(), ("s", 0))
    assert shipper.settled


def test_only_what_the_other_side_knows_of_is_sent(folder: Folder, shipper: FileShipper, there: There):
    before = folder.size
    folder.file(b"late")
    shipper.look(folder.status(held=before), ("s", 0))
    assert shipper.settled
    shipper.look(folder.status(), ("s", 0))
    ship(shipper, there)

    assert there.files == {sha(b"late"): b"late"}


def test_an_upload_goes_on_where_it_was_cut(folder: Folder, shipper: FileShipper, there: There):
    content = os.urandom(2_000_000)
    folder.file(content)
    shipper.look(folder.status(), ("s", 0))
    for _ in range(3):
        shipper.step()
    half = len(there.files[sha(content)])
    assert 0 < half < len(content)
    there.trouble = [Unreachable("cut"), Unreachable("cut")]
    ship(shipper, there)
    assert there.files[sha(content)] == content
    assert sum(there.pieces) == len(content)

    other = FileShipper(folder, folder.root / "blobs", there, there.clock)
    there.files[sha(content)] = content[:half]
    other.look(folder.status(), ("s", 0))
    ship(other, there)
    assert there.files[sha(content)] == content


def test_a_lost_reply_sends_no_byte_twice_into_the_file(folder: Folder, shipper: FileShipper, there: There):
    content = os.urandom(1_000_000)
    name = folder.file(content)
    shipper.look(folder.status(), ("s", 0))
    shipper.step()
    there.files[name] = content[:300_000]  # taken, and the reply was lost
    ship(shipper, there)

    assert there.files[name] == content


def test_pieces_become_larger_on_a_fast_way_and_smaller_on_a_slow_one(
    folder: Folder, shipper: FileShipper, there: There
):
    folder.file(bytes(40_000_000))
    shipper.look(folder.status(), ("s", 0))
    ship(shipper, there)
    assert max(there.pieces) == 8 * 1024 * 1024

    there.pieces, there.took_s = [], 5.0
    folder.file(b"1" * 30_000_000)
    shipper.look(folder.status(), ("s", 0))
    ship(shipper, there)
    assert min(there.pieces) <= 32 * 1024


def test_while_nobody_answers_pauses_grow(folder: Folder, shipper: FileShipper, there: There):
    folder.file(b"x")
    shipper.look(folder.status(), ("s", 0))
    there.trouble = [Unreachable("down") for _ in range(100)]
    for _ in range(100):
        there.now = shipper.step()
    assert there.now > 100 * 25
    assert shipper.error == "down"
    ship(shipper, there)
    assert (shipper.error, there.files) == ("", {sha(b"x"): b"x"})


def test_a_server_that_has_not_applied_the_records_yet_is_asked_again(
    folder: Folder, shipper: FileShipper, there: There
):
    folder.file(b"x")
    shipper.look(folder.status(), ("s", 0))
    there.trouble = [Refused("no run", "run_not_found"), Refused("no file", "not_found")]
    ship(shipper, there)

    assert there.files == {sha(b"x"): b"x"}
    assert shipper.failed == {}


def test_what_cannot_be_sent_is_named_and_stops_nothing_else(folder: Folder, shipper: FileShipper, there: There):
    gone, cut, good = folder.declare(b"gone"), folder.file(b"0123456789"), folder.file(b"good")
    (folder.root / "blobs" / cut[:2] / cut).write_bytes(b"012")
    shipper.look(folder.status(), ("s", 0))
    ship(shipper, there)

    assert there.files == {good: b"good"}
    assert shipper.failed == {
        gone: "its bytes cannot be read here: No such file or directory",
        cut: "only 3 of 10 bytes are here",
    }
    assert list(shipper.failed_runs) == [KEY]


def test_a_refusal_of_one_file_is_kept_and_a_refusal_of_everything_waits(
    folder: Folder, shipper: FileShipper, there: There
):
    name = folder.file(b"x")
    shipper.look(folder.status(), ("s", 0))
    there.trouble = [Refused("the key was refused", "key_refused", everything=True)]
    there.now = shipper.step()
    assert shipper.error == "the key was refused"
    there.trouble = [Refused("too large", "too_large")]
    ship(shipper, there)
    assert shipper.failed == {name: "too large"}


def test_a_proxy_that_takes_no_large_body_gets_small_pieces(folder: Folder, shipper: FileShipper, there: There):
    content = os.urandom(3_000_000)
    name = folder.file(content)
    most = 200_000
    take = there.send_piece

    def send_piece(run_key: str, file: Declared, offset: int, piece: bytes) -> tuple[int, bool]:
        if len(piece) > most:
            raise TooLarge("no body of this size", "too_large", "", 413)
        return take(run_key, file, offset, piece)

    there.send_piece = send_piece  # type: ignore[method-assign]
    shipper.look(folder.status(), None)
    ship(shipper, there)

    assert there.files[name] == content
    assert shipper.failed == {}
    assert shipper.requests < 40, "it does not try large ones again and again"

    most = 1_000
    refused = folder.file(os.urandom(100_000))
    shipper.look(folder.status(), None)
    ship(shipper, there)
    assert shipper.failed[refused] == "no body of this size"


@pytest.mark.parametrize("answer", [(0, False), (1, False), (-1, False), (10**12, False)])
def test_a_destination_that_says_nonsense_is_not_sent_to_for_ever(
    folder: Folder, shipper: FileShipper, there: There, answer: tuple[int, bool]
):
    name = folder.file(b"x" * 1_000_000)
    there.send_piece = lambda *sent: answer  # type: ignore[method-assign]
    shipper.look(folder.status(), None)
    there.now = 5.0
    ship(shipper, there, 100)

    assert name in shipper.failed
    assert shipper.progress_at == 0.0, "nothing was kept, so nobody waits for more of it"


def test_a_destination_that_never_holds_what_it_held_is_given_up(folder: Folder, shipper: FileShipper, there: There):
    name = folder.file(b"x" * 1_000)
    lengths = itertools.cycle([7, 5])

    def send_piece(run_key: str, file: Declared, offset: int, piece: bytes) -> tuple[int, bool]:
        raise PieceGap(next(lengths))

    there.send_piece = send_piece  # type: ignore[method-assign]
    shipper.look(folder.status(), None)
    ship(shipper, there, 200)

    assert shipper.failed[name] == "the other side does not go on with it"


def test_a_part_that_went_wrong_earlier_is_sent_again_from_the_beginning(
    folder: Folder, shipper: FileShipper, there: There
):
    content = b"whole and right"
    name = folder.file(content)
    there.files[name] = b"wrong"
    take = there.send_piece

    def send_piece(run_key: str, file: Declared, offset: int, piece: bytes) -> tuple[int, bool]:
        length, whole = take(run_key, file, offset, piece)
        if whole and sha(there.files[file.sha256]) != file.sha256:
            del there.files[file.sha256]
            raise Refused("the bytes are not those", "invalid_value")
        return length, whole

    there.send_piece = send_piece  # type: ignore[method-assign]
    shipper.look(folder.status(), None)
    ship(shipper, there)

    assert there.files[name] == content
    assert shipper.failed == {}


def test_a_restored_store_is_asked_for_everything_again(folder: Folder, shipper: FileShipper, there: There):
    name = folder.file(b"x")
    shipper.look(folder.status(), ("s", 0))
    ship(shipper, there)
    there.files.clear()
    shipper.look(folder.status(), ("s", 0))
    assert shipper.settled
    shipper.look(folder.status(), ("s", 1))
    ship(shipper, there)

    assert there.files == {name: b"x"}


@pytest.mark.parametrize(
    "body", [["x"], [1, "p", 5, 5, {}], [1, "p", "../etc", 5, {}], {"a": 1}, [1, "p", "f" * 64, "x", {}]]
)
def test_a_record_that_says_nonsense_names_no_file(folder: Folder, shipper: FileShipper, body: Any):
    folder.log.append(records.FILE, body)
    shipper.look(folder.status(), ("s", 0))

    assert shipper.settled
