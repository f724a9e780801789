"""What separating a take costs: every method, what it costs once and what a frame more costs, answers compared.

    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 python benchmarks/bench_separation.py [--vertices 9409] [--frames 240]
    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_separation.py     # whole takes, for the page

A take of the built-in face, cut to the vertices nearest the nose, is separated as it is and as it comes three times in
a row; the difference is the cost of a frame, the rest the cost of a take. Ratios are to NumPy's plain Procrustes fit of
the same frames, batched. Of fewer than 192 frames a longer take learns more, which counts as a cost of its frames.
Rounds are interleaved and the best of each row counts; times are processor time of all threads, so that other work on
the machine disturbs little.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

import mien
from mien.separation import methods

# Mean error, millimetres, that no method may pass here; docs/algorithms/separation.md says what is reached.
WORST = {"joint": 0.5, "sequence": 1.0, "robust": 2.0, "procrustes": 8.0}


def acted(n_vertices: int, n_frames: int) -> tuple[mien.MeshSequence, np.ndarray, mien.RigidMotion]:
    """Return a take of a face mask, its neutral, and the true heads."""
    made = mien.datasets.performance(n_frames=n_frames, resolution="shot", seed=2, noise=0.05)
    nose = made.neutral[made.neutral[:, 2].argmax()]
    near = np.sort(np.argsort(np.sum((made.neutral - nose) ** 2, axis=1), kind="stable")[:n_vertices])
    new = np.full(made.take.n_vertices, -1)
    new[near] = np.arange(len(near))
    triangles = new[made.take.topology.triangles]
    topology = mien.Topology.from_polygons(triangles[(triangles >= 0).all(axis=1)], len(near))
    positions = np.ascontiguousarray(made.take.positions[:, near], np.float32)
    return mien.MeshSequence(topology, positions), made.neutral[near], made.head_motion


def numpy_procrustes(frames: np.ndarray, reference: np.ndarray) -> mien.RigidMotion:
    centre = reference.mean(axis=0)
    cross = np.matmul(frames.transpose(0, 2, 1), (reference - centre).astype(frames.dtype)).astype(np.float64)
    u, _, vt = np.linalg.svd(cross)
    u[..., 2] *= (np.linalg.det(u) * np.linalg.det(vt))[..., None]
    rotation = u @ vt
    return mien.RigidMotion(rotation, frames.mean(axis=1, dtype=np.float64) - rotation @ centre)


def error_of(head: mien.RigidMotion, true: mien.RigidMotion, neutral: np.ndarray) -> float:
    """Return the mean distance of face points under a head from those under the true one, millimetres."""
    points = neutral[::20].astype(np.float64)
    return float(np.linalg.norm(head.apply(points) - true.apply(points), axis=2).mean() * 10)


try:
    import pytest
except ImportError:  # the command line needs no pytest
    pass
else:

    @pytest.mark.parametrize("method", list(WORST))
    def test_separate(compare, quick, method) -> None:
        """A whole take of a mask; only plain Procrustes has a peer that answers the same question."""
        if quick and method != "procrustes":
            pytest.skip("without a peer there is no ratio to guard")
        take, neutral, true = acted(9409, 48 if quick else 240)
        rows = {"mien": lambda: mien.separate(take, neutral, method=method).head}
        if method == "procrustes":
            rows["numpy"] = lambda: numpy_procrustes(take.positions, neutral)

        def check(name: str, head: mien.RigidMotion) -> None:
            assert error_of(head, true, neutral) < WORST[method], name

        question = f"separate {len(take)} frames of {take.n_vertices} vertices, {method}"
        compare(question, rows, check=check, rounds=3)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--vertices", type=int, default=9409)
    parser.add_argument("--frames", type=int, default=240)
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    take, neutral, true = acted(arguments.vertices, arguments.frames)
    thrice = take.with_positions(np.concatenate([take.positions] * 3))
    target = np.empty_like(take.positions)

    def separated(method: str, of: mien.MeshSequence) -> mien.RigidMotion:
        return mien.separate(of, neutral, method=method).head

    rows: dict[str, Callable[[], mien.RigidMotion | None]] = {
        "copy": lambda: np.copyto(target, take.positions),
        "numpy": lambda: numpy_procrustes(take.positions, neutral),
    }
    for name in methods():
        rows[name] = lambda name=name: separated(name, take)
        rows[f"{name} x 3"] = lambda name=name: separated(name, thrice)
    best = dict.fromkeys(rows, np.inf)
    errors = {}
    for _ in range(arguments.rounds):
        for name, row in rows.items():
            started = time.process_time()
            head = row()
            best[name] = min(best[name], time.process_time() - started)
            if head is not None:
                errors[name] = error_of(head[: len(take)], true, neutral)
                limit = WORST[name.removesuffix(" x 3").replace("numpy", "procrustes")]
                assert errors[name] < limit, (name, errors[name])
    print(
        f"{len(take)} and {len(thrice)} frames of {take.n_vertices} vertices, float32, "
        f"{mien._core.instruction_set()}, {mien._core.thread_count()} threads"
    )
    print(f"{'row':<12} {'ms a frame':>12} {'once, s':>10} {'to numpy':>10} {'error, mm':>10}")
    peer = best["numpy"] / len(take)
    for name in ("copy", "numpy", *methods()):
        each, once = best[name] / len(take), 0.0
        if f"{name} x 3" in best:
            each = (best[f"{name} x 3"] - best[name]) / (len(thrice) - len(take))
            once = max(0.0, best[name] - each * len(take))
        error = f"{errors[name]:10.3f}" if name in errors else ""
        print(f"{name:<12} {each * 1e3:12.3f} {once:10.3f} {each / peer:10.2f} {error}")


if __name__ == "__main__":
    main()
