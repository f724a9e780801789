"""One HTML file that shows a performance and its edit: no network, no other file, drawn by WebGL2 from data inside.

The file holds the expression of each frame on an int16 grid in head space, the head's pose in float32, and of the edit
only the vertices and frames that it moves. All views are made from these in the browser: the take is ``R x + t``, the
expression ``x``, and their edited twins the same with other vertices.
"""

from __future__ import annotations

import base64
import hashlib
import html
import importlib.resources
import json
import math
import re
from collections.abc import Callable, Iterator, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien._atomic import atomic_path
from mien.report.facts import Length, checked_facts, describe, notes
from mien.report.measures import check_result
from mien.report.packing import Grid, pack_bytes, pack_floats, pack_frames, pack_integers
from mien.report.style import style_sheet, styled
from mien.report.survey import (
    BLOCK,
    Box,
    Survey,
    changed_vertices,
    head_angles,
    mean_rotation,
    subject_axes,
    survey,
)
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["Page", "write_page"]

Progress = Callable[[int, int], None]

# How much of a file packed meshes may take: base64 makes four bytes of three, and script and curves need some.
_SHARE = 0.72

# In this order they make one script.
_SCRIPTS = ("data.js", "camera.js", "mesh.js", "curves.js", "page.js")


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


def _short(values: npt.NDArray[Any], digits: int = 5) -> list[float | None]:
    """Numbers with few digits, for curves; None where there is none."""
    return [float(f"{v:.{digits}g}") if math.isfinite(v) else None for v in np.asarray(values).tolist()]


def _blocks(frames: npt.NDArray[np.int64]) -> Iterator[npt.NDArray[np.int64]]:
    for start in range(0, len(frames), BLOCK):
        yield frames[start : start + BLOCK]


class _Job(NamedTuple):
    """What is being written."""

    perf: Performance
    result: MeshSequence | None
    found: Survey
    grid: Grid
    length: Length
    title: str
    facts: Mapping[str, str | float]
    colors: npt.NDArray[np.float64] | None

    def expression(
        self, frames: npt.NDArray[np.int64], vertices: npt.NDArray[np.int64] | slice = slice(None)
    ) -> npt.NDArray[np.int16]:
        """Count the take on the grid in head space, (frames, vertices, 3)."""
        return self._counts(self.perf.take, frames, vertices)

    def edited(self, frames: npt.NDArray[np.int64], vertices: npt.NDArray[np.int64]) -> npt.NDArray[np.int16]:
        """Count the result on the grid in head space, (frames, vertices, 3)."""
        return self._counts(self.perf.take if self.result is None else self.result, frames, vertices)

    def _counts(
        self, sequence: MeshSequence, frames: npt.NDArray[np.int64], vertices: Any
    ) -> npt.NDArray[np.int16]:
        points = np.ascontiguousarray(sequence.positions[frames][:, vertices])
        return self.grid.counts(self.perf.head[frames].apply_inverse(points))


