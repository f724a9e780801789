"""How well the head came out: faces with and without its motion, where they stray, and what no head explains."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.geometry.alignment import extent
from mien.geometry.camera import Camera
from mien.geometry.draw import draw
from mien.report import measures
from mien.report.sheet import Cell, Legend, Stage, sheet
from mien.report.survey import head_angles
from mien.values.performance import Performance

__all__ = [
    "Strays",
    "apart_in_time",
    "head_removed",
    "mobility_map",
    "mobility_top",
    "residual_map",
    "residual_top",
    "strays",
    "worst_frames",
]

Bytes = npt.NDArray[np.uint8]
Float64 = npt.NDArray[np.float64]

_PAIRS = 3  # frames in a row of the strip
_SMALL, _LARGE = (270, 320), (420, 500)  # pixels of a picture
_LOOKED_AT = 200  # frames that quantiles are taken of at most, evenly spread over the take
_TOGETHER = 4096  # vertices looked at together
_USUAL, _MOST = 0.5, 0.95
_FINE = 0.5 / 250  # of the neutral's extent: where the scale of residuals ends at least, 0.5 mm on a face
_APART = 0.25  # seconds between two frames that are called the worst


def head_removed(
    perf: Performance,
    frames: int | Sequence[int] | npt.NDArray[Any] = 9,
    path: str | PathLike[str] | None = None,
    *,
    view: str = "front",
) -> Bytes:
    """Draw frames as captured, and beside each the same face with its head removed.

    Parameters
    ----------
    perf : Performance
        F ≥ 1 frames.
    frames : int or sequence of int
        How many frames, chosen where the head turns most, or which ones (zero-based).
    path : path, optional
        Also write the strip as PNG; it appears whole or not at all.
    view : str
        As in `Camera.fit`.

    Returns
    -------
    (H, W, 3) uint8, sRGB
        One camera for all captured faces and one for all others: what still moves on the right is expression, or an
        error of the head.

    Raises
    ------
    ImportError
        Matplotlib is not installed.
    ValueError
        The performance has no frame, or has fewer than are named.
    """
    measures.check_result(perf, None)
    chosen = measures.choose_frames(frames, np.linalg.norm(head_angles(perf), axis=1))
    world, head = perf.take.positions[chosen], perf.head[chosen]
    stage = Stage.of(perf, _SMALL, view)
    around = Camera.fit(head.apply(perf.neutral), view, up_axis=perf.take.up_axis, size=_SMALL, margin=0.07)
    captured = draw(perf.take.topology, world, camera=around, size=_SMALL, samples=3)
    removed = stage.drawn(perf, head.apply_inverse(world))
    cells = [
        (Cell(before, f"{perf.take.start_frame + int(f)}", "as captured"), Cell(after, "", "head removed"))
        for f, before, after in zip(chosen, captured, removed, strict=True)
    ]
    rows = [
        [cell for pair in cells[start : start + _PAIRS] for cell in pair]
        for start in range(0, len(cells), _PAIRS)
    ]
    return sheet(perf, "Head removed", rows, path=path)


class Strays(NamedTuple):
    """How far each vertex is from its median place in head space, (V,) scene units; NaN where it is never there.

    Parameters
    ----------
    usual, most : (V,) float64
        Not exceeded in half of the frames, and in 95 % of them: no single frame decides.
    """

    usual: Float64
    most: Float64


def strays(perf: Performance) -> Strays:
    """Measure how far each vertex strays in head space over the take.

    Notes
    -----
    Of at most 200 frames, evenly spread. Cost O(V) sorts of those. Missing positions are left out.
    """
    measures.check_result(perf, None)
    n = len(perf)
    at = np.unique(np.rint(np.linspace(0, n - 1, min(n, _LOOKED_AT))).astype(np.intp))
    local = perf.head[at].apply_inverse(perf.take.positions[at])
    out = Strays(np.full(perf.take.n_vertices, np.nan), np.full(perf.take.n_vertices, np.nan))
    for start in range(0, perf.take.n_vertices, _TOGETHER):
        part = slice(start, start + _TOGETHER)
        places = local[:, part].astype(np.float64)
        known = np.isfinite(places).all((0, 2))
        for group, median, quantile in (
            (known, np.median, np.quantile),
            (~known, np.nanmedian, np.nanquantile),
        ):
            some = places[:, group]
            seen = np.isfinite(some).all(2).any(0)
            some = some[:, seen]
            if not some.size:
                continue
            distance = np.linalg.norm(some - median(some, axis=0), axis=2)
            where = start + np.flatnonzero(group)[seen]
            out.usual[where], out.most[where] = quantile(distance, (_USUAL, _MOST), axis=0)
    return out


def mobility_map(
    perf: Performance,
    path: str | PathLike[str] | None = None,
    *,
    view: str = "front",
    found: Strays | None = None,
    carried: npt.ArrayLike | None = None,
) -> Bytes:
    """Draw on the face how far each vertex strays in head space over the take.

    Parameters
    ----------
    perf : Performance
        F ≥ 1 frames.
    path : path, optional
        Also write the picture as PNG; it appears whole or not at all.
    view : str
        As in `Camera.fit`.
    found : Strays, optional
        What `strays` found, where it is known already.
    carried : (V,) floats, optional
        What was expected, scene units, as ``carry_prior(...).mobility``; drawn beside what was found.

    Returns
    -------
    (H, W, 3) uint8, sRGB
        Bone has the colour of clay when the head came out well: a scalp or a nose bridge with colour means that the
        head took part of the expression, or left some of its own motion. Missing vertices stay clay.
    """
    measures.check_result(perf, None)
    unit = measures.lengths(perf.take)
    found = strays(perf) if found is None else found
    pictures = [
        ("Half of the frames", "no further from the usual place", found.usual),
        ("95 % of the frames", "no further from the usual place", found.most),
    ]
    if carried is not None:
        expected = _validate.floats("carried", carried, ("V",), {"V": perf.take.n_vertices})
        pictures.append(("Expected of faces", "root mean square over the shapes of a model", expected))
    shown = np.nan_to_num(np.stack([values for *_, values in pictures])) * unit.factor
    top = mobility_top(perf, found)
    rest = np.broadcast_to(np.asarray(perf.neutral), (len(shown), *perf.neutral.shape))
    drawn = Stage.of(perf, _LARGE, view).drawn(perf, rest, heat=shown, heat_range=(0.0, top))
    cells = [Cell(picture, title, words) for picture, (title, words, _) in zip(drawn, pictures, strict=True)]
    known = found.most[np.isfinite(found.most)]
    median = float(np.median(known)) * unit.factor if len(known) else 0.0
    right = (f"half of the face stays within {median:.3g} {unit.unit}", "in 95 % of the frames")
    legend = Legend(top, unit.unit, "distance in head space")
    return sheet(perf, "Mobility", [cells], right=right, legend=legend, path=path)


def mobility_top(perf: Performance, found: Strays) -> float:
    """Return where the scale of the mobility map ends, in the unit of `measures.lengths`."""
    known = np.nan_to_num(np.stack([found.usual, found.most])) * measures.lengths(perf.take).factor
    return measures.nice_above(float(np.quantile(known, 0.995)))


def residual_top(perf: Performance, largest: float) -> float:
    """Return where the scale ends that shows residuals up to `largest`, both in the unit of `measures.lengths`."""
    finest = _FINE * extent(perf.neutral) * measures.lengths(perf.take).factor
    return measures.nice_above(max(2 * largest, finest))


def worst_frames(perf: Performance, count: int = 6) -> npt.NDArray[np.intp]:
    """Return the frames of the largest residual, the worst first, a quarter of a second apart at least."""
    return apart_in_time(perf.residual, perf.take.fps, count)


def apart_in_time(values: Float64, fps: float, count: int) -> npt.NDArray[np.intp]:
    """Return the frames of the largest values (F,), the largest first, a quarter of a second apart at least."""
    apart = max(1, round(_APART * fps))
    chosen: list[int] = []
    for f in np.argsort(-values, kind="stable"):
        if len(chosen) == count:
            break
        if all(abs(int(f) - other) >= apart for other in chosen):
            chosen.append(int(f))
    return np.array(chosen, dtype=np.intp)


def residual_map(
    perf: Performance,
    frames: Sequence[int] | npt.NDArray[Any] | None = None,
    path: str | PathLike[str] | None = None,
    *,
    view: str = "front",
) -> Bytes:
    """Draw what the head leaves unexplained: on the face, the distance from the neutral in the worst frames.

    Parameters
    ----------
    perf : Performance
        F ≥ 1 frames.
    frames : sequence of int, optional
        Which frames (zero-based); those of `worst_frames` if not given.
    path : path, optional
        Also write the picture as PNG; it appears whole or not at all.
    view : str
        As in `Camera.fit`.

    Returns
    -------
    (H, W, 3) uint8, sRGB
        The scale ends at twice the largest residual shown, 0.5 mm of a face at least: fine enough to see bone that is
        not where it was. All that is further off is equally dark, and mostly expression.
    """
    measures.check_result(perf, None)
    unit = measures.lengths(perf.take)
    chosen = measures.choose_frames(worst_frames(perf) if frames is None else frames, perf.residual)
    if frames is None:
        chosen = chosen[np.argsort(-perf.residual[chosen], kind="stable")]
    shown = np.nan_to_num(measures.moved(perf, None, chosen)) * unit.factor
    residual = perf.residual * unit.factor
    largest = float(residual[chosen].max())
    top = residual_top(perf, largest)
    pictures = Stage.of(perf, _SMALL, view).drawn(
        perf, perf.head[chosen].apply_inverse(perf.take.positions[chosen]), heat=shown, heat_range=(0.0, top)
    )
    cells = [
        Cell(
            picture,
            f"{perf.take.start_frame + int(f)}",
            f"residual {residual[f]:.3g} {unit.unit}, trust {perf.confidence[f]:.2f}",
        )
        for f, picture in zip(chosen, pictures, strict=True)
    ]
    rows = [cells[start : start + 2 * _PAIRS] for start in range(0, len(cells), 2 * _PAIRS)]
    right = (
        f"largest residual {largest:.3g} {unit.unit}",
        f"median of all frames {np.median(residual):.3g} {unit.unit}",
    )
    legend = Legend(
        top,
        unit.unit,
        "distance from the neutral; most expression is further off, and equally dark",
    )
    return sheet(perf, "Residual", rows, right=right, legend=legend, path=path)
