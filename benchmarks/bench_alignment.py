"""Aligning a neutral to every frame: this library against NumPy, in one process, answers compared.

    python benchmarks/bench_alignment.py [--vertices 27000] [--frames 60] [--rounds 5]

Rows: a NumPy loop over frames (one matrix product and one SVD each), the same batched over frames, and `align_frames`,
plain and robust; the robust one against the same reweighting in NumPy. Rounds are interleaved and the best of each row
counts; times are processor time of all threads, so that other work on the machine disturbs little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

import mien

Fit = tuple[np.ndarray, np.ndarray]


def rotations_of(cross: np.ndarray) -> np.ndarray:
    u, _, vt = np.linalg.svd(cross)
    u[..., 2] *= (np.linalg.det(u) * np.linalg.det(vt))[..., None]
    return u @ vt


def numpy_loop(frames: np.ndarray, reference: np.ndarray) -> Fit:
    centre = reference.mean(axis=0)
    about = (reference - centre).astype(frames.dtype)
    rotation, translation = np.empty((len(frames), 3, 3)), np.empty((len(frames), 3))
    for f, frame in enumerate(frames):
        rotation[f] = rotations_of((frame.T @ about).astype(np.float64))
        translation[f] = frame.mean(axis=0, dtype=np.float64) - rotation[f] @ centre
    return rotation, translation


def numpy_batched(frames: np.ndarray, reference: np.ndarray) -> Fit:
    centre = reference.mean(axis=0)
    cross = np.matmul(frames.transpose(0, 2, 1), (reference - centre).astype(frames.dtype)).astype(np.float64)
    rotation = rotations_of(cross)
    return rotation, frames.mean(axis=1, dtype=np.float64) - rotation @ centre


def numpy_robust(frames: np.ndarray, reference: np.ndarray, sigma: np.ndarray, iterations: np.ndarray) -> Fit:
    """The reweighting loop with the same final scales and counts of iterations (the scale's own search left out)."""
    rotation, translation = numpy_loop(frames, reference)
    for f, frame in enumerate(frames.astype(np.float64)):
        scale = np.geomspace(max(1.0, 2 * sigma[f]), sigma[f], 12)
        for i in range(int(iterations[f])):
            squares = np.sum((frame - reference @ rotation[f].T - translation[f]) ** 2, axis=1)
            w = 1 / (1 + squares / scale[min(i, 11)] ** 2) ** 2
            p, q = w @ frame / w.sum(), w @ reference / w.sum()
            rotation[f] = rotations_of((frame - p).T @ (w[:, None] * (reference - q)))
            translation[f] = p - rotation[f] @ q
    return rotation, translation


def library(frames: np.ndarray, reference: np.ndarray, robust: bool) -> Fit:
    fit = mien.align_frames(frames, reference, robust=robust)
    return fit.rotation, fit.translation


def acted(n_vertices: int, n_frames: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    reference = rng.uniform(-1, 1, (n_vertices, 3)) * [7, 11, 5]
    local = np.tile(reference, (n_frames, 1, 1)) + rng.normal(0, 0.01, (n_frames, n_vertices, 3))
    loose = reference[:, 1] < -4
    local[:, loose, 1] -= np.abs(rng.normal(0, 1, (n_frames, 1)))
    rotation = Rotation.from_rotvec(rng.normal(0, 0.3, (n_frames, 3))).as_matrix()
    frames = np.einsum("fij,fvj->fvi", rotation, local) + rng.normal(0, 5, (n_frames, 1, 3))
    return frames.astype(np.float32), reference


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vertices", type=int, default=27000)
    parser.add_argument("--frames", type=int, default=60)
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    frames, reference = acted(arguments.vertices, arguments.frames)
    robust = mien.align_frames(frames, reference, robust=True)
    rows: dict[str, Callable[[], Fit]] = {
        "numpy loop": lambda: numpy_loop(frames, reference),
        "numpy batched": lambda: numpy_batched(frames, reference),
        "mien plain": lambda: library(frames, reference, False),
        "numpy robust": lambda: numpy_robust(frames, reference, robust.sigma, robust.iterations),
        "mien robust": lambda: library(frames, reference, True),
    }
    exact, best = numpy_loop(frames.astype(np.float64), reference), dict.fromkeys(rows, np.inf)
    for _ in range(arguments.rounds):
        for name, row in rows.items():
            started = time.process_time()
            rotation, translation = row()
            best[name] = min(best[name], time.process_time() - started)
            wanted = (robust.rotation, robust.translation) if "robust" in name else exact
            assert np.abs(rotation - wanted[0]).max() < 1e-5, name
            assert np.abs(translation - wanted[1]).max() < 1e-4, name
    total = arguments.vertices * arguments.frames
    work = {"mien plain": total, "mien robust": arguments.vertices * int(robust.iterations.sum())}
    print(
        f"{arguments.frames} frames of {arguments.vertices} vertices, float32, {mien._core.instruction_set()}, ",
        end="",
    )
    print(f"{mien._core.thread_count()} threads, {robust.iterations.mean():.0f} reweightings")
    for name, seconds in best.items():
        peer = best["numpy robust"] if "robust" in name else min(best["numpy loop"], best["numpy batched"])
        each = f"{seconds / work[name] * 1e9:10.2f} ns a vertex and pass" if name in work else ""
        print(
            f"{name:<14} {seconds / arguments.frames * 1e3:9.3f} ms a frame   ratio {seconds / peer:6.3f} {each}"
        )


if __name__ == "__main__":
    main()
