"""One HTML file that shows a performance and its edit: no network, no other file, drawn by WebGL2 from data inside.

The file holds the expression of each frame on an int16 grid in head space, the head's pose in float32, and of the edit
only the vertices and frames that it moves. All views are made from these in the browser: the take is ``R x + t``, the
expression ``x``, and their edited twins the same with other vertices; a second separation is 12 more numbers a frame.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import json
import re
from collections.abc import Callable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien._atomic import atomic_path
from mien.report.checks import checks_of, heat_ranges
from mien.report.contents import Job, Other, camera_of, first_stride, pack_edit, pack_expression, poses
from mien.report.facts import Length, checked_facts, describe, notes
from mien.report.measures import check_result
from mien.report.packing import Grid, pack_bytes, pack_floats, pack_integers
from mien.report.stillness import Strays, strays
from mien.report.style import style_sheet, styled
from mien.report.survey import survey
from mien.report.tracks import curves_of
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["Page", "write_page"]

Progress = Callable[[int, int], None]

# How much of a file packed meshes may take: base64 makes four bytes of three, and script and curves need some.
_SHARE = 0.72

# In this order they make one script.
_SCRIPTS = ("data.js", "camera.js", "mesh.js", "curves.js", "views.js", "page.js")


class Page(NamedTuple):
    """What `write_page` wrote.

    Parameters
    ----------
    path : Path
        The file.
    frames : (K,) int64
        Zero-based frames of the take that the page can show; curves and numbers are of all frames.
    precision : float
        How far a vertex may be drawn from its place, scene units.
    n_bytes : int
        Size of the file.
    """

    path: Path
    frames: npt.NDArray[np.int64]
    precision: float
    n_bytes: int


def _template(name: str) -> str:
    return (importlib.resources.files("mien.report") / "template" / name).read_text(encoding="utf-8")


def _fill(template: str, parts: Mapping[str, str]) -> str:
    """Put parts in the places marked ``{{name}}``, all in one pass, so that no part can speak for another."""
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _script_json(value: Any) -> str:
    """JSON that can stand inside a script element: no text in it can end the element or open a comment."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def _block(name: str, packed: bytes) -> str:
    text = base64.b64encode(packed).decode("ascii")
    return f'<script type="application/octet-stream" id="data-{name}">{text}</script>\n'


def _hash_source(text: str) -> str:
    """Name a script or style by its content, so that the browser runs these and nothing else."""
    return "'sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii") + "'"


def _document(job: Job, frames: npt.NDArray[np.int64], progress: Callable[[int], None]) -> bytes:
    take, topology = job.perf.take, job.perf.take.topology
    edited, edit_blocks = pack_edit(job, frames)
    ranges = heat_ranges(job)
    checks, check_blocks = checks_of(job, frames, ranges)
    blocks = {
        "counts": pack_integers(topology.face_counts),
        "indices": pack_integers(topology.face_indices),
        "pose": pack_floats(poses(job.perf.head[frames])),
        "expression": pack_expression(job, frames, progress),
        **edit_blocks,
        **check_blocks,
    }
    if job.colors is not None:
        blocks["colors"] = pack_bytes(np.rint(255 * job.colors))
    data = {
        "version": 1,
        "title": job.title,
        "fps": take.fps,
        "startFrame": take.start_frame,
        "nFrames": len(take),
        "frames": frames.tolist(),
        "nVertices": take.n_vertices,
        "nFaces": topology.n_faces,
        "nCorners": len(topology.face_indices),
        "unit": job.length.unit,
        "unitScale": job.length.factor,
        "step": job.grid.step,
        "offset": job.grid.offset.tolist(),
        "precision": job.grid.precision * job.length.factor,
        "camera": camera_of(job),
        "heatRange": ranges,
        "curves": curves_of(job),
        "facts": describe(job.perf, job.found, job.length, frames, job.grid.precision, job.facts),
        "notes": notes(job.perf, job.found, job.length, frames, job.grid),
        "colored": job.colors is not None,
        "look": styled(),
        **edited,
        **checks,
    }
    style = style_sheet(_template("page.css"))
    script = "(() => {\n'use strict';\n" + "\n".join(_template(name) for name in _SCRIPTS) + "})();\n"
    text = _fill(
        _template("page.html"),
        {
            "title": html.escape(job.title),
            "style": style,
            "style_hash": _hash_source(style),
            "script": script,
            "script_hash": _hash_source(script),
            "data": _script_json(data),
            "blocks": "".join(_block(name, packed) for name, packed in blocks.items()),
        },
    )
    return text.encode(errors="replace")  # names may hold bytes that are no text


