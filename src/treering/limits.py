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
FOLDER_DEPTH_MAX: Final = 16  # of a run within its project
TAG_MAX_CHARS: Final = 64
TAGS_MAX: Final = 64
NOTES_MAX_BYTES: Final = 256 * KIB
KEY_MAX_BYTES: Final = 1024  # longer metric keys are cut and get a hash suffix

# ── what people make ─────────────────────────────────────────────────────────────────────────────────────────────
DOCUMENT_MAX_BYTES: Final = 1 * MIB  # a saved view, as JSON
DOCUMENTS_MAX_PER_PROJECT: Final = 1_000
DOCUMENT_VERSIONS_LISTED: Final = 1_000
CORRECTIONS_MAX: Final = 200  # of one project
CORRECTION_KEYS_MAX: Final = 100  # names in one of them
CORRECTION_RUNS_MAX: Final = 1_000
CORRECTION_NOTE_MAX_CHARS: Final = 1_000
CORRECTION_UNIT_MAX_CHARS: Final = 32
CORRECTION_FACTOR_MAX: Final = 1e100  # and its inverse: what is shown stays a number
CORRECTION_PREVIEW_RUNS: Final = 6  # lines of a preview
CORRECTION_PREVIEW_KEYS: Final = 4
CORRECTION_PREVIEW_MAX_POINTS: Final = 20_000_000  # that are counted
BULK_MAX_RUNS: Final = 10_000  # that one request may change

# ── alerts ───────────────────────────────────────────────────────────────────────────────────────────────────────
ALERT_TITLE_MAX_CHARS: Final = 200
ALERT_TEXT_MAX_CHARS: Final = 4_000
ALERT_WAIT_S: Final = 60.0  # between two alerts of one title from one process
ALERT_TITLES_MAX: Final = 1_000  # different ones that are told apart for that
ALERTS_MAX_PER_RUN: Final = 1_000  # that its code raises
ALERT_RULES_MAX: Final = 100  # of one project
ALERT_POINTS_MAX: Final = 10_000  # in a row that a rule may ask for
ALERT_WINDOW_POINTS: Final = 1_024  # that the judge of a change keeps
ALERT_LINES_MAX: Final = 1_000  # of one run that one rule watches
ALERT_RECENT_S: Final = 3_600.0  # what happened longer ago is history and nobody's alarm
ALERT_QUEUE_POINTS: Final = 1_000_000  # that wait to be judged; beyond, they are read again from the store
ALERT_LOOK_S: Final = 1.0  # how often what came is judged
ALERT_REFERENCE_RUNS: Final = 20  # earlier runs that an unusual value is told by
ALERT_REFERENCE_POINTS: Final = 2_000  # of each of them
ALERT_PREVIEW_RUNS: Final = 50
ALERT_PREVIEW_POINTS: Final = 5_000_000
ALERT_PREVIEW_FIRES: Final = 20  # of one run that are shown
ALERTS_KEPT: Final = 10_000  # of one project that rules raised; older ones stay in the ledger
ALERT_OUTCOMES_KEPT: Final = 50_000  # of all alerts that code raised: who saw them, whom they reached
ALERT_FEW_POINTS: Final = 32  # of one line, that are judged one by one: cheaper than as an array
ALERTS_SCANNED_MAX: Final = 1_000  # that one page looks through for those it is to list
ALERTS_PAGE_MAX: Final = 200
ALERT_CHANNELS_MAX: Final = 20  # of one project
ALERT_RECIPIENTS_MAX: Final = 20
ALERT_SECRET_MAX_CHARS: Final = 200
OUTBOUND_URL_MAX_CHARS: Final = 2_000
OUTBOUND_TIMEOUT_S: Final = 10.0  # of one request, from the name to the answer
MAIL_TIMEOUT_S: Final = 60.0  # of one mail, from the greeting to the last answer
OUTBOUND_BODY_MAX_BYTES: Final = 64 * KIB
OUTBOUND_REPLY_MAX_BYTES: Final = 4 * KIB  # that are looked at to find the status
DELIVERY_QUEUE_MAX: Final = 1_000  # of one channel
DELIVERY_TRIES_MAX: Final = 6
DELIVERY_AT_ONCE: Final = 4
DELIVERY_LATE_S: Final = 86_400.0  # what could not be delivered within so long is given up
DELIVERIES_PER_HOUR: Final = 60  # messages of one channel; what is more waits and comes in one
DIGEST_MAX: Final = 50  # alerts that one message names; the others are counted

