"""What the page says in words: a table of facts, and sentences about what it does not show."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.report.packing import Grid
from mien.report.survey import Survey
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["Length", "checked_facts", "describe", "notes"]


class Length(NamedTuple):
    """How lengths are shown: in millimetres when the take knows its unit, in scene units when not.

    Parameters
    ----------
    unit : str
        "mm" or "units".
    factor : float
        What scene units are multiplied by.
    """

    unit: str
    factor: float

    @classmethod
    def of(cls, take: MeshSequence) -> Length:
        """Return the way to show lengths of a take."""
        return cls("units", 1.0) if take.metres_per_unit is None else cls("mm", 1000.0 * take.metres_per_unit)

    def shown(self, values: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Convert from scene units."""
        return np.asarray(values, dtype=np.float64) * self.factor

    def text(self, value: float) -> str:
        """Return a length in scene units as words, with three digits."""
        return f"{_number(value * self.factor)} {self.unit}"


def _number(value: float) -> str:
    """Three digits, without an exponent in the range that people read."""
    if value == 0 or 1e-3 <= abs(value) < 1e7:
        digits = max(0, 2 - int(np.floor(np.log10(abs(value))))) if value else 0
        text = f"{value:,.{digits}f}"
        return text.rstrip("0").rstrip(".") if "." in text else text
    return f"{value:.2g}"


def _unit(take: MeshSequence) -> str:
    if take.metres_per_unit is None:
        return "not stated"
    known = {0.001: "millimetre", 0.01: "centimetre", 0.1: "decimetre", 1.0: "metre", 0.0254: "inch"}
    return known.get(round(take.metres_per_unit, 6), f"{take.metres_per_unit:g} m")


def _range(numbers: npt.NDArray[Any]) -> str:
    return f"{numbers[0]}–{numbers[-1]}" if len(numbers) > 1 else f"{numbers[0]}"


def describe(
    perf: Performance,
    found: Survey,
    length: Length,
    frames: npt.NDArray[np.int64],
    precision: float,
    more: Mapping[str, str | float],
) -> list[tuple[str, str]]:
    """Return the table of facts as rows of two texts; `more` comes last."""
    take = perf.take
    numbers = take.start_frame + np.arange(len(take))
    rows = [
        ("Frames", f"{len(take):,} ({_range(numbers)})"),
        ("Rate", f"{take.fps:.6g} fps, {len(take) / take.fps:,.2f} s"),
        ("Vertices", f"{take.n_vertices:,}"),
        ("Polygons", f"{take.topology.n_faces:,}"),
        ("Scene unit", _unit(take)),
        ("Up axis", take.up_axis or "not stated"),
        ("Separation", perf.method),
        ("Residual, median", length.text(float(np.median(perf.residual)))),
        ("Residual, largest", length.text(float(perf.residual.max()))),
        ("Confidence, least", _number(float(perf.confidence.min()))),
    ]
    if found.edit is not None:
        edited = np.flatnonzero(found.edit > 0)
        rows.append(
            ("Edited frames", f"{len(edited):,}" + (f" ({_range(numbers[edited])})" if len(edited) else ""))
        )
        rows.append(("Edited vertices", f"{int(found.active.sum()):,}"))
        rows.append(("Edit, largest", length.text(float(np.nanmax(np.append(found.edit, 0.0))))))
    if found.missing:
        rows.append(("Missing positions", f"{found.missing:,}"))
    rows.append(("Frames in this file", f"{len(frames):,}"))
    rows.append(("Precision of drawing", "± " + length.text(precision)))
    rows += [(key, value if isinstance(value, str) else _number(float(value))) for key, value in more.items()]
    return rows


def notes(
    perf: Performance, found: Survey, length: Length, frames: npt.NDArray[np.int64], grid: Grid
) -> list[str]:
    """Return sentences about frames that were skipped, positions that are not drawn, and units that nobody knows."""
    out = []
    if len(frames) < len(perf):
        stride = int(frames[1] - frames[0]) if len(frames) > 1 else len(perf)
        out.append(
            f"This file shows one frame in {stride} ({len(frames):,} of {len(perf):,}) to stay small; "
            "curves and numbers are of all frames."
        )
    if found.missing:
        out.append(f"{found.missing:,} positions are missing in the take; faces around them are left out.")
    if not grid.holds(*found.head_box):
        out.append("Some vertices lie far from the face and are drawn nearer than they are.")
    if length.unit == "units":
        out.append("The take does not state its unit, so lengths are in scene units.")
    return out


def checked_facts(facts: Mapping[str, str | float]) -> dict[str, str | float]:
    """Return further rows for the table, names to words or finite numbers."""
    _validate.instance("facts", facts, Mapping, "a mapping")
    for key, value in facts.items():
        _validate.instance("facts", key, str, "a mapping from str")
        if not isinstance(value, str):
            _validate.number(f"facts[{key!r}]", value)
    return dict(facts)
