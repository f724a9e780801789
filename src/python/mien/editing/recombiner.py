"""Edit lists applied again and again while somebody works on them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.apply import fill, recombine, work_out
from mien.editing.edit_list import EditList
from mien.editing.edits import Application, Edit
from mien.editing.timeline import TimelineEdit
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["Recombiner"]


class _Entry(NamedTuple):
    """An edit worked out, and the frames it looked at besides those it changes."""

    edit: Edit
    application: Application
    reads: set[int]


class Recombiner:
    """`mien.recombine` that keeps its result, and does only over what another edit list changes.

    Parameters
    ----------
    performance : Performance
        What is edited; neither it nor its take is changed.

    Notes
    -----
    Edits are told apart by identity: keep the objects that stay, replace the one that changes. Frames are done over
    where an edit that is new or gone acts, or one that looked at such a frame; with `Insert` or `Remove` in the list,
    all of them. The result has the bits of `mien.recombine`. Memory: one take, and what edits keep. For one thread.
    """

    def __init__(self, performance: Performance) -> None:
        _validate.instance("performance", performance, Performance, "a Performance")
        self._performance = performance
        self._entries: list[_Entry] = []
        self._positions: npt.NDArray[Any] | None = None
        self._redone = np.zeros(0, np.int64)

    @property
    def redone(self) -> npt.NDArray[np.int64]:
        """Frames that the last call worked on, ascending."""
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
        if any(isinstance(edit, TimelineEdit) for edit in listed):
            result = recombine(self._performance, listed)
            self._forget()
            self._redone = np.arange(len(result))
            return result
        entries, changed = self._compared(listed)
        take = self._performance.take
        if self._positions is None:
            self._positions = take.positions.astype(take.positions.dtype, order="C", copy=True)
        plan = [entry.application for entry in entries]
        try:
            fill(self._performance, plan, self._positions, None, None, changed)
        except BaseException:
            self._forget()
            raise
        self._entries, self._redone = entries, np.flatnonzero(changed)
        return take.with_positions(self._positions)

    def _forget(self) -> None:
        self._entries, self._positions = [], None

    def _compared(self, listed: EditList) -> tuple[list[_Entry], npt.NDArray[np.bool_]]:
        """Work out what is new, and which frames change."""
        old, changed = self._entries, np.zeros(len(self._performance), bool)
        same = 0
        while same < min(len(old), len(listed)) and old[same].edit is listed[same]:
            same += 1
        tail = 0
        while tail < min(len(old), len(listed)) - same and old[-1 - tail].edit is listed[-1 - tail]:
            tail += 1
        for entry in old[same : len(old) - tail]:
            changed[entry.application.start : entry.application.stop] = True
        entries = list(old[:same])
        for i in range(same, len(listed)):
            kept = old[len(old) - len(listed) + i] if i >= len(listed) - tail else None
            if kept is not None and not any(changed[frame] for frame in kept.reads):
                entries.append(kept)
                continue
            if kept is not None:
                changed[kept.application.start : kept.application.stop] = True
            reads: set[int] = set()
            application = work_out(
                self._performance, i, listed[i], [entry.application for entry in entries], reads
            )
            changed[application.start : application.stop] = True
            entries.append(_Entry(listed[i], application, reads))
        return entries, changed
