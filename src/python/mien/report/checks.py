"""What the page shows of how well the head came out: scales, maps, the frames to look at, and the other method."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.report.contents import Job, poses
from mien.report.packing import pack_bytes, pack_floats
from mien.report.stillness import apart_in_time, mobility_top, residual_top, worst_frames

__all__ = ["checks_of", "heat_ranges"]

_WORST = 6  # frames that are named, the worst first


def heat_ranges(job: Job) -> dict[str, float]:
    """Upper ends of the legends: a round number that all but the last hundredth of the frames stay below."""

    def top(values: npt.NDArray[np.float64]) -> float:
        finite = job.length.shown(values[np.isfinite(values) & (values > 0)])
        if not len(finite):
            return 1.0
        wanted = float(np.quantile(finite, 0.99))
        unit = 10.0 ** math.floor(math.log10(wanted))
        return next(
            (k * unit for k in (1, 1.5, 2, 2.5, 3, 4, 5, 6, 8) if k * unit >= 0.999 * wanted), 10 * unit
        )

    perf, largest = job.perf, float(job.length.shown(job.perf.residual.max()))
    out = {
        "expression": top(job.found.expression),
        "residual": residual_top(perf, largest),
        "mobility": mobility_top(perf, job.strays),
    }
    if job.found.edit is not None:
        out["edit"] = top(job.found.edit)
    if job.other is not None:
        out["difference"] = top(job.other.gap.furthest)
    return out


def checks_of(
    job: Job, frames: npt.NDArray[np.int64], ranges: dict[str, float]
) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Return what stands in the page's data, and in blocks of its own.

    The other method's view needs no mesh: one head is seen from the other by 12 numbers a frame.
    """
    perf, fps = job.perf, job.perf.take.fps
    share = np.nan_to_num(job.length.shown(job.strays.most)) / ranges["mobility"]
    worst = {"residual": worst_frames(perf, _WORST).tolist()}
    blocks = {"mobility": pack_bytes(np.rint(255 * share))}
    other = None
    if job.other is not None:
        other = job.other.perf.method
        gap = job.other.gap.distance
        worst["difference"] = [int(f) for f in apart_in_time(gap, fps, _WORST) if gap[f] > 0]
        relative = job.other.perf.head[frames].inverse() @ perf.head[frames]
        blocks["relative"] = pack_floats(poses(relative))
    return {"method": perf.method, "other": other, "worst": worst}, blocks
