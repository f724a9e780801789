"""How the expression of one performance comes into the head space of another."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.recipes import Envelope, frame_weights
from mien.geometry import regions
from mien.geometry.alignment import align_frames
from mien.values.performance import Performance
from mien.values.rigid import RigidMotion

__all__ = [
    "between_neutrals",
    "check_topology",
    "checked_blend",
    "eased",
    "into_head",
    "read_taken",
    "written_taken",
]

Float64 = npt.NDArray[np.float64]


def check_topology(source: Performance, target: Performance) -> None:
    """Raise a ValueError unless both have the same polygons."""
    if source.take.topology != target.take.topology:
        raise ValueError(
            f"`source` must have the topology of the performance, {target.take.topology}, "
            f"got {source.take.topology}"
        )


def between_neutrals(source: Performance, target: Performance) -> tuple[Float64 | None, Float64 | None]:
    """Fit ``target neutral = turn source neutral + rest``: a rotation (3, 3) and what is left, (3, V).

    None and None when they are the same. The rest takes up the translation as well.
    """
    if source is target or np.array_equal(source.neutral, target.neutral, equal_nan=True):
        return None, None
    turn = align_frames(target.neutral[None], source.neutral, robust=True, missing=True).rotation
    turned = RigidMotion(turn, np.zeros((1, 3))).apply(source.neutral.astype(np.float64))[0]
    return turn[0], np.ascontiguousarray((target.neutral - turned).T)


def into_head(head: RigidMotion, turn: Float64 | None) -> tuple[Float64, Float64]:
    """World of the source → head space of the target, as matrices and offsets.

    Written out by elements: products of small matrices through a BLAS differ between machines in the last bit.
    """
    inverse = head.rotation.transpose(0, 2, 1)
    if turn is None:
        matrix = np.ascontiguousarray(inverse)
    else:
        matrix = turn[:, 0, None] * inverse[:, 0:1, :]
        for k in (1, 2):
            matrix = matrix + turn[:, k, None] * inverse[:, k : k + 1, :]
    t = head.translation
    offset = matrix[:, :, 0] * t[:, 0:1] + matrix[:, :, 1] * t[:, 1:2] + matrix[:, :, 2] * t[:, 2:3]
    return np.ascontiguousarray(matrix), np.ascontiguousarray(-offset)


def checked_blend(blend: int, n: int) -> int:
    """Return a number of frames of ease that fits twice into `n` frames."""
    out = _validate.index("blend", blend, least=0)
    if 2 * out > n:
        raise ValueError(f"`blend` must leave room for both ends in {n} frames, at most {n // 2}, got {out}")
    return out


def eased(blend: int, envelope: Envelope, at: int, n: int, n_frames: int) -> Float64:
    """Return weights of the `n` frames from `at` on: eased at both ends, times the envelope."""
    steps = np.arange(1, n + 1) / (blend + 1)
    factors = regions.ease(np.minimum(1.0, np.minimum(steps, steps[::-1])))
    if envelope is None:
        return factors
    around = frame_weights(envelope, n_frames)
    whole = np.zeros(n_frames)
    whole[around.start : around.stop] = around.weights
    factors = factors * whole[at : at + n]
    if not factors.any():
        raise ValueError(f"`envelope` must be above 0 in frames {at} to {at + n - 1}, got zeros there")
    return factors


class _Taker(Protocol):
    """An edit that takes frames of a source to a frame of the take."""

    @property
    def source(self) -> Performance | None: ...
    @property
    def source_frames(self) -> tuple[int, int]: ...
    @property
    def at(self) -> int: ...
    @property
    def blend(self) -> Any: ...


def written_taken(edit: _Taker, writer: EditWriter) -> dict[str, Any]:
    """Return the fields that say which frames of which source go where."""
    return {
        "source": writer.source(edit.source),
        "source_frames": [writer.source_frame(edit.source, f) for f in edit.source_frames],
        "at": writer.frame(edit.at),
        "blend": edit.blend,
    }


def read_taken(fields: Fields) -> dict[str, Any]:
    """Read what `written_taken` gave, as arguments of the edit."""
    name, source = fields.source("source")
    return {
        "source": source,
        "source_frames": fields.source_frames("source_frames", name),
        "at": fields.frame("at"),
        "blend": fields.take("blend", 8),
    }
