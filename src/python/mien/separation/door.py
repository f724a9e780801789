"""`separate`: the way from a take to a performance."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.separation.blocks import Progress, align_take
from mien.separation.gauge import canonical_pose
from mien.separation.jointly import solve_jointly
from mien.separation.keys import apply_keys, checked_keys
from mien.separation.known import hide, known_weights
from mien.separation.method import METHODS, methods
from mien.separation.modes import modes_of_prior, modes_of_rig
from mien.separation.neutral import estimate_neutral
from mien.separation.prior import FacePrior, register
from mien.values.performance import Performance
from mien.values.rig import Rig
from mien.values.rigid import RigidMotion
from mien.values.sequence import MeshSequence

__all__ = ["separate"]

Float64 = npt.NDArray[np.float64]


def separate(
    take: MeshSequence,
    neutral: npt.ArrayLike | MeshSequence | None = None,
    weights: npt.ArrayLike | None = None,
    rig: Rig | None = None,
    keys: Any = None,
    *,
    method: str = "joint",
    progress: Progress | None = None,
    static: npt.ArrayLike | None = None,
    ignore: npt.ArrayLike | None = None,
    valid: npt.ArrayLike | None = None,
) -> Performance:
    """Separate the rigid motion of the head from what the face does.

    Parameters
    ----------
    take : MeshSequence
        F frames in world space; kept as it is, not copied. May be a memory map. Vertices may be missing (NaN).
    neutral : (V, 3) floats or MeshSequence of one frame, optional
        The face at rest; its space becomes head space. Estimated from the take when neither it nor `rig` is given:
        head space is then that of the face found in it, or else of its principal axes: x left, y up, z out of the face.
    weights : (V,) floats in [0, 1], optional
        How far each vertex belongs to the skull. Defaults to 1 everywhere.
    rig : Rig, optional
        Its neutral is used when `neutral` is not given. Method ``joint`` takes its shapes for those of the actor.
    keys : mapping from frame to RigidMotion of one frame or (rotation, translation), optional
        Heads known by hand, head → world, by zero-based frame. They are met exactly, and what they correct fades out
        over half a second to either side; frames further away do not change. Without a neutral the first key also
        says where head space lies.
    method : {"joint", "sequence", "robust", "procrustes"}
        ``joint`` estimates head and expression together over the whole take, by a built-in model of how faces move or
        by `rig`, and by what comes to rest; where no face is found it does what ``sequence`` does. ``sequence`` learns
        from the whole take what the face mostly looks like and which vertices mostly stay put. ``robust`` fits each
        frame by itself, and vertices that move count less (Geman-McClure): the quickest that is not fooled by a jaw.
        ``procrustes`` is one weighted least-squares fit a frame.
    progress : callable, optional
        Called with the frames done and F, first with 0.
    static : (V,) floats in [0, 1] or booleans, optional
        Vertices known to be bone, at least three and not on a line: upper teeth, a tracked skull. Skin then hardly
        counts.
    ignore : (V,) floats in [0, 1] or booleans, optional
        Vertices never to trust: hair, a cap, a slipping mask's rim.
    valid : (F, V) booleans, optional
        False where a vertex is missing, as NaN would be. Where anything is, the take is copied once for looking at it.

    Returns
    -------
    Performance
        The take with `head`, `neutral`, `residual` and `confidence`; see `Performance`. Keyed frames have confidence 1.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind, shape or value.
    NumericalError
        A frame has fewer than three usable vertices, or they lie on a line; index and shot number are named.

    Notes
    -----
    Frames are worked on in blocks, so memory is that of a block (and of 64 frames where the take is looked at as a
    whole: without a neutral, and by ``sequence``).
    Moving the whole take rigidly in the world moves the head with it and leaves neutral and expression as they are,
    up to rounding. Known as rigid stabilisation. Cost O(F V) times the reweightings (about 60 for ``robust``).

    References
    ----------
    Horn 1987, Closed-form solution of absolute orientation using unit quaternions, J. Opt. Soc. Am. A 4(4).
    Geman, McClure 1987, Statistical methods for tomographic image reconstruction, Bull. ISI 52(4).
    Black, Rangarajan 1996, On the unification of line processes, outlier rejection, and robust statistics with
    applications in early vision, Int. J. Computer Vision 19(1).
    """
    _validate.instance("take", take, MeshSequence, "a MeshSequence")
    if rig is not None:
        _validate.instance("rig", rig, Rig, "a Rig")
    given = _given_neutral(take, neutral, rig)
    prior = None
    if weights is not None:
        prior = _validate.unit_weights("weights", weights, "V", take.n_vertices)
        if np.count_nonzero(prior) < 3:
            raise ValueError(
                f"`weights` must be above 0 for at least 3 vertices, got {np.count_nonzero(prior)}"
            )
    prior = known_weights(take.n_vertices, prior, static, ignore)
    known = checked_keys(keys, len(take))
    whole, take = take, hide(take, valid)
    separation = METHODS[_validate.one_of("method", method, methods())]
    if given is None and not len(take):
        raise ValueError(
            "`take` must have at least one frame when no neutral is given, for one is estimated from it"
        )
    if progress is not None:
        progress(0, len(take))
    rest, face = (given, None) if given is not None else _own_neutral(take, prior, known)
    if method == "joint" and rig is not None and len(take):
        shapes = rig
        free = solve_jointly(
            take, rest, prior, progress, lambda at, index: modes_of_rig(shapes, index), by_rest=False
        )
    elif method == "joint" and face is not None:
        modes = face
        free = solve_jointly(
            take, rest, prior, progress, lambda at, index: modes_of_prior(at, modes, index), by_rest=True
        )
    else:
        free = separation(take, rest, prior, progress)
    found = apply_keys(free, known, take, rest, prior)
    return Performance(
        take=whole,
        head=found.head,
        neutral=rest,
        residual=found.residual,
        confidence=found.confidence,
        method=method,
    )


def _given_neutral(
    take: MeshSequence, neutral: npt.ArrayLike | MeshSequence | None, rig: Rig | None
) -> npt.NDArray[Any] | None:
    if rig is not None and rig.topology != take.topology:
        raise ValueError(
            f"`rig` must have the topology of the take ({take.topology}), got {rig.topology} with other faces"
        )
    name = "neutral"
    if neutral is None:
        if rig is None:
            return None
        neutral, name = rig.neutral, "rig.neutral"
    if isinstance(neutral, MeshSequence):
        if len(neutral) != 1:
            raise ValueError(f"`neutral` must have one frame, got {len(neutral)}; slice it: take[f:f+1]")
        if neutral.topology != take.topology:
            raise ValueError(
                f"`neutral` must have the topology of the take ({take.topology}), got {neutral.topology}"
            )
        shape: npt.ArrayLike = neutral.positions[0]
    else:
        shape = neutral
    points = _validate.points(name, shape, ("V", 3), {"V": take.n_vertices})
    place = _core.first_non_finite(points)
    if place is not None:
        raise ValueError(f"`{name}` must be finite, got {points[place[1]].tolist()} at vertex {place[1]}")
    return points


def _own_neutral(
    take: MeshSequence, weights: Float64 | None, keys: dict[int, RigidMotion]
) -> tuple[npt.NDArray[Any], FacePrior | None]:
    """Estimate a neutral and lay it where a key, the face or its shape says; return what is known of the face too."""
    shape = estimate_neutral(take, weights)
    found = register(take.topology, shape) if np.isfinite(shape).all() else None
    pose = canonical_pose(take.topology, shape)
    if keys:
        frame, key = next(iter(keys.items()))
        fit = align_take(take[frame : frame + 1], shape, weights, robust=True)
        pose = key.inverse() @ RigidMotion(fit.rotation, fit.translation)
    elif found is not None:
        turn = np.einsum("ij,kj->ik", found[0], pose.rotation[0])
        pose = RigidMotion(turn[None], np.zeros((1, 3))) @ pose
    neutral: npt.NDArray[Any] = pose.apply(shape)[0].astype(take.positions.dtype)
    if found is None:
        return neutral, None
    prior = found[1]
    return neutral, prior._replace(basis=np.einsum("kvi,ji->kvj", prior.basis, pose.rotation[0]))
