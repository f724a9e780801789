"""Named clips that pull at the head, with an exact truth: curves of ARKit shapes and a head motion, for any face.

Each is one way in which separations have been seen to fail: jaws that nod the head, blinks and brows that tilt it,
lip corners that hide in a tilt, knocks that are smoothed away, stillness that is lost.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from scipy.spatial.transform import Rotation

import mien

FRAMES = 60
MM = 10.0  # faces are in centimetres
TIME = np.arange(FRAMES) / 30.0

Curves = dict[str, np.ndarray]


def hold(start: float, stop: float, ease: float = 0.2) -> np.ndarray:
    """Rise to 1 at `start`, fall at `stop` (shares of the clip), over `ease` seconds."""
    x = np.minimum(TIME - TIME[-1] * start, TIME[-1] * stop - TIME) / ease
    x = np.clip(x + 0.5, 0, 1)
    return x * x * (3 - 2 * x)


def both(name: str, curve: np.ndarray) -> Curves:
    return {f"{name}Left": curve, f"{name}Right": curve}


def sway(size: float = 1.0) -> mien.RigidMotion:
    """Slow motion of a head that listens: about 4 degrees and 5 mm."""
    t = TIME
    turn = np.stack([np.sin(1.7 * t + 0.3), np.sin(1.1 * t + 2.0), np.sin(1.3 * t + 4.0)], axis=1) * 0.05
    place = np.stack([np.sin(1.2 * t), np.sin(0.9 * t + 1.0), np.sin(1.5 * t + 2.0)], axis=1) * 0.4
    return mien.RigidMotion(
        Rotation.from_rotvec(size * turn).as_matrix(), size * place + np.array([4.0, 150.0, -30.0])
    )


def tilt() -> mien.RigidMotion:
    """Fifteen degrees to the side and a little down, with the lip corners."""
    amount = hold(0.25, 0.8, 0.5)[:, None]
    still = sway(0.3)
    lean = Rotation.from_rotvec(amount * np.radians([[4.0, 0.0, 15.0]])).as_matrix()
    return mien.RigidMotion(lean @ still.rotation, still.translation)


def knock() -> mien.RigidMotion:
    """A blow against the helmet: four frames, 2 degrees and 4 mm, back at once."""
    calm = sway(0.5)
    rotation, translation = calm.rotation.copy(), calm.translation.copy()
    for f, size in zip(range(30, 34), (0.7, 1.0, -0.6, 0.3), strict=True):
        rotation[f] = Rotation.from_rotvec(size * np.radians([2.0, 0.5, -0.8])).as_matrix() @ rotation[f]
        translation[f] += size * np.array([0.1, -0.2, 0.35])
    return mien.RigidMotion(rotation, translation)


def wild_head() -> mien.RigidMotion:
    t = TIME
    turn = np.stack([0.5 * np.sin(5 * t), 0.87 * np.sin(4 * t), 0.3 * np.sin(7 * t)], axis=1)
    place = np.stack([6 * np.sin(6 * t), 150 + 4 * np.sin(9 * t), 8 * np.sin(3 * t)], axis=1)
    return mien.RigidMotion(Rotation.from_rotvec(turn).as_matrix(), place)


def speech() -> Curves:
    syllables = np.abs(np.sin(2 * np.pi * 2.1 * TIME)) * (0.5 + 0.3 * np.sin(2.2 * TIME))
    round_lips = np.clip(np.sin(2 * np.pi * 1.3 * TIME + 1), 0, 1) * 0.5
    return {
        "jawOpen": 0.8 * syllables,
        "mouthFunnel": round_lips,
        "mouthPucker": 0.6 * round_lips,
        **both("mouthLowerDown", 0.5 * syllables),
        **both("mouthUpperUp", 0.3 * syllables),
    }


def chewing() -> Curves:
    turn = 2 * np.pi * 1.4 * TIME
    open_ = 0.25 * (1 - np.cos(turn))
    side = np.sin(turn)
    return {
        "jawOpen": open_,
        "mouthClose": open_,
        "jawLeft": 0.6 * np.clip(side, 0, 1),
        "jawRight": 0.6 * np.clip(-side, 0, 1),
        "cheekPuff": 0.2 * np.abs(side),
        **both("mouthPress", 0.4 * np.clip(-np.cos(turn), 0, 1)),
    }


def wild_face() -> Curves:
    """Everything moves, and there is calm only at both ends."""
    rng = np.random.default_rng(5)
    names = ["jawOpen", "jawLeft", "mouthPucker", "mouthFunnel", "browInnerUp", "cheekPuff", "mouthLeft"]
    names += [
        name + side
        for name in (
            "browDown",
            "browOuterUp",
            "eyeBlink",
            "cheekSquint",
            "noseSneer",
            "mouthSmile",
            "mouthFrown",
        )
        for side in ("Left", "Right")
    ]
    window = hold(0.1, 0.93, 0.3)
    return {
        name: window
        * np.clip(np.sin(rng.uniform(2, 9) * TIME + rng.uniform(0, 6)), 0, 1)
        * rng.uniform(0.4, 1)
        for name in names
    }


@dataclasses.dataclass
class Clip:
    """A take with its truth."""

    take: mien.MeshSequence
    neutral: np.ndarray
    head: mien.RigidMotion

    def upper_third(self) -> np.ndarray:
        y = self.neutral[:, 1]
        return (y > y.max() - (y.max() - y.min()) / 3).astype(np.float64)

    def errors(self, perf: mien.Performance) -> np.ndarray:
        """Displacement (F, V) of the neutral under the head found against the true one, millimetres."""
        points = self.neutral.astype(np.float64)
        return np.linalg.norm(perf.head.apply(points) - self.head.apply(points), axis=2) * MM

    def turns(self, perf: mien.Performance) -> np.ndarray:
        """False rotation (F, 3) in degrees about the head's own axes: nod, shake, tilt."""
        return np.degrees((self.head.inverse() @ perf.head).rotation_vectors)


