"""How costs grow with the number of frames; how they grow with vertices the other files' sizes show.

MIEN_NUM_THREADS=1 pytest benchmarks/bench_growth.py

A question has a row of ours alone; `report.py` fits time ~ F^p to them.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import scipy.sparse

import mien
from bench_alignment import play

FRAMES = (25, 100, 400, 1600)


class Work:
    """What is done to a take of a face, by question."""

    def __init__(self, mesh: Any, n_frames: int) -> None:
        self.mesh, self.n = mesh, n_frames
        self.frames, self.neutral = play(np.asarray(mesh.positions), n_frames)
        self.out = np.zeros_like(self.frames)

    def fit(self) -> Any:
        return lambda: mien.align_frames(self.frames, self.neutral)

    def robust_fit(self) -> Any:
        return lambda: mien.align_frames(self.frames, self.neutral, robust=True)

    def fit_and_move(self) -> Any:
        return lambda: mien.stabilise_frames(self.frames, self.neutral, out=self.out)

    def separate(self) -> Any:
        take = mien.MeshSequence(self.mesh.topology, self.frames, fps=60.0)
        return lambda: mien.separate(take, neutral=self.neutral, method="procrustes")

    def smooth(self) -> Any:
        return lambda: mien.savitzky_golay(self.frames, out=self.out)

    def solve(self) -> Any:
        topology = self.mesh.topology
        parts = [operator(topology, self.neutral) for operator in (mien.laplacian, mien.mass)]
        matrix = sum(scipy.sparse.csc_array(part[:3], shape=part.shape) for part in parts)
        factor = mien.SparseFactor(matrix, positions=self.neutral, dtype=np.float32)
        return lambda: factor.solve(self.frames, out=self.out)


QUESTIONS = ("fit", "robust_fit", "fit_and_move", "separate", "smooth", "solve")


@pytest.mark.sizes("preview")
@pytest.mark.parametrize("n_frames", FRAMES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_frames(compare: Any, face: Any, size: str, question: str, n_frames: int, quick: bool) -> None:
    if n_frames > 400 and (quick or question in ("robust_fit", "solve")):
        n_frames = 800
    if quick and n_frames > 25:
        pytest.skip("growth is not guarded")
    work = getattr(Work(face(size), n_frames), question)()
    name = question.replace("_", " ")
    compare(f"{name}, {n_frames} frames", {"mien": work}, size=size, frames=n_frames, rounds=3)
