"""Make src/python/mien/separation/face_model.npz: how faces differ and how they move, as a few smooth modes.

    python tools/train_face_prior.py --ict ../shared/data/ict_face --rig ../shared/data/characters/facecap_head.npz …

The chart is the outer skin of the procedural head of `mien.datasets`, left half only; modes are even or odd under
mirroring. The model is what is left of many faces after averaging: a mean, principal modes of shape, and principal
modes of motion, quantised. It holds no mesh of anyone else's. With ``--ict`` the statistics also cover the
ICT-FaceKit model (Li et al. 2020, Learning Formation of Physically-Based Face Attributes, CVPR; MIT licence), whose
shapes and expressions are read at the places of the chart after a registration by landmarks. With ``--rig`` (.npz of
vertices, triangles, target_names and target_deltas; with `part`, vertices of part 0) the motion of further heads is
read too, after the registration that `mien.carry_prior` uses. Without either, only the procedural heads speak.
"""

from __future__ import annotations

import argparse
import pathlib

import numpy as np

import mien
from mien import _core
from mien.separation.face_model import FaceModel, _spread, read_face_model, vertex_normals
from mien.separation.prior import lay, shapes_at

OUT = pathlib.Path(__file__).resolve().parents[1] / "src/python/mien/separation/face_model.npz"
IDENTITY_MODES, EXPRESSION_MODES = 22, 48
IDENTITY_STEP, EXPRESSION_STEP = 2e-3, 5e-4  # centimetres, of one standard deviation
PEOPLE = 40
OTHER_RIGS = 0.5  # share of the motion that further heads have together
MIRROR = np.array([-1.0, 1.0, 1.0])

# Landmarks of the procedural head: Multi-PIE numbers whose mean is the same place, and how exactly (1 / cm).
LANDMARKS = {
    "nose_tip": ((30,), 10), "nasion": ((27,), 3), "menton": ((8,), 3),
    "eye_outer_right": ((36,), 10), "eye_inner_right": ((39,), 10), "upper_lid_right": ((37, 38), 10),
    "lower_lid_right": ((40, 41), 10), "mouth_corner_right": ((48,), 10), "upper_lip": ((51,), 10),
    "lower_lip": ((57,), 10), "upper_lip_rim": ((62,), 10), "lower_lip_rim": ((66,), 10),
    "brow_inner_right": ((21,), 3), "brow_middle_right": ((19,), 3), "brow_outer_right": ((17,), 3),
    "nose_wing_right": ((31,), 3),
    "eye_outer_left": ((45,), 10), "eye_inner_left": ((42,), 10), "upper_lid_left": ((43, 44), 10),
    "lower_lid_left": ((46, 47), 10), "mouth_corner_left": ((54,), 10), "brow_inner_left": ((22,), 3),
    "brow_middle_left": ((24,), 3), "brow_outer_left": ((26,), 3), "nose_wing_left": ((35,), 3),
}  # fmt: skip


