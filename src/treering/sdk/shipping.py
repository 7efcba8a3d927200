"""
Getting segments to another place: what to send next, and what an answer means.

The ``Shipper`` does no input or output of its own. It is given a *source* that lists and reads segments, a
*destination* that receives them, and a clock, and each ``step`` makes at most one request. The uploader, ``treering
sync`` and ``treering relay`` run it against a server; the simulation runs it against a network and disks that fail.

::

    asked ──▶ checked ──▶ shipping ──▶ done          what the destination holds is a prefix of our file
                 │            │
                 │            └──▶ a fork             behind damage in our file
                 └──▶ searching ──▶ a fork             our file is another one than what was shipped before
                 └──▶ behind                          the destination holds all of ours, and more

A position is believed only if its chain value fits our own bytes: a length alone would let two different files pass
for one. Whatever the destination says about itself (a store made anew, restored from a backup, bytes that it lost)
only sends a segment back to its start of this diagram.
"""

from __future__ import annotations

import heapq
import random
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from typing import Final, Literal, NamedTuple

from treering.errors import FormatError, NewerFormat
from treering.limits import (
    SHIP_BACKOFF_END_S,
    SHIP_BACKOFF_MAX_S,
    SHIP_BATCH_BYTES,
    SHIP_CATCH_UP_BYTES,
    SHIP_EVERY_S,
    SHIP_HOLE_PATIENCE_S,
    SHIP_IDLE_S,
    SHIP_QUERY_MAX,
    SHIP_RECHECK_S,
    SHIP_REFUSED_S,
    SHIP_RETRY_AFTER_MAX_S,
)
from treering.runlog.frames import FRAME_HEADER_BYTES, HEADER_BYTES, decode_frame_header, seed
from treering.runlog.salvage import Fork, Found, frame_at, read_life
from treering.runlog.shipment import NOTHING, Checked, Held, Pread, check_frames, next_batch

from .destination import Answer, Appended, Destination, Diverged, Gap, Refused, Source, TooLarge, Unreachable
from .parcel import ASK, BEHIND, CHECK, DONE, FORKED, SEARCH, SHIP, Parcel

__all__ = ["SegmentStatus", "Shipper"]


class SegmentStatus(NamedTuple):
    """
    How far one segment is.

    Attributes:
        segment: its id at the source.
        target: its id at the destination; another one for a fork.
        held: bytes that the destination holds and that are proven to be ours.
        ours: bytes that there are to ship, as far as is known: of a file that is being written its size.
        sealed: nothing will follow at the destination.
        done: the destination holds everything that is readable now, by length and chain.
        indexed: and its pages show it.
        error: what is in the way, in words; empty if nothing is.
    """

    segment: str
    target: str
    held: int
    ours: int
    sealed: bool
    done: bool
    indexed: bool
    error: str


_FRESH, _SMALL, _BULK = 0, 1, 2
_BULK_EACH: Final = 4  # of so many requests one goes to catching up, however many small ones wait
_MUCH_BYTES: Final = 4 * 1024 * 1024  # more than what a writer reserves ahead
_FIRST_FRAMES: Final = 2  # the file header's mirror and the life record: whose a segment is
_FORKS_MAX: Final = 8  # of one file, one out of the other
_STUMBLES: Final = 3  # contradictions taken calmly
_LOOKS: Final = 500  # segments looked at in one step, when none has anything new