NAMES: dict[str, tuple[Callable[[], Curves], Callable[[], mien.RigidMotion]]] = {
    "speech": (speech, sway),
    "blink": (
        lambda: both("eyeBlink", sum(hold(a, a + 0.06, 0.1) for a in (0.15, 0.4, 0.65, 0.85))),
        sway,
    ),
    "brow raise": (
        lambda: {"browInnerUp": hold(0.2, 0.85), **both("browOuterUp", hold(0.2, 0.85))},
        sway,
    ),
    "frown": (
        lambda: {**both("browDown", hold(0.2, 0.85)), **both("eyeSquint", 0.5 * hold(0.2, 0.85))},
        sway,
    ),
    "nose wrinkle": (
        lambda: {**both("noseSneer", hold(0.2, 0.8)), **both("mouthUpperUp", 0.5 * hold(0.2, 0.8))},
        sway,
    ),
    "lip corners down with a tilt": (lambda: both("mouthFrown", hold(0.25, 0.8, 0.5)), tilt),
    "one-sided smile": (
        lambda: {"mouthSmileLeft": hold(0.15, 0.9), "cheekSquintLeft": 0.7 * hold(0.15, 0.9)},
        sway,
    ),
    "chewing": (chewing, sway),
    "knock": (speech, knock),
    "still head, wild face": (wild_face, lambda: sway(0.0)),
    "wild head, still face": (dict, wild_head),
}


def clip(
    name: str, topology: mien.Topology, neutral: np.ndarray, move: Callable[[Curves], np.ndarray]
) -> Clip:
    """Act a clip on a face: `move` takes curves (F,) by ARKit name to positions (F, V, 3) in head space.

    Skin slides and the scanner has 0.05 mm of noise, but where stillness itself is asked for.
    """
    curves, motion = NAMES[name]
    head = motion()
    local = move(curves())
    if "still" not in name:
        local = sliding_skin(neutral, local)
        local = local + np.random.default_rng(len(name)).normal(0, 0.005, local.shape)
    positions = head.apply(local).astype(np.float32)
    return Clip(mien.MeshSequence(topology, positions, fps=30.0), neutral, head)


def sliding_skin(
    neutral: np.ndarray, positions: np.ndarray, share: float = 0.1, length: float = 2.5
) -> np.ndarray:
    """Let skin pull its neighbourhood along: displacements (F, V, 3) plus a share of their mean nearby.

    Shapes of rigs end somewhere; skin does not, and leaves no vertex quite still. Some 400 places stand for all.
    """
    pulling = np.arange(0, len(neutral), max(1, len(neutral) // 400))
    squared = np.sum((neutral[:, None] - neutral[pulling]) ** 2, axis=2)
    near = np.exp(squared / (-2 * length**2))
    near *= share / near.sum(axis=1, keepdims=True)
    moved = (positions - neutral)[:, pulling]
    pulled = np.matmul(near, moved.transpose(1, 0, 2).reshape(len(pulling), -1)).reshape(len(neutral), -1, 3)
    return np.asarray(positions + pulled.transpose(1, 0, 2))


def jaw_arc(neutral: np.ndarray, jaw: np.ndarray, opening: np.ndarray, hinge: np.ndarray) -> np.ndarray:
    """What a jaw that turns does beyond one that moves on straight lines, (F, V, 3).

    `jaw` (V,) is how far a vertex belongs to it, `opening` (F,) its angle in radians about x through `hinge`.
    """
    angle = opening[:, None] * jaw
    y, z = (neutral - hinge)[:, 1:].T
    cosine, sine = np.cos(angle) - 1, np.sin(angle) - angle
    return np.stack([np.zeros_like(angle), y * cosine - z * sine, y * sine + z * cosine], axis=-1)


def check_closeness(acted: Clip, found: mien.Performance, mask: mien.Performance) -> None:
    """Within the goals, and no worse than Procrustes on the upper third."""
    error, masked = acted.errors(found), acted.errors(mask)
    assert error.mean() < 0.15
    assert np.percentile(error, 95) < 0.35
    # Where nothing in the mask moves the mask is as exact as the noise lets it be: half the noise is allowed.
    assert error.mean() < masked.mean() + 0.025


def check_turns(acted: Clip, found: mien.Performance) -> None:
    turns = np.abs(acted.turns(found))
    assert turns.mean() < 0.03
    assert turns.max() < 0.1


def check_knock(acted: Clip, found: mien.Performance) -> None:
    """Four frames of up to 9 mm are neither smoothed nor taken for expression."""
    error = acted.errors(found)
    struck = np.zeros(FRAMES, bool)
    struck[29:35] = True
    assert error[struck].max() < 0.25
    assert error[struck].mean() < 1.5 * error[~struck].mean() + 0.02


def check_still_face(acted: Clip, found: mien.Performance) -> None:
    moved = np.linalg.norm(found.expression - acted.neutral, axis=2) * MM
    assert moved.max() < 0.005  # float32 at 1.5 m from the origin
