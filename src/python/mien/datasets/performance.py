"""Takes performed by the procedural head, with everything known about them."""

from __future__ import annotations

import dataclasses

import numpy as np
import numpy.typing as npt

from mien import _validate
from mien.datasets import corruption
from mien.datasets.acting import act, head_angles
from mien.datasets.head import Head
from mien.datasets.head import head as build_head
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["SyntheticTake", "performance"]

Floats = npt.NDArray[np.float64]

# Heads turn about the top of the neck.
_PIVOT = np.array([0.0, -8.0, -2.0])


@dataclasses.dataclass(frozen=True, eq=False)
class SyntheticTake:
    """A take with its truth.

    Parameters
    ----------
    take : MeshSequence
        What a scanner would deliver: world space, float32, with the corruptions asked for; NaN where missing.
    head_motion : RigidMotion
        True head, head → world.
    expression : (F, V, 3) float32
        True positions in head space.
    neutral : (V, 3) float64
        The head at rest, head space.
    weights : (F, K) float64
        True weights of the blendshapes.
    names : tuple of str
        The K blendshapes.
    skull : (V,) bool
        Vertices that no expression moves.
    rigid_weight : (V,) float64
        How far each vertex follows the head: ``world = s (R x + t) + (1 - s) x``; all ones unless `neck` was asked for.
    valid : (F, V) bool
        False where a vertex is missing.
    outlier : (F, V) bool
        True where a vertex is a gross outlier.
    head : Head
        Who performed.
    """

    take: MeshSequence
    head_motion: RigidMotion
    expression: npt.NDArray[np.float32]
    neutral: Floats
    weights: Floats
    names: tuple[str, ...]
    skull: npt.NDArray[np.bool_]
    rigid_weight: Floats
    valid: npt.NDArray[np.bool_]
    outlier: npt.NDArray[np.bool_]
    head: Head

    def __len__(self) -> int:
        return len(self.take)

    def clean(self) -> MeshSequence:
        """Return the take without its corruptions, computed anew."""
        out = np.empty(self.expression.shape, dtype=np.float32)
        for f in range(len(out)):
            out[f] = _to_world(self.expression[f].astype(np.float64), self.head_motion, f, self.rigid_weight)
        return self.take.with_positions(out)


def _to_world(frame: Floats, motion: RigidMotion, f: int, rigid_weight: Floats) -> Floats:
    moved = frame @ motion.rotation[f].T + motion.translation[f]
    if rigid_weight.min() < 1:
        moved = frame + rigid_weight[:, None] * (moved - frame)
    return np.asarray(moved)


def _head_motion(times: Floats, seed: int, scale: float) -> RigidMotion:
    angles, sway = head_angles(times, seed)
    yaw, pitch, roll = (scale * angles).T
    zero, one = np.zeros_like(yaw), np.ones_like(yaw)

    def stack(*rows: Floats) -> Floats:
        return np.stack(rows, axis=-1).reshape(-1, 3, 3)

    about_y = stack(np.cos(yaw), zero, np.sin(yaw), zero, one, zero, -np.sin(yaw), zero, np.cos(yaw))
    about_x = stack(one, zero, zero, zero, np.cos(pitch), -np.sin(pitch), zero, np.sin(pitch), np.cos(pitch))
    about_z = stack(np.cos(roll), -np.sin(roll), zero, np.sin(roll), np.cos(roll), zero, zero, zero, one)
    rotation = about_y @ about_x @ about_z
    return RigidMotion(rotation, _PIVOT + scale * sway - rotation @ _PIVOT)


