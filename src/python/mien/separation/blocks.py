"""Alignment of a whole take, block by block."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien.geometry.alignment import Alignment, fit_frames
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["Progress", "Separated", "align_take"]

Float64 = npt.NDArray[np.float64]
Progress = Callable[[int, int], None]

# Frames are aligned in blocks of about this many bytes: small enough to answer Ctrl-C and to show progress.
_BLOCK_BYTES = 1 << 25


class Separated(NamedTuple):
    """What a method finds: ``head`` of F frames, ``residual`` (F,) in scene units, ``confidence`` (F,) in [0, 1]."""

    head: RigidMotion
    residual: Float64
    confidence: Float64


def align_take(
    take: MeshSequence,
    neutral: npt.NDArray[Any],
    weights: Float64 | None,
    *,
    robust: bool,
    progress: Progress | None = None,
    frames: npt.NDArray[np.int64] | None = None,
    max_iterations: int = 200,
) -> Alignment:
    """Align a neutral to every frame of a take, block by block; vertices may be missing.

    `frames` (F,) says which frames of a longer take these are, for the messages.

    Raises
    ------
    NumericalError
        A frame has fewer than three usable vertices, or they lie on a line; index and shot number are named.
    """
    n_frames = len(take)
    index = np.arange(n_frames) if frames is None else frames
    step = max(1, _BLOCK_BYTES // max(1, take.positions.itemsize * 3 * take.n_vertices))
    blocks = []
    for begin in range(0, n_frames, step):

        def called(f: int, begin: int = begin) -> str:
            return f"frame {index[begin + f]} (shot frame {take.start_frame + index[begin + f]})"

        block = take.positions[begin : begin + step]
        blocks.append(
            fit_frames(
                block,
                neutral,
                weights,
                robust=robust,
                scale=False,
                missing=True,
                called=called,
                max_iterations=max_iterations,
            )
        )
        if progress is not None:
            progress(min(n_frames, begin + step), n_frames)
    if len(blocks) == 1:
        return blocks[0]
    if not blocks:
        return fit_frames(
            take.positions, neutral, weights, robust=robust, scale=False, missing=True, called=str
        )
    return Alignment(*(np.concatenate(parts) for parts in zip(*blocks, strict=True)))