# ── where a file comes from ──────────────────────────────────────────────────────────────────────────────────────
PART_BYTES: Final = 4 * MIB  # of a file that is told by its parts
PARTS_MAX: Final = 3_000  # of one file; of a larger one they are larger
PARTS_MIN_BYTES: Final = 64 * KIB  # smaller files are told by their whole alone
TENSORS_HEADER_MAX_BYTES: Final = 64 * MIB  # of a safetensors or GGUF file
ORIGINS_MAX: Final = 50  # answers to one question

# ── pages that open from the disk ────────────────────────────────────────────────────────────────────────────────
EXPORT_PAGE_MAX_RUNS: Final = 1_000
EXPORT_PAGE_MAX_POINTS: Final = 5_000_000  # numbers: about 60 MB as text
EXPORT_MEDIA_MAX_BYTES: Final = 64 * MIB  # of pictures in one page
IMPORT_PAGE_MAX_BYTES: Final = 1 * GIB

# ── locked runs ──────────────────────────────────────────────────────────────────────────────────────────────────
LOCK_NOTE_MAX_CHARS: Final = 1_000

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

# ── media ────────────────────────────────────────────────────────────────────────────────────────────────────────
MEDIA_READ_NOW_BYTES: Final = 8 * MIB  # a file up to this size is read at the call, a larger one by the encoder
MEDIA_WAITING_MAX_BYTES: Final = 256 * MIB  # of snapshots in memory that wait to be encoded; more goes to the spool
MEDIA_SPOOL_MAX_BYTES: Final = 4 * GIB  # what waits on the disk
MEDIA_WAITING_MAX: Final = 10_000  # calls whose values wait; more is dropped and counted
MEDIA_SIGNAL_S: Final = 3.0  # a process that is told to end still encodes for so long
MEDIA_LIST_MAX: Final = 1_000  # values in one list under one key
MEDIA_CAPTION_MAX_CHARS: Final = 10_000
MEDIA_DOCUMENT_MAX_BYTES: Final = 256 * MIB  # HTML, a figure, a molecule that is given as text
AUDIO_PEAKS_MAX: Final = 400
POINTS_MAX: Final = 10_000_000
SCENE_PARTS_MAX: Final = 10_000  # boxes, and vectors, of a point cloud
SAVED_FILES_MAX: Final = 10_000  # that one call of run.save() names
CODE_FILE_MAX_BYTES: Final = 1 * MIB  # of one source file
CODE_FILES_MAX: Final = 10_000
INPUTS_MAX: Final = 1_000  # data sets of one run
CURVE_POINTS_MAX: Final = 1_000  # of a precision-recall or ROC curve
IMAGE_BOXES_MAX: Final = 10_000  # in one group
HISTOGRAM_BINS_MAX: Final = 512
TABLE_ROWS_MAX: Final = 1_000_000
TABLE_COLUMNS_MAX: Final = 1_000

# ── shipping ─────────────────────────────────────────────────────────────────────────────────────────────────────
SHIP_BATCH_BYTES: Final = 256 * KIB  # of one request while a run is followed
SHIP_CATCH_UP_BYTES: Final = 2 * MIB  # of one request when much waits
SHIP_EVERY_S: Final = 1.0  # how often new records are looked for
SHIP_IDLE_S: Final = 30.0  # how often a segment that does not grow is looked at, by who follows many of them
SHIP_BACKOFF_MAX_S: Final = 60.0  # between two requests to a server that does not answer
SHIP_BACKOFF_END_S: Final = 5.0  # while somebody waits for the end
SHIP_RETRY_AFTER_MAX_S: Final = 600.0  # a server may ask for no longer pause
SHIP_REFUSED_S: Final = 600.0  # a segment that the server refused is offered again
SHIP_RECHECK_S: Final = 60.0  # an idle client asks whether the server still holds everything
SHIP_QUERY_MAX: Final = 1_000  # segments asked about in one request
SHIP_REPLY_MAX_BYTES: Final = 4 * MIB
SHIP_HOLE_PATIENCE_S: Final = 10.0  # a gap in a segment that somebody may still be writing becomes damage
FILE_DECLARED_WAIT_S: Final = 120.0  # a server applies the records that declare a file before it takes the bytes
CONNECT_TIMEOUT_S: Final = 10.0
REFERENCE_REPLY_TIMEOUT_S: Final = 30.0  # of a bucket or a web server that a reference leads to, for each piece
REPLY_TIMEOUT_S: Final = 60.0  # from the request to the end of its reply, of a server that receives
INIT_WORD_S: Final = 4.0  # init() waits so long to hear whether the server answers
INGEST_BODY_MAX_BYTES: Final = FRAME_MAX_BYTES + 64 * KIB  # one frame of the largest size fits