def write_page(
    path: str | PathLike[str],
    perf: Performance,
    result: MeshSequence | None = None,
    *,
    compare: Performance | None = None,
    title: str | None = None,
    facts: Mapping[str, str | float] | None = None,
    max_frames: int | None = None,
    max_bytes: int = 32_000_000,
    colors: npt.ArrayLike | None = None,
    found: Strays | None = None,
    progress: Progress | None = None,
) -> Page:
    """Write one HTML file that shows a performance, and an edit of it, frame by frame.

    Parameters
    ----------
    path : path
        The file to write; appears whole or not at all.
    perf : Performance
        F ≥ 1 frames, V ≥ 1 vertices.
    result : MeshSequence, optional
        What `recombine` made of it: same frames and topology, world space.
    compare : Performance, optional
        Another separation of the same take, with the same neutral: it can be seen beside the first, frame by frame,
        and where the two differ.
    title : str, optional
        Defaults to the name of the take.
    facts : mapping of str to str or float, optional
        More rows for the table of facts, such as measured maxima of the laws.
    max_frames : int, optional
        How many frames to keep at most; every second, third, ... frame is kept then, and the page says so.
    max_bytes : int
        How large the file may be; frames are skipped as above until it fits.
    colors : (V, 3) floats in [0, 1], optional
        Colours of the vertices, sRGB; clay without them.
    found : Strays, optional
        What `strays` found, where it is known already.
    progress : callable, optional
        Called with work done and work in all, in frames.

    Returns
    -------
    Page
        Where the file is, the frames it shows, and how precisely.

    Raises
    ------
    TypeError
        An argument is of another kind.
    ValueError
        `perf` is empty, or `result` or `compare` has other frames or another topology.

    Notes
    -----
    Cost O(F V) and a few frames of memory beside the file itself. The same input gives the same bytes.
    """
    check_result(perf, result)
    other = None if compare is None else Other(compare, perf.compare(compare))
    n = len(perf)
    name = perf.take.name if title is None else title
    _validate.instance("title", name, str, "a str")
    rows = checked_facts(facts or {})
    if max_frames is not None:
        _validate.index("max_frames", max_frames, least=1)
    tint = (
        None if colors is None else _validate.floats("colors", colors, ("V", 3), {"V": perf.take.n_vertices})
    )
    room = _validate.index("max_bytes", max_bytes, least=1)

    def report(done: int) -> None:
        if progress is not None:
            progress(done, 2 * n)

    seen = survey(perf, result, report)
    grid = Grid.around(perf.neutral, *seen.head_box)
    strayed = strays(perf) if found is None else found
    job = Job(perf, result, seen, strayed, other, grid, Length.of(perf.take), name, rows, tint)
    stride = first_stride(job, max_frames, _SHARE * room)
    while True:
        frames = np.arange(0, n, stride)
        document = _document(job, frames, lambda frame: report(n + frame + 1))
        if len(document) <= room or stride >= n:
            break
        stride = min(n, max(stride + 1, int(stride * len(document) / room)))
    with atomic_path(path) as temporary:
        temporary.write_bytes(document)
    report(2 * n)
    return Page(Path(path), frames, grid.precision, len(document))