def performance(
    head: Head | None = None,
    n_frames: int = 240,
    fps: float = 60.0,
    seed: int = 0,
    *,
    resolution: str = "preview",
    identity: int = 0,
    motion: float = 1.0,
    neck: bool = False,
    noise: float = 0.0,
    noise_length: float = 0.0,
    scalp_slip: float = 0.0,
    outliers: float = 0.0,
    missing: float = 0.0,
    start_frame: int = 1001,
) -> SyntheticTake:
    """Perform a take: speech, blinks, brows, smiles, gaze, nods and turns.

    Parameters
    ----------
    head : Head, optional
        Who performs; by default ``mien.datasets.head(resolution, identity)``.
    n_frames : int
        F, at least 1.
    fps : float
        Frames per second. The performance is a function of time: another rate samples the same one.
    seed : int
        Which performance. The same seed gives the same bits.
    resolution, identity : str, int
        Used when `head` is not given.
    motion : float
        Scale of the head's motion; 0 keeps it still.
    neck : bool
        Whether the neck follows the head only partly, down to not at all at its base.
    noise : float
        Scanner noise, standard deviation of each coordinate in millimetres.
    noise_length : float
        Distance in centimetres over which noise is alike; 0 makes every vertex independent.
    scalp_slip : float
        Largest shift of the scalp over the skull in millimetres.
    outliers : float
        Share of vertices that lie 0.5 to 5 cm off.
    missing : float
        Share of vertices that are NaN, mostly in patches.
    start_frame : int
        Number of the first frame.

    Returns
    -------
    SyntheticTake

    Notes
    -----
    Corruptions change `take` only; everything else is the truth. Each has its own random stream.
    """
    if head is None:
        head = build_head(resolution, identity)
    _validate.instance("head", head, Head, "a Head")
    n = _validate.index("n_frames", n_frames, least=1)
    rate = _validate.number("fps", fps, above=0)
    seed = _validate.index("seed", seed, least=0)
    motion = _validate.number("motion", motion, least=0)
    noise = _validate.number("noise", noise, least=0)
    noise_length = _validate.number("noise_length", noise_length, least=0)
    scalp_slip = _validate.number("scalp_slip", scalp_slip, least=0)
    outliers = _validate.number("outliers", outliers, least=0, most=0.9)
    missing = _validate.number("missing", missing, least=0, most=0.9)

    times = np.arange(n) / rate
    weights = act(times, seed)
    head_motion = _head_motion(times, seed, motion)
    rigid_weight = head.rigid_weight if neck else np.ones(head.n_vertices)
    slip = None
    if scalp_slip > 0:
        slip = corruption.scalp_slip(times, head.neutral, head.regions["scalp"], scalp_slip / 10, seed)
    expression, positions = _move(head, weights, head_motion, rigid_weight, slip)
    if noise > 0:
        corruption.scanner_noise(positions, head.neutral, noise / 10, noise_length, seed)
    valid, outlying = _spoil(positions, head.neutral, outliers, missing, rate, seed)
    for value in (expression, weights, rigid_weight, valid, outlying):
        value.flags.writeable = False
    take = MeshSequence(head.topology, positions, rate, start_frame, 0.01, "y", "head")
    return SyntheticTake(
        take=take,
        head_motion=head_motion,
        expression=expression,
        neutral=head.neutral,
        weights=weights,
        names=head.names,
        skull=head.skull,
        rigid_weight=rigid_weight,
        valid=valid,
        outlier=outlying,
        head=head,
    )


def _spoil(
    positions: npt.NDArray[np.float32],
    neutral: Floats,
    outliers: float,
    missing: float,
    fps: float,
    seed: int,
) -> tuple[npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """Throw some vertices off and lose others, in place; returns which are left and which of those lie off."""
    n, v = positions.shape[:2]
    valid, outlying = np.ones((n, v), dtype=bool), np.zeros((n, v), dtype=bool)
    if outliers > 0:
        outlying, offsets = corruption.outlying_vertices(n, v, outliers, seed)
        positions[outlying] += offsets
    if missing > 0:
        valid = ~corruption.missing_vertices(neutral, n, missing, fps, seed)
        positions[~valid] = np.nan
    return valid, outlying & valid


def _move(
    head: Head,
    weights: Floats,
    head_motion: RigidMotion,
    rigid_weight: Floats,
    slip: tuple[npt.NDArray[np.int64], Floats] | None,
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return head-space truth and world positions, (F, V, 3) each, working through blocks of frames in float64."""
    n = len(weights)
    expression = np.empty((n, head.n_vertices, 3), dtype=np.float32)
    positions = np.empty_like(expression)
    step = max(1, 400_000 // head.n_vertices)
    block = np.empty((min(step, n), head.n_vertices, 3))
    for start in range(0, n, step):
        stop = min(n, start + step)
        frames = block[: stop - start]
        head.evaluate_into(weights[start:stop], frames)
        # What is kept is the truth: the take is made from the rounded values.
        expression[start:stop] = frames
        frames[:] = expression[start:stop]
        if slip is not None:
            frames[:, slip[0]] += slip[1][start:stop]
        for f in range(start, stop):
            positions[f] = _to_world(frames[f - start], head_motion, f, rigid_weight)
    return expression, positions
