"""`mien demo`: the whole job on the built-in face, with pictures and the numbers that prove the laws."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any, NamedTuple

import click
import numpy as np
import numpy.typing as npt

import mien
from mien._atomic import atomic_path
from mien.cli._common import progress_bar, tell_not_kept
from mien.datasets import SyntheticTake
from mien.geometry.temporal import speed_statistics
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["command"]

SEED, DONOR_SEED = 67, 44  # takes with a broad smile under a turning head, and with raised brows
MM = 10.0  # the built-in face is in centimetres
NOISE = 0.05  # of the scanner, in millimetres
INSERTED = 60  # frames of the donor


class _Plan(NamedTuple):
    """What the demo does: its edits, the frames and vertices they may touch, and both ranges."""

    edits: mien.EditList
    frames: npt.NDArray[np.bool_]
    vertices: npt.NDArray[np.bool_]
    held_back: tuple[int, int]
    inserted: tuple[int, int]


@click.command(epilog="Example:  mien demo -o my_demo")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False),
    default=Path("mien_demo"),
    show_default=True,
    help="A folder for the results; made if needed.",
)
@click.option(
    "--resolution",
    type=click.Choice(["preview", "shot", "hero"]),
    default="preview",
    show_default=True,
    help="About 5, 25 or 100 thousand vertices.",
)
@click.option(
    "--frames",
    type=click.IntRange(min=150),
    default=240,
    show_default=True,
    help="Length of the take at 60 fps.",
)
def command(output: Path, resolution: str, frames: int) -> None:
    """Make a take, hold a smile back, insert another expression, and leave the head motion as acted."""
    output.mkdir(parents=True, exist_ok=True)
    head = mien.datasets.head(resolution)
    acted = mien.datasets.performance(head, n_frames=frames, seed=SEED, noise=NOISE)
    other = mien.datasets.performance(head, n_frames=frames, seed=DONOR_SEED, noise=NOISE)

    _write(output / "take.abc", acted.take)
    # Alembic holds no unit; what comes back is the same take with its unit stated again.
    take = acted.take.with_positions(mien.read(output / "take.abc").positions)
    with progress_bar("separate") as progress:
        perf = mien.separate(take, neutral=acted.neutral, progress=progress)
    donor = mien.separate(other.take, neutral=other.neutral)
    perf.save(output / "take.head.npz")

    plan = _plan(acted, other, perf, donor)
    with progress_bar("edit") as progress:
        result = mien.recombine(perf, plan.edits, progress=progress)
    plan.edits.save(output / "edits.json", perf, sources={"donor": donor})
    _write(output / "edited.abc", result)
    if importlib.util.find_spec("pxr") is not None:
        _write(output / "edited.usdc", result)

    summary = {
        "take": {
            "frames": len(take),
            "vertices": take.n_vertices,
            "fps": take.fps,
            "start_frame": take.start_frame,
        },
        "edits": {"held_back": _shot(take, plan.held_back), "inserted": _shot(take, plan.inserted)},
        "head_against_truth": _head_error(perf, acted),
        "laws": _laws(perf, result, plan, acted),
    }
    with atomic_path(output / "summary.json") as temporary:
        temporary.write_text(json.dumps(summary, indent=2) + "\n")
    _show(output, perf, result, summary, head.colors)
    _tell(output, summary)


def _write(path: Path, take: MeshSequence) -> None:
    with progress_bar(path.name) as progress:
        written = mien.write(path, take, progress=progress)
    if path.suffix != ".abc":  # that Alembic holds no unit is no news here
        tell_not_kept(written.not_kept)


def _shot(take: MeshSequence, frames: tuple[int, int]) -> list[int]:
    """Return the first and last shot frame number of a half-open range."""
    return [take.start_frame + frames[0], take.start_frame + frames[1] - 1]


def _plan(acted: SyntheticTake, other: SyntheticTake, perf: Performance, donor: Performance) -> _Plan:
    """Hold the broadest smile back, and insert the donor's strongest brow raise where there is most room beside it."""
    n = len(perf)
    marks = acted.head.landmarks
    face = np.where(acted.skull, 0.0, acted.head.regions["face"])  # bone takes no expression
    smile = np.minimum(_curve(acted, "mouthSmileLeft"), _curve(acted, "mouthSmileRight"))
    peak = 40 + int(np.argmax(smile[40 : n - 40]))
    start, end = peak - 40, peak + 40
    corners = [marks["mouth_corner_left"], marks["mouth_corner_right"]]
    mouth = mien.region(perf.take.topology, perf.neutral, seeds=corners, radius=6.0, hold=0.4)
    held = mien.envelope(n, start=start, peak=(peak - 12, peak + 12), end=end)

    best = int(np.argmax(np.convolve(_curve(other, "browInnerUp"), np.ones(INSERTED), "valid")))
    at = (start - INSERTED) // 2 if start > n - end else end + (n - end - INSERTED) // 2
    edits = mien.EditList(
        [
            mien.Gain(0.35, region=mouth, envelope=held),
            mien.Paste(source=donor, source_frames=(best, best + INSERTED), at=at, region=face, blend=18),
        ]
    )
    frames = held > 0
    frames[at : at + INSERTED] = True
    return _Plan(edits, frames, (mouth > 0) | (face > 0), (start, end), (at, at + INSERTED))


