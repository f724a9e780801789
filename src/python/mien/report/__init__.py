"""What people look at: pictures, and one page that holds everything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path

from mien.report.page import Page, write_page
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["Page", "write_page", "write_report"]


def write_report(
    directory: str | PathLike[str],
    perf: Performance,
    result: MeshSequence | None = None,
    *,
    facts: Mapping[str, str | float] | None = None,
    max_frames: int | None = None,
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
    facts, max_frames, progress
        As in `write_page`.

    Returns
    -------
    tuple of Path
        The files, the page first.
    """
    folder = Path(directory)
    folder.mkdir(parents=True, exist_ok=True)
    page = write_page(
        folder / "report.html", perf, result, facts=facts, max_frames=max_frames, progress=progress
    )
    return (page.path,)