# ── receiving ────────────────────────────────────────────────────────────────────────────────────────────────────
RECEIVE_APPENDS_MAX: Final = 256  # made durable together
RECEIVE_BACKLOG_BYTES: Final = 64 * MIB  # that wait for the disk; more is refused with "too_busy"
RECEIVE_FILES_OPEN: Final = 384  # descriptors of received segments
RECEIVE_SYNCS_AT_ONCE: Final = 8
INGEST_IN_FLIGHT_BYTES: Final = 128 * MIB  # of bodies being received, of all clients together
INGEST_APPENDS_PER_S: Final = 400  # beyond, clients are asked to ship more rarely
SHIP_EVERY_MAX_S: Final = 30.0
INGEST_RATIO_MAX: Final = 100  # inflated : sent
FILES_OPEN_MAX: Final = 65_536  # descriptors that a server asks for, if the system lets it
SEGMENTS_QUERY_MAX: Final = 1_000  # segments asked for at once
HOLDINGS_RUNS_MAX: Final = 1_000  # runs that lack something, listed at once

# ── disk ─────────────────────────────────────────────────────────────────────────────────────────────────────────
DISK_LOOK_S: Final = 3.0
DISK_NOTICE_SHARE: Final = 0.9  # used: people are told
DISK_RESERVE_BYTES: Final = 64 * MIB  # or a hundredth of the disk: below, nothing more is taken in

# ── backups ──────────────────────────────────────────────────────────────────────────────────────────────────────
BACKUP_FILES_MAX: Final = 5_000_000
BACKUP_MANIFEST_MAX_BYTES: Final = 1 * GIB

# ── processes ────────────────────────────────────────────────────────────────────────────────────────────────────
BEAT_EVERY_S: Final = 10.0
CRASHED_AFTER_S: Final = 60.0  # no beat for so long
SYNC_EVERY_S: Final = 5.0  # fdatasync by the uploader
SAMPLE_EVERY_S: Final = 1.0
SAMPLE_WINDOW_S: Final = 10.0
EARLY_SAMPLES_S: Final = (0.0, 1.0, 2.0, 5.0)
FINISH_TIMEOUT_S: Final = 60.0
FINISH_UNREACHABLE_S: Final = 1.5  # finish() waits so long beside a server that does not answer
FINISH_FULL_DISK_S: Final = 4.0  # and so long for the media, and for the uploader, beside a disk that refuses
HELPER_OUTLIVES_PARENT_S: Final = 30.0
JOB_RUNS_MAX: Final = 1_000  # runs of one command in one start of a scheduler's job
STAGED_SEGMENT_BYTES: Final = 8 * MIB  # in memory, on the way to a network folder
STAGED_COPY_S: Final = 0.5  # how often it is brought there
STAGED_MAX_BYTES: Final = 64 * MIB  # of one run; then the network folder counts as a full disk

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
CONSOLE_SEARCH_S: Final = 5.0  # then what was found is shown, and where to go on
OPEN_LINE_MAX_CHARS: Final = 16 * KIB  # of a progress bar's present state
OPEN_LINES_MAX: Final = 1_000  # of one run: two streams of each writer
STREAMS_MAX: Final = 500  # open live streams
PING_EVERY_S: Final = 10.0  # on an idle live stream
RIGHTS_CHECKED_EVERY_S: Final = 2.0  # whether the reader of a live stream may still have it
SESSION_DAYS: Final = 30
SESSIONS_MAX: Final = 1_000  # the oldest goes
ONE_TIME_CODE_S: Final = 600.0
ONE_TIME_CODES_MAX: Final = 100
IDLE_EXIT_S: Final = 60.0  # a server that a reading command started