class Chart:
    """The outer skin of the procedural head."""

    def __init__(self) -> None:
        head = mien.datasets.head()
        keep = head.regions["skin"] > 0.5
        self.ids = np.flatnonzero(keep)
        number = np.full(len(keep), -1)
        number[self.ids] = np.arange(len(self.ids))
        triangles = head.topology.triangles
        self.triangles = number[triangles[keep[triangles].all(axis=1)]].astype(np.int32)
        self.points = head.neutral[self.ids]
        self.mirror = number[head.mirror[self.ids]]
        self.shapes = head.linear_parts[0][:, self.ids]
        self.people = np.array(
            [mien.datasets.head("preview", k).neutral[self.ids] for k in range(1, PEOPLE + 1)]
        )
        self.landmarks = {name: int(number[v]) for name, v in head.landmarks.items() if number[v] >= 0}
        pairs = np.concatenate([self.triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
        self.edges = np.unique(np.concatenate([pairs, pairs[:, ::-1]]), axis=0)

    def smooth(self, field: np.ndarray, trust: np.ndarray, rounds: int = 3) -> np.ndarray:
        """Fill what is not trusted from its neighbours."""
        a, b = self.edges.T
        degree = np.bincount(a, minlength=len(field))
        for _ in range(rounds):
            total = np.bincount(a, trust[b], len(field))
            mean = np.stack([np.bincount(a, (field[:, i] * trust)[b], len(field)) for i in range(3)], axis=1)
            known = np.minimum(1.0, total / 0.5)
            blend = ((1 - 0.7 * trust) * known)[:, None]
            field = (1 - blend) * field + blend * mean / np.maximum(total, 1e-9)[:, None]
            trust = np.maximum(trust, 0.5 * np.minimum(1.0, total / np.maximum(degree, 1)))
        return field


def bends(chart: Chart, controls: int = 500) -> np.ndarray:
    """Return smooth fields (N, M) of unit variance, from a head's down to a lip's size."""
    x = chart.points
    centres = x[_spread(x * np.where(x[:, 2:] > 2, 1.0, 0.5), controls)]

    def covariance(a: np.ndarray, b: np.ndarray) -> np.ndarray:
        squared = np.sum(a**2, axis=1)[:, None] + np.sum(b**2, axis=1) - 2 * a @ b.T
        return 4 * np.exp(-squared / 128) + np.exp(-squared / 18) + 0.15 * np.exp(-squared / 2.4)

    factor = np.linalg.cholesky(covariance(centres, centres) + 1e-6 * np.eye(controls))
    return np.linalg.solve(factor, covariance(centres, x)).T


def refined(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return places on a mesh, as corners (P, 3) and their shares (P, 3): vertices, and seven in each triangle."""
    inside = [(0.5, 0.5, 0), (0, 0.5, 0.5), (0.5, 0, 0.5), (1 / 3,) * 3]
    inside += [(0.6, 0.2, 0.2), (0.2, 0.6, 0.2), (0.2, 0.2, 0.6)]
    n = len(points)
    corners = [np.repeat(np.arange(n)[:, None], 3, axis=1)] + [triangles] * len(inside)
    shares = [np.tile([1.0, 0.0, 0.0], (n, 1))] + [np.tile(s, (len(triangles), 1)) for s in inside]
    return np.concatenate(corners), np.concatenate(shares)


def similarity(a: np.ndarray, b: np.ndarray, weights: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """Return scale, rotation and translation that lay `a` on `b`."""
    fit = mien.align_frames(b[None], a, weights=weights, scale=True)
    return fit.scale[0], fit.rotation[0], fit.translation[0]


def register(
    chart: Chart, points: np.ndarray, triangles: np.ndarray, marks: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Lay the chart on a face: its points there, and for each the corners, shares and distance of its place."""
    places = np.array([points[marks[list(numbers)]].mean(axis=0) for numbers, _ in LANDMARKS.values()])
    vertices = np.array([chart.landmarks[name] for name in LANDMARKS])
    exact = np.array([float(weight) for _, weight in LANDMARKS.values()]) ** 2 * 1.5
    scale, rotation, shift = similarity(chart.points[vertices], places, exact / exact.max())
    start = scale * chart.points @ rotation.T + shift
    corners, shares = refined(points, triangles)
    normals = vertex_normals(points, triangles)
    fine = np.einsum("pi,pij->pj", shares, points[corners])
    across = np.einsum("pi,pij->pj", shares, normals[corners])
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    tree = _core.NearestPoints(np.concatenate([fine, 2 * across], axis=1))
    basis = bends(chart)
    m = basis.shape[1]
    now = start
    for step in range(30):
        own = vertex_normals(now, chart.triangles)
        at = tree.find(np.concatenate([now, 2 * own], axis=1), 1)[0][:, 0]
        distance = np.linalg.norm(fine[at] - now, axis=1)
        trust = 1 / (1 + (distance / max(0.3, 3 * 0.85**step)) ** 2) ** 2
        trust *= np.clip(np.sum(own * across[at], axis=1), 0, 1) ** 2 / (0.05 if step > 15 else 0.2) ** 2
        trust[now[:, 1] < -14] *= 0.1
        pull = (across[at][:, :, None] * across[at][:, None, :] + 0.03 * np.eye(3)) * trust[:, None, None]
        right = np.einsum("pij,pj->pi", pull, fine[at] - start)
        np.add.at(pull, vertices, np.eye(3) * exact[:, None, None])
        np.add.at(right, vertices, exact[:, None] * (places - start[vertices]))
        system = np.block(
            [[basis.T @ (basis * pull[:, i, j, None]) for j in range(3)] for i in range(3)]
        ) + np.eye(3 * m) * max(1.0, 30 * 0.7**step)
        now = start + basis @ np.linalg.solve(system, (basis.T @ right).T.ravel()).reshape(3, m).T
        now = (now + now[chart.mirror] * MIRROR) / 2
    return now, corners[at], shares[at], distance


def without_pose(modes: np.ndarray, mean: np.ndarray, front: np.ndarray) -> np.ndarray:
    """Take out of shape modes what a turn, a shift or a growth of the front of the face does."""
    about = mean - mean[front].mean(axis=0)
    axes = np.eye(3)
    fields = [np.broadcast_to(e, about.shape) for e in axes] + [np.cross(e, about) for e in axes] + [about]
    basis = np.stack(fields)
    n = len(modes)
    share = np.linalg.lstsq(basis[:, front].reshape(7, -1).T, modes[:, front].reshape(n, -1).T, rcond=None)[0]
    return modes - np.einsum("km,kvc->mvc", share, basis)


def principal(
    samples: np.ndarray, mirror: np.ndarray, count: int, weights: np.ndarray
) -> tuple[np.ndarray, ...]:
    """Return modes (count, N, 3) scaled to their standard deviation, and whether each is even (1) or odd (-1)."""
    found, sizes, parities = [], [], []
    for parity in (1, -1):
        part = (samples + parity * samples[:, mirror] * MIRROR) / 2
        _, values, rows = np.linalg.svd((part * weights).reshape(len(part), -1), full_matrices=False)
        found.append((rows * values[:, None]).reshape(len(rows), -1, 3) / weights)
        sizes.append(values)
        parities.append(np.full(len(rows), parity))
    order = np.argsort(-np.concatenate(sizes), kind="stable")[:count]
    return np.concatenate(found)[order], np.concatenate(parities)[order]


def main() -> None:
    """Make the file."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--ict", type=pathlib.Path, help="folder of ict_face.npz and ict_identity.npz")
    parser.add_argument(
        "--no-ict-motion", action="store_true", help="of --ict take shapes, not motion: to hold it out"
    )
    parser.add_argument("--rig", type=pathlib.Path, nargs="+", default=[], help="further heads with shapes")
    parser.add_argument("--out", type=pathlib.Path, default=OUT)
    given = parser.parse_args()
    chart = Chart()
    front = chart.points[:, 2] > 1
    mean = chart.points
    people = (chart.people - chart.points) / np.sqrt(PEOPLE)
    shapes = chart.shapes / np.sqrt(len(chart.shapes))
    if given.ict is not None:
        face = np.load(given.ict / "ict_face.npz")
        others = np.load(given.ict / "ict_identity.npz")["identity_deltas"]
        skin = len(face["region_face"]) + len(face["region_head_and_neck"])
        triangles = face["triangles"][(face["triangles"] < skin).all(axis=1)]
        points = face["neutral"][:skin].astype(np.float64)
        there, corners, shares, distance = register(chart, points, triangles, face["landmarks68"])
        print(f"registration: median distance {np.median(distance):.3f} cm")
        trust = 1 / (1 + (distance / 0.2) ** 2)

        def read(fields: np.ndarray) -> np.ndarray:
            at = [np.einsum("pi,pij->pj", shares, field[corners].astype(np.float64)) for field in fields]
            return np.array([chart.smooth(field, trust) for field in at])

        moving = [not str(name).startswith("Pupil") for name in face["expression_names"]]
        real_shapes = read(face["expression_deltas"][moving])
        scale, rotation, shift = similarity(chart.points, there, front.astype(np.float64))
        own = scale * chart.points @ rotation.T + shift
        # Scanned faces say more than drawn ones: two thirds of the mean, three quarters of the motion.
        mean = 0.65 * there + 0.35 * own
        people = np.concatenate([1.2 * scale * people @ rotation.T, read(others), 0.6 * (there - own)[None]])
        drawn = scale * shapes @ rotation.T
        shapes = np.concatenate([np.sqrt(0.25) * drawn, np.sqrt(0.75 / len(real_shapes)) * real_shapes])
        if given.no_ict_motion:
            shapes = drawn
    mean = (mean + mean[chart.mirror] * MIRROR) / 2
    people = without_pose(people, mean, front)
    identity = principal(people, chart.mirror, IDENTITY_MODES, np.where(front, 1.0, 0.4)[:, None])
    write(given.out, chart, mean, identity, shapes)
    if given.rig:
        model = read_face_model(given.out)
        others = [x for x in (carried_shapes(model, path) for path in given.rig) if len(x)]
        each = OTHER_RIGS / len(others)
        shapes = np.concatenate(
            [np.sqrt(1 - OTHER_RIGS) * shapes, *(np.sqrt(each / len(x)) * x for x in others)]
        )
        write(given.out, chart, mean, identity, shapes)
    print(f"{given.out}: {given.out.stat().st_size / 1000:.0f} kB")


def carried_shapes(model: FaceModel, path: pathlib.Path) -> np.ndarray:
    """Return the shapes of one head (K, N, 3) at the model's points."""
    with np.load(path) as data:
        keep = data["part"] == 0 if "part" in data else np.ones(len(data["vertices"]), bool)
        number = np.cumsum(keep) - 1
        triangles = data["triangles"][keep[data["triangles"]].all(axis=1)]
        points = data["vertices"][keep].astype(np.float64)
        topology = mien.Topology.from_polygons(number[triangles], len(points))
        rig = mien.Rig(
            topology, points, [str(n) for n in data["target_names"]], data["target_deltas"][:, keep]
        )
    laid = lay(model, topology, points, None)
    if laid is None:
        print(f"{path.stem}: no face was found")
        return np.empty((0, len(model.points), 3))
    print(f"{path.stem}: likeness {laid[1]:.2f}")
    return shapes_at(model, laid[0], 1.0, rig)


def write(
    path: pathlib.Path,
    chart: Chart,
    mean: np.ndarray,
    shape_modes: tuple[np.ndarray, ...],
    shapes: np.ndarray,
) -> None:
    """Write the model: principal modes of motion of all shapes, quantised."""
    identity, identity_parity = shape_modes
    expression, expression_parity = principal(shapes, chart.mirror, EXPRESSION_MODES, np.ones((len(mean), 1)))
    print(f"motion kept: {np.sum(expression**2) / np.sum(shapes**2):.4f}")
    half = np.flatnonzero(np.arange(len(mean)) <= chart.mirror)
    names = sorted(chart.landmarks)
    np.savez_compressed(
        path,
        points=mean[half].astype(np.float32),
        half=half.astype(np.int16),
        mirror=chart.mirror.astype(np.int16),
        triangles=chart.triangles.astype(np.int16),
        identity=np.round(identity[:, half] / IDENTITY_STEP).astype(np.int16),
        identity_parity=identity_parity.astype(np.int8),
        identity_step=np.array(IDENTITY_STEP),
        expression=np.round(expression[:, half] / EXPRESSION_STEP).astype(np.int16),
        expression_parity=expression_parity.astype(np.int8),
        expression_step=np.array(EXPRESSION_STEP),
        landmark_names=np.array(names),
        landmark_vertices=np.array([chart.landmarks[name] for name in names], np.int16),
    )


if __name__ == "__main__":
    main()
