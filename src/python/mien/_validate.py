"""Checks of arguments, all in one place, so that every message reads the same."""

from __future__ import annotations

import operator
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = [
    "array",
    "floats",
    "frame_range",
    "index",
    "instance",
    "number",
    "one_of",
    "points",
    "unit_weights",
]

Letters = Mapping[str, int]


def _shape_text(shape: Sequence[str | int], sizes: Letters) -> str:
    letters = "(" + ", ".join(str(s) for s in shape) + ("," if len(shape) == 1 else "") + ")"
    if not any(isinstance(s, str) for s in shape) or any(
        isinstance(s, str) and s not in sizes for s in shape
    ):
        return letters
    numbers = tuple(sizes[s] if isinstance(s, str) else s for s in shape)
    return f"{letters} = {numbers}"


def _check_shape(name: str, got: tuple[int, ...], shape: Sequence[str | int], sizes: Letters) -> None:
    fits = len(got) == len(shape) and all(
        g == (sizes.get(s, g) if isinstance(s, str) else s) for g, s in zip(got, shape, strict=False)
    )
    if not fits:
        raise ValueError(f"`{name}` must have shape {_shape_text(shape, sizes)}, got {got}")


def array(
    name: str,
    value: npt.ArrayLike,
    shape: Sequence[str | int],
    dtype: npt.DTypeLike,
    sizes: Letters | None = None,
) -> npt.NDArray[Any]:
    """Return `value` as a C-contiguous array of one dtype and shape, copied only where it must be.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : array_like
        Converted when no information is lost: integers to floats, lists to arrays, whole floats are refused as indices.
    shape : sequence of str and int
        Letters stand for sizes, such as ``("F", "V", 3)``.
    dtype : dtype
        The dtype to return.
    sizes : mapping, optional
        What letters must be; a letter that is missing may be anything.

    Raises
    ------
    TypeError
        The values are not numbers, or not of the wanted kind.
    ValueError
        The shape is wrong.
    """
    wanted = np.dtype(dtype)
    try:
        out = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"`{name}` must be a regular array, got rows of different lengths") from error
    if out.dtype.kind not in "fiub" or (wanted.kind in "iu" and out.dtype.kind == "f" and out.size):
        kind = {"f": "numbers", "i": "integers", "u": "integers", "b": "booleans"}[wanted.kind]
        raise TypeError(f"`{name}` must hold {kind}, got {out.dtype} values")
    _check_shape(name, out.shape, shape, sizes or {})
    if (
        wanted.kind in "iu"
        and out.size
        and (out.max() > np.iinfo(wanted).max or out.min() < np.iinfo(wanted).min)
    ):
        raise ValueError(f"`{name}` must fit {wanted}, got values from {out.min()} to {out.max()}")
    return np.ascontiguousarray(out, dtype=wanted)


def floats(
    name: str, value: npt.ArrayLike, shape: Sequence[str | int], sizes: Letters | None = None
) -> npt.NDArray[np.float64]:
    """Return `value` as finite float64 of the given shape; see `array`."""
    out = array(name, value, shape, np.float64, sizes)
    if not np.isfinite(out).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(out))[0])
        raise ValueError(f"`{name}` must be finite, got {out[where]} at {where}")
    return out


def points(
    name: str, value: npt.ArrayLike, shape: Sequence[str | int], sizes: Letters | None = None
) -> npt.NDArray[Any]:
    """Return positions as they are: float32 or float64, with every frame C-contiguous, sharing memory.

    Whole arrays, memory maps and slices over frames are passed through. Lists become float64. An array whose rows
    are not contiguous (a transposed one, say) is copied.
    """
    out = value if isinstance(value, np.ndarray) else np.asarray(value, dtype=np.float64)
    if out.dtype not in (np.float32, np.float64) or not out.dtype.isnative:
        raise TypeError(f"`{name}` must be float32 or float64 in native byte order, got {out.dtype.str}")
    _check_shape(name, out.shape, shape, sizes or {})
    item = out.itemsize
    if out.size and (out.strides[-1] != item or (out.ndim > 1 and out.strides[-2] != 3 * item)):
        out = np.ascontiguousarray(out)
    return out


def unit_weights(name: str, value: npt.ArrayLike, letter: str, size: int) -> npt.NDArray[np.float64]:
    """Return weights in [0, 1] as float64 of shape ``(letter,)``; booleans count as 0 and 1."""
    out = floats(name, value, (letter,), {letter: size})
    if out.size and (out.min() < 0 or out.max() > 1):
        raise ValueError(f"`{name}` must lie in [0, 1], got values from {out.min():g} to {out.max():g}")
    return out


def number(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    most: float | None = None,
) -> float:
    """Return a finite number as float, within the bounds given."""
    if isinstance(value, (bool, str)) or not hasattr(value, "__float__"):
        raise TypeError(f"`{name}` must be a number, got {type(value).__name__}")
    out = float(value)
    bounds = [
        (above is not None and not out > above, f"above {above:g}" if above is not None else ""),
        (least is not None and not out >= least, f"at least {least:g}" if least is not None else ""),
        (most is not None and not out <= most, f"at most {most:g}" if most is not None else ""),
    ]
    if not np.isfinite(out):
        raise ValueError(f"`{name}` must be a finite number, got {out}")
    if any(broken for broken, _ in bounds):
        raise ValueError(f"`{name}` must be {' and '.join(text for _, text in bounds if text)}, got {out:g}")
    return out


def index(name: str, value: Any, *, least: int | None = None, below: int | None = None) -> int:
    """Return an integer, within ``[least, below)`` where given."""
    try:
        out = operator.index(value)
    except TypeError:
        raise TypeError(f"`{name}` must be an integer, got {type(value).__name__}") from None
    if (least is not None and out < least) or (below is not None and out >= below):
        low = "" if least is None else f"at least {least}"
        high = "" if below is None else f"below {below}"
        raise ValueError(f"`{name}` must be {' and '.join(t for t in (low, high) if t)}, got {out}")
    return out


def frame_range(name: str, value: Any, n_frames: int) -> tuple[int, int]:
    """Return a half-open, zero-based frame range that is not empty and lies in a take of `n_frames`."""
    if not isinstance(value, Sequence) or isinstance(value, str) or len(value) != 2:
        raise TypeError(f"`{name}` must be a pair (start, stop), got {value!r}")
    start, stop = (index(f"{name}[{i}]", v) for i, v in enumerate(value))
    if not 0 <= start < stop <= n_frames:
        raise ValueError(f"`{name}` must satisfy 0 <= start < stop <= {n_frames}, got ({start}, {stop})")
    return start, stop


def one_of(name: str, value: Any, known: Sequence[str]) -> str:
    """Return `value` if it is one of the known words."""
    if value not in known:
        raise ValueError(f"`{name}` must be one of {', '.join(map(repr, known))}, got {value!r}")
    return str(value)


def instance(name: str, value: Any, kind: type | tuple[type, ...], described: str) -> None:
    """Raise a TypeError unless `value` is of `kind`."""
    if not isinstance(value, kind):
        raise TypeError(f"`{name}` must be {described}, got {type(value).__name__}")