# ── accounts ─────────────────────────────────────────────────────────────────────────────────────────────────────
PASSWORD_MIN_CHARS: Final = 10
PASSWORD_MAX_CHARS: Final = 256
HASHES_AT_ONCE: Final = 2  # of passwords: 64 MiB each
HASHES_WAITING_MAX: Final = 20
SIGN_IN_WINDOW_S: Final = 900.0  # in which failed sign-ins are counted
PEER_FAILURES_MAX: Final = 10  # from one address
ACCOUNT_FAILURES_MAX: Final = 100  # for one account, from everywhere
ATTEMPTS_REMEMBERED_MAX: Final = 10_000  # addresses, and accounts
SIGN_IN_IDLE_S: Final = 12 * 3600.0  # a session that is not used ends
SIGN_IN_MAX_S: Final = 7 * 86_400.0  # and every session does
USER_SESSIONS_MAX: Final = 50  # of one user; the oldest goes
USER_KEYS_MAX: Final = 100
KEY_DAYS: Final = 365  # of an API key, unless it is made for fewer or more
KEY_DAYS_MAX: Final = 3_650
KEY_PROJECTS_MAX: Final = 100
PROJECT_SHARES_MAX: Final = 1_000
SHARE_DAYS: Final = 30  # of a share link, likewise
SHARE_DAYS_MAX: Final = 365
INVITE_S: Final = 7 * 86_400.0
SETUP_CODE_S: Final = 86_400.0
RIGHTS_REMEMBERED_S: Final = 2.0  # a key that another process revoked is refused after so long
RIGHTS_REMEMBERED_MAX: Final = 10_000
LAST_USE_EVERY_S: Final = 60.0  # how often the last use of keys and sessions is written
AUDIT_PAGE_MAX: Final = 1_000

# ── what is recorded of how a run came about ─────────────────────────────────────────────────────────────────────
CAPTURE_S: Final = 2.0  # of looking at the code
CAPTURE_LAST_S: Final = 5.0  # a run that ends waits so long for what is being recorded of its beginning
CODE_MAX_BYTES: Final = 10 * MIB  # uncommitted changes and files together
CAPTURE_FILES_MAX: Final = 2_000
CAPTURE_TREE_MAX_BYTES: Final = 8 * MIB  # of the list of a commit's files
PACKAGES_MAX: Final = 10_000

# ── what is printed ──────────────────────────────────────────────────────────────────────────────────────────────
CONSOLE_LINE_MAX_CHARS: Final = 64 * KIB  # a longer one becomes several
CONSOLE_BYTES_MAX: Final = 100 * MIB  # of one process
CONSOLE_STATE_EVERY_S: Final = 1.0  # of a progress bar

# ── notebooks ────────────────────────────────────────────────────────────────────────────────────────────────────
CARD_EVERY_S: Final = 2.0
NOTEBOOK_MAX_BYTES: Final = 5 * MIB  # of the cells that were run

# ── files and media ──────────────────────────────────────────────────────────────────────────────────────────────
FILE_PATH_MAX_BYTES: Final = 1_024
FILE_ABOUT_MAX_BYTES: Final = 64 * KIB
BLOB_MAX_BYTES: Final = 64 * GIB  # of one file that comes over the network
BLOB_CHUNK_BYTES: Final = 8 * MIB  # of one request
ARRIVING_KEPT_S: Final = 7 * 86_400.0  # pieces of a file whose client does not come back
CODE_FILES_SHOWN: Final = 2_000
BLOBS_QUERY_MAX: Final = 1_000
FILES_PAGE_MAX: Final = 1_000
MEDIA_STEPS_MAX: Final = 10_000  # of one key of one run
MEDIA_ITEMS_MAX: Final = 2_000  # of one key of one run in one reply
MEDIA_SERIES_MAX: Final = 2_000  # runs x keys of one request
TABLE_PAGE_MAX: Final = 1_000
TABLE_FILTERS_MAX: Final = 32
TABLE_GROUPS_MAX: Final = 1_000
TABLE_VECTORS_MAX: Final = 5_000
TABLE_QUERY_S: Final = 10.0

