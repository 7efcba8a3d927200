"""
``run.watch``: how the gradients and parameters of a torch model are distributed while it trains.

A hook counts the passes. In every *log_freq*-th, each tensor is measured on its own device, all measurements of the
pass are brought over in one transfer, and one row holds them. torch is never imported here: whoever has a model has
it loaded.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from treering.values import Warn, clean_text

__all__ = ["Watched", "graph_of", "model_fact"]

_BINS: Final = 64
_LOW, _HIGH, _NORM, _NAN, _INF, _FIRST_BIN = range(6)


class Watched:
    """
    The hooks on one model.

    Args:
        model: a ``torch.nn.Module``, or what behaves like one.
        log: records a row at the present step without ending it.
        what: ``gradients``, ``parameters`` or ``all``.
        log_freq: every how many passes.
        prefix: before the names of the layers, when several models are watched.
        warn: says something once per subject.
        measure: tensor → its measurements as a small tensor on the same device.
        gather: measurements → lists of numbers, in one transfer.
    """

    def __init__(
        self,
        model: Any,
        log: Callable[[dict[str, Any]], None],
        what: str | None,
        log_freq: int,
        prefix: str,
        warn: Warn,
        measure: Callable[[Any], Any] | None = None,
        gather: Callable[[list[Any]], list[list[float]]] | None = None,
    ) -> None:
        self.model = model
        self._log, self._warn = log, warn
        self._measure, self._gather = measure or measure_tensor, gather or gather_tensors
        self._every = max(1, int(log_freq))
        self._prefix = prefix
        self._handles: list[Any] = []
        self._pending: list[tuple[str, Any]] = []
        if what in ("gradients", "all"):
            for name, parameter in model.named_parameters():
                if parameter.requires_grad:
                    self._handles.append(parameter.register_hook(_GradientHook(self, f"{prefix}{name}")))
        if what in ("parameters", "all"):
            self._handles.append(model.register_forward_hook(_ForwardHook(self)))

    def remove(self) -> None:
        """Take the hooks off the model."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def take_gradient(self, name: str, gradient: Any) -> None:
        """Measure a gradient; the row is recorded when the backward pass is over."""
        try:
            first = not self._pending
            self._pending.append((name, self._measure(gradient)))
            if first and not _after_backward(self._flush_gradients):
                self._flush_gradients()
        except Exception as error:  # a hook that raises would end the training
            self._give_up(error)

    def _flush_gradients(self) -> None:
        pending, self._pending = self._pending, []
        try:
            self._record("gradients", pending)
        except Exception as error:
            self._give_up(error)

    def take_parameters(self) -> None:
        """Measure all parameters."""
        try:
            measured = [(f"{self._prefix}{name}", self._measure(each)) for name, each in self.model.named_parameters()]
            self._record("parameters", measured)
        except Exception as error:
            self._give_up(error)

    def _record(self, kind: str, measured: list[tuple[str, Any]]) -> None:
        row: dict[str, Any] = {}
        numbers = self._gather([each for _, each in measured])
        for (name, _), values in zip(measured, numbers, strict=True):
            row[f"{kind}/{name}"] = histogram_of(values)
            row[f"{kind}_norm/{name}"] = values[_NORM]
        if row:
            self._log(row)

    def _give_up(self, error: Exception) -> None:
        self._warn("watch", f"watch(): the model cannot be measured ({type(error).__name__}: {error}); it was let go.")
        self.remove()

    @property
    def every(self) -> int:
        """Every how many passes a measurement is due."""
        return self._every


class _GradientHook:
    """Called with the gradient of one parameter in each backward pass."""

    def __init__(self, watched: Watched, name: str) -> None:
        self._watched, self._name, self._count = watched, name, 0

    def __call__(self, gradient: Any) -> None:
        self._count += 1
        if self._count >= self._watched.every:
            self._count = 0
            self._watched.take_gradient(self._name, gradient)

    def __reduce__(self) -> tuple[Any, ...]:
        return _without_hook, ()  # a model that is pickled or copied keeps training without its tracker


class _ForwardHook:
    """Called after each forward pass of the whole model."""

    def __init__(self, watched: Watched) -> None:
        self._watched, self._count = watched, 0

    def __call__(self, model: Any, given: Any, result: Any) -> None:
        self._count += 1
        if self._count >= self._watched.every:
            self._count = 0
            self._watched.take_parameters()

    def __reduce__(self) -> tuple[Any, ...]:
        return _without_hook, ()


class _NoHook:
    def __call__(self, *given: Any) -> None:
        pass


def _without_hook() -> _NoHook:
    return _NoHook()


# ── measuring ────────────────────────────────────────────────────────────────────────────────────────────────────


