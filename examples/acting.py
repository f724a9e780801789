"""What the examples share: a small performance, and a picture of one frame before and after its edits."""

from __future__ import annotations

import argparse
import functools
from collections.abc import Iterable

import numpy as np

import mien
from mien.datasets import SyntheticTake
from mien.editing import Edit
from mien.report.preview import preview


@functools.cache
def performance(seed: int = 5) -> tuple[SyntheticTake, mien.Performance]:
    """Return three seconds of a talking, blinking, smiling head with all that is known, and the same under its head.

    The head is known here. For a take of your own: ``perf = mien.separate(mien.read("shot.abc"))``.
    """
    acted = mien.datasets.performance(n_frames=72, fps=24.0, seed=seed, motion=0.4)
    n = len(acted)
    return acted, mien.Performance(
        acted.take, acted.head_motion, acted.neutral, residual=np.zeros(n), confidence=np.ones(n)
    )


def strongest(acted: SyntheticTake, shape: str, margin: int = 10) -> int:
    """Return the frame at which a shape is strongest, not too near the ends."""
    curve = acted.weights[margin:-margin, acted.names.index(shape)]
    return margin + int(curve.argmax())


def draw(perf: mien.Performance, edits: Iterable[Edit], frame: int, words: str) -> mien.MeshSequence:
    """Apply the edits and draw the frame as `draw_shape` does; return the edited take."""
    result = mien.recombine(perf, edits)
    draw_shape(perf, result, frame, words)
    return result


def draw_shape(perf: mien.Performance, result: mien.MeshSequence, frame: int, words: str) -> None:
    """Write the frame before, after, and what moved, to the PNG that the command line names."""
    parser = argparse.ArgumentParser(description=words.splitlines()[0])
    parser.add_argument("picture", help="PNG to write")
    preview(perf, frame, result.positions[frame], parser.parse_args().picture)
