"""Edit lists applied again and again while somebody works on them."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.apply import fill, naming, work_out
from mien.editing.edit_list import EditList
from mien.editing.edits import Application, Edit
from mien.editing.timeline import TimelineEdit
from mien.editing.watched import CHANGING, show, watched
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["Recombiner"]

Bools = npt.NDArray[np.bool_]
Int64 = npt.NDArray[np.int64]


class _Entry(NamedTuple):
    """An edit worked out, the frames it asked for, what else of the performance it looked at, and through what."""

    edit: Edit
    application: Application
    reads: set[int]
    looks: set[str]
    views: Sequence[Performance]


class _Timeline(NamedTuple):
    """A performance on which edits are worked out, from one `TimelineEdit` to the next.

    Attributes
    ----------
    edit : TimelineEdit or None
        What it came from; None for the performance itself.
    performance : Performance
    contents : (F,) int64
        A number for what each frame holds: two frames anywhere with one number have the same bits, head and all.
    made : (n,) int64
        The frames that `edit` made, which were not there before.
    """

    edit: TimelineEdit | None
    performance: Performance
    contents: Int64
    made: Int64


class _Stage(NamedTuple):
    """Edits carried out on one timeline; `positions` is None where there are none, `contents` as in `_Timeline`."""

    timeline: _Timeline
    entries: Sequence[_Entry]
    positions: npt.NDArray[Any] | None
    contents: Int64

    @property
    def performance(self) -> Performance:
        """The performance as the edits leave it."""
        before = self.timeline.performance
        if self.positions is None:
            return before
        return dataclasses.replace(before, take=before.take.with_positions(self.positions))


class Recombiner:
    """`mien.recombine` that keeps its result, and does only over what another edit list changes.

    Parameters
    ----------
    performance : Performance
        What is edited; neither it nor its take is changed.

    Notes
    -----
    Edits are told apart by identity: keep the objects that stay, replace the one that changes. Frames are done over
    where an edit that is new or gone acts, or one that looked at such a frame. The result has the bits of
    `mien.recombine`. For one thread.

    After `Insert` and `Remove` such frames are followed to their new numbers. These edits are carried out again where
    something before them changed, which copies the take: frames that stay are not worked on, and of those that are
    made only the ones that come out different count as changed. When one of them is new, gone or another, edits before
    it are kept, and frames after it move. Edits after it are done over where they act if the take has another number
    of frames than before, as their weights may be others for each; and if they looked at the take itself, such as a
    `Paste` from it.

    Memory: one take, two more for each `Insert` and `Remove`, and what edits keep.
    """

    def __init__(self, performance: Performance) -> None:
        _validate.instance("performance", performance, Performance, "a Performance")
        self._performance = performance
        self._stages: list[_Stage] = []
        self._used = len(performance)  # numbers for contents that are taken
        self._redone = np.zeros(0, np.int64)

    @property
    def redone(self) -> Int64:
        """Frames of the last result that were not in the one before, ascending; one that only moved was."""
        return self._redone

    def apply(self, edits: Iterable[Edit]) -> MeshSequence:
        """Return the take with edits applied.

        Parameters
        ----------
        edits : EditList or iterable of Edit
            As for `mien.recombine`.

        Returns
        -------
        MeshSequence
            Shares the memory of this object: its frames change with the next call. Copy what shall stay.

        Raises
        ------
        ValueError
            An edit does not fit; the message names it, and the last result stands.
        """
        listed = EditList(edits)
        cuts = [i for i, edit in enumerate(listed) if isinstance(edit, TimelineEdit)]
        before = [*self._stages[: len(cuts) + 1], *[None] * (len(cuts) + 1 - len(self._stages))]
        n = len(self._performance)
        timeline = _Timeline(None, self._performance, np.arange(n), np.zeros(0, np.int64))
        stages: list[_Stage] = []
        first = 0
        for cut, old, old_next in zip(cuts, before[:-1], before[1:], strict=True):
            stages.append(self._stage(timeline, listed, first, cut, old, False))
            timeline = self._laid_out(stages[-1], listed[cut], cut, old, old_next)
            first = cut + 1
        stages.append(self._stage(timeline, listed, first, len(listed), before[-1], True))
        last = self._stages[-1].contents if self._stages else np.zeros(0, np.int64)
        self._redone = np.flatnonzero(~np.isin(stages[-1].contents, last))
        self._stages = stages
        return stages[-1].performance.take

    def _new_contents(self, count: int) -> Int64:
        self._used += count
        return np.arange(self._used - count, self._used)

    def _laid_out(
        self, stage: _Stage, edit: Edit, index: int, old: _Stage | None, old_next: _Stage | None
    ) -> _Timeline:
        """Carry an edit of the timeline out, or take what came of it before."""
        assert isinstance(edit, TimelineEdit)
        known = None if old_next is None else old_next.timeline
        same_before = old is not None and np.array_equal(stage.contents, old.contents)
        if known is not None and known.edit is edit and same_before:
            return known
        with naming(index, edit):
            performance = edit.lay_out(stage.performance)
        origins = edit.origins(len(stage.contents))
        made = np.flatnonzero(origins < 0)
        contents = stage.contents[origins]
        contents[made] = self._new_contents(len(made))
        if known is not None and len(known.made) == len(made):
            same = _same_frames(performance, made, known.performance, known.made)
            contents[made[same]] = known.contents[known.made[same]]
        return _Timeline(edit, performance, contents, made)

    def _stage(
        self, timeline: _Timeline, listed: EditList, first: int, stop: int, old: _Stage | None, final: bool
    ) -> _Stage:
        """Carry out edits `first` to `stop - 1`; only the final stage is written over what was there."""
        n = len(timeline.contents)
        if old is not None and len(old.contents) != n:
            old = None
        changed = np.ones(n, bool) if old is None else timeline.contents != old.timeline.contents
        entries = self._worked_out(timeline, listed, first, stop, old, changed)
        reached = np.zeros(n, bool)
        for entry in entries:
            reached[entry.application.start : entry.application.stop] = True
        contents = timeline.contents.copy()
        contents[reached & changed] = self._new_contents(int((reached & changed).sum()))
        if old is not None:
            contents[reached & ~changed] = old.contents[reached & ~changed]
        if not entries and not final:
            return _Stage(timeline, entries, None, contents)
        wanted: Bools | None = changed
        if old is None or old.positions is None:
            taken = timeline.performance.take.positions
            target, wanted = np.empty(taken.shape, taken.dtype), None
        else:
            target = old.positions if final or not changed.any() else old.positions.copy()
        try:
            fill(timeline.performance, [entry.application for entry in entries], target, None, None, wanted)
        except BaseException:
            self._stages = []
            raise
        return _Stage(timeline, entries, target, contents)

    def _worked_out(
        self,
        timeline: _Timeline,
        listed: EditList,
        first: int,
        stop: int,
        old: _Stage | None,
        changed: Bools,
    ) -> list[_Entry]:
        """Work out what is new or looked at what changed, and mark the frames that change."""
        performance = timeline.performance
        known = [] if old is None else old.entries
        other = CHANGING if old is None else _differences(performance, old.timeline, bool(changed.any()))
        edits = listed[first:stop]
        same, tail = _ends([entry.edit for entry in known], edits)
        entries: list[_Entry] = []

        def mark(entry: _Entry) -> None:
            changed[entry.application.start : entry.application.stop] = True

        for i, edit in enumerate(edits):
            if i == same:
                for entry in known[same : len(known) - tail]:
                    mark(entry)
            kept = None
            if i < same or i >= len(edits) - tail:
                kept = known[i if i < same else i - len(edits) + len(known)]
                if not kept.looks & other and not any(changed[frame] for frame in kept.reads):
                    for view in kept.views:
                        show(view, performance)
                    entries.append(kept)
                    continue
                mark(kept)
            reads: set[int] = set()
            looks: set[str] = set()
            plan = [entry.application for entry in entries]
            views = watched(performance, None), watched(performance, looks)
            application = work_out(views[0], first + i, edit, plan, reads, views[1])
            entries.append(_Entry(edit, application, reads, looks, views))
            mark(entries[-1])
        if same == len(edits):
            for entry in known[same:]:
                mark(entry)
        return entries


def _ends(old: Sequence[Edit], new: Sequence[Edit]) -> tuple[int, int]:
    """Return how many edits are the same at the start of both lists, and at the end of what is left of them."""
    fewer, same, tail = min(len(old), len(new)), 0, 0
    while same < fewer and old[same] is new[same]:
        same += 1
    while tail < fewer - same and old[-1 - tail] is new[-1 - tail]:
        tail += 1
    return same, tail


def _differences(performance: Performance, old: _Timeline, moved: bool) -> frozenset[str]:
    """Return what edits would see otherwise than before; `moved` tells whether any frame holds something else."""
    before = old.performance
    if not moved or before is performance:
        return frozenset()
    same = {
        "positions": False,
        "head": _same_bits(performance.head.rotation, before.head.rotation)
        and _same_bits(performance.head.translation, before.head.translation),
        "residual": _same_bits(performance.residual, before.residual),
        "confidence": _same_bits(performance.confidence, before.confidence),
    }
    return frozenset(name for name, is_same in same.items() if not is_same)


def _same_bits(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    return a.tobytes() == b.tobytes()


def _same_frames(a: Performance, frames: Int64, b: Performance, others: Int64) -> Bools:
    """Return which of these frames of one performance have the bits of those of another, (n,)."""

    def rows(p: Performance, f: int) -> list[npt.NDArray[Any]]:
        values = (p.take.positions, p.head.rotation, p.head.translation, p.residual, p.confidence)
        return [value[f] for value in values]

    return np.array(
        [
            all(_same_bits(x, y) for x, y in zip(rows(a, f), rows(b, g), strict=True))
            for f, g in zip(frames, others, strict=True)
        ],
        bool,
    )
