"""
Every size, depth, count and time limit of treering, in one table that the SDK and the server share.

A limit that is hit says so: a value is cut with a warning, a request is refused with the limit's name, a loss is
counted and shown on the run. Nothing is cut silently.
"""

from __future__ import annotations

from typing import Final

KIB: Final = 1024
MIB: Final = 1024 * KIB
GIB: Final = 1024 * MIB

# ── names ────────────────────────────────────────────────────────────────────────────────────────────────────────
NAME_MAX_CHARS: Final = 128  # entity, project, run id
DISPLAY_NAME_MAX_CHARS: Final = 256
TAG_MAX_CHARS: Final = 64
TAGS_MAX: Final = 64
NOTES_MAX_BYTES: Final = 256 * KIB
KEY_MAX_BYTES: Final = 1024  # longer metric keys are cut and get a hash suffix

# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────
ROW_MAX_KEYS: Final = 10_000  # a log() call with more is split over several records
RECORD_SPLIT_BYTES: Final = 8 * MIB  # so are one, and a config change, of more bytes: half of what a frame can hold
ROW_MAX_DEPTH: Final = 32  # nested dicts in log()
TEXT_MAX_CHARS: Final = 64 * KIB  # a string logged as a status value
UNKNOWN_TYPE_MAX_CHARS: Final = 1_000  # repr() of a value of an unknown type
CONFIG_MAX_DEPTH: Final = 50
CONFIG_MAX_LEAVES: Final = 50_000
TRACEBACK_MAX_CHARS: Final = 64 * KIB

# ── run log ──────────────────────────────────────────────────────────────────────────────────────────────────────
FRAME_MAX_BYTES: Final = 16 * MIB  # raw payload, hard
FRAME_RATIO_MAX: Final = 100  # inflated : stored
SEGMENT_MAX_BYTES: Final = 64 * MIB
SEGMENT_MAX_AGE_S: Final = 6 * 3600.0
WINDOW_BYTES: Final = 2 * MIB  # the mapped part of a segment; counts as process memory
FIRST_ALLOCATION_BYTES: Final = 256 * KIB
STATE_EVERY_BYTES: Final = 1 * MIB  # a checkpoint record, so that resume reads one record
BACKLOG_MAX_BYTES: Final = 16 * MIB  # frames held in memory while the disk refuses
DISK_RETRY_S: Final = 5.0
READ_CHUNK_BYTES: Final = 1 * MIB
SCAN_BUDGET_FACTOR: Final = 4  # checksum work on damaged bytes, as a multiple of the file size

# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────
BEAT_EVERY_S: Final = 10.0
CRASHED_AFTER_S: Final = 60.0  # no beat for so long
SYNC_EVERY_S: Final = 5.0  # fdatasync by the uploader
SAMPLE_EVERY_S: Final = 1.0
SAMPLE_WINDOW_S: Final = 10.0
EARLY_SAMPLES_S: Final = (0.0, 1.0, 2.0, 5.0)
FINISH_TIMEOUT_S: Final = 60.0
HELPER_OUTLIVES_PARENT_S: Final = 30.0

# ── server ───────────────────────────────────────────────────────────────────────────────────────────────────────
PORT: Final = 6464
PORT_TRIES: Final = 50
JSON_BODY_MAX_BYTES: Final = 1 * MIB  # a query names at most 10,000 runs: 290 kB
BODY_TIMEOUT_S: Final = 30.0
HEADERS_TIMEOUT_S: Final = 10.0
HEADERS_MAX: Final = 100
HEADER_BYTES_MAX: Final = 64 * KIB
JSON_MAX_DEPTH: Final = 64
JSON_MAX_KEYS: Final = 100_000
FILTER_MAX_BYTES: Final = 4 * KIB
FILTER_MAX_TERMS: Final = 64
FILTER_MAX_DEPTH: Final = 16
REGEX_MAX_CHARS: Final = 256
PAGE_MAX_ROWS: Final = 1_000
PAGE_DEFAULT_ROWS: Final = 100
SERIES_MAX_RUNS: Final = 10_000
SERIES_MAX_KEYS: Final = 1_000
SERIES_MAX_BUCKETS: Final = 4_000
SERIES_MAX_POINTS: Final = 8_000_000  # series x buckets of one request
CONSOLE_MAX_LINES: Final = 10_000  # of one page
STREAMS_MAX: Final = 500  # open live streams
PING_EVERY_S: Final = 10.0  # on an idle live stream
SESSION_DAYS: Final = 30
SESSIONS_MAX: Final = 1_000  # the oldest goes
ONE_TIME_CODE_S: Final = 600.0
ONE_TIME_CODES_MAX: Final = 100
IDLE_EXIT_S: Final = 60.0  # a server that a reading command started

# ── store ────────────────────────────────────────────────────────────────────────────────────────────────────────
TAIL_BUDGET_BYTES: Final = 128 * MIB
FLUSH_POINTS: Final = 1_000_000
ROLLUP_MIN_POINTS: Final = 1_024
LIVE_POLL_S: Final = 0.2
FIRST_SCAN_WAIT_S: Final = 2.0  # a server that starts answers after its first look at all runs, or after so long
FULL_SCAN_S: Final = 60.0