def measure_tensor(tensor: Any) -> Any:
    """
    Return least and greatest finite value, norm, numbers of NaN and of infinite values, and 64 counts, as one tensor.

    Nothing here waits for the device: the range of the bins stays there, so that the values are scaled to 0…1 first.
    """
    torch = sys.modules["torch"]
    flat = tensor.detach()
    if flat.is_sparse:
        flat = flat.coalesce().to_dense()
    flat = flat.reshape(-1)
    if flat.is_complex():
        flat = flat.abs()
    if flat.dtype not in (torch.float32, torch.float64):
        flat = flat.to(torch.float32)
    if flat.numel() == 0:
        return torch.zeros(_FIRST_BIN + _BINS, dtype=flat.dtype, device=flat.device)
    finite = torch.isfinite(flat)
    nan = torch.isnan(flat).sum()
    infinite = (~finite).sum() - nan
    known = torch.where(finite, flat, 0)
    low = torch.where(finite, flat, math.inf).min()
    high = torch.where(finite, flat, -math.inf).max()
    span = torch.where(high > low, high - low, 1)
    scaled = torch.where(finite, (flat - low) / span, -1)  # -1 lies outside and is not counted
    counts = torch.histc(scaled, bins=_BINS, min=0, max=1)
    head = torch.stack([low, high, known.norm(), nan.to(flat.dtype), infinite.to(flat.dtype)])
    return torch.cat([head, counts])


def gather_tensors(measured: list[Any]) -> list[list[float]]:
    """Return the measurements as lists, with one transfer for each device that is involved."""
    torch = sys.modules["torch"]
    if not measured:
        return []
    if len({each.device for each in measured}) == 1:
        return torch.stack([each.to(torch.float64) for each in measured]).cpu().tolist()  # type: ignore[no-any-return]
    return [each.cpu().tolist() for each in measured]


def histogram_of(values: list[float]) -> dict[str, Any]:
    """Return the map of a histogram from the measurements of a tensor."""
    low, high = values[_LOW], values[_HIGH]
    counts = [int(count) for count in values[_FIRST_BIN:]]
    result: dict[str, Any] = {"_type": "histogram", "bins": [], "values": []}
    if nan := int(values[_NAN]):
        result["nan"] = nan
    if infinite := int(values[_INF]):
        result["inf"] = infinite
    if not any(counts):
        return result
    if low == high:
        half = max(0.5, abs(low) * 2**-20)
        return {**result, "bins": [low - half, high + half], "values": [sum(counts)], "min": low, "max": high}
    width = (high - low) / _BINS
    edges = [low + number * width for number in range(_BINS)]
    return {**result, "bins": [*edges, high], "values": counts, "min": low, "max": high}


def _after_backward(callback: Callable[[], None]) -> bool:
    """Have *callback* run when the present backward pass is over; False if there is no telling when that is."""
    try:
        sys.modules["torch"].autograd.Variable._execution_engine.queue_callback(callback)
        return True
    except (KeyError, AttributeError, RuntimeError):
        return False


# ── the model itself ─────────────────────────────────────────────────────────────────────────────────────────────


def model_fact(model: Any) -> dict[str, Any]:
    """Return what is worth knowing of a model: its class, and how many parameters it has."""
    total = trainable = size = 0
    layers = []
    for name, parameter in model.named_parameters():
        count = int(parameter.numel())
        total += count
        trainable += count if parameter.requires_grad else 0
        size += count * int(parameter.element_size()) if hasattr(parameter, "element_size") else 0
        layers.append(name)
    return {
        "class": clean_text(type(model).__qualname__),
        "parameters": total,
        "trainable": trainable,
        "bytes": size,
        "tensors": len(layers),
    }


def graph_of(model: Any, done: Callable[[dict[str, Any]], None], warn: Warn) -> None:
    """
    Watch the first forward pass of a model and hand its graph to *done*.

    Nodes are the modules without children, in the order in which they are called. An edge leads from the module whose
    result a module takes; where something in between made a new tensor, from the module that was called before.
    """
    nodes: list[dict[str, Any]] = []
    edges: list[list[int]] = []
    makers: dict[int, int] = {}
    kept: list[Any] = []  # so that no id is given to another tensor before the pass is over
    handles: list[Any] = []

    def called(name: str) -> Callable[..., None]:
        def hook(module: Any, given: Any, result: Any) -> None:
            number = len(nodes)
            sources = sorted({makers[id(each)] for each in _tensors(given) if id(each) in makers})
            edges.extend([source, number] for source in (sources or ([number - 1] if number else [])))
            outcomes = list(_tensors(result))
            node = {"id": number, "name": clean_text(name), "class": clean_text(type(module).__qualname__)}
            node["parameters"] = sum(int(each.numel()) for each in module.parameters())
            if outcomes:
                node["output_shape"] = [int(size) for size in outcomes[0].shape]
            nodes.append(node)
            for each in outcomes:
                makers[id(each)] = number
                kept.append(each)

        return hook

    def ended(module: Any, given: Any, result: Any) -> None:
        for handle in handles:
            handle.remove()
        kept.clear()
        try:
            done({"nodes": nodes, "edges": edges})
        except Exception as error:
            warn("watch graph", f"watch(): the graph of the model cannot be stored: {error}.")

    for name, module in model.named_modules():
        if name and not any(True for _ in module.children()):
            handles.append(module.register_forward_hook(called(name)))
    handles.append(model.register_forward_hook(ended))


def _tensors(value: Any) -> Iterator[Any]:
    if hasattr(value, "shape") and hasattr(value, "dtype"):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _tensors(each)
    elif isinstance(value, (list, tuple)):
        for each in value:
            yield from _tensors(each)


def models_of(given: Any) -> Iterable[Any]:
    """Return the models that ``watch`` was given: one, or several in a list."""
    return given if isinstance(given, (list, tuple)) else (given,)