def _curve(synthetic: SyntheticTake, name: str) -> npt.NDArray[np.float64]:
    curve: npt.NDArray[np.float64] = synthetic.weights[:, synthetic.names.index(name)]
    return curve


def _head_error(perf: Performance, acted: SyntheticTake) -> dict[str, float]:
    """Compare the head found with the head that was put in."""
    turn = np.degrees(np.linalg.norm((acted.head_motion.inverse() @ perf.head).rotation_vectors, axis=1))
    points = acted.neutral[acted.head.regions["face"] > 0.5]
    gap = np.linalg.norm(perf.head.apply(points) - acted.head_motion.apply(points), axis=2) * MM
    return {
        "rotation_mean_degrees": float(turn.mean()),
        "rotation_worst_degrees": float(turn.max()),
        "displacement_mean_mm": float(gap.mean()),
        "displacement_p95_mm": float(np.percentile(gap, 95)),
        "displacement_worst_mm": float(gap.max()),
    }


def _laws(perf: Performance, result: MeshSequence, plan: _Plan, acted: SyntheticTake) -> dict[str, Any]:
    """Measure what must hold; every count must be zero."""
    take, edited = perf.take.positions, result.positions
    outside = np.ones(take.shape[:2], dtype=bool)
    outside[np.ix_(plan.frames, plan.vertices)] = False
    before, after = speed_statistics(take), speed_statistics(edited)
    ends = np.flatnonzero(np.diff(plan.frames.astype(int)))
    joins = np.unique(np.clip(np.concatenate([ends - 1, ends]), 0, len(after.jump) - 1))
    return {
        "no_op_values_changed": int((mien.recombine(perf).positions != take).sum()),
        "values_changed_outside_the_edits": int((edited != take)[outside].sum()),
        "skull_values_changed": int((edited != take)[:, acted.skull].sum()),
        "frames_changed": int((edited != take).any(axis=(1, 2)).sum()),
        "largest_edit_mm": float(np.linalg.norm(edited - take, axis=2).max()) * MM,
        "join_jump_over_p99": float(after.jump[joins].max() / before.jump_p99),
    }


def _show(
    output: Path,
    perf: Performance,
    result: MeshSequence,
    summary: dict[str, Any],
    colors: npt.NDArray[np.float32],
) -> None:
    """Draw the pictures and the page; pictures need the extra `report`."""
    from mien.report import write_report

    laws = summary["laws"]
    facts = {
        "Changed with no edits": f"{laws['no_op_values_changed']} values",
        "Changed outside the edits": f"{laws['values_changed_outside_the_edits']} values",
        "Changed on the skull": f"{laws['skull_values_changed']} values",
        "Joins, of the take's p99": f"{laws['join_jump_over_p99']:.2f}",
    }
    with progress_bar("report") as progress:
        write_report(output, perf, result, facts=facts, colors=colors, progress=progress)


def _tell(output: Path, summary: dict[str, Any]) -> None:
    take, laws, head = summary["take"], summary["laws"], summary["head_against_truth"]
    (held, held_end), (inserted, inserted_end) = summary["edits"]["held_back"], summary["edits"]["inserted"]
    click.echo(f"{output}: {take['frames']} frames of {take['vertices']:,} vertices at {take['fps']:g} fps")
    click.echo(
        f"  smile held back in frames {held}-{held_end}, expression inserted in {inserted}-{inserted_end}"
    )
    click.echo(
        f"  head found to {head['displacement_mean_mm']:.3f} mm and {head['rotation_mean_degrees']:.3f} degrees"
    )
    click.echo(f"  nothing edited: {laws['no_op_values_changed']} values changed")
    click.echo(f"  outside the edits: {laws['values_changed_outside_the_edits']} values changed")
    click.echo(f"  on the skull: {laws['skull_values_changed']} values changed")
    click.echo(
        f"  largest edit {laws['largest_edit_mm']:.1f} mm; joins {laws['join_jump_over_p99']:.2f} of the take's own p99"
    )
    for path in sorted(p for p in output.iterdir() if not p.name.startswith(".")):
        click.echo(f"  {path}")
