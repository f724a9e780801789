"""What is known beforehand of how a face moves, carried to whatever mesh there is."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from mien import _core, _validate
from mien.geometry.alignment import extent
from mien.separation.face_model import FaceModel, builtin_face_model, vertex_normals
from mien.separation.placement import Anchors, Laid, features, rotated
from mien.separation.pose_search import find_poses
from mien.separation.registration import bend, fit_shape, likeness
from mien.separation.surface import Surface, sample_surface
from mien.values.rig import Rig
from mien.values.topology import Topology

__all__ = ["FacePrior", "carry_prior", "lay", "register", "shapes_at"]

Array = npt.NDArray[Any]
Float64 = npt.NDArray[np.float64]

# How many places registration looks at.
_SAMPLES = 1500
# Below the first likeness nothing is carried, above the second all of it: faces and heads of five makers reach 0.53 to
# 0.94, stylised ones the least; things that are no faces, or halves of faces, reach 0.15 to 0.41.
_NO_FACE, _FACE = 0.43, 0.60
# A face that is told less surely has no axes of a face.
_POSED = 0.25
# Neighbours that a vertex takes its values from, how far around the nearest (cm), and what turning away costs (cm).
_NEIGHBOURS, _BLUR, _TURNED = 6, 0.25, 1.0
# Distances (cm) at which half of a vertex's trust is lost: across the surface, and along it beyond the model's spacing.
_ACROSS, _ALONG, _SPACING = 0.35, 0.6, 0.5
# Scales (cm) of the fits: shape from far and near, bending.
_FAR, _NEAR, _BEND = (1.5, 1.1, 0.8, 0.7, 0.6), (0.7, 0.5, 0.4, 0.3, 0.3), (0.35, 0.25, 0.2)


class FacePrior(NamedTuple):
    """What is known of how each vertex of a face moves, before any of its frames is seen.

    Attributes
    ----------
    mobility : (V,) float64
        Expected root mean square displacement over the shapes of a rig at weight 1, scene units.
    basis : (K, V, 3) float64
        Directions in which the face moves, in the axes of the neutral; each has a root mean square of 1 over vertices.
    sigma : (K,) float64
        Standard deviation of their coefficients, scene units, falling.
    trust : (V,) float64
        In [0, 1]: how far the correspondence that carried it all is to be trusted.
    """

    mobility: Float64
    basis: Float64
    sigma: Float64
    trust: Float64


def carry_prior(
    topology: Topology,
    neutral: npt.ArrayLike,
    *,
    source: Rig | None = None,
    landmarks: Mapping[str, int] | None = None,
) -> FacePrior | None:
    """Carry what is known of how faces move to a face of any topology, scale, pose and crop.

    Parameters
    ----------
    topology : Topology
        How the vertices are joined. Without faces the vertices themselves are looked at.
    neutral : (V, 3) floats
        The face at rest, in any space and unit. A head, a bust, a mask; eyes and mouth open or closed.
    source : Rig, optional
        A rig of any topology whose shapes are carried. Defaults to a small model of faces in general.
    landmarks : mapping from name to vertex, optional
        Vertices of `neutral` by the names of ``mien.datasets.head().landmarks`` (``nose_tip``, ``eye_inner_left``,
        ...); left and right are the subject's. Three or more that are not on a line also settle the pose.

    Returns
    -------
    FacePrior or None
        None where no face was found: a wrong prior would do more harm than none.

    Raises
    ------
    TypeError, ValueError
        An argument is of the wrong kind, shape or value.

    Notes
    -----
    A model of face shapes is laid onto the neutral by closest points: from 24 turns of principal axes for each of five
    crops, then with its shape coefficients, then bent smoothly. Only its nearest points carry; trust falls with their
    distance, with normals that disagree, and with how little the whole looks like a face. The cost is that of some
    thousand sampled points, and O(K V) for the carrying.

    References
    ----------
    Amberg, Romdhani, Vetter 2007, Optimal step nonrigid ICP algorithms for surface registration, CVPR.
    Luethi, Gerig, Jud, Vetter 2018, Gaussian process morphable models, IEEE TPAMI 40(8).
    Rusinkiewicz 2019, A symmetric objective function for ICP, ACM TOG 38(4).
    """
    _validate.instance("topology", topology, Topology, "a Topology")
    points = _finite("neutral", neutral, topology.n_vertices)
    model = builtin_face_model()
    anchors = _anchors(landmarks, model, points)
    if source is not None:
        _validate.instance("source", source, Rig, "a Rig")
        own = lay(model, source.topology, np.asarray(source.neutral, np.float64), None)
        if own is None:
            return None
        model = _with_shapes_of(model, own[0], own[1], source)
    laid = lay(model, topology, points, anchors)
    if laid is None:
        return None
    return _carried(model, laid[0], laid[1], topology, points)


def register(topology: Topology, points: Float64) -> tuple[Float64, FacePrior] | None:
    """Return a face's own axes as rows (3, 3), and what is known of how it moves; None where there is hardly a face.

    The axes are those of the model that was laid onto points (V, 3): x to the subject's left, y up, z out of the face.
    """
    model = builtin_face_model()
    laid = lay(model, topology, points, None)
    if laid is None or laid[1] < _POSED:
        return None
    return laid[0].pose.rotation.T.copy(), _carried(model, laid[0], laid[1], topology, points)


def _finite(name: str, value: npt.ArrayLike, size: int) -> Float64:
    points = _validate.points(name, value, ("V", 3), {"V": size})
    place = _core.first_non_finite(points)
    if place is not None:
        raise ValueError(f"`{name}` must be finite, got {points[place[1]].tolist()} at vertex {place[1]}")
    return points.astype(np.float64)


def _anchors(landmarks: Mapping[str, int] | None, model: FaceModel, points: Float64) -> Anchors | None:
    if landmarks is None:
        return None
    _validate.instance("landmarks", landmarks, Mapping, "a mapping from name to vertex")
    if not landmarks:
        return None
    known = tuple(sorted(model.landmarks))
    names = [_validate.one_of("landmarks", name, known) for name in landmarks]
    at = [
        _validate.index(f"landmarks[{name!r}]", v, least=0, below=len(points))
        for name, v in landmarks.items()
    ]
    return Anchors(np.array([model.landmarks[name] for name in names], np.int64), points[at])


def lay(
    model: FaceModel, topology: Topology, points: Float64, anchors: Anchors | None
) -> tuple[Laid, float] | None:
    """Return the model laid onto a face, and how far to trust it in [0, 1]; None where there is no face."""
    if len(points) < 50 or not extent(points) > 0:
        return None
    target = sample_surface(topology, points, _SAMPLES)
    if len(target.points) < 50 or not np.any(target.weights > 0):
        return None
    rough = target._replace(**{name: getattr(target, name)[::3] for name in ("points", "normals", "weights")})
    best = None
    for pose in find_poses(model, target, anchors):
        laid = fit_shape(model, rough, pose, sigmas=_FAR, anchors=anchors)
        if best is None or laid.agreement > best.agreement:
            best = laid
    if best is None:
        return None
    best = fit_shape(model, target, best.pose, sigmas=_NEAR, anchors=anchors)
    whole = np.clip((likeness(model, best, target) - _NO_FACE) / (_FACE - _NO_FACE), 0.0, 1.0)
    if not whole > 0:
        return None
    return bend(model, target, best, sigmas=_BEND, anchors=anchors), float(whole)


def _normals(topology: Topology, points: Float64, surface: Surface | None = None) -> Float64:
    """Return unit normals (V, 3), of loose points those of the nearest samples."""
    if topology.n_faces:
        return vertex_normals(points, topology.triangles)
    surface = sample_surface(topology, points, min(len(points), 8000)) if surface is None else surface
    nearest = _core.NearestPoints(np.ascontiguousarray(surface.points)).find(points, 1)[0][:, 0]
    return surface.normals[nearest]


class _Nearby(NamedTuple):
    """For each of V places its nearest ones (V, n), their shares (V, n), and how far to trust the pair (V,)."""

    nearest: npt.NDArray[np.int32]
    share: Float64
    trust: Float64


def _nearby(points: Float64, normals: Float64, to: Float64, to_normals: Float64) -> _Nearby:
    """Find for places with normals the nearest of others; all in the model's space."""
    tree = _core.NearestPoints(features(to, to_normals, _TURNED))
    index, squared = tree.find(features(points, normals, _TURNED), min(_NEIGHBOURS, len(to)))
    share = np.exp((squared[:, :1] - squared) / (2 * _BLUR**2))
    share /= share.sum(axis=1, keepdims=True)
    gap = points - to[index[:, 0]]
    facing = np.einsum("vi,vi->v", normals, to_normals[index[:, 0]])
    across = np.einsum("vi,vi->v", gap, to_normals[index[:, 0]])
    along = np.sqrt(np.maximum(np.einsum("vi,vi->v", gap, gap) - across**2, 0.0))
    trust = np.clip((facing - 0.2) / 0.6, 0.0, 1.0) / (1 + (across / _ACROSS) ** 2)
    trust /= 1 + (np.maximum(along - _SPACING, 0.0) / _ALONG) ** 2
    return _Nearby(index, share, trust)


