"""What an edit list does to a take that nobody asked for: jumps where edits begin and end, and skin turned over."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.apply import recombine, work_out
from mien.editing.blend import Blend
from mien.editing.edit_list import EditList
from mien.editing.edits import Application, Block, Edit
from mien.editing.measures import (
    Measures,
    TakeMeasures,
    expressions,
    face_normals,
    measured,
    note,
    turned_over,
    unmeasured,
)
from mien.editing.paste import Paste
from mien.editing.propagate import Propagate
from mien.editing.recipes import EnvelopeRecipe
from mien.editing.timeline import Insert, Remove, TimelineEdit
from mien.values.performance import Performance

__all__ = ["EditFinding", "check_edits"]

Float64 = npt.NDArray[np.float64]
Int64 = npt.NDArray[np.int64]

# Frames on each side of an end that belong to it.
_NEAR = 2
# What an eased ramp of one frame would have as its largest second difference, and the frames of ease that an edit
# without an envelope has.
_EASE_PEAK, _EASE_FRAMES = 5.77, 8


class EditFinding(NamedTuple):
    """One thing to look at.

    Attributes
    ----------
    edit : int
        Which edit of the list.
    kind : str
        What that edit is called in files.
    what : {"velocity", "acceleration", "flips"}
        What jumps where the edit begins or ends, or triangles that turn over.
    frame : int
        The worst frame, zero-based, on the take's timeline as this edit leaves it.
    amount : float
        The jump over the take's own 99th percentile; or how many triangles turn over.
    vertex : int
        Where it is worst.
    advice : str
        What to change.
    """

    edit: int
    kind: str
    what: str
    frame: int
    amount: float
    vertex: int
    advice: str

    def sentence(self, start_frame: int = 0) -> str:
        """Say it in one sentence, in the frame numbers of a take that starts at `start_frame`."""
        where = f"edits[{self.edit}] ({self.kind}): at frame {self.frame + start_frame}"
        if self.what == "flips":
            turned = "1 triangle turns" if self.amount == 1 else f"{self.amount:g} triangles turn"
            return f"{where} {turned} over as nowhere in the take, around vertex {self.vertex}; {self.advice}"
        return (
            f"{where} {self.what} jumps by {self.amount:.2f} times the take's own 99th percentile, "
            f"most at vertex {self.vertex}; {self.advice}"
        )


def check_edits(
    performance: Performance,
    edits: Iterable[Edit],
    *,
    limit: float = 1.05,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[EditFinding, ...]:
    """Look for what an edit list does to a take that nobody asked for.

    Parameters
    ----------
    performance : Performance
        What is edited.
    edits : EditList or iterable of Edit
        As for `mien.recombine`.
    limit : float
        How much of the take's own 99th percentile a jump may be where an edit begins or ends.
    progress : callable, optional
        Called as ``progress(done, total)`` in frames.

    Returns
    -------
    tuple of EditFinding
        In the order of the edits; empty when there is nothing to say. For each edit: the worst jump of velocity, or
        else of acceleration, within two frames of where it begins and of where it ends; and the frame with the most
        triangles that turn over, against the neutral, and do so in no frame of the take or of a take that is pasted
        from. What a later edit mends is not told, nor what the edits before had already done.

    Raises
    ------
    ValueError
        An edit does not fit the performance.

    Notes
    -----
    Jumps are those of the expression, in head space, over all vertices: differences of second and third order in time,
    per frame, not per second. Inside its range an edit may do what it likes, so nothing is said there. Triangles are
    not looked at for `Insert` and `Remove`. O(F V) for the take, and as much again for each edit over its frames.
    """
    _validate.instance("performance", performance, Performance, "a Performance")
    listed = EditList(edits)
    most = _validate.number("limit", limit, above=0)
    take = measured(performance, most, progress)
    found: list[EditFinding] = []
    first = 0
    for i, edit in enumerate([*listed, None]):
        if edit is not None and not isinstance(edit, TimelineEdit):
            continue
        stage = listed[first:i]
        found += _Stage(performance, stage, first, take).findings()
        if isinstance(edit, TimelineEdit):
            performance = _laid_out(performance, stage, edit)
            found += _cuts(performance, i, edit, take)
        first = i + 1
    return tuple(sorted(found, key=lambda finding: finding.edit))


def _laid_out(performance: Performance, stage: EditList, edit: TimelineEdit) -> Performance:
    if len(stage):
        result = recombine(performance, stage)
        performance = Performance(
            result, performance.head, performance.neutral, performance.residual, performance.confidence
        )
    return edit.lay_out(performance)


class _Stage:
    """Edits between two that change the timeline, the first of them number `first` of the list."""

    def __init__(self, performance: Performance, edits: EditList, first: int, take: TakeMeasures) -> None:
        self._performance, self._edits, self._first, self._take = performance, edits, first, take
        plan: list[Application] = []
        for i, edit in enumerate(edits, first):
            plan.append(work_out(performance, i, edit, tuple(plan)))
        self._plan = plan
        n = len(performance)
        self._after = [unmeasured(n) for _ in range(len(plan) + 1)]
        self._changed = np.zeros((len(plan), n), bool)
        # For each edit the triangles of its region, and at each frame those it newly turns over: count and one of them.
        self._reached = [self._triangles(application) for application in plan]
        self._flips: list[dict[int, Int64]] = [{} for _ in plan]

    def findings(self) -> list[EditFinding]:
        """Go through the frames once, then through the edits."""
        if not self._plan:
            return []
        for start, stop, low, expression in expressions(self._performance):
            self._pass(start, stop, low, expression)
        return [finding for k in range(len(self._plan)) for finding in self._of(k)]

    def _triangles(self, application: Application) -> Int64:
        candidates = ~self._take.ever
        if application.weights is not None:
            candidates = candidates & (application.weights > 0)[self._take.triangles].any(axis=1)
        return np.flatnonzero(candidates)

    def _pass(self, start: int, stop: int, low: int, expression: Float64) -> None:
        high = low + len(expression)
        planes = np.zeros((high - low, 3, expression.shape[1]))
        note(self._after[0], low, expression)
        newly: list[tuple[int, int, Int64]] = []
        for k, application in enumerate(self._plan):
            a, b = max(low, application.start), min(high, application.stop)
            before = planes.copy()
            if a < b:
                application.add(Block.of(self._performance, a, b, planes[a - low : b - low]))
            changed = (planes != before).any(axis=(1, 2))
            self._changed[k, low:high] = changed
            if not changed.any():
                for kept, known in zip(self._after[k + 1], self._after[k], strict=True):
                    kept[:, start:stop] = known[:, start:stop]
                continue
            note(self._after[k + 1], low, expression + planes.transpose(0, 2, 1))
            for f in (np.flatnonzero(changed[start - low : stop - low]) + start).tolist():
                turned = self._turned(k, expression[f - low] + planes[f - low].T)
                was = self._turned(k, expression[f - low] + before[f - low].T)
                if len(turned) and len(new := np.setdiff1d(turned, was)):
                    newly.append((k, f, new))
        for k, f, new in newly:
            turned = self._turned(k, expression[f - low] + planes[f - low].T)
            left = np.intersect1d(new, turned)
            if len(left):
                self._flips[k][f] = left

    def _turned(self, k: int, points: Float64) -> Int64:
        reached = self._reached[k]
        over = turned_over(points[None], self._take.triangles[reached], self._take.rest[reached])[0]
        found: Int64 = reached[over]
        return found

    def _of(self, k: int) -> Iterator[EditFinding]:
        i, edit = self._first + k, self._edits[k]
        changed = np.concatenate([[False], self._changed[k], [False]])
        edges = np.flatnonzero(changed[1:] != changed[:-1])
        n = len(self._changed[k])
        for begins, ends in ((True, edges[::2]), (False, edges[1::2])):
            inside = [int(f) for f in ends if 0 < f < n]
            before, after, final = self._after[k], self._after[k + 1], self._after[-1]
            yield from _jump(i, edit, inside, begins, before, after, final, self._take)
        flips = self._but_of_sources(edit, self._flips[k])
        if flips:
            frame = max(flips, key=lambda f: len(flips[f]))
            vertex = int(self._take.triangles[flips[frame][0], 0])
            yield EditFinding(
                i,
                edit.kind,
                "flips",
                frame,
                float(len(flips[frame])),
                vertex,
                "widen its region, or have it do less there",
            )

    def _but_of_sources(self, edit: Edit, flips: dict[int, Int64]) -> dict[int, Int64]:
        """Leave out triangles that a take which is pasted from turns over too."""
        sources = [source for source in edit.sources if isinstance(source, Performance)]
        if not flips or not sources:
            return flips
        wanted = np.unique(np.concatenate(list(flips.values())))
        theirs = np.zeros(len(self._take.ever), bool)
        for source in sources:
            rest = face_normals(source.neutral.astype(np.float64)[None], self._take.triangles[wanted])[0]
            for start, stop, low, expression in expressions(source):
                inside = expression[start - low : stop - low]
                theirs[wanted] |= turned_over(inside, self._take.triangles[wanted], rest).any(axis=0)
        left = {f: turned[~theirs[turned]] for f, turned in flips.items()}
        return {f: turned for f, turned in left.items() if len(turned)}


def _jump(
    i: int,
    edit: Edit,
    ends: Sequence[int],
    begins: bool,
    before: Measures | None,
    after: Measures,
    final: Measures,
    take: TakeMeasures,
) -> Iterator[EditFinding]:
    """Yield the worst jump of velocity around some ends, or else that of acceleration."""
    if not ends:
        return
    n = after.jumps.shape[1]
    near = np.unique([f + k for f in ends for k in range(-_NEAR, _NEAR + 1) if 0 <= f + k < n])
    for order, what in enumerate(("velocity", "acceleration")):
        jumps = after.jumps[order, near]
        new = (jumps > take.limits[order]) & (final.jumps[order, near] > take.limits[order])
        if before is not None:
            new &= jumps > 1.05 * before.jumps[order, near]
        if not new.any():
            continue
        frame = int(near[np.where(new, jumps, -1.0).argmax()])
        ratio = float(after.jumps[order, frame] / take.limits[order])
        yield EditFinding(
            i,
            edit.kind,
            what,
            frame,
            take.limit * ratio,
            int(after.vertices[order, frame]),
            _advice(edit, begins, ratio, order + 2),
        )
        return


def _advice(edit: Edit, begins: bool, ratio: float, order: int) -> str:
    """Say how many frames of ease would do, as a difference of that order of an eased ramp falls with its length."""
    has, room = _eased_over(edit, begins), _room(edit)
    side = "beginning" if begins else "end"
    if has is None and room is not None:
        wanted = room + 1  # what fits was found to be too little
    elif has is None:
        return f"let it {'come' if begins else 'go'} more slowly"
    elif has == 0:
        wanted = math.ceil((_EASE_PEAK * ratio) ** (1 / order))
    else:
        wanted = max(math.ceil(has * ratio ** (1 / order)), has + 1)
    if room is not None and wanted > room:
        return (
            f"its {2 * room} frames are too few to blend over: take more, or frames nearer to what is there"
        )
    if hasattr(edit, "blend"):
        return f"give it a blend of about {wanted} frames (it has {has})"
    return f"ease its {side} over about {wanted} frames (it has {has})"


def _room(edit: Edit) -> int | None:
    """Return the longest blend that fits into an edit; None where it has no blend, or one as long as it likes."""
    if isinstance(edit, Paste):
        first, stop = edit.source_frames
        return (stop - first if edit.length is None else edit.length) // 2
    if isinstance(edit, (Blend, Insert)):
        first, stop = edit.frames if isinstance(edit, Blend) else edit.source_frames
        return (stop - first) // 2
    return None


def _eased_over(edit: Edit, begins: bool) -> int | None:
    """Return over how many frames an edit comes or goes; None where only its author knows."""
    blend = getattr(edit, "blend", None)
    if isinstance(blend, int):
        return blend
    if isinstance(edit, Propagate):
        if begins:
            return None if edit.start is None else min(edit.keys) - edit.start
        return None if edit.end is None else edit.end - max(edit.keys)
    envelope = getattr(edit, "envelope", None)
    if isinstance(envelope, EnvelopeRecipe):
        peak = envelope.peak if isinstance(envelope.peak, tuple) else (envelope.peak, envelope.peak)
        return peak[0] - envelope.start if begins else envelope.end - peak[1]
    if envelope is not None and not hasattr(envelope, "radius"):
        weights = np.asarray(envelope)
        full = np.flatnonzero(weights >= 0.99 * weights.max())
        used = np.flatnonzero(weights)
        return int(full[0] - used[0]) if begins else int(used[-1] - full[-1])
    return _EASE_FRAMES if envelope is None and edit.kind in ("sculpt", "drag") else None


def _cuts(performance: Performance, i: int, edit: TimelineEdit, take: TakeMeasures) -> list[EditFinding]:
    """Look at the joins of an edit that has changed the timeline."""
    measures = unmeasured(len(performance))
    for _, _, low, expression in expressions(performance):
        note(measures, low, expression)
    if isinstance(edit, Insert):
        ends = [(edit.at, True), (edit.at + edit.added_frames, False)]
    else:
        assert isinstance(edit, Remove)
        ends = [(edit.start, True)]
    return [
        finding
        for frame, begins in ends
        for finding in _jump(i, edit, [frame], begins, None, measures, measures, take)
    ]