class Shipper:
    """
    Ships what a source has to a destination. Not thread-safe; ``status`` and ``settled`` may be read from elsewhere.

    Args:
        clock: a monotonic clock, seconds.
        chance: spreads retries; seeded in tests.
        idle_s: the longest pause between two looks at a segment that does not grow.
        patience_s: how long a gap must stay in a segment that may still be written before it counts as damage.

    Attributes:
        error: why nothing can be shipped at present, in words; empty while the destination answers.
        stop: who asked the run to stop; None if nobody did.
        acknowledged_bytes: confirmed by the destination since the beginning.
        requests: made since the beginning.
        progress_at: when bytes were last confirmed.
    """

    def __init__(
        self,
        source: Source,
        destination: Destination,
        clock: Callable[[], float],
        *,
        chance: random.Random | None = None,
        idle_s: float = SHIP_IDLE_S,
        patience_s: float = SHIP_HOLE_PATIENCE_S,
    ) -> None:
        self._source = source
        self._destination = destination
        self._clock = clock
        self._chance = chance or random.Random()  # noqa: S311 - spreads requests over time
        self._idle_s = idle_s
        self._patience_s = patience_s
        self._parts: dict[str, Parcel] = {}  # by the source's name
        self._forks: dict[str, Parcel] = {}  # by the destination's name
        self._heap: list[tuple[float, int, Parcel]] = []
        self._ready: tuple[deque[Parcel], deque[Parcel], deque[Parcel]] = (deque(), deque(), deque())
        self._asking: deque[Parcel] = deque()
        self._count = 0
        self._limit_bytes = SHIP_CATCH_UP_BYTES
        self._quiet_until = 0.0
        self._failures = 0
        self._list_at = 0.0
        self._every_s = SHIP_EVERY_S
        self._store: tuple[str, int] | None = None
        self._recheck_at = clock() + SHIP_RECHECK_S
        self._recheck_from = 0
        self._hurried = False
        self._listed = False
        self.error = ""
        self.refusal: Refused | None = None
        self.stop: str | None = None
        self.acknowledged_bytes = 0
        self.requests = 0
        self.progress_at = clock()

    # ── what others ask ─────────────────────────────────────────────────────────────────────────────────────────

    def hurry(self) -> None:
        """Look at everything now: the writers are gone, or somebody waits for the end."""
        self._hurried = True
        self._patience_s = 0.0
        self._list_at = 0.0
        for part in self._all():
            if not part.error and part.phase != DONE:
                part.idle_since = None
                part.looked_at = 0.0
                part.end = False
                self._schedule(part, 0.0)

    def try_now(self) -> None:
        """Do not wait for the end of a pause: something changed."""
        self._quiet_until = 0.0

    @property
    def settled(self) -> bool:
        """
        Whether there is nothing left to do: every segment is at the destination as far as it is readable, or was
        refused. Says nothing before the source was listed once.
        """
        return self._listed and all(self._is_over(part) for part in self._all())

    @property
    def uploaded(self) -> bool:
        """Whether the destination holds everything and shows it, nothing refused."""
        return self._listed and all(self._is_done(part) and not self._lags(part) for part in self._all())

    def status(self) -> list[SegmentStatus]:
        """Return how far each segment and each fork is, in the order in which they were found."""
        result = []
        for part in list(self._all()):
            try:
                size = 0 if part.is_fork else self._source.size(part.origin)
            except OSError:
                size = 0
            done = self._is_done(part)
            ours = part.at.length if done or part.is_fork else max(size, part.at.length)
            sealed = part.at.sealed or part.phase == DONE
            result.append(
                SegmentStatus(
                    part.origin, part.name, part.at.length, ours, sealed, done, not self._lags(part), part.error
                )
            )
        return result

    @property
    def store(self) -> tuple[str, int] | None:
        """Which store the destination is, as it says: its id and how often it was restored. None before it answered."""
        return self._store

    def shipped(self) -> dict[str, int]:
        """Return bytes that the destination holds, by segment id there."""
        return {part.name: part.at.length for part in list(self._all()) if part.at.length}

    def _all(self) -> Iterable[Parcel]:
        return [*self._parts.values(), *self._forks.values()]

    @staticmethod
    def _is_done(part: Parcel) -> bool:
        if part.error:
            return False
        return part.phase in (DONE, FORKED, BEHIND) or (part.phase == SHIP and part.end)

    def _is_over(self, part: Parcel) -> bool:
        return bool(part.error) or (self._is_done(part) and not self._lags(part))

    @staticmethod
    def _lags(part: Parcel) -> bool:
        return part.phase in (SHIP, DONE) and 0 <= part.indexed < part.at.length

    # ── one step ────────────────────────────────────────────────────────────────────────────────────────────────

    def step(self) -> float:
        """Make at most one request. Returns when to be called again, by the clock; now or earlier means at once."""
        now = self._clock()
        if now < self._quiet_until:
            return self._quiet_until
        if now >= self._list_at:
            self._list(now)
        try:
            if self._ask(now) or self._work(now):
                return self._clock()
            if now >= self._recheck_at and self._recheck(now):
                return self._clock()
        except Unreachable as error:
            self._back_off(str(error), error.retry_after_s)
            return self._quiet_until
        except Refused as error:
            self.refusal = error
            self._back_off(str(error), SHIP_BACKOFF_MAX_S / 2)
            return self._quiet_until
        if self._asking or any(self._ready):
            return now
        next_due = self._heap[0][0] if self._heap else now + SHIP_EVERY_S
        return max(min(next_due, self._list_at, self._recheck_at), now + 0.01)

    def _list(self, now: float) -> None:
        try:
            names = list(self._source.segments())
        except OSError as error:
            self.error = f"the folder cannot be read: {error.strerror or error}"
            self._list_at = now + SHIP_EVERY_S
            return
        known = self._parts
        for name in names:
            if name not in known:
                part = known[name] = Parcel(name, name, self._reader(name))
                self._schedule(part, now)
        if len(names) < len(known):
            for gone in known.keys() - set(names):
                known.pop(gone).queued = -1
                self._drop_forks(gone)
        self._listed = True
        self._list_at = now + self._every_s

    def _reader(self, name: str) -> Pread:
        source = self._source
        return lambda length, offset: source.pread(name, length, offset)

    def _schedule(self, part: Parcel, due: float) -> None:
        self._count += 1
        part.due, part.queued = due, self._count
        heapq.heappush(self._heap, (due, self._count, part))

    def _collect(self, now: float) -> None:
        """Move what is due from the heap into the queue of its kind."""
        heap = self._heap
        while heap and heap[0][0] <= now:
            _, count, part = heapq.heappop(heap)
            if part.queued != count:
                continue  # scheduled anew since, or gone
            part.queued = 0
            (self._asking if part.phase == ASK else self._ready[self._kind(part)]).append(part)

    def _kind(self, part: Parcel) -> int:
        if part.at.length == 0:
            return _FRESH
        if part.full:
            return _BULK
        if part.is_fork:
            return _SMALL
        try:
            return _BULK if self._source.size(part.origin) - part.at.length > _MUCH_BYTES else _SMALL
        except OSError:
            return _SMALL

    def _ask(self, now: float) -> bool:
        """Ask about segments of which nothing is known, many at once."""
        self._collect(now)
        asked: list[Parcel] = []
        while self._asking and len(asked) < SHIP_QUERY_MAX:
            part = self._asking.popleft()
            if part.queued == 0:
                asked.append(part)
        if not asked:
            return False
        try:
            answer = self._query([part.name for part in asked])
        except (Unreachable, Refused):
            self._asking.extendleft(reversed(asked))
            raise
        for part in asked:
            if part.queued == 0:
                part.error = ""
                self._learn(part, answer.segments.get(part.name, NOTHING), answer.indexed.get(part.name, -1))
                self._schedule(part, now)
        return True

    def _query(self, names: Sequence[str]) -> Answer:
        self.requests += 1
        answer = self._destination.query(names)
        self._reached(answer.store_id, answer.restores)
        self._recheck_at = self._clock() + SHIP_RECHECK_S
        return answer

    def _learn(self, part: Parcel, held: Held, indexed: int) -> None:
        """Take what the destination says it holds; it is not believed yet."""
        part.remote = held
        part.indexed = indexed
        part.end = False
        if held.length == 0:
            part.at, part.phase = NOTHING, SHIP
        elif held == part.at:
            part.phase = SHIP
        else:
            part.phase = CHECK
            if part.walk.length > held.length:
                part.walk = part.chunk = NOTHING

    def _work(self, now: float) -> bool:
        """Advance segments until one needed a request. Returns whether one did."""
        for _ in range(_LOOKS):
            part = self._choose()
            if part is None:
                return False
            before = self.requests
            part.due = now
            try:
                self._advance(part, now)
            except Gap as gap:
                self._stumble(part, gap.held)
            except Diverged as diverged:
                self._stumble(part, diverged.held)
            except TooLarge as error:
                self._refuse(part, error)
            except Refused as error:
                if error.everything:
                    self._schedule(part, now)
                    raise
                self._refuse(part, error)
            except Unreachable:
                self._schedule(part, now)
                raise
            except NewerFormat as error:
                self._give_up(part, str(error))
            except (OSError, FormatError) as error:
                self._give_up(part, f"cannot be read: {getattr(error, 'strerror', None) or error}", again_s=5.0)
            if part.queued == 0:
                self._schedule(part, part.due)
            if self.requests != before:
                return True
        return False

    def _choose(self) -> Parcel | None:
        fresh, small, bulk = self._ready
        order = (bulk, fresh, small) if self.requests % _BULK_EACH == 0 else (fresh, small, bulk)
        for queue in order:
            while queue:
                part = queue.popleft()
                if part.queued == 0:
                    return part
        return None

    def _advance(self, part: Parcel, now: float) -> None:
        if part.phase == ASK:
            return
        if part.phase == CHECK:
            self._check(part)
        if part.phase == SHIP:
            self._ship(part, now)
        elif part.phase == SEARCH:
            self._search(part)
        elif part.phase in (BEHIND, FORKED):
            self._look_again(part, now)
        elif part.phase == DONE and not self._shrank(part):
            part.due = now + 10 * SHIP_RECHECK_S

    # ── where the destination stands ────────────────────────────────────────────────────────────────────────────

    def _check(self, part: Parcel) -> None:
        """Find out whether what the destination holds is the front of our file."""
        remote, pread = part.remote, part.pread
        head = decode_frame_header(pread(FRAME_HEADER_BYTES, remote.length), 0, seed(part.name))
        if head is not None:
            # Our next frame names the chain value that it continues, so nothing before it needs to be read.
            self._decide(part, remote.length, head.prev)
            return
        hole = part.read_to(remote.length)
        if part.walk.length == remote.length:
            self._decide(part, remote.length, part.walk.chain)
        elif hole is not None:
            self._make_forks(part, part.content(hole.offset) or hole, "hole")
        elif part.walk.length > remote.length or part.goes_on():
            part.phase, part.low, part.high = SEARCH, NOTHING, remote.length
        else:
            self._prove_behind(part)

    def _decide(self, part: Parcel, length: int, chain: int) -> None:
        if chain == part.remote.chain:
            part.at, part.phase = part.remote, SHIP
            part.walk = part.chunk = part.remote
        else:
            part.phase, part.low, part.high = SEARCH, NOTHING, length

    def _prove_behind(self, part: Parcel) -> None:
        """Our file ends before what the destination holds. Send our last frame: it changes nothing if it is equal."""
        chunk, end = part.chunk, part.walk
        if end.length <= HEADER_BYTES:
            part.phase, part.end = BEHIND, True
            return
        at, body = part.last_frame(chunk, end)
        same = self._probe(part, at, body)
        if part.phase != CHECK:
            return  # it is another store by now
        if same:
            part.at = end
            part.phase, part.end = BEHIND, True
            part.error = ""
        else:
            part.phase, part.low, part.high = SEARCH, NOTHING, end.length

    def _probe(self, part: Parcel, at: Held, body: bytes) -> bool:
        """Return whether the destination has exactly these bytes of ours in this place."""
        self.requests += 1
        try:
            reply = self._destination.append(part.name, at.length, at.chain, body)
        except Diverged:
            self._reached(None, 0)
            return False
        self._take(part, reply)
        return True

    def _search(self, part: Parcel) -> None:
        """One probe of a binary search for the first frame that the destination does not have as we have it."""
        if part.low == NOTHING:
            part.low = part.first_place()
        if part.low.length < part.high:
            self._narrow(part)
            return
        part.at = part.low
        first = part.content(part.low.length)
        if first is None:
            part.phase, part.end = BEHIND, True
        else:
            self._make_forks(part, first, "diverged")

    def _narrow(self, part: Parcel) -> None:
        """Probe the frame in the middle. Once one differs all later ones do, since each names what is before it."""
        low, high = part.low, part.high
        middle = part.boundary(low, low.length + (high - low.length) // 2)
        if middle.length >= high:
            middle = low
        found = part.next_frame(middle.length)
        if found is None or found.offset >= high:
            part.high = middle.length  # nothing of ours stands between
            return
        body = part.pread(found.end - found.offset, found.offset)
        same = self._probe(part, Held(found.offset, found.head.prev, False), body)
        if part.phase != SEARCH:
            return  # it is another store by now
        if same:
            part.low = Held(found.end, found.head.header_crc, False)
        else:
            part.high = middle.length

    def _make_forks(self, part: Parcel, first: Found, why: Literal["hole", "diverged"]) -> None:
        """Ship what the file has from *first* on as forks, one for each stretch of frames without a hole in it."""
        life = read_life(part.name, part.pread) or self._source.life(part.origin)
        if life is None:
            self._give_up(part, "it is damaged, and no life record says which run it is of")
            return
        if part.depth >= _FORKS_MAX:
            self._give_up(part, "it was changed again and again; its latest form is not shipped")
            return
        found: Found | None = first
        next_seq = 0
        while found is not None:
            fork = Fork(part.name, part.pread, found, why, life)
            end, last_seq = fork.extent()
            if found.head.first_seq >= next_seq:  # else a displaced block, which repeats what was read
                next_seq = last_seq
                child = self._forks.get(fork.segment_id)
                if child is None:
                    child = self._forks[fork.segment_id] = Parcel(
                        fork.segment_id, part.origin, fork.pread, part.depth + 1
                    )
                    # A fork of a fork is rare enough to take its time; who contradicts everything gets few of them.
                    self._schedule(child, self._clock() + part.depth * SHIP_BACKOFF_MAX_S)
            found = part.content(end)
        part.phase, part.end, part.low = FORKED, True, Held(first.offset, first.head.prev, False)
        part.why = why

    # ── shipping ────────────────────────────────────────────────────────────────────────────────────────────────

    def _ship(self, part: Parcel, now: float) -> None:
        if part.at.sealed:
            part.phase, part.end = DONE, True
            part.due = now + 10 * SHIP_RECHECK_S
            return
        limit = min(SHIP_CATCH_UP_BYTES if part.full else SHIP_BATCH_BYTES, self._limit_bytes)
        try:
            body, checked = next_batch(part.name, part.pread, part.at, limit)
        except NewerFormat:
            raise
        except FormatError:
            if part.at.length == 0:
                self._nothing_new(part, now, 0)
            else:  # the file was replaced since
                self._changed(part)
            return
        if not body or (part.at.length == 0 and checked.frames < _FIRST_FRAMES):
            self._nothing_new(part, now, part.at.length or checked.used)
            return
        if len(body) > limit and part.at.length == 0:
            body, checked = _fewer_frames(part.name, body, limit)
        expected = Held(part.at.length + checked.used, checked.chain, checked.sealed)
        self.requests += 1
        try:
            reply = self._destination.append(part.name, part.at.length, part.at.chain, body)
        except TooLarge:
            few = 1 if part.at.length else _FIRST_FRAMES
            if checked.frames <= few:
                raise
            self._limit_bytes = max(len(body) // 2, FRAME_HEADER_BYTES + 1)
            return
        head = decode_frame_header(part.pread(FRAME_HEADER_BYTES, expected.length), 0, seed(part.name))
        part.full = head is not None and len(body) + head.length + FRAME_HEADER_BYTES > limit
        part.end = False
        part.idle_since = None
        if not self._take(part, reply):
            return
        if self._is_complete(reply.held, expected):
            self.acknowledged_bytes += expected.length - part.at.length
            self.progress_at = self._clock()
            part.at = part.walk = part.chunk = expected
            part.stumbles, part.error = 0, ""
        elif reply.held.length >= part.at.length:
            part.remote, part.phase = reply.held, CHECK
            part.walk = part.chunk = part.at if reply.held.length < expected.length else expected
            self._note_stumble(part)
        else:
            self._stumble(part, reply.held)
        part.due = now if part.full or part.at.sealed else max(now, self._clock()) + self._every_s

    @staticmethod
    def _is_complete(held: Held, expected: Held) -> bool:
        return held.length == expected.length and held.chain == expected.chain

    def _take(self, part: Parcel, reply: Appended) -> bool:
        """Note what else a reply says; False if it is of another store, so that nothing known of this one holds."""
        if reply.indexed is not None:
            part.indexed = reply.indexed
        else:
            part.indexed = -1
        if reply.stop is not None:
            self.stop = reply.stop
        self._every_s = min(max(reply.every_s, SHIP_EVERY_S), SHIP_BACKOFF_MAX_S)
        return self._reached(reply.store_id, reply.restores)

    def _nothing_new(self, part: Parcel, now: float, offset: int) -> None:
        """Nothing whole stands at *offset*: the tail of a writer at work, of one that is gone, or damage."""
        if self._shrank(part):
            return
        if part.idle_since is None:
            part.idle_since = now
            part.looked_at = now + self._patience_s
        part.full = False
        idle = now - part.idle_since
        if now >= part.looked_at:
            part.looked_at = now + max(self._patience_s, SHIP_HOLE_PATIENCE_S) + idle
            found = part.content(offset)
            if found is not None and not self._still_ours(part):
                self._changed(part)
                return
            if found is not None:
                self._make_forks(part, found, "hole")
                return
            part.end = True
        elif not part.is_fork and self._source.size(part.origin) == part.at.length:
            part.end = True
        pause = self._every_s if self._hurried else min(max(self._every_s, idle / 8), max(self._idle_s, self._every_s))
        part.due = now + pause
        if part.looked_at > now:
            part.due = min(part.due, part.looked_at)

    def _changed(self, part: Parcel) -> None:
        """The file is not what it was when it was checked."""
        if not part.is_fork:
            part.phase, part.low, part.high = SEARCH, NOTHING, part.at.length
            return
        self._drop_forks(part.origin)
        origin = self._parts.get(part.origin)
        if origin is not None:
            origin.begin_again()
            self._schedule(origin, self._clock())

    def _drop_forks(self, origin: str) -> None:
        for name in [name for name, fork in self._forks.items() if fork.origin == origin]:
            self._forks.pop(name).queued = -1

    def _still_ours(self, part: Parcel) -> bool:
        """Return whether what stands before ``at`` in our file is what was shipped, as far as it can be read."""
        if part.at.length == 0:
            return True
        part.walk = part.chunk = NOTHING
        hole = part.read_to(part.at.length)
        return hole is not None or part.walk[:2] == part.at[:2]

    def _shrank(self, part: Parcel) -> bool:
        """Return whether the file is shorter than what was shipped of it: then another one is in its place."""
        if part.is_fork or part.at.length == 0 or self._source.size(part.origin) >= part.at.length:
            return False
        part.remote, part.phase, part.end = part.at, CHECK, False
        part.walk = part.chunk = NOTHING
        return True

    def _look_again(self, part: Parcel, now: float) -> None:
        """A file behind which something may still be written; what is in front of it is settled."""
        part.due = now + max(self._idle_s, SHIP_HOLE_PATIENCE_S)
        if part.phase == BEHIND and frame_at(part.name, part.pread, part.at.length) is not None:
            part.begin_again()
            part.due = now
        elif part.phase == FORKED and (first := frame_at(part.name, part.pread, part.low.length)) is not None:
            self._make_forks(part, first, part.why)  # there may be more damage, and more behind it
            part.due = now + max(self._idle_s, SHIP_HOLE_PATIENCE_S)

    # ── when it does not go well ────────────────────────────────────────────────────────────────────────────────

    def _reached(self, store_id: str | None, restores: int) -> bool:
        """The destination answered. Returns False if it is not the store that was known until now."""
        self._failures = 0
        self.error = ""
        self.refusal = None
        if store_id is None:
            return True
        store = (store_id, restores)
        known, self._store = self._store, store
        if known is None or known == store:
            return True
        self.check_everything()
        return False

    def check_everything(self) -> None:
        """Forget all that is known of the destination, sealed segments too, and ask again."""
        now = self._clock()
        for fork in self._forks.values():
            fork.queued = -1
        self._forks.clear()
        for queue in (self._asking, *self._ready):
            queue.clear()
        for part in self._parts.values():
            part.begin_again()
            part.error, part.stumbles = "", 0
            self._schedule(part, now)

    def _recheck(self, now: float) -> bool:
        """Idle: ask about the next thousand segments whether all is still as it was."""
        self._recheck_at = now + SHIP_RECHECK_S
        parts = [part for part in self._all() if part.phase in (SHIP, DONE, BEHIND, FORKED)]
        if not parts:
            return False
        begin = self._recheck_from if self._recheck_from < len(parts) else 0
        asked = parts[begin : begin + SHIP_QUERY_MAX]
        self._recheck_from = begin + len(asked)
        answer = self._query([part.name for part in asked])
        for part in asked:
            held = answer.segments.get(part.name, NOTHING)
            if part.phase == ASK:
                break  # it is another store, and everything is asked about anyway
            known = part.at if part.phase in (SHIP, DONE) else part.remote
            if held[:2] != known[:2]:
                self._learn(part, held, answer.indexed.get(part.name, -1))
                self._schedule(part, now)
            else:
                part.indexed = answer.indexed.get(part.name, -1)
        return True

    def ask_about_index(self) -> None:
        """Ask how much of what was shipped can be seen by now. Raises nothing; for who waits for the end."""
        lagging = [part for part in self._all() if self._lags(part)][:SHIP_QUERY_MAX]
        if not lagging or self._clock() < self._quiet_until:
            return
        try:
            answer = self._query([part.name for part in lagging])
        except (Unreachable, Refused) as error:
            self._back_off(str(error), getattr(error, "retry_after_s", None))
            return
        for part in lagging:
            part.indexed = answer.indexed.get(part.name, part.indexed)

    def _note_stumble(self, part: Parcel) -> None:
        part.stumbles += 1
        if part.stumbles > _STUMBLES:
            most = min(SHIP_BACKOFF_MAX_S, 2.0 ** (part.stumbles - _STUMBLES))
            part.due = self._clock() + self._chance.uniform(1.0, max(most, 1.0))

    def _stumble(self, part: Parcel, held: Held) -> None:
        """The destination stands elsewhere than we thought: go to where it says, and check that."""
        self._reached(None, 0)
        part.walk = part.chunk = NOTHING
        part.at = NOTHING
        self._learn(part, held, part.indexed)
        self._note_stumble(part)

    def _refuse(self, part: Parcel, error: Refused) -> None:
        self._reached(None, 0)
        self._give_up(part, str(error), SHIP_REFUSED_S)

    def _give_up(self, part: Parcel, reason: str, again_s: float = SHIP_REFUSED_S) -> None:
        """Leave this segment for a while; the others go on."""
        part.begin_again()
        part.error = reason
        self._schedule(part, self._clock() + again_s * self._chance.uniform(1.0, 1.25))

    def _back_off(self, reason: str, retry_after_s: float | None) -> None:
        """Be quiet for a while, longer each time, for all segments: it is the destination that fails."""
        self._failures += 1
        self.error = reason
        longest = SHIP_BACKOFF_END_S if self._hurried else SHIP_BACKOFF_MAX_S
        most = min(longest, 2.0 ** min(self._failures, 10))
        pause = max(SHIP_EVERY_S, self._chance.uniform(0.0, most))
        if retry_after_s is not None:
            pause = max(pause, min(retry_after_s, SHIP_RETRY_AFTER_MAX_S))
        self._quiet_until = self._clock() + pause


def _fewer_frames(name: str, body: bytes, limit_bytes: int) -> tuple[bytes, Checked]:
    """Return the front of a first batch: as many frames as fit, but mirror and life at least."""
    at, frames, start = HEADER_BYTES, 0, seed(name)
    while (head := decode_frame_header(body, at, start)) is not None:
        behind = at + FRAME_HEADER_BYTES + head.length
        if frames >= _FIRST_FRAMES and behind > limit_bytes:
            break
        at, frames = behind, frames + 1
    return body[:at], check_frames(name, body[:at], 0, 0)
