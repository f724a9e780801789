"""`mien demo`: the whole job on the built-in face, with pictures and the numbers that prove the laws."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import click
import numpy as np
import numpy.typing as npt

import mien
from mien.cli._common import progress_bar, tell_not_kept
from mien.datasets import SyntheticTake
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence

__all__ = ["command"]

SEED = 7
MM = 10.0  # the built-in face is in centimetres


@click.command(epilog="Example:  mien demo -o my_demo")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
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
    type=click.IntRange(min=120),
    default=240,
    show_default=True,
    help="Length of the take at 60 fps.",
)
def command(output: Path, resolution: str, frames: int) -> None:
    """Make a take, hold a smile back, insert another expression, and leave the head motion as acted."""
    output.mkdir(parents=True, exist_ok=True)
    head = mien.datasets.head(resolution)
    acted = mien.datasets.performance(head, n_frames=frames, seed=SEED, noise=0.05)
    donor = mien.datasets.performance(head, n_frames=frames, seed=SEED + 1, noise=0.05)

    _write(output / "take.abc", acted.take)
    take = mien.read(output / "take.abc")
    with progress_bar("separate") as progress:
        perf = mien.separate(take, neutral=acted.neutral, progress=progress)
    source = mien.separate(donor.take, neutral=donor.neutral)
    perf.save(output / "take.head.npz")

    edits, touched = _edits(acted, donor, perf, source)
    with progress_bar("edit") as progress:
        result = mien.recombine(perf, edits, progress=progress)
    edits.save(output / "edits.json", perf)
    _write(output / "edited.abc", result)
    if importlib.util.find_spec("pxr") is not None:
        _write(output / "edited.usdc", result)

    summary = {
        "frames": len(take),
        "vertices": take.n_vertices,
        "fps": take.fps,
        "method": perf.method,
        "head_against_truth": _head_error(perf, acted),
        "laws": _laws(perf, result, touched),
    }
    (output / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
    _show(output, perf, result, summary)
    _tell(output, summary)


def _write(path: Path, take: MeshSequence) -> None:
    with progress_bar(path.name) as progress:
        written = mien.write(path, take, progress=progress)
    if path.suffix != ".abc":  # that Alembic holds no unit is no news here
        tell_not_kept(written.not_kept)


def _edits(
    acted: SyntheticTake, donor: SyntheticTake, perf: Performance, source: Performance
) -> tuple[mien.EditList, npt.NDArray[np.bool_], tuple[int, int]]:
    """Hold the broadest smile back and insert the donor's strongest brow raise; return what frames that touches."""
    n = len(perf)
    marks = acted.head.landmarks
    smile = _curve(acted, "mouthSmileLeft")
    peak = int(np.clip(np.argmax(smile[: n // 2]), 12, n // 2 - 12))
    start, end = max(peak - 30, 0), min(peak + 30, n // 2)
    mouth = mien.region(
        perf.take.topology,
        perf.neutral,
        seeds=[marks["mouth_corner_left"], marks["mouth_corner_right"]],
        radius=5.0,
    )
    held = mien.envelope(n, start=start, peak=peak, end=end)

    length = 60
    best = int(np.argmax(np.convolve(_curve(donor, "browInnerUp"), np.ones(length), "valid")))
    at = n // 2 + (n // 2 - length) // 2
    edits = mien.EditList(
        [
            mien.Gain(0.35, region=mouth, envelope=held),
            mien.Paste(source=source, source_frames=(best, best + length), at=at, blend=15),
        ]
    )
    touched = held > 0
    touched[at : at + length] = True
    return edits, touched, (at, at + length)


def _curve(synthetic: SyntheticTake, name: str) -> npt.NDArray[np.float64]:
    curve: npt.NDArray[np.float64] = synthetic.weights[:, list(synthetic.names).index(name)]
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
    }
