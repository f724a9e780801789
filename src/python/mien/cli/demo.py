"""`mien demo`: the whole job on the built-in face, with pictures and the numbers that prove the laws."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from typing import Any

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
)  # noqa: E501
@click.option(
    "--resolution",
    type=click.Choice(["preview", "shot", "hero"]),
    default="preview",
    show_default=True,
    help="About 5, 25 or 100 thousand vertices.",
)  # noqa: E501
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
