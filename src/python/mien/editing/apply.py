"""Put edits under the untouched head."""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import itertools
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.editing.edit_list import EditList
from mien.editing.edits import Application, Block, Edit, Scene, Steps
from mien.editing.similarity import with_envelope_worked_out
from mien.editing.timeline import TimelineEdit
from mien.errors import NumericalError
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["fill", "naming", "recombine", "recombine_frame", "work_out"]

# Displacements of about this many bytes stay in the processor's cache between edits.
_BLOCK_BYTES = 3 << 20
# Where they need not, blocks are there only to show progress.
_LARGE_BLOCK_BYTES = 256 << 20


def recombine(
    performance: Performance,
    edits: Iterable[Edit] | None = None,
    *,
    out: npt.NDArray[Any] | None = None,
    block_frames: int | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> MeshSequence:
    """Return the take with edits applied to its expression, under its own head motion.

    Parameters
    ----------
    performance : Performance
        What is edited; neither it nor its take is changed.
    edits : EditList or iterable of Edit, optional
        Applied in order. Without edits the result shares the take's memory.
    out : (F, V, 3) array of the take's dtype, optional
        Where to write the positions, such as a memory map for takes that do not fit in memory. With `Insert` or
        `Remove` in the list F is the number of frames after them.
    block_frames : int, optional
        How many frames are worked on at a time. The result does not depend on it.
    progress : callable, optional
        Called as ``progress(done, total)`` in frames.

    Returns
    -------
    MeshSequence
        Like the take. Vertices and frames that no edit reaches keep their bits.

    Raises
    ------
    ValueError
        An edit does not fit the performance; the message names the edit. Nothing has been written.

    Notes
    -----
    Edits add up to displacements Δ in head space; the result is ``take + R_f Δ_f`` where Δ is not zero. Blocks of
    frames are worked on one after the other: O(F V) for the take and O(frames x vertices touched) for each edit.
    `Insert` and `Remove` need memory for the take as it is before and after them.
    """
    _validate.instance("performance", performance, Performance, "a Performance")
    listed = EditList(() if edits is None else edits)
    if block_frames is not None:
        _validate.index("block_frames", block_frames, least=1)
    performance, first = _laid_out(performance, listed, block_frames)
    take = performance.take
    plan = _plan(performance, listed[first:], first)
    if out is None and not plan:
        return take
    target = np.empty(take.positions.shape, take.positions.dtype) if out is None else _checked_out(out, take)
    fill(performance, plan, target, block_frames, progress)
    return take.with_positions(target)


def recombine_frame(performance: Performance, edits: Iterable[Edit], frame: int) -> npt.NDArray[Any]:
    """Return one frame with edits applied, (V, 3), for the price of that frame; same bits as `recombine`.

    Raises
    ------
    ValueError
        There is no such frame, an edit does not fit, or one changes the timeline.
    """
    _validate.instance("performance", performance, Performance, "a Performance")
    f = _validate.index("frame", frame, least=0, below=len(performance))
    listed = EditList(edits)
    for i, edit in enumerate(listed):
        if isinstance(edit, TimelineEdit):
            raise ValueError(f"edits[{i}] ({edit.kind}) changes which frame is which: use `mien.recombine`")
    plan = _plan(performance, listed, 0)
    out: npt.NDArray[Any] = np.empty((1, performance.take.n_vertices, 3), performance.take.positions.dtype)
    for segment in _segments(plan, len(performance)):
        if segment.start <= f < segment.stop:
            _write(performance, segment, f, f + 1, np.zeros((1, 3, out.shape[1])), out)
    return np.asarray(out[0])


def _laid_out(performance: Performance, edits: EditList, block_frames: int | None) -> tuple[Performance, int]:
    """Carry out all up to the last edit of the timeline; return what comes of it and the index of the edit after."""
    first = 0
    for i, edit in enumerate(edits):
        if not isinstance(edit, TimelineEdit):
            continue
        plan = _plan(performance, edits[first:i], first)
        if plan:
            target = np.empty_like(performance.take.positions, order="C")
            fill(performance, plan, target, block_frames, None)
            performance = dataclasses.replace(performance, take=performance.take.with_positions(target))
        with naming(i, edit):
            performance = edit.lay_out(performance)
        first = i + 1
    return performance, first


def fill(
    performance: Performance,
    plan: Sequence[Application],
    target: npt.NDArray[Any],
    block_frames: int | None,
    progress: Callable[[int, int], None] | None,
    wanted: npt.NDArray[np.bool_] | None = None,
) -> None:
    """Write the take with a plan carried out: all frames, or those that are wanted (F,)."""
    take = performance.take
    segments = list(_segments(plan, len(take)))
    sizes = [block_frames or _block_size(take, segment) for segment in segments]
    gathered = [min(n, len(take)) for s, n in zip(segments, sizes, strict=True) if s.steps is None]
    delta = np.zeros((max(gathered, default=0), 3, take.n_vertices))
    for segment, size in zip(segments, sizes, strict=True):
        for first, last in _runs(wanted, segment.start, segment.stop):
            for start in range(first, last, size):
                stop = min(start + size, last)
                _write(performance, segment, start, stop, delta, target[start:stop])
                if progress is not None:
                    progress(stop, len(take))


def _runs(wanted: npt.NDArray[np.bool_] | None, start: int, stop: int) -> list[tuple[int, int]]:
    """Return the ranges of wanted frames from `start` to `stop`."""
    if wanted is None:
        return [(start, stop)]
    padded = np.concatenate([[False], wanted[start:stop], [False]])
    ends = start + np.flatnonzero(padded[1:] != padded[:-1])
    return [(int(a), int(b)) for a, b in ends.reshape(-1, 2)]


class _Segment(NamedTuple):
    """Frames that are reached by the same edits, and weights that are zero where none of them acts (None: nowhere)."""

    start: int
    stop: int
    applications: Sequence[Application]
    weights: npt.NDArray[np.float64] | None

    @property
    def steps(self) -> list[Steps] | None:
        """What is done in one pass over the take; None when an edit needs the displacements of those before it."""
        steps = [a.add for a in self.applications if isinstance(a.add, Steps)]
        return steps if len(steps) == len(self.applications) else None

    @property
    def made(self) -> bool:
        """Whether arrays are made for the steps."""
        return any(steps.made for steps in self.steps or ())


def _checked_out(out: npt.NDArray[Any], take: MeshSequence) -> npt.NDArray[Any]:
    wanted = take.positions
    _validate.instance("out", out, np.ndarray, "an array")
    if out.dtype != wanted.dtype or out.shape != wanted.shape or not out.flags.writeable:
        raise ValueError(
            f"`out` must be a writable {wanted.dtype} array of shape {wanted.shape}, got {out.dtype} {out.shape}"
        )
    if not out.flags.c_contiguous or np.may_share_memory(out, wanted):
        raise ValueError(
            "`out` must be C-contiguous and apart from the take's memory, got an array that is not"
        )
    return out


def _block_size(take: MeshSequence, segment: _Segment) -> int:
    size = _BLOCK_BYTES if segment.steps is None or segment.made else _LARGE_BLOCK_BYTES
    return max(size // max(24 * take.n_vertices, 1), 2 * _core.thread_count())


@contextlib.contextmanager
def naming(index: int, edit: Edit) -> Iterator[None]:
    """Have errors say which edit they come from."""
    try:
        yield
    except (NumericalError, ValueError) as error:
        kind = NumericalError if isinstance(error, NumericalError) else ValueError
        raise kind(f"edits[{index}] ({edit.kind}): {error}") from error


def _plan(performance: Performance, edits: EditList, first: int) -> list[Application]:
    """Work edits out on the performance, in order; the first of them is number `first` in the user's list."""
    plan: list[Application] = []
    for i, edit in enumerate(edits, first):
        plan.append(work_out(performance, i, edit, tuple(plan)))
    return plan


def work_out(
    performance: Performance,
    index: int,
    edit: Edit,
    before: Sequence[Application],
    reads: set[int] | None = None,
    seen: Performance | None = None,
) -> Application:
    """Work one edit out, given those before it.

    `reads` collects the frames of which it asks what edits before it left; `seen` is shown to it as the performance.
    """
    shown = performance if seen is None else seen

    def current(frame: int) -> npt.NDArray[np.float64]:
        if reads is not None:
            reads.add(frame)
        delta = np.zeros((1, 3, performance.take.n_vertices))
        block = Block.of(performance, frame, frame + 1, delta)
        for application in before:
            if application.start <= frame < application.stop:
                application.add(block)
        expression: npt.NDArray[np.float64] = block.current()[0]
        return expression

    with naming(index, edit):
        worked_out = with_envelope_worked_out(edit, shown)
        return worked_out.apply_to(Scene(shown, current))


def _segments(plan: Sequence[Application], n_frames: int) -> Iterator[_Segment]:
    """Cut the take where an edit starts or stops."""
    cuts = sorted({0, n_frames, *(a.start for a in plan), *(a.stop for a in plan)})
    for start, stop in itertools.pairwise(cuts):
        active = [a for a in plan if a.start <= start and stop <= a.stop]
        yield _Segment(start, stop, active, _union([a.weights for a in active]))


def _union(weights: Sequence[npt.NDArray[np.float64] | None]) -> npt.NDArray[np.float64] | None:
    arrays = [w for w in weights if w is not None]
    return functools.reduce(np.maximum, arrays) if arrays and len(arrays) == len(weights) else None


def _write(
    performance: Performance,
    segment: _Segment,
    start: int,
    stop: int,
    delta: npt.NDArray[np.float64],
    out: npt.NDArray[Any],
) -> None:
    """Write frames of one segment; `delta` holds zeros before and after."""
    if not segment.applications:
        _core.copy_frames(performance.take.positions[start:stop], out)
        return
    block = Block.of(performance, start, stop, delta)
    if segment.steps is not None:
        steps = [step for made in segment.steps for step in made.between(start, stop)]
        _core.write_steps(block.take, block.rotation, block.translation, steps, segment.weights, out)
        return
    for application in segment.applications:
        application.add(block)
    _core.write_edited(block.take, block.rotation, block.translation, segment.weights, block.planes, out)
