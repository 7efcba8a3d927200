"""``run.config`` and ``run.summary``: dicts whose every change is a record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, MutableMapping
from typing import Any

__all__ = ["Config", "Summary"]


class _Recorded(MutableMapping[str, Any]):
    """A dict with attribute access that hands each change to *save*."""

    __slots__ = ("_values",)
    _values: dict[str, Any]

    def _change(self, changes: Mapping[str, Any]) -> None:
        raise NotImplementedError

    def _remove(self, key: str) -> None:
        raise NotImplementedError

    def __getitem__(self, key: str) -> Any:
        return self._values[key]

    def __setitem__(self, key: str, value: Any) -> None:
        self._change({key: value})

    def __delitem__(self, key: str) -> None:
        if key not in self._values:
            raise KeyError(key)
        self._remove(key)

    def __iter__(self) -> Iterator[str]:
        return iter(list(self._values))

    def __len__(self) -> int:
        return len(self._values)

    def __contains__(self, key: object) -> bool:
        return key in self._values

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        try:
            return self._values[name]
        except KeyError:
            raise AttributeError(f"{type(self).__name__.lower()} has no value {name!r}") from None

    def __setattr__(self, name: str, value: Any) -> None:
        if name in ("_values", "_save"):
            object.__setattr__(self, name, value)
        else:
            self._change({name: value})

    def __repr__(self) -> str:
        return repr(self._values)

    def as_dict(self) -> dict[str, Any]:
        """Return a copy as a plain dict."""
        return dict(self._values)


class Config(_Recorded):
    """
    The run's configuration.

    Values keep their type. Setting one that exists never raises, also on a resumed run: old and new value are both in
    the log, with their times. A nested dict is one value; assign it again to record a change inside it.
    """

    __slots__ = ("_save",)
    _save: Callable[[Mapping[str, Any], str | None], dict[str, Any]]

    def __init__(self, save: Callable[[Mapping[str, Any], str | None], dict[str, Any]]) -> None:
        self._values = {}
        self._save = save

    def update(self, *args: Any, allow_val_change: bool | None = None, **kwargs: Any) -> None:
        """Add or change values; takes everything that ``init(config=…)`` takes. *allow_val_change* changes nothing."""
        for value in args:
            self._change(value)
        if kwargs:
            self._change(kwargs)

    def setdefaults(self, values: Mapping[str, Any]) -> None:
        """Add those of *values* that are not set yet."""
        self._change({key: value for key, value in dict(values).items() if key not in self._values})

    def _change(self, changes: Mapping[str, Any]) -> None:
        self._values.update(self._save(changes, None))

    def _remove(self, key: str) -> None:
        self._save({}, key)
        del self._values[key]


class Summary(_Recorded):
    """
    One value per key for the whole run: the last one logged, unless it is set here.

    What is set here stays, whatever is logged later; None takes it away again.
    """

    __slots__ = ("_save",)
    _save: Callable[[Mapping[str, Any]], dict[str, Any]]

    def __init__(self, values: dict[str, Any], save: Callable[[Mapping[str, Any]], dict[str, Any]]) -> None:
        self._values = values
        self._save = save

    def update(self, *args: Any, **kwargs: Any) -> None:
        """Set several values."""
        changes: dict[str, Any] = {}
        for value in args:
            changes.update(value)
        changes.update(kwargs)
        self._change(changes)

    def _change(self, changes: Mapping[str, Any]) -> None:
        self._values.update(self._save(changes))
        for key, value in changes.items():
            if value is None:
                self._values.pop(key, None)

    def _remove(self, key: str) -> None:
        self._save({key: None})
        del self._values[key]
