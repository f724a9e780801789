"""The curves of the page, over all frames of the take, whichever of them the page can show."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from mien.report.contents import Job
from mien.report.measures import head_movement
from mien.report.survey import head_angles, subject_axes
from mien.report.timeline import confidence_band

__all__ = ["curves_of"]


def _short(values: npt.NDArray[Any], digits: int = 5) -> list[float | None]:
    """Numbers with few digits, for curves; None where there is none."""
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in np.asarray(values).tolist()]


def curves_of(job: Job) -> list[dict[str, Any]]:
    """Return the curves; those of the head with a band as wide as its confidence says."""
    length, found, perf = job.length, job.found, job.perf

    def one(key: str, title: str, unit: str, values: npt.NDArray[Any], **more: Any) -> dict[str, Any]:
        lines = [{"name": "", "values": _short(values)}]
        return {"key": key, "title": title, "unit": unit, "lines": lines, **more}

    curves = [
        *_head(job),
        one("residual", "Residual", length.unit, length.shown(perf.residual), least=0),
        one("confidence", "Confidence", "", perf.confidence, least=0, most=1),
    ]
    if job.other is not None:
        gap = length.shown(job.other.gap.distance)
        detail = f"of the face, from {job.other.perf.method}"
        curves.append(one("difference", "Difference", length.unit, gap, least=0, detail=detail))
    neutral = length.shown(found.expression)
    curves.append(
        one("expression", "Expression", length.unit, neutral, least=0, detail="largest, from neutral")
    )
    if found.edit is not None:
        edit = length.shown(found.edit)
        curves.append(one("edit", "Edit", length.unit, edit, least=0, detail="largest, from take"))
    return curves


def _head(job: Job) -> list[dict[str, Any]]:
    """Return how the head turns and moves from its mean pose, about and along the subject's own axes."""
    perf, length, band = job.perf, job.length, confidence_band(job.perf)
    way = head_movement(perf.head, np.asarray(perf.neutral, dtype=np.float64))[1] @ subject_axes(perf).T

    def lines(names: tuple[str, str, str], values: npt.NDArray[Any]) -> list[dict[str, Any]]:
        return [{"name": name, "values": _short(values[:, i])} for i, name in enumerate(names)]

    rotation = {
        **{"key": "rotation", "title": "Head rotation", "unit": "°", "band": _short(band.angle, 3)},
        "lines": lines(("nod", "turn", "tilt"), head_angles(perf)),
    }
    translation = {
        **{"key": "translation", "title": "Head translation", "unit": length.unit},
        "band": _short(length.shown(band.distance), 3),
        "lines": lines(("left", "up", "ahead"), length.shown(way)),
    }
    return [rotation, translation]
