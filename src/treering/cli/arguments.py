"""What the command line takes. Nothing that takes time is imported here."""

from __future__ import annotations

import argparse
from typing import Any

from treering._version import __version__
from treering.limits import KEY_DAYS

__all__ = ["parse"]

_EPILOG = """\
RUN is a run key, entity/project/id, an id, or a name that only one run has.
The data folder is --data, else TREERING_DIR, else [tool.treering] dir in pyproject.toml, else ~/.treering.

exit codes:
  0  done
  1  failed; the reason is on stderr
  2  the command line is wrong
  3  no such run, project or key
  4  the name fits several runs; they are listed
  5  checked and found wrong: `verify` found damage, `doctor` a problem, `artifact get --verify` another file, or a
     check refused `model promote`
  6  another process has the folder's index
"""


class _Command(argparse.ArgumentParser):
    """A command whose arguments may stand before, between and behind its options: ``files RUN --data DIR NAME``."""

    _options_apart = False

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Return what was parsed, and what nothing of it took."""
        if self._options_apart or self._subparsers is not None:
            return super().parse_known_args(args, namespace)
        self._options_apart = True  # argparse takes the options first, then the arguments, each by this very method
        try:
            return self.parse_known_intermixed_args(args, namespace)
        finally:
            self._options_apart = False


def parse(argv: list[str] | None) -> argparse.Namespace:
    """Return the arguments of one command; ``command`` names the module that runs it. Exits for --help and mistakes."""
    parser = _Command(
        prog="treering",
        description="Track machine-learning runs. No account; nothing logged is lost.",
        epilog=_EPILOG,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--version", action="version", version=f"treering {__version__}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_ui(commands)
    _add_serve(commands)
    _add_runs(commands)
    _add_accounts(commands)

    _add_shipping(commands)
    _add_imports(commands)
    _add_artifacts(commands)

    verify = _add(commands, "verify", "check every byte of a run's record")
    verify.add_argument("run", metavar="RUN")

    lock = _add(commands, "lock", "seal a run's log for good: nothing is added to it any more")
    lock.add_argument("run", metavar="RUN")
    lock.add_argument("--note", default="", metavar="TEXT", help="why")
    lock.add_argument("--check", action="store_true", help="only compare its files with the hashes in the lock")
    lock.add_argument("--unlock", action="store_true", help="take the lock away; that it was there stays recorded")

    _add(commands, "rebuild", "make the index again from the run logs")
    backup = _add(commands, "backup", "copy a data folder to a folder or a .tar file, also while it is served")
    backup.add_argument("out", metavar="OUT", help="a new folder, or a new file whose name ends in .tar")
    restore = _add(commands, "restore", "put the code of a run together again, or a backup into the folder of --data")
    restore.add_argument("what", metavar="RUN|BACKUP", help="a run, or what `treering backup` made")
    restore.add_argument("--into", metavar="DIR", help="of a run: the new folder; by default named like the run")
    restore.add_argument("--repo", metavar="PATH|URL", help="of a run: a clone that has its commit, or where to clone")
    origin = _add(
        commands, "origin", "say which run a weights file on the disk comes from; exit code 3 if none is known"
    )
    origin.add_argument("file", metavar="FILE")
    origin.add_argument("--offline", metavar="DIR", help="ask the run logs in this folder, without a server")
    origin.add_argument(
        "--share",
        type=float,
        default=100.0,
        metavar="PERCENT",
        help="a file that is not known byte for byte is known from this share of it on (100)",
    )
    again = _add(commands, "reproduce", "run a run again from what was recorded of it, and say which metrics agree")
    again.add_argument("run", metavar="RUN")
    again.add_argument("--dry-run", action="store_true", help="only check packages, machine and data")
    again.add_argument(
        "--tolerance",
        type=float,
        default=0.01,
        metavar="X",
        help="relative difference up to which metrics agree (0.01)",
    )
    again.add_argument("--into", metavar="DIR", help="the new folder for the code; by default named like the run")
    again.add_argument("--repo", metavar="PATH|URL", help="a clone that has its commit, or where to clone")
    again.add_argument("--python", metavar="PATH", help="the interpreter (default: the one that runs treering)")
    page = _add(commands, "export", "write a run, project or report as a page that opens from the disk, or as a folder")
    page.add_argument("what", metavar="RUN|PROJECT|report:ID", help="a report, by its id or address, has to be frozen")
    page.add_argument("--html", metavar="FILE", help="one interactive page, which needs no server and no network")
    page.add_argument("--dir", metavar="DIR", help="a folder of Parquet, JSON and the runs' files")
    page.add_argument("--filter", default="", metavar="TEXT", help="of a project: only runs that pass it")
    page.add_argument(
        "--with-runs", action="store_true", help="of a report: every point of its runs is in the page too"
    )
    doctor = _add(commands, "doctor", "check this installation and the data folder")
    doctor.add_argument(
        "--capture", action="store_true", help="show what a run that is started here would record of its beginning"
    )

    demo = _add(commands, "demo", "train small real models and watch them in the browser")
    demo.add_argument("--seconds", type=float, default=120.0, metavar="N", help="train for about N seconds (120)")
    demo.add_argument("--port", type=int, metavar="N", help="listen on this port")
    demo.add_argument("--no-browser", action="store_true", help="print the address only")
    demo.add_argument("--exit", action="store_true", help="end when the trainings have ended")

    # Started by reading commands, not by people.
    socket_server = _add(commands, "serve-socket", None)
    socket_server.add_argument("--idle-exit", type=float, default=60.0, metavar="SECONDS")
    return parser.parse_args(argv)


_Commands = argparse._SubParsersAction  # argparse gives its own return type no public name


def _add(commands: _Commands[_Command], name: str, summary: str | None, module: str = "") -> argparse.ArgumentParser:
    """Add a command with what all of them take. Without a summary it is not listed."""
    if summary is None:
        parser = commands.add_parser(name)
    else:
        parser = commands.add_parser(name, help=summary, description=f"{summary[0].upper()}{summary[1:]}.")
    parser.add_argument("--data", metavar="DIR", help="the data folder")
    parser.add_argument("--json", action="store_true", help="print JSON, errors included")
    parser.set_defaults(command=module or name.replace("-", "_"))
    return parser


def _add_ui(commands: _Commands[_Command]) -> None:
    ui = _add(commands, "ui", "show the runs of a data folder in the browser")
    ui.add_argument(
        "--port", type=int, metavar="N", help="listen on this port; 0 for any free one (default: 6464 or next)"
    )
    ui.add_argument("--host", metavar="ADDRESS", help="127.0.0.1 only: more needs accounts (`treering serve`)")
    ui.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="HOST",
        help="answer to this name too, for a proxy in front (repeatable), e.g. https://lab.example",
    )
    ui.add_argument(
        "--allowed-embedder",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let pages of this origin show it in a frame (repeatable), e.g. http://localhost:8888 for Jupyter",
    )
    ui.add_argument("--base-path", default="/", metavar="PATH", help="path under which a proxy shows the server")
    _add_webhooks(ui)
    ui.add_argument("--no-browser", action="store_true", help="print the address only")


def _add_serve(commands: _Commands[_Command]) -> None:
    serve = _add(commands, "serve", "serve a data folder to people with accounts and to trainings elsewhere")
    serve.add_argument(
        "--host", default="127.0.0.1", metavar="ADDRESS", help="listen here (127.0.0.1); 0.0.0.0 for all"
    )
    serve.add_argument("--port", type=int, metavar="N", help="listen on this port; 0 for any free one (6464)")
    serve.add_argument(
        "--allowed-host",
        action="append",
        default=[],
        metavar="HOST",
        help="answer to this name too (repeatable), e.g. https://lab.example; that of --host is known",
    )
    serve.add_argument(
        "--allowed-embedder",
        action="append",
        default=[],
        metavar="ORIGIN",
        help="let pages of this origin show it in a frame (repeatable), e.g. http://localhost:8888 for Jupyter",
    )
    serve.add_argument("--base-path", default="/", metavar="PATH", help="path under which a proxy shows the server")
    serve.add_argument(
        "--trusted-proxy",
        action="append",
        default=[],
        metavar="IP",
        help="believe X-Forwarded-For and X-Forwarded-Proto from this address or network (repeatable)",
    )
    _add_webhooks(serve)
    serve.add_argument("--tls-cert", metavar="FILE", help="certificate and its chain, PEM")
    serve.add_argument("--tls-key", metavar="FILE", help="its key, PEM")
    serve.add_argument(
        "--allow-public", action="store_true", help="let public projects be looked at without an account"
    )


def _add_webhooks(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--allow-webhook",
        action="append",
        default=[],
        metavar="HOST:PORT",
        help="let alerts be sent there although it is not on the public internet (repeatable)",
    )


def _add_accounts(commands: _Commands[_Command]) -> None:
    key = commands.add_parser("key", help="make, list and revoke API keys", description="API keys of a data folder.")
    verbs = key.add_subparsers(title="commands", metavar="COMMAND", required=True)
    new = _add(verbs, "new", "make an API key and print it, this once", "key_new")
    new.add_argument("--user", metavar="NAME", help="whose (default: yours)")
    new.add_argument("--name", default="command line", metavar="TEXT", help="what it is for")
    new.add_argument(
        "--scope",
        action="append",
        choices=("ingest", "read", "write", "admin"),
        help="what it may do (repeatable; default: ingest, read, write)",
    )
    new.add_argument(
        "--project", action="append", default=[], metavar="E/P", help="only for this project (repeatable; default: all)"
    )
    new.add_argument(
        "--days", type=float, default=float(KEY_DAYS), metavar="N", help=f"how long it is good ({KEY_DAYS})"
    )
    keys = _add(verbs, "ls", "list API keys", "key_ls")
    keys.add_argument("--user", metavar="NAME", help="only this user's")
    revoke = _add(verbs, "revoke", "end an API key", "key_revoke")
    revoke.add_argument("key", metavar="ID", help="the key's id, or the key")

    user = commands.add_parser("user", help="add, list and disable accounts", description="Accounts of a data folder.")
    verbs = user.add_subparsers(title="commands", metavar="COMMAND", required=True)
    add = _add(verbs, "add", "make an account and print the link that opens it", "user_add")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--display-name", default="", metavar="TEXT", help="how others see them")
    add.add_argument("--admin", action="store_true", help="runs this server: accounts, audit, every project")
    add.add_argument("--stdin", action="store_true", help="read the password from stdin instead of making a link")
    _add(verbs, "ls", "list accounts", "user_ls")
    password = _add(verbs, "password", "print a link with which a user chooses a new password", "user_password")
    password.add_argument("name", metavar="NAME")
    password.add_argument("--stdin", action="store_true", help="read the password from stdin instead")
    disable = _add(verbs, "disable", "shut an account with its sessions, keys and links", "user_disable")
    disable.add_argument("name", metavar="NAME")
    disable.add_argument("--undo", action="store_true", help="open it again")


def _add_imports(commands: _Commands[_Command]) -> None:
    group = commands.add_parser(
        "import", help="make runs of what another tracker kept", description="Import from other trackers."
    )
    verbs = group.add_subparsers(title="commands", metavar="COMMAND", required=True)
    board = _add(verbs, "tensorboard", "make a run of each folder with TensorBoard's event files", "import_tensorboard")
    board.add_argument("dir", metavar="DIR", help="the log directory; importing it again adds what is new")
    board.add_argument("--project", metavar="P", help="the project of the runs (default: as for a training here)")
    board.add_argument("--entity", metavar="E", help="whose runs they are (default: yours)")
    board.add_argument("--live", action="store_true", help="go on with what is written, until Ctrl-C")
    page = _add(verbs, "html", "make runs of a page that `treering export --html` wrote", "import_html")
    page.add_argument("file", metavar="FILE")
    page.add_argument("--project", metavar="P", help="the project of the runs (default: the one they were in)")
    page.add_argument("--entity", metavar="E", help="whose runs they are (default: yours)")


def _add_shipping(commands: _Commands[_Command]) -> None:
    login = _add(commands, "login", "check the key of a server and keep it")
    login.add_argument("url", nargs="?", metavar="URL", help="e.g. https://treering.example:6464")
    login.add_argument("--key", metavar="KEY", help="the key; better typed, or piped in: others can see a command line")
    login.add_argument("--default", action="store_true", help="send new runs there without being told each time")

    sync = _add(commands, "sync", "send runs that are only on this machine to a server")
    sync.add_argument("what", nargs="*", metavar="DIR|RUN", help="data folders or runs (default: the data folder)")
    sync.add_argument("--to", metavar="URL", help="the server (default: TREERING_BASE_URL, else the one logged in to)")
    sync.add_argument("--follow", action="store_true", help="go on until Ctrl-C")
    sync.add_argument(
        "--prune-days",
        type=float,
        metavar="N",
        help="then remove runs here that have ended, are confirmed there byte for byte, and are older than N days",
    )

    relay = _add(commands, "relay", "follow a shared folder from a machine that reaches the server")
    relay.add_argument("dir", metavar="DIR", help="the data folder that the runs write")
    relay.add_argument("--to", metavar="URL", help="the server (default: TREERING_BASE_URL, else the one logged in to)")


def _add_artifacts(commands: _Commands[_Command]) -> None:
    artifact = commands.add_parser("artifact", help="list, log and download artifacts", description="Artifacts.")
    verbs = artifact.add_subparsers(title="commands", metavar="COMMAND", required=True)
    ls = _add(verbs, "ls", "list artifacts, or the versions of one", "artifact_ls")
    ls.add_argument("what", nargs="?", metavar="PROJECT|ARTIFACT", help="project or entity/project (default: all)")
    ls.add_argument("--versions", action="store_true", help="the versions of the artifact that is named")
    ls.add_argument("--type", metavar="T", help="only artifacts of this type")
    get = _add(verbs, "get", "write the files of a version into a folder", "artifact_get")
    get.add_argument("artifact", metavar="ARTIFACT", help="entity/project/name:v3, or :alias; latest by default")
    get.add_argument("--into", metavar="DIR", help="the folder (default: artifacts/NAME:vN)")
    get.add_argument("--path", metavar="P", help="only what is below this path")
    get.add_argument("--references", action="store_true", help="bring what references lead to as well")
    get.add_argument("--verify", action="store_true", help="write nothing; end with 5 if the folder differs")
    put = _add(verbs, "put", "make a version of a file or a folder", "artifact_put")
    put.add_argument("path", metavar="PATH")
    put.add_argument("--name", metavar="N", help="of the artifact (default: of the file or folder)")
    put.add_argument("--type", default="dataset", metavar="T", help="what it is (dataset)")
    put.add_argument("--project", metavar="P", help="the project (default: as for a training here)")
    put.add_argument("--alias", action="append", default=[], metavar="A", help="an alias to give it (repeatable)")
    put.add_argument("--description", default="", metavar="TEXT")

    model = commands.add_parser("model", help="list and promote registered models", description="The model registry.")
    verbs = model.add_subparsers(title="commands", metavar="COMMAND", required=True)
    models = _add(verbs, "ls", "list registered models, or the versions of one", "model_ls")
    models.add_argument("model", nargs="?", metavar="MODEL", help="name or entity/name")
    models.add_argument("--history", action="store_true", help="what was done to it, by whom and when")
    promote = _add(verbs, "promote", "give an alias to a version, if the model's checks allow it", "model_promote")
    promote.add_argument("model", metavar="MODEL")
    promote.add_argument("version", metavar="VERSION", help="v3, or an alias")
    promote.add_argument("alias", metavar="ALIAS", help="e.g. production")
    promote.add_argument("--note", default="", metavar="TEXT", help="why")
    promote.add_argument("--dry-run", action="store_true", help="only say what the checks find")

    gc = _add(commands, "gc", "free what removed versions held and nothing else needs")
    gc.add_argument("--yes", action="store_true", help="do it; without it is only said what would be removed")
    gc.add_argument("-n", "--limit", type=int, default=50, metavar="N", help="list the N largest; 0 for all (50)")


def _add_runs(commands: _Commands[_Command]) -> None:
    runs = commands.add_parser("runs", help="list, show, export and compare runs", description="Read runs.")
    verbs = runs.add_subparsers(title="commands", metavar="COMMAND", required=True)

    ls = _add(verbs, "ls", "list runs, the newest first", "runs_ls")
    ls.add_argument("project", nargs="?", metavar="PROJECT", help="project or entity/project (default: all)")
    ls.add_argument("--filter", default="", metavar="TEXT", help='for example: state = "failed" and config.lr > 0.1')
    ls.add_argument(
        "--sort", default="-created_at", metavar="BY", help="-created_at, name, config.lr, -metric:val/acc, …"
    )
    ls.add_argument(
        "--metric", action="append", default=[], metavar="KEY", help="a column with the last value (repeatable)"
    )
    ls.add_argument(
        "--config", action="append", default=[], metavar="KEY", help="a column with the setting (repeatable)"
    )
    ls.add_argument(
        "-n", "--limit", type=int, default=50, metavar="N", help="at most N runs a project; 0 for all (default: 50)"
    )

    show = _add(verbs, "show", "show one run", "runs_show")
    show.add_argument("run", metavar="RUN")

    export = _add(verbs, "export", "write a run's complete history", "runs_export")
    export.add_argument("run", metavar="RUN")
    export.add_argument("-o", "--output", metavar="FILE", help="where to (default: stdout)")
    export.add_argument("--format", choices=("jsonl", "csv", "arrow"), help="default: by FILE's ending, else jsonl")
    export.add_argument("--key", action="append", default=[], metavar="KEY", help="only this key (repeatable)")
    export.add_argument("--attempts", choices=("all", "latest"), default="all", help="latest: what a chart draws")

    files = _add(verbs, "files", "list a run's files, print one of them, or write them into a folder", "runs_files")
    files.add_argument("run", metavar="RUN")
    files.add_argument("name", nargs="?", metavar="NAME", help="print this one")
    files.add_argument("--into", metavar="DIR", help="write them, or the one that is named, into this folder")

    diff = _add(verbs, "diff", "compare config, summary and surroundings of runs", "runs_diff")
    diff.add_argument("runs", nargs="+", metavar="RUN")
    diff.add_argument("--all", action="store_true", help="also what is equal")