def _read(fields: Float64, at: _Nearby) -> Float64:
    """Return fields (K, N, 3) at V places, (K, V, 3)."""
    out = np.empty((len(fields), *at.nearest.shape[:1], 3))
    for field, to in zip(fields, out, strict=True):
        np.einsum("vn,vni->vi", at.share, field[at.nearest], out=to)
    return out


def _carried(model: FaceModel, laid: Laid, whole: float, topology: Topology, points: Float64) -> FacePrior:
    scale, turn = float(laid.pose.scale), laid.pose.rotation
    at = _nearby(
        laid.pose.to_model(points),
        rotated(laid.pose.side * _normals(topology, points), turn),
        laid.points,
        laid.normals,
    )
    fields = _read(model.expression, at)
    fields = rotated(fields.reshape(-1, 3), turn.T).reshape(fields.shape) * scale
    squares = np.einsum("kvi,kvi->k", fields, fields)
    sigma = np.sqrt(squares / len(points))
    kept = sigma > 1e-6 * scale
    order = np.flatnonzero(kept)[np.argsort(-sigma[kept], kind="stable")]
    sigma, fields = sigma[order], fields[order]
    fields /= sigma[:, None, None]
    mobility = np.einsum("vn,vn->v", at.share, model.mobility[at.nearest]) * scale
    return FacePrior(mobility, fields, sigma, at.trust * whole)