# ── comparing ────────────────────────────────────────────────────────────────────────────────────────────────────
COLUMNS_MAX: Final = 200  # of one table, matrix or export
MATRIX_MAX_RUNS: Final = 100_000
COLUMN_READ_MAX_RUNS: Final = 10_000  # runs whose points are read for a value at a step
COLUMN_READ_MAX_POINTS: Final = 50_000_000  # of them together
COLUMN_MAX_VALUES: Final = 5_000_000  # runs x columns that are held at once
CONFIG_MAX_VALUES: Final = 5_000_000  # of the whole configuration of several runs
COLUMN_DOCUMENTS_MAX_RUNS: Final = 20_000  # runs whose documents are read: meta columns, groups by all config but …
SPREAD_MAX_RUNS: Final = 2_000  # that are looked at to say how much each column varies
PIVOT_MAX_CELLS: Final = 10_000
EXPORT_MAX_RUNS: Final = 1_000_000
COMPARE_MAX_RUNS: Final = 50
COMPARE_MAX_ROWS: Final = 5_000  # of one section; rows that differ come first
DIFF_MAX_BYTES: Final = 1 * MIB  # of each of two texts that are compared line by line
DIFF_MAX_LINES: Final = 20_000
DIFF_MAX_STEPS: Final = 500_000  # of work for one diff; what is left then is shown as replaced
CODE_DIFF_MAX_FILES: Final = 2_000
CODE_DIFF_MAX_BYTES: Final = 16 * MIB  # of all files of one comparison
CONSOLE_DIFF_MAX_LINES: Final = 10_000  # of each run, from the first on
CHANGED_MAX_RUNS: Final = 100  # earlier runs that say how often an input changes
STATISTICS_MAX_RUNS: Final = 10_000
SEEDS_MAX: Final = 100_000  # runs per group that are looked for when more are needed
BOOTSTRAP_RESAMPLES: Final = 1_000  # of a confidence band, where that is no more work than the next
BOOTSTRAP_WORK: Final = 400_000_000  # resamples x runs x points of one band
BOOTSTRAP_RESAMPLES_MIN: Final = 200
IMPORTANCE_MAX_RUNS: Final = 1_000  # the newest
IMPORTANCE_MAX_PARAMS: Final = 64
FANOVA_MAX_RUNS: Final = 300  # its time grows with the square of the runs: 300 take 4 s
IMPORTANCE_MAX_CHOICES: Final = 12  # of a category that a model is given: its time is exponential in them
EXPRESSION_MAX_NAMES: Final = 16
EXPRESSION_MAX_DEPTH: Final = 32
EXPRESSION_MAX_POINTS: Final = 10_000_000  # that are read for the expressions of one request

# ── reports and comments ─────────────────────────────────────────────────────────────────────────────────────────
REPORT_MAX_BYTES: Final = 512 * KIB  # of its Markdown
REPORT_RUN_SETS_MAX: Final = 50
REPORT_FORMULAS_MAX: Final = 500
REPORT_NUMBERS_MAX: Final = 500  # typed by hand, that are listed
REPORT_SET_MAX_RUNS: Final = 10_000  # that one run set means
REPORT_FIGURES_MAX: Final = 200
REPORT_FROZEN_BUCKETS: Final = 1_500  # of a line whose points are more
REPORT_FROZEN_MAX_POINTS: Final = 6_000_000  # of all lines of a frozen report
REPORT_FROZEN_MAX_BYTES: Final = 256 * MIB
REPORT_TABLE_ROWS: Final = 10_000  # the first of a logged table, that a frozen report keeps: all that charts draw
REPORT_TABLES_MAX_BYTES: Final = 32 * MIB  # of all such rows
FORMULA_MAX_CHARS: Final = 1_000
FORMULA_MAX_CALLS: Final = 16  # functions in one formula
FORMULA_MAX_DEPTH: Final = 16
COMMENT_MAX_BYTES: Final = 32 * KIB
COMMENTS_MAX_PER_PROJECT: Final = 20_000
PICTURE_MAX_BYTES: Final = 8 * MIB  # pasted into a text
PICTURES_MAX_PER_PROJECT: Final = 10_000

# ── processes of a distributed job ───────────────────────────────────────────────────────────────────────────────
PROCESSES_MAX: Final = 2_048  # that are looked at together
PROCESS_MAX_POINTS: Final = 20_000_000  # that are read for a heatmap
HEATMAP_MAX_COLUMNS: Final = 2_000
FINDINGS_MAX: Final = 50
FORK_LIVES_MAX: Final = 4_096  # processes of a fork that say themselves that they are one
FORK_DEPTH_MAX: Final = 32  # forks of forks that are read through
FINDINGS_MAX_POINTS: Final = 1_000_000  # of one metric; of more, the last steps are looked at
FINDINGS_MAX_KEYS: Final = 40  # durations and system figures that are judged
FINDING_RATIO: Final = 1.3  # from which on a process is told apart from the others
FINDING_SCORE: Final = 3.5  # robust z, as usual for outliers
FINDING_SCORE_ANY: Final = 7.0  # the same of a metric whose zero means nothing, so that no ratio can be asked for
FINDING_WINDOWS_MIN: Final = 3  # in a row
FINDING_WINDOWS_MAX: Final = 16
FINDING_WINDOW_POINTS: Final = 8  # of each process, so that a window says something
FINDING_SILENT_S: Final = 10.0  # behind the others, and at least so many of their steps:
FINDING_SILENT_STEPS: Final = 5

