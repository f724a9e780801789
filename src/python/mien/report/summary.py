"""The report's numbers for programs: one JSON file beside the pictures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from mien._atomic import atomic_path
from mien.report.measures import lengths
from mien.report.stillness import Strays, worst_frames
from mien.values.comparison import Comparison
from mien.values.performance import Performance

__all__ = ["write_summary"]


def write_summary(path: Path, perf: Performance, found: Strays, comparison: Comparison | None) -> Path:
    """Write what the pictures say in numbers; lengths in `unit`, frames by the shot's own numbers."""
    unit, start = lengths(perf.take), perf.take.start_frame
    known = found.most[np.isfinite(found.most)]
    summary: dict[str, Any] = {
        "take": perf.take.name,
        "frames": len(perf),
        "start_frame": start,
        "vertices": perf.take.n_vertices,
        "method": perf.method,
        "unit": unit.unit,
        "residual": {
            "median": float(np.median(perf.residual)) * unit.factor,
            "largest": float(perf.residual.max()) * unit.factor,
            "worst_frames": [start + int(f) for f in worst_frames(perf)],
        },
        "confidence": {"median": float(np.median(perf.confidence)), "least": float(perf.confidence.min())},
        "mobility": {
            f"vertices_{share}_percent": float(np.quantile(known, share / 100)) * unit.factor
            for share in (10, 50, 90)
            if len(known)
        },
    }
    if comparison is not None:
        summary["difference"] = {
            "mean": float(comparison.distance.mean()) * unit.factor,
            "largest": float(comparison.furthest.max()) * unit.factor,
            "mean_degrees": float(comparison.angle.mean()),
            "worst_frames": [start + int(f) for f in comparison.frames(6)],
        }
    with atomic_path(path) as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n", encoding="utf-8", errors="replace")
    return path
