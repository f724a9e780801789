"""Dragging a handle: what one move of the mouse costs, and a drag through an envelope of 1,000 frames.

    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_drag.py -k mouse
    MIEN_NUM_THREADS=2 OPENBLAS_NUM_THREADS=1 pytest benchmarks/bench_drag.py -k envelope

A move solves with the factorisation kept; its time is that of the processor, so run it on one thread. The peer solves
the same bi-Laplacian system by cholespy. For the envelope NumPy adds the displacement under every head.
"""

from __future__ import annotations

import time

import numpy as np
import pytest
import scipy.sparse

import mien
from mien.editing.edits import Scene


def performance(mesh, n_frames: int) -> mien.Performance:
    """The face at rest under a head that nods."""
    angle = 0.1 * np.sin(np.arange(n_frames) / 9.0)
    turn = np.stack([angle, 0 * angle, 0 * angle, np.ones(n_frames)], axis=1)
    head = mien.RigidMotion.from_quaternions(turn, np.stack([angle, angle, angle], axis=1))
    positions = np.empty((n_frames, *mesh.positions.shape), np.float32)
    for f in range(n_frames):
        positions[f] = head[f].apply(mesh.positions)[0]
    take = mien.MeshSequence(mesh.topology, positions, fps=60.0)
    return mien.Performance(take, head, mesh.positions, np.zeros(n_frames), np.ones(n_frames))


def handle_of(mesh) -> int:
    """Return the foremost vertex, the tip of the nose."""
    return int(np.argmax(mesh.positions[:, 2]))


def cholespy_drag(perf: mien.Performance, drag: mien.Drag):
    """One linear bi-Laplacian solve of the same free vertices."""
    cholespy = pytest.importorskip("cholespy")
    n = perf.take.n_vertices
    laplacian, mass = (
        scipy.sparse.csc_array(m[:3], shape=m.shape)
        for m in (
            mien.laplacian(perf.take.topology, perf.neutral),
            mien.mass(perf.take.topology, perf.neutral),
        )
    )
    inverse = 1 / np.maximum(mass.diagonal(), 1e-8 * mass.diagonal().mean())
    matrix = (laplacian @ scipy.sparse.diags_array(inverse) @ laplacian).tocsr()
    followed = drag.displacements(Scene(perf, lambda f: perf.neutral))[0].any(axis=1)
    followed[np.asarray(drag.handles)] = False
    free = np.flatnonzero(followed)
    system = scipy.sparse.coo_array(matrix[free][:, free])
    coupling = -matrix[free][:, np.asarray(drag.handles)]
    solver = cholespy.CholeskySolverD(
        len(free),
        system.row.astype(np.int32),
        system.col.astype(np.int32),
        system.data,
        cholespy.MatrixType.COO,
    )

    def run() -> np.ndarray:
        right = np.ascontiguousarray(coupling @ np.asarray(drag.targets))
        x = np.empty_like(right)
        solver.solve(right, x)
        out = np.zeros((n, 3))
        out[free] = x
        return out

    return run


@pytest.mark.sizes("preview", "shot")
@pytest.mark.parametrize("reach", ["near", "whole"])
def test_mouse(compare, face, size, reach) -> None:
    """A move of one handle; "near" follows within 0.15 of the face, "whole" is held at the back of the head only."""
    mesh = face(size)
    perf, tip = performance(mesh, 1), handle_of(mesh)
    depth = mesh.positions[:, 2]
    limits = {} if reach == "near" else {"anchors": depth < np.quantile(depth, 0.05)}
    scene = Scene(perf, lambda f: perf.neutral)
    rows = {}
    for solver in ("biharmonic", "laplacian"):
        drag = mien.Drag(0, [tip], [[0.1, 0.2, 0.3]], solver=solver, **limits)
        drag.displacements(scene)
        rows[f"mien {solver}"] = lambda d=drag: d.with_targets([[0.1, 0.2, 0.3]]).displacements(scene)[0]
    rows["cholespy, linear"] = cholespy_drag(perf, mien.Drag(0, [tip], [[0.1, 0.2, 0.3]], **limits))

    def check(name: str, answer: np.ndarray) -> None:
        assert np.isfinite(answer).all()
        if name.startswith("mien"):
            assert np.abs(answer[tip] - [0.1, 0.2, 0.3]).max() < 1e-12

    compare(f"drag of one handle, {reach}", rows, size=size, check=check, clock=time.process_time)