# ── TensorBoard ──────────────────────────────────────────────────────────────────────────────────────────────────
EVENT_RECORD_MAX_BYTES: Final = 64 * MIB
EVENT_FIELDS_MAX: Final = 200_000  # of one message
EVENT_DAMAGE_MAX_BYTES: Final = 256 * MIB  # of one file that is passed over while the next record is looked for
EVENT_DEPTH_MAX: Final = 20  # of a hyperparameter that is a list or a map
EVENT_TAGS_MAX: Final = 100_000  # of one run
EVENT_TENSOR_MAX: Final = 1_000_000  # numbers of one tensor
IMPORT_ENTRIES_MAX: Final = 1_000_000  # files and folders that are looked at
IMPORT_DEPTH_MAX: Final = 64  # folders within folders
IMPORT_RUNS_MAX: Final = 10_000
IMPORT_FILES_MAX: Final = 10_000  # of one run
IMPORT_NOTES_MAX: Final = 100  # things that were left out, named in the run; the others are counted
IMPORT_BATCH_BYTES: Final = 16 * MIB  # of a file, before it is written down how far it was read
FOLLOW_EVERY_S: Final = 1.0  # how often a growing event file is looked at

# ── artifacts ────────────────────────────────────────────────────────────────────────────────────────────────────
ARTIFACT_ENTRIES_MAX: Final = 200_000  # files and references of one version
ARTIFACT_MANIFEST_MAX_BYTES: Final = 128 * MIB  # the list of them
ARTIFACT_METADATA_MAX_BYTES: Final = 256 * KIB  # as JSON
ARTIFACT_DESCRIPTION_MAX_CHARS: Final = 64 * KIB
ARTIFACT_NOTE_MAX_CHARS: Final = 2_000  # why somebody removed or promoted something
ARTIFACT_ALIASES_MAX: Final = 64  # of one version, and of one change
ARTIFACT_KEEP_MAX: Final = 10_000  # versions that a rule of retention keeps
ARTIFACT_TTL_MAX_DAYS: Final = 36_500.0
ARTIFACT_REMOVED_MAX: Final = 1_000  # versions that one request removes
ARTIFACT_UNFINISHED_KEPT_S: Final = 7 * 86_400.0  # files of a version whose record has not come
ARTIFACT_EXPIRY_EVERY_S: Final = 600.0  # how often it is looked whose time is over
ARTIFACT_COPIES_AT_ONCE: Final = 4  # files that are copied and hashed side by side
ARTIFACT_DOWNLOADS_AT_ONCE: Final = 8
ARTIFACT_DOWNLOAD_TRIES: Final = 5  # of one file, each going on where the last one ended
ARTIFACT_REFERENCE_MAX_CHARS: Final = 4_096  # of an address, and of what identifies what is there
ARTIFACT_REFERENCE_OBJECTS_MAX: Final = 10_000  # that one add_reference() names, unless it says another number
ARTIFACT_CACHE_MAX_BYTES: Final = 10 * GIB  # of what was downloaded before, unless the environment says another number
ARTIFACT_MANIFESTS_HELD: Final = 500_000  # entries of manifests that are kept in memory
GARBAGE_YOUNG_S: Final = 3_600.0  # content younger than this is never garbage: somebody may be about to name it
GARBAGE_LISTED: Final = 1_000
LINEAGE_DEPTH_MAX: Final = 20
LINEAGE_NODES_MAX: Final = 2_000
VERIFY_READ_MAX_BYTES: Final = 64 * GIB  # of a run's files that one check reads; of others it looks at the size
VERIFY_DAMAGED_LISTED: Final = 100  # files
ARTIFACT_DIFF_ENTRIES_MAX: Final = 2_000
ARTIFACT_DIFF_TABLES_MAX: Final = 20
ARTIFACT_DIFF_TABLE_MAX_ROWS: Final = 1_000_000
STORAGE_RUNS_MAX: Final = 1_000  # that the storage page lists, the largest first
MODEL_CHECKS_MAX: Final = 32  # of one registered model

# ── store ────────────────────────────────────────────────────────────────────────────────────────────────────────
TAIL_BUDGET_BYTES: Final = 128 * MIB
FLUSH_POINTS: Final = 500_000
ROLLUP_MIN_POINTS: Final = 1_024
LIVE_POLL_S: Final = 0.2
FIRST_SCAN_WAIT_S: Final = 2.0  # a server that starts answers after its first look at all runs, or after so long
FULL_SCAN_S: Final = 60.0