def _first_stride(job: _Job, max_frames: int | None, room: float) -> int:
    """Guess from a few frames which stride makes the meshes fit `room` bytes."""
    n = len(job.perf)
    stride = 1 if max_frames is None else -(-n // max_frames)
    edited = 0.0 if job.found.edit is None else float(np.mean(job.found.edit > 0) * np.mean(job.found.active))
    while stride < n:
        starts = np.unique(np.linspace(0, n - 1 - stride, 6).astype(np.int64))
        size = 0.0
        for f in starts:
            pair = job.expression(np.array([f, f + stride]))
            size += (len(pack_frames([pair[1] - pair[0]]))) / len(starts)
        needed = size * (1 + edited) * math.ceil(n / stride)
        if needed <= room:
            break
        stride = max(stride + 1, int(stride * needed / room))
    return min(stride, n)


def _pack_expression(job: _Job, frames: npt.NDArray[np.int64], progress: Callable[[int], None]) -> bytes:
    """Pack the neutral, then the expression of each frame kept."""

    def each() -> Iterator[npt.NDArray[np.int16]]:
        yield job.grid.counts(np.asarray(job.perf.neutral))
        for block in _blocks(frames):
            yield from job.expression(block)
            progress(int(block[-1]))

    return pack_frames(each())


def _pack_edit(job: _Job, frames: npt.NDArray[np.int64]) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Pack of the edit what differs from the expression: vertices, frames, differences."""
    if job.result is None:
        return {"edited": None}, {}
    vertices = np.flatnonzero(job.found.active)
    places: list[int] = []
    for start, block in enumerate(_blocks(frames)):
        changed = changed_vertices(job.perf.take.positions[block], job.result.positions[block]).any(axis=1)
        places += (start * BLOCK + np.flatnonzero(changed)).tolist()

    def each() -> Iterator[npt.NDArray[np.int16]]:
        for block in _blocks(frames[np.array(places, dtype=np.int64)]):
            yield from job.edited(block, vertices) - job.expression(block, vertices)

    return {"edited": places}, {"vertices": pack_integers(vertices), "edited": pack_frames(each())}


def _curves(job: _Job) -> list[dict[str, Any]]:
    """Return the curves, over all frames of the take."""
    length, found, angles = job.length, job.found, head_angles(job.perf)

    def one(key: str, title: str, unit: str, values: npt.NDArray[Any], **more: Any) -> dict[str, Any]:
        lines = [{"name": "", "values": _short(values)}]
        return {"key": key, "title": title, "unit": unit, "lines": lines, **more}

    rotation = one("rotation", "Head rotation", "°", np.linalg.norm(angles, axis=1))
    rotation["detail"] = "from the mean pose"
    rotation["lines"] = [
        {"name": name, "values": _short(angles[:, i])} for i, name in enumerate(("nod", "turn", "tilt"))
    ]
    curves = [
        rotation,
        one("residual", "Residual", length.unit, length.shown(job.perf.residual), least=0),
        one("confidence", "Confidence", "", job.perf.confidence, least=0, most=1),
    ]
    neutral = length.shown(found.expression)
    curves.append(
        one("expression", "Expression", length.unit, neutral, least=0, detail="largest, from neutral")
    )
    if found.edit is not None:
        edit = length.shown(found.edit)
        curves.append(one("edit", "Edit", length.unit, edit, least=0, detail="largest, from take"))
    return curves


def _camera(job: _Job) -> dict[str, Any]:
    """Tell where the two spaces lie, and which way the head looks on average."""

    def space(box: Box) -> dict[str, list[float]]:
        low, high = (np.where(np.isfinite(corner), corner, 0.0) for corner in box)
        return {"centre": ((low + high) / 2).tolist(), "half": ((high - low) / 2).tolist()}

    up = job.perf.take.up_axis or "y"
    ahead = subject_axes(job.perf)[2]
    return {
        "up": up,
        "yaw": math.atan2(ahead[0], -ahead[1] if up == "z" else ahead[2]),
        "mean": mean_rotation(job.perf).ravel().tolist(),
        "still": space(job.found.still_box),
        "world": space(job.found.world_box),
    }


def _heat_ranges(job: _Job) -> dict[str, float]:
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

    out = {"expression": top(job.found.expression)}
    if job.found.edit is not None:
        out["edit"] = top(job.found.edit)
    return out


def _document(job: _Job, frames: npt.NDArray[np.int64], progress: Callable[[int], None]) -> bytes:
    take, topology = job.perf.take, job.perf.take.topology
    edited, edit_blocks = _pack_edit(job, frames)
    pose = np.concatenate(
        [job.perf.head[frames].rotation.reshape(-1, 9), job.perf.head[frames].translation], axis=1
    )
    blocks = {
        "counts": pack_integers(topology.face_counts),
        "indices": pack_integers(topology.face_indices),
        "pose": pack_floats(pose),
        "expression": _pack_expression(job, frames, progress),
        **edit_blocks,
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
        "camera": _camera(job),
        "heatRange": _heat_ranges(job),
        "curves": _curves(job),
        "facts": describe(job.perf, job.found, job.length, frames, job.grid.precision, job.facts),
        "notes": notes(job.perf, job.found, job.length, frames, job.grid),
        "colored": job.colors is not None,
        "look": styled(),
        **edited,
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
    title: str | None = None,
    facts: Mapping[str, str | float] | None = None,
    max_frames: int | None = None,
    max_bytes: int = 32_000_000,
    colors: npt.ArrayLike | None = None,
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
        `perf` is empty, or `result` has other frames or another topology.

    Notes
    -----
    Cost O(F V) and a few frames of memory beside the file itself. The same input gives the same bytes.
    """
    check_result(perf, result)
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

    found = survey(perf, result, report)
    grid = Grid.around(perf.neutral, *found.head_box)
    job = _Job(perf, result, found, grid, Length.of(perf.take), name, rows, tint)
    stride = _first_stride(job, max_frames, _SHARE * room)
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
