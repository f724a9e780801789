"""What people look at: pictures, and one page that holds everything."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

import numpy.typing as npt

from mien.report.difference import difference
from mien.report.film import film
from mien.report.measures import check_result
from mien.report.page import Page, write_page
from mien.report.pictures import contact_sheet, curves
from mien.report.stillness import head_removed, mobility_map, residual_map, strays, worst_frames
from mien.report.summary import write_summary
from mien.report.timeline import head_path
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = [
    "Page",
    "contact_sheet",
    "curves",
    "difference",
    "film",
    "head_path",
    "head_removed",
    "mobility_map",
    "residual_map",
    "strays",
    "worst_frames",
    "write_page",
    "write_report",
]


def write_report(
    directory: str | PathLike[str],
    perf: Performance,
    result: MeshSequence | None = None,
    *,
    compare: Performance | None = None,
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
    compare : Performance, optional
        Another separation of the same take, with the same neutral: where and when the two differ is drawn, too.
    facts, max_frames, colors, progress
        As in `write_page`.

    Returns
    -------
    tuple of Path
        The files: report.html, separation.json and, where the extra `report` is installed, contact_sheet.png,
        curves.png, head_removed.png, head_path.png, mobility.png, residual.png and, with `compare`, difference.png.
    """
    check_result(perf, result)
    comparison = None if compare is None else perf.compare(compare)  # wrong ones are named before any work
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    found = strays(perf)
    page = write_page(
        folder / "report.html",
        perf,
        result,
        compare=compare,
        found=found,
        facts=facts,
        max_frames=max_frames,
        colors=colors,
        progress=progress,
    )
    summary = write_summary(folder / "separation.json", perf, found, comparison)
    if importlib.util.find_spec("matplotlib") is None:
        return (page.path, summary)
    names = ("contact_sheet", "curves", "head_removed", "head_path", "mobility", "residual")
    pictures = tuple(folder / f"{name}.png" for name in names)
    contact_sheet(perf, result, path=pictures[0], colors=colors)
    curves(perf, result, path=pictures[1])
    head_removed(perf, path=pictures[2])
    head_path(perf, path=pictures[3])
    mobility_map(perf, path=pictures[4], found=found)
    residual_map(perf, path=pictures[5])
    if compare is not None:
        pictures = (*pictures, folder / "difference.png")
        difference(perf, compare, path=pictures[-1])
    return (page.path, summary, *pictures)
