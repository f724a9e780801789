"""Change when the expression happens, while the head keeps its time."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.editing.documents import EditWriter, Fields
from mien.editing.edits import Application, Block, Edit, Scene
from mien.editing.recipes import Region, checked_region, vertex_weights
from mien.editing.times import through_four_frames

__all__ = ["Retime"]

Float64 = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True, eq=False)
class Retime(Edit):
    """Show the expression of other times: at ``frame`` of each key that of its ``source_frame``.

    Parameters
    ----------
    keys : sequence of (frame, source_frame)
        Both zero-based and strictly rising; source frames may lie between frames. The first and the last key must
        name the same frame twice: outside of them nothing changes. ``[(160, 160), (200, 190), (230, 230)]`` has what
        happened at 190 happen ten frames later.
    region : (V,) floats in [0, 1] or RegionRecipe, optional
        Vertex weights, such as the lids to retime a blink only; None is everywhere.

    Raises
    ------
    ValueError
        Keys are fewer than two, do not rise, or do not begin and end where the take's own time does.

    Notes
    -----
    Between keys time runs along a monotone cubic that enters and leaves at its own speed, so that velocities are
    continuous. Between frames the expression follows a cubic through four frames (Catmull-Rom), and is the captured
    one where a time meets a frame. Edits before this one are seen.

    References
    ----------
    Fritsch, Carlson 1980, Monotone piecewise cubic interpolation, SIAM J. Numerical Analysis 17(2).
    """

    kind: ClassVar[str] = "retime"

    keys: Sequence[tuple[int, float]]
    _: dataclasses.KW_ONLY
    region: Region = None

    def __post_init__(self) -> None:
        keys = _validate.floats("keys", self.keys, ("K", 2))
        if len(keys) < 2:
            raise ValueError(f"`keys` must have at least 2 pairs (frame, source_frame), got {len(keys)}")
        if (keys[:, 0] != np.floor(keys[:, 0])).any() or keys[0, 0] < 0:
            raise ValueError(
                f"`keys` must have frames that are whole numbers from 0 on, got {keys[:, 0].tolist()}"
            )
        if (np.diff(keys, axis=0) <= 0).any():
            raise ValueError(f"`keys` must rise in both columns, got {keys.tolist()}")
        if (keys[[0, -1], 0] != keys[[0, -1], 1]).any():
            raise ValueError(
                "`keys` must begin and end with a frame that is its own source, got "
                f"{keys[0].tolist()} and {keys[-1].tolist()}"
            )
        # To a millionth of a frame, so that a file with the shot's own numbers gives the same keys back.
        object.__setattr__(self, "keys", tuple((int(f), round(float(s), 6)) for f, s in keys))
        object.__setattr__(self, "region", checked_region(self.region))

    def times(self) -> Float64:
        """Return the source time of the frames from the first key's to the last key's, both included."""
        keys = np.array(self.keys)
        return _monotone(keys[:, 0], keys[:, 1], np.arange(keys[0, 0], keys[-1, 0] + 1))

    def apply_to(self, scene: Scene) -> Application:
        """Work the retiming out on a performance."""
        performance = scene.performance
        first, last = self.keys[0][0], self.keys[-1][0]
        if last >= len(performance):
            raise ValueError(f"`keys` must end in the take, at most at {len(performance) - 1}, got {last}")
        weights = vertex_weights(self.region, performance)
        start, stop = first + 1, last
        times = self.times()[1:-1]
        at = through_four_frames(scene.current, len(performance))

        def add(block: Block) -> None:
            wanted = block.of_frames(start, times)
            moved = np.flatnonzero(wanted != np.arange(block.start, block.start + len(wanted)))
            if not moved.size:
                return
            current = block.current()
            for i in moved:
                step = at(wanted[i]) - current[i]
                step = np.where(np.isfinite(step).all(axis=1, keepdims=True), step, 0.0)
                block.delta[i] += step if weights is None else weights[:, None] * step

        return Application(start, max(stop, start), weights, add)

    def to_fields(self, writer: EditWriter) -> dict[str, Any]:
        """Return the edit as JSON values."""
        begin = writer.frame(0)
        keys = [[f + begin, round(s + begin, 6)] for f, s in self.keys]
        return {"keys": keys, **writer.places(self.region, None)}

    @classmethod
    def from_fields(cls, fields: Fields) -> Retime:
        """Read what `to_fields` gave."""
        keys = fields.numbers("keys")
        begin = fields.frame_zero()
        return cls((keys - begin).tolist(), region=fields.region())


def _monotone(x: Float64, y: Float64, at: Float64) -> Float64:
    """Interpolate rising values by a monotone cubic whose slope at both ends is 1 where that keeps it monotone."""
    width, secant = np.diff(x), np.diff(y) / np.diff(x)
    slope = np.ones(len(x))
    left, right = width[:-1], width[1:]
    a, b = 2 * right + left, right + 2 * left
    slope[1:-1] = (a + b) / (a / secant[:-1] + b / secant[1:])
    slope[0], slope[-1] = min(1.0, 3 * secant[0]), min(1.0, 3 * secant[-1])
    k = np.clip(np.searchsorted(x, at, side="right") - 1, 0, len(width) - 1)
    t = (at - x[k]) / width[k]
    rise = y[k] + t * (
        width[k] * slope[k]
        + t
        * (
            3 * (y[k + 1] - y[k])
            - width[k] * (2 * slope[k] + slope[k + 1])
            + t * (width[k] * (slope[k] + slope[k + 1]) - 2 * (y[k + 1] - y[k]))
        )
    )
    knots = np.searchsorted(x, at)
    exact = x[np.minimum(knots, len(x) - 1)] == at
    return np.where(exact, y[np.minimum(knots, len(y) - 1)], rise)
