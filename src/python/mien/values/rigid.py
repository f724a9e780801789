"""Rigid motion: a rotation and a translation for every frame."""

from __future__ import annotations

from os import PathLike
from typing import Any, overload

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien._archive import load_npz
from mien._atomic import atomic_path
from mien.errors import FormatError

__all__ = ["RigidMotion", "exponential"]

Float64 = npt.NDArray[np.float64]


def _to_quaternions(rotation: Float64) -> Float64:
    """Return unit quaternions (F, 4), scalar last, of rotations (F, 3, 3); signs follow the previous frame."""
    m = rotation
    trace = m[:, 0, 0] + m[:, 1, 1] + m[:, 2, 2]
    # Four equivalent formulas; each row uses the one that divides by its largest component.
    squares = np.stack([2 * m[:, i, i] - trace for i in range(3)] + [trace], axis=1)
    best = squares.argmax(1)
    out = np.empty((len(m), 4))
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        rows = best == i
        r = m[rows]
        out[rows, i] = 1 + squares[rows, i]
        out[rows, j] = r[:, j, i] + r[:, i, j]
        out[rows, k] = r[:, k, i] + r[:, i, k]
        out[rows, 3] = r[:, k, j] - r[:, j, k]
    rows = best == 3
    r = m[rows]
    out[rows] = np.stack(
        [r[:, 2, 1] - r[:, 1, 2], r[:, 0, 2] - r[:, 2, 0], r[:, 1, 0] - r[:, 0, 1], 1 + trace[rows]], axis=1
    )
    out /= np.linalg.norm(out, axis=1, keepdims=True)
    if len(out):
        flips = np.sign(np.sum(out[1:] * out[:-1], axis=1))
        flips[flips == 0] = 1
        first = -1.0 if out[0, 3] < 0 else 1.0
        out *= np.cumprod(np.concatenate([[first], flips]))[:, None]
    return out


def _from_quaternions(quaternions: Float64) -> Float64:
    x, y, z, w = (quaternions / np.linalg.norm(quaternions, axis=1, keepdims=True)).T
    return np.stack(
        [
            np.stack([1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)], axis=1),
            np.stack([2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)], axis=1),
            np.stack([2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)], axis=1),
        ],
        axis=1,
    )


def _rotation_vectors(rotation: Float64) -> Float64:
    """Axis times angle in radians, (F, 3), angle at most pi."""
    q = _to_quaternions(rotation)
    q = np.where(q[:, 3:] < 0, -q, q)
    sine = np.linalg.norm(q[:, :3], axis=1)
    angle = 2 * np.arctan2(sine, q[:, 3])
    scale = np.divide(angle, sine, out=np.full(len(q), 2.0), where=sine > 1e-12)
    vectors: Float64 = q[:, :3] * scale[:, None]
    return vectors


def exponential(vectors: Float64) -> Float64:
    """Rotations (F, 3, 3) from axis times angle (F, 3)."""
    angle = np.linalg.norm(vectors, axis=1)
    half = np.divide(np.sin(angle / 2), angle, out=np.full(len(angle), 0.5), where=angle > 1e-12)
    return _from_quaternions(np.concatenate([vectors * half[:, None], np.cos(angle / 2)[:, None]], axis=1))


