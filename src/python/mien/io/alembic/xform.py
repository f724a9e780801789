"""Transforms above a mesh: their operations as matrices, at the times of the frames."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from mien.io.alembic.archive import Archive, Node
from mien.io.alembic.ogawa import OgawaReader
from mien.io.alembic.properties import Property, scalar_values, stored_index
from mien.io.alembic.times import UNEVEN, TimeSampling

__all__ = ["Transform", "local_matrices", "transforms_above", "world_matrices"]

Float64 = npt.NDArray[np.float64]

XFORM_SCHEMA = "AbcGeom_Xform_v3"
SCALE, TRANSLATE, ROTATE, MATRIX, ROTATE_X, ROTATE_Y, ROTATE_Z = range(7)
CHANNELS = (3, 3, 4, 16, 1, 1, 1)


class Transform:
    """One transform object.

    Attributes
    ----------
    values : (N, 4, 4) float64
        The stored samples as matrices for row vectors, ``x_parent = x @ M``.
    n_samples : int
        How many samples there are; 1 for a transform that never changes.
    inherits : bool
        Whether what is above it counts.
    """

    def __init__(self, archive: Archive, node: Node) -> None:
        file = archive.file
        if node.schema != XFORM_SCHEMA:
            raise file.error(node, f"a transform of schema {XFORM_SCHEMA}", node.schema)
        top = archive.properties(node)
        if ".xform" not in top:
            raise file.error(node, "a property .xform", f"only {sorted(top)}")
        parts = archive.inside(top[".xform"])
        self.place = top[".xform"].place
        self.file = file
        self.inherits = True
        inherits = parts.get(".inherits")
        if inherits is not None and inherits.n_samples:
            flags = scalar_values(file, inherits)
            if (flags != flags[0]).any():
                raise file.error(inherits.place, "the same flag in every sample", "a change")
            self.inherits = bool(flags.flat[0])
        self.header: Property | None = parts.get(".vals")
        self.values = np.eye(4)[None]
        self.n_samples = 1
        ops = parts.get(".ops")
        if ops is None or not ops.n_samples or self.header is None or not self.header.n_samples:
            self.header = None
            return
        codes = scalar_values(file, ops)
        if codes.dtype != np.uint8 or (codes != codes[0]).any():
            raise file.error(ops.place, "the same operations in every sample", "a change")
        channels = scalar_values(file, self.header)
        self.values = local_matrices(file, self.header.place, codes[0], channels)
        self.sampling: TimeSampling = archive.sampling(self.header)
        if (self.values != self.values[0]).any():
            self.n_samples = self.header.n_samples

    def at(self, times: Float64, step: float) -> Float64:
        """Return the matrices at some times, (F, 4, 4); beyond its samples a transform keeps its ends."""
        header = self.header
        if header is None or self.n_samples == 1:
            return np.broadcast_to(self.values[0], (len(times), 4, 4))
        own = self.sampling.at(header.n_samples)
        if own is None:
            raise self.file.error(header.place, f"{header.n_samples} times", len(self.sampling.times))
        if (np.diff(own) <= 0).any():
            raise self.file.error(header.place, "growing times", "times that stand or fall")
        right = np.clip(np.searchsorted(own, times), 0, len(own) - 1)
        left = np.maximum(right - 1, 0)
        near = np.where(np.abs(own[left] - times) < np.abs(own[right] - times), left, right)
        inside = (times > own[0]) & (times < own[-1])
        off = inside & (np.abs(own[near] - times) > UNEVEN * step)
        if off.any():
            f = int(np.argmax(off))
            raise self.file.error(
                header.place,
                "a sample at the time of every frame",
                f"none at {times[f]:.9g} s; bake the transform at the rate of the points",
            )
        return self.values[stored_index(header, near)]


def _product(a: Float64, b: Float64) -> Float64:
    """Return a[n] @ b[n], with the same rounding on every processor."""
    return sum(
        (a[:, :, k, None] * b[:, k, None, :] for k in range(1, 4)), a[:, :, 0, None] * b[:, 0, None, :]
    )


def _axis_rotation(axes: Float64, degrees: Float64) -> Float64:
    """Rotations about axes, (N, 4, 4) for row vectors; Rodrigues' formula, transposed."""
    n = len(axes)
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    x, y, z = axes.T
    zero = np.zeros(n)
    cross = np.stack([zero, z, -y, -z, zero, x, y, -x, zero], axis=1).reshape(n, 3, 3)
    out = np.tile(np.eye(4), (n, 1, 1))
    outer = axes[:, :, None] * axes[:, None, :]
    out[:, :3, :3] = c[:, None, None] * np.eye(3) + s[:, None, None] * cross + (1 - c)[:, None, None] * outer
    return out


