"""
Typed config from the arguments that a program parsed, with no line of its code.

``import treering`` makes argparse remember what it parsed from the command line, and nothing else; ``init`` then asks
argparse, click, Hydra, Fire and jsonargparse in turn. A parser that is not loaded costs nothing, and whatever is
strange about one costs only what would have been found.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from types import FrameType, ModuleType
from typing import TYPE_CHECKING, Any, Final, NamedTuple

if TYPE_CHECKING:
    from importlib.machinery import ModuleSpec

__all__ = ["Arguments", "Option", "find_arguments", "find_options", "remember_arguments"]

_FRAMES_MAX: Final = 200

# What argparse last made of a command line, and of which: a program may change its own, or run another's.
_parsed: dict[tuple[str, ...], tuple[Any, dict[str, Option]]] = {}


class Option(NamedTuple):
    """What a program's own parser says of an option: where its value goes, whether it takes one, and a number."""

    name: str
    takes_value: bool
    number: bool


class Arguments(NamedTuple):
    """What was found: by which parser, and name → value as it was parsed."""

    source: str
    values: dict[str, Any]


# ── argparse: what it parsed is gone by the time of init(), unless somebody kept it ──────────────────────────────


def remember_arguments() -> None:
    """Have argparse keep what it parses from the command line; also if it is imported later."""
    argparse = sys.modules.get("argparse")
    if argparse is not None:
        _listen(argparse)
    elif not any(isinstance(finder, _Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, _Finder())


def _listen(argparse: ModuleType) -> None:
    parser = getattr(argparse, "ArgumentParser", None)
    parse = getattr(parser, "parse_known_args", None)
    if parser is None or parse is None or hasattr(parse, "__treering__"):
        return

    def parse_known_args(self: Any, args: Any = None, namespace: Any = None, *more: Any, **others: Any) -> Any:
        result = parse(self, args, namespace, *more, **others)
        try:
            # A parser that was given a list of its own (a test, a sub-command's defaults) is not the command line,
            # and the program's arguments are not those of treering's own commands, called from within it.
            if (args is None or list(args) == sys.argv[1:]) and not _is_ours(sys._getframe(1)):
                _parsed.clear()
                _parsed[tuple(sys.argv)] = result[0], _options_of(self)
        except Exception:  # noqa: S110 - whatever is strange about it is the program's own
            pass
        return result

    parse_known_args.__treering__ = True  # type: ignore[attr-defined]
    parse_known_args.__doc__ = parse.__doc__
    parser.parse_known_args = parse_known_args


def _options_of(parser: Any) -> dict[str, Option]:
    """Return the options of a parser and of the sub-parsers that the command line names, by how they are written."""
    found: dict[str, Option] = {}
    for action in parser._actions:
        one = Option(_telling(action.dest, action.option_strings), action.nargs != 0, action.type in (int, float))
        found |= dict.fromkeys(action.option_strings, one)
        if not action.option_strings and isinstance(action.choices, dict):
            for name, below in action.choices.items():
                if name in sys.argv and hasattr(below, "_actions"):
                    found |= _options_of(below)
    return found


def _telling(name: str, written: Sequence[str]) -> str:
    """Return what an option is called: by the program, or if that is one letter, by how it may be written, too."""
    return name if len(name) > 1 else max((one.lstrip("-") for one in written), key=len, default=name)


def _is_ours(frame: FrameType | None) -> bool:
    """Whether the nearest caller outside of argparse is treering itself."""
    while frame is not None and frame.f_globals.get("__name__") == "argparse":
        frame = frame.f_back
    name = str(frame.f_globals.get("__name__")) if frame is not None else ""
    return name.partition(".")[0] == __name__.partition(".")[0]


class _Finder:
    """Waits for argparse to be imported, and then goes away."""

    def find_spec(self, name: str, path: Any, target: ModuleType | None = None) -> ModuleSpec | None:
        if name != "argparse":
            return None
        sys.meta_path.remove(self)
        from importlib.util import find_spec

        spec = find_spec(name)
        loader = getattr(spec, "loader", None)
        execute = getattr(loader, "exec_module", None)
        if spec is None or execute is None:
            return spec

        def exec_module(module: ModuleType) -> None:
            execute(module)
            _listen(module)

        loader.exec_module = exec_module  # type: ignore[union-attr]
        return spec


# ── asking ───────────────────────────────────────────────────────────────────────────────────────────────────────


def find_arguments(frame: FrameType | None) -> Arguments | None:
    """Return the arguments of the program, asked from within *frame* and whoever called it."""
    ways: list[tuple[str, Callable[[FrameType | None], dict[str, Any] | None]]] = [
        ("hydra", _hydra),
        ("click", _click),
        ("fire", _fire),
        ("jsonargparse", _jsonargparse),
        ("argparse", _argparse),
    ]
    for name, ask in ways:
        if name not in sys.modules:
            continue
        try:
            values = ask(frame)
        except Exception:  # noqa: S112 - another version of it, or a program that plays with it
            continue
        if values:
            return Arguments(name, {str(key): value for key, value in values.items()})
    return None


def find_options() -> dict[str, Option]:
    """Return the options that the program's argparse or click parser knows, by how they are written (``-p``)."""
    try:
        if "click" in sys.modules and (found := _click_options()):
            return found
        parsed = _parsed.get(tuple(sys.argv))
        return parsed[1] if parsed is not None else {}
    except Exception:  # another version of it, or a program that plays with it
        return {}


def _click_options() -> dict[str, Option]:
    context = sys.modules["click"].get_current_context(silent=True)
    found: dict[str, Option] = {}
    while context is not None:
        for one in context.command.params:
            written = [name for name in (*one.opts, *one.secondary_opts) if name.startswith("-")]
            takes_value = not getattr(one, "is_flag", False) and not getattr(one, "count", False)
            number = getattr(one.type, "name", "") in ("integer", "float")
            found = {**dict.fromkeys(written, Option(_telling(one.name, written), takes_value, number)), **found}
        context = context.parent
    return found


def _callers(frame: FrameType | None) -> Iterator[FrameType]:
    for _ in range(_FRAMES_MAX):
        if frame is None:
            return
        yield frame
        frame = frame.f_back


def _argparse(frame: FrameType | None) -> dict[str, Any] | None:
    found = _parsed.get(tuple(sys.argv))
    return None if found is None else _plain(vars(found[0]))


def _click(frame: FrameType | None) -> dict[str, Any] | None:
    context = sys.modules["click"].get_current_context(silent=True)
    found: dict[str, Any] = {}
    contexts = []
    while context is not None:
        contexts.append(context)
        context = context.parent
    for one in reversed(contexts):  # a sub-command's options win over those of the group
        found.update(one.params)
    return _plain(found)


def _hydra(frame: FrameType | None) -> dict[str, Any] | None:
    for caller in _callers(frame):
        if caller.f_globals.get("__name__") == "hydra.core.utils" and "task_cfg" in caller.f_locals:
            config = caller.f_locals["task_cfg"]
            omegaconf = sys.modules["omegaconf"]
            values = omegaconf.OmegaConf.to_container(config, resolve=True, throw_on_missing=False)
            if isinstance(values, dict):
                values.pop("hydra", None)
                return values
    return None


def _fire(frame: FrameType | None) -> dict[str, Any] | None:
    """Fire calls a function with what it parsed: the nearest one between here and there has it as arguments."""
    called: FrameType | None = None
    for caller in _callers(frame):
        if caller.f_globals.get("__name__") == "fire.core":
            break
        called = caller
    else:
        return None
    if called is None:
        return None
    code = called.f_code
    names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
    values = {name: called.f_locals[name] for name in names if name in called.f_locals and name not in ("self", "cls")}
    if code.co_flags & 0x08:  # **others
        rest = code.co_varnames[len(names) + bool(code.co_flags & 0x04)]
        values.update(called.f_locals.get(rest) or {})
    return values


def _jsonargparse(frame: FrameType | None) -> dict[str, Any] | None:
    kind = sys.modules["jsonargparse"].Namespace
    found = None
    for caller in _callers(frame):
        for value in (*caller.f_locals.values(), *(caller.f_globals.values() if caller.f_back is None else ())):
            if isinstance(value, kind):
                found = value  # the outermost is the whole
    if found is None:
        return None
    values = found.as_dict()
    return {name: value for name, value in values.items() if name not in ("config", "__path__")}


def _plain(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return what is no function: sub-parsers and callbacks leave theirs behind."""
    return {name: value for name, value in values.items() if not callable(value) or isinstance(value, type)}
