"""What people look at: pictures, and one page that holds everything."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

import numpy.typing as npt

from mien.report.page import Page, write_page
from mien.report.pictures import contact_sheet, curves
from mien.report.stillness import head_removed
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["Page", "contact_sheet", "curves", "head_removed", "write_page", "write_report"]


def write_report(
    directory: str | PathLike[str],
    perf: Performance,
    result: MeshSequence | None = None,
    *,
    facts: Mapping[str, str | float] | None = None,
    max_frames: int | None = None,
    colors: npt.ArrayLike | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> tuple[Path, ...]:
    """Write everything that shows a performance, and an edit of it, into one folder.

    Parameters
    ----------
    directory : path
        The folder, made if needed.
    perf : Performance
        F ≥ 1 frames, V ≥ 1 vertices.
    result : MeshSequence, optional
        What `recombine` made of it: same frames and topology, world space.
    facts, max_frames, colors, progress
        As in `write_page`.

    Returns
    -------
    tuple of Path
        The files: report.html and, where the extra `report` is installed, contact_sheet.png, curves.png
        and head_removed.png.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    page = write_page(
        folder / "report.html",
        perf,
        result,
        facts=facts,
        max_frames=max_frames,
        colors=colors,
        progress=progress,
    )
    if importlib.util.find_spec("matplotlib") is None:
        return (page.path,)
    pictures = tuple(folder / f"{name}.png" for name in ("contact_sheet", "curves", "head_removed"))
    contact_sheet(perf, result, path=pictures[0], colors=colors)
    curves(perf, result, path=pictures[1])
    head_removed(perf, path=pictures[2])
    return (page.path, *pictures)