def _operation(file: OgawaReader, place: str, kind: int, v: Float64) -> Float64:
    out = np.tile(np.eye(4), (len(v), 1, 1))
    if kind == SCALE:
        out[:, [0, 1, 2], [0, 1, 2]] = v
    elif kind == TRANSLATE:
        out[:, 3, :3] = v
    elif kind == MATRIX:
        out = v.reshape(-1, 4, 4).copy()
    elif kind == ROTATE:
        lengths = np.linalg.norm(v[:, :3], axis=1)
        bad = ~(lengths > 1e-30) & (v[:, 3] != 0)
        if bad.any():
            raise file.error(f"{place}, stored sample {np.argmax(bad)}", "a rotation axis", "(0, 0, 0)")
        axes = np.divide(
            v[:, :3], lengths[:, None], out=np.zeros_like(v[:, :3]), where=lengths[:, None] > 1e-30
        )
        out = np.where((v[:, 3] == 0)[:, None, None], out, _axis_rotation(axes, v[:, 3]))
    else:
        axis = np.zeros((len(v), 3))
        axis[:, kind - ROTATE_X] = 1
        out = _axis_rotation(axis, v[:, 0])
    return out


def local_matrices(
    file: OgawaReader, place: str, codes: npt.NDArray[np.uint8], channels: npt.NDArray[np.floating]
) -> Float64:
    """Return the product of operations for every sample, (N, 4, 4) for row vectors.

    Parameters
    ----------
    codes : (K,) uint8
        Type of each operation in the upper four bits. The first operation is the outermost: the last one meets the
        points first.
    channels : (N, C) floats
        Values of all operations side by side; angles in degrees.
    """
    kinds = (codes >> 4).tolist()
    if any(kind >= len(CHANNELS) for kind in kinds):
        raise file.error(place, f"operations below {len(CHANNELS)}", kinds)
    needed = sum(CHANNELS[kind] for kind in kinds)
    if channels.dtype.kind != "f" or channels.shape[1] != needed:
        raise file.error(place, f"{needed} floats for operations {kinds}", f"{channels.shape[1]} values")
    values = channels.astype(np.float64)
    if not np.isfinite(values).all():
        raise file.error(place, "finite values", "NaN or infinity")
    out = np.tile(np.eye(4), (len(values), 1, 1))
    at = 0
    with np.errstate(over="ignore", invalid="ignore"):
        for kind in kinds:
            out = _product(_operation(file, place, kind, values[:, at : at + CHANNELS[kind]]), out)
            at += CHANNELS[kind]
    return _affine(file, place, out)


def _affine(file: OgawaReader, place: str, matrices: Float64) -> Float64:
    if not np.isfinite(matrices).all():
        raise file.error(place, "a finite matrix", "NaN or infinity")
    if np.abs(matrices[..., 3] - [0, 0, 0, 1]).max() > 1e-9:
        raise file.error(place, "a matrix whose last column is (0, 0, 0, 1)", "a projection")
    return matrices


def transforms_above(archive: Archive, mesh: Node) -> list[Transform]:
    """Return the transforms that count for a mesh, the nearest first."""
    out = []
    for node in mesh.ancestors():
        if node.is_xform:
            out.append(Transform(archive, node))
            if not out[-1].inherits:
                break
    return out


def world_matrices(transforms: list[Transform], times: Float64, step: float) -> Float64:
    """Return the matrices of all transforms together at some times, (F, 4, 4), or (1, 4, 4) where none changes."""
    if all(t.n_samples == 1 for t in transforms):
        times = times[:1]
    out = np.broadcast_to(np.eye(4), (len(times), 4, 4))
    with np.errstate(over="ignore", invalid="ignore"):
        for transform in transforms:
            out = _product(out, transform.at(times, step))
    if transforms:
        _affine(transforms[0].file, transforms[0].place, out)
    return out