def shapes_at(model: FaceModel, laid: Laid, whole: float, rig: Rig) -> Float64:
    """Return a rig's shapes at the model's points and in its space, (K, N, 3), as far as the pairs are trusted."""
    points = np.asarray(rig.neutral, np.float64)
    turn = laid.pose.rotation
    at = _nearby(
        laid.points,
        laid.normals,
        np.ascontiguousarray(laid.pose.to_model(points)),
        rotated(laid.pose.side * _normals(rig.topology, points), turn),
    )
    names = rig.names
    shapes = rig.evaluate(np.eye(len(names))).positions.astype(np.float64) - points
    fields = _read(shapes, at)
    fields = rotated(fields.reshape(-1, 3), turn).reshape(fields.shape) / float(laid.pose.scale)
    return np.asarray(fields * (at.trust * whole)[:, None])


def _with_shapes_of(model: FaceModel, laid: Laid, whole: float, rig: Rig) -> FaceModel:
    """Return the model moving as a rig does: the rig's shapes at the model's points, as principal modes."""
    fields = shapes_at(model, laid, whole, rig)
    fields /= np.sqrt(max(1, len(fields)))
    n = len(fields)
    values, vectors = np.linalg.eigh(np.einsum("kvi,lvi->kl", fields, fields))
    modes = np.tensordot(vectors[:, ::-1].T, fields, 1)[
        : np.count_nonzero(values > 1e-8 * max(values[-1], 0))
    ]
    return dataclasses.replace(model, expression=modes if n else model.expression[:0])