class RigidMotion:
    """One rotation and one translation a frame, head → world: ``x_world = R x_head + t``.

    Parameters
    ----------
    rotation : (F, 3, 3) floats
        Rotations that act on column vectors. Must be orthonormal to 1e-4 with determinant +1.
    translation : (F, 3) floats
        Translations in scene units.

    Raises
    ------
    ValueError
        A matrix is not a rotation (the frame is named), or a value is not finite.
    """

    __slots__ = ("_rotation", "_translation")

    def __init__(self, rotation: npt.ArrayLike, translation: npt.ArrayLike) -> None:
        r = _validate.floats("rotation", rotation, ("F", 3, 3))
        t = _validate.floats("translation", translation, ("F", 3), {"F": len(r)})
        error = np.abs(np.einsum("fij,fkj->fik", r, r) - np.eye(3)).max(axis=(1, 2), initial=0)
        bad = (error > 1e-4) | (np.linalg.det(r) < 0)
        if bad.any():
            f = int(np.argmax(bad))
            raise ValueError(
                f"`rotation` must hold rotations (orthonormal, determinant +1), got determinant "
                f"{np.linalg.det(r[f]):.4g} and deviation {error[f]:.2g} at frame {f}"
            )
        self._rotation, self._translation = r.view(), t.view()
        self._rotation.flags.writeable = self._translation.flags.writeable = False

    @classmethod
    def identity(cls, n_frames: int) -> RigidMotion:
        """Return a motion that keeps everything where it is."""
        n = _validate.index("n_frames", n_frames, least=0)
        return cls(np.tile(np.eye(3), (n, 1, 1)), np.zeros((n, 3)))

    @classmethod
    def from_quaternions(cls, quaternions: npt.ArrayLike, translation: npt.ArrayLike) -> RigidMotion:
        """Build a motion from quaternions (F, 4), scalar last, of any length but zero."""
        q = _validate.floats("quaternions", quaternions, ("F", 4))
        lengths = np.linalg.norm(q, axis=1)
        if (lengths < 1e-12).any():
            raise ValueError(f"`quaternions` must not be zero, got one at frame {int(np.argmin(lengths))}")
        return cls(_from_quaternions(q), translation)

    @property
    def rotation(self) -> Float64:
        """Rotations (F, 3, 3), float64, acting on column vectors."""
        return self._rotation

    @property
    def translation(self) -> Float64:
        """Translations (F, 3), float64, scene units."""
        return self._translation

    @property
    def quaternions(self) -> Float64:
        """Unit quaternions (F, 4), scalar last; the sign is continuous from frame to frame."""
        return _to_quaternions(self._rotation)

    @property
    def rotation_vectors(self) -> Float64:
        """Axis times angle in radians, (F, 3)."""
        return _rotation_vectors(self._rotation)

    def __len__(self) -> int:
        return len(self._rotation)

    def __getitem__(self, frames: int | slice | npt.NDArray[Any]) -> RigidMotion:
        """Return some frames; a slice shares memory, one index gives a motion of one frame."""
        if not isinstance(frames, (slice, np.ndarray)):
            n = len(self)
            f = _validate.index("frame", frames, least=-n, below=n) % n
            frames = slice(f, f + 1)
        return RigidMotion(self._rotation[frames], self._translation[frames])

    def __repr__(self) -> str:
        return f"RigidMotion({len(self)} frames)"

    def _pair(self, other: RigidMotion) -> None:
        _validate.instance("other", other, RigidMotion, "a RigidMotion")
        if len(other) != len(self) and 1 not in (len(other), len(self)):
            raise ValueError(f"`other` must have {len(self)} frames or 1, got {len(other)}")

    def compose(self, other: RigidMotion) -> RigidMotion:
        """Return the motion that does `other` first and then this one; one of them may have a single frame."""
        self._pair(other)
        rotation = self._rotation @ other._rotation
        translation = (
            np.einsum(
                "fij,fj->fi",
                np.broadcast_to(self._rotation, rotation.shape),
                np.broadcast_to(other._translation, (len(rotation), 3)),
            )
            + self._translation
        )
        return RigidMotion(rotation, translation)

    def __matmul__(self, other: RigidMotion) -> RigidMotion:
        return self.compose(other)

    def inverse(self) -> RigidMotion:
        """Return the motion world → head that undoes this one."""
        rotation = self._rotation.transpose(0, 2, 1)
        return RigidMotion(rotation, -np.einsum("fij,fj->fi", rotation, self._translation))

    @overload
    def apply(
        self, points: npt.NDArray[np.float32], out: npt.NDArray[np.float32] | None = None
    ) -> npt.NDArray[np.float32]: ...
    @overload
    def apply(self, points: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]: ...
    def apply(self, points: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Return ``R_f x + t_f`` for all points.

        Parameters
        ----------
        points : (F, V, 3) or (V, 3) float32 or float64
            Positions in head space; one frame of points is moved by every frame of the motion.
        out : (F, V, 3), optional
            Where to write; may be `points` itself.

        Returns
        -------
        (F, V, 3) array of the dtype of `points`, in world space. Cost O(F V).
        """
        return self._moved(_core.apply_rigid, points, out)

    def apply_inverse(self, points: npt.ArrayLike, out: npt.NDArray[Any] | None = None) -> npt.NDArray[Any]:
        """Return ``R_fᵀ (x - t_f)``: world → head. Arguments as in `apply`."""
        return self._moved(_core.apply_rigid_inverse, points, out)

    def _moved(self, kernel: Any, points: npt.ArrayLike, out: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
        dims = np.ndim(points)
        shape = ("V", 3) if dims == 2 else ("F", "V", 3)
        p = _validate.points("points", points, shape, {"F": len(self)})
        target = (len(self), p.shape[-2], 3)
        if out is None:
            out = np.empty(target, p.dtype)
        elif out.dtype != p.dtype or out.shape != target or not out.flags.writeable:
            raise ValueError(
                f"`out` must be a writable {p.dtype} array of shape {target}, got {out.dtype} {out.shape}"
            )
        if out.size:
            kernel(p, self._rotation, self._translation, out)
        return out

    def slerp(self, frames: npt.ArrayLike) -> RigidMotion:
        """Return the motion at fractional frames, rotations along great arcs, translations on straight lines.

        Parameters
        ----------
        frames : (N,) floats
            Zero-based frames in ``[0, len(self) - 1]``.

        References
        ----------
        Shoemake 1985, Animating Rotation with Quaternion Curves, SIGGRAPH.
        """
        at = _validate.floats("frames", frames, ("N",))
        if at.size and (at.min() < 0 or at.max() > len(self) - 1):
            raise ValueError(f"`frames` must lie in [0, {len(self) - 1}], got {at.min():g} to {at.max():g}")
        low = np.minimum(np.floor(at).astype(np.int64), max(len(self) - 2, 0))
        high = np.minimum(low + 1, len(self) - 1)
        part = (at - low)[:, None]
        between = _rotation_vectors(self._rotation[low].transpose(0, 2, 1) @ self._rotation[high])
        rotation = self._rotation[low] @ exponential(part * between)
        return RigidMotion(rotation, (1 - part) * self._translation[low] + part * self._translation[high])

    def smoothed(self, sigma: float) -> RigidMotion:
        """Return the motion under a Gaussian filter in time.

        Parameters
        ----------
        sigma : float
            Standard deviation in frames, at least 0. At the ends the kernel is cut and normalised again.

        Notes
        -----
        Quaternions of continuous sign are averaged and normalised, which is the chordal mean for the small spread
        inside the kernel (Markley et al. 2007, Averaging Quaternions). Cost O(F sigma).
        """
        width = _validate.number("sigma", sigma, least=0)
        if width == 0 or len(self) < 2:
            return self
        reach = min(int(np.ceil(4 * width)), len(self) - 1)
        kernel = np.exp(-0.5 * (np.arange(-reach, reach + 1) / width) ** 2)
        rows = np.concatenate([self.quaternions, self._translation, np.ones((len(self), 1))], axis=1)
        blurred = np.stack(
            [np.convolve(column, kernel)[reach : reach + len(self)] for column in rows.T], axis=1
        )
        blurred /= blurred[:, -1:]
        return RigidMotion.from_quaternions(blurred[:, :4], blurred[:, 4:7])

    def scaled(self, factor: float, *, pivot: npt.ArrayLike = (0.0, 0.0, 0.0)) -> RigidMotion:
        """Return the motion with its departure from the mean pose scaled: 0 freezes it, 1 keeps it, 2 doubles it.

        Parameters
        ----------
        factor : float
            What rotation angles and the pivot's path about their means are multiplied by.
        pivot : (3,) floats
            The point in head space whose path is scaled, such as the top of the neck.
        """
        k = _validate.number("factor", factor)
        centre = _validate.floats("pivot", pivot, (3,))
        if len(self) == 0:
            return self
        # The mean rotation is the dominant eigenvector of the sum of q qᵀ, which ignores quaternion signs.
        q = self.quaternions
        mean = _from_quaternions(np.linalg.eigh(q.T @ q)[1][:, -1][None])[0]
        rotation = mean @ exponential(k * _rotation_vectors(mean.T @ self._rotation))
        path = self._rotation @ centre + self._translation
        path = path.mean(0) + k * (path - path.mean(0))
        return RigidMotion(rotation, path - rotation @ centre)

    def save(self, path: str | PathLike[str]) -> None:
        """Write rotations and translations to an uncompressed .npz file."""
        with atomic_path(path) as temporary, open(temporary, "wb") as file:
            np.savez(
                file,
                kind=np.array("mien.RigidMotion"),
                rotation=self._rotation,
                translation=self._translation,
            )

    @classmethod
    def load(cls, path: str | PathLike[str]) -> RigidMotion:
        """Read what `save` wrote.

        Raises
        ------
        FormatError
            The file is not an .npz file with `rotation` and `translation`.
        """
        data = load_npz(path, "a head motion", ("rotation", "translation"))
        try:
            return cls(data["rotation"], data["translation"])
        except (TypeError, ValueError) as error:
            raise FormatError(
                f"{path}: expected a head motion, got one that is not valid: {error}"
            ) from error