def stretch(mesh, moved: np.ndarray) -> float:
    """Return the root mean square change of the lengths of edges."""
    a, b = mesh.topology.edges.T
    rest, now = (np.linalg.norm(x[a] - x[b], axis=1) for x in (mesh.positions, mesh.positions + moved))
    return float(np.sqrt(np.mean((now - rest) ** 2)))


@pytest.mark.sizes("preview", "shot")
def test_as_rigid_as_possible(compare, face, size) -> None:
    """A patch moved by as much as it is wide: a first drag that factors, moves after it, and the default solver."""
    mesh = face(size)
    perf, tip = performance(mesh, 1), handle_of(mesh)
    scene = Scene(perf, lambda f: perf.neutral)
    distance = np.linalg.norm(mesh.positions - mesh.positions[tip], axis=1)
    patch = np.flatnonzero(distance < 0.03 * np.ptp(mesh.positions, axis=0).max())
    step = 0.06 * np.ptp(mesh.positions, axis=0).max() * np.array([0.5, 0.5, 0.7])
    targets = np.tile(step, (len(patch), 1))
    rows, least = {}, {}
    for solver in ("laplacian", "arap"):
        drag = mien.Drag(0, patch, targets, solver=solver)
        least[solver] = stretch(mesh, drag.displacements(scene)[0])
        rows[f"mien {solver}"] = lambda d=drag: d.with_targets(targets).displacements(scene)[0]
    rows["mien arap, first drag"] = lambda: mien.Drag(0, patch, targets, solver="arap").displacements(scene)[
        0
    ]
    assert least["arap"] < 0.95 * least["laplacian"], "lengths must be kept better, or this is not ARAP"

    def check(name: str, answer: np.ndarray) -> None:
        assert np.abs(answer[patch] - targets).max() < 1e-12
        if "arap" in name:
            assert stretch(mesh, answer) == pytest.approx(least["arap"], rel=1e-6)

    compare("drag of a patch, near", rows, size=size, check=check, clock=time.process_time)


@pytest.mark.sizes("shot")
@pytest.mark.parametrize("reach", ["near", "whole"])
def test_envelope(compare, face, size, quick, reach) -> None:
    """The same drag through an envelope over the whole take, written under the head."""
    mesh = face(size)
    n_frames = 50 if quick else 1000
    perf, tip = performance(mesh, n_frames), handle_of(mesh)
    limits = {"envelope": np.ones(n_frames)}
    if reach == "whole":
        limits["anchors"] = mesh.positions[:, 2] < np.quantile(mesh.positions[:, 2], 0.05)
    drag = mien.Drag(0, [tip], [[0.1, 0.2, 0.3]], **limits)
    field = drag.displacements(Scene(perf, lambda f: perf.neutral))[0]
    take = perf.take.positions
    out, other = np.empty_like(take), np.empty_like(take)

    def with_numpy() -> np.ndarray:
        for f in range(n_frames):
            np.add(take[f], field @ perf.head.rotation[f].T, out=other[f], casting="unsafe")
        return other

    def check(name: str, answer: np.ndarray) -> None:
        if name != "copy":
            f = n_frames // 2
            assert np.abs(answer[f] - (take[f] + field @ perf.head.rotation[f].T)).max() < 1e-5

    def copied() -> np.ndarray:
        np.copyto(other, take)
        return other

    compare(
        f"drag through {n_frames} frames, {reach}",
        {
            "mien": lambda: mien.recombine(perf, [drag], out=out).positions,
            "NumPy": with_numpy,
            "copy": copied,
        },
        size=size,
        check=check,
        rounds=5,
        clock=time.process_time if mien._core.thread_count() == 1 else time.perf_counter,
        work={"bytes": 2.0 * take.nbytes},
    )
