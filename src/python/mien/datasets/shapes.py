"""What every blendshape does to the skin, as data: soft pushes along the surface and out of it.

A push has a centre and radii in front view, centimetres, for the subject's left side; a move of the skin outwards to
the side, upwards, and out along the normal; and the part of the face it takes hold of. Moves along the surface follow
its curvature: a brow that is raised slides over the forehead. The jaw, the lids and the eyeballs are not here: they
turn on arcs (see `head_motion`).
"""

from __future__ import annotations

import dataclasses

__all__ = ["CORRECTIVES", "NAMES", "PUSHES", "Push", "sided"]


@dataclasses.dataclass(frozen=True)
class Push:
    """One soft push.

    Parameters
    ----------
    at : (x, y)
        Centre in front view; x to the subject's left.
    radius : (x, y)
        Where the push has faded to nothing; it is close to Gaussian with a third of this.
    move : (side, up, out)
        Centimetres at weight 1; `side` is away from the midline.
    part : {"skin", "upper", "lower", "lips", "upper_red", "lower_red"}
        What it takes hold of: all skin, one side of the mouth's opening, or the red of the lips.
    gather : float
        Moves towards the midline by this share of the distance from it.
    centred : bool
        Whether the push is the same on both sides (then x counts as a distance from the midline).
    """

    at: tuple[float, float]
    radius: tuple[float, float]
    move: tuple[float, float, float]
    part: str = "skin"
    gather: float = 0.0
    centred: bool = False


def _both(
    at: tuple[float, float],
    radius: tuple[float, float],
    move: tuple[float, float, float],
    part: str = "skin",
    gather: float = 0.0,
) -> Push:
    return Push(at, radius, move, part, gather, centred=True)


# Shapes whose name ends in Left have a twin on the right.
PUSHES: dict[str, tuple[Push, ...]] = {
    "browDownLeft": (
        Push((2.3, 2.1), (3.4, 2.6), (-0.22, -0.52, 0.06)),
        Push((0.7, 1.7), (1.8, 2.2), (-0.12, -0.18, 0.14)),
    ),
    "browInnerUp": (_both((0.9, 2.3), (2.9, 4.2), (0.05, 0.85, 0.04)),),
    "browOuterUpLeft": (Push((3.9, 2.4), (3.0, 4.0), (0.05, 0.80, 0.02)),),
    "cheekPuff": (
        _both((4.3, -6.3), (4.2, 4.4), (0.10, 0.0, 0.95)),
        _both((0.0, -6.6), (3.4, 2.8), (0.0, 0.0, 0.30)),
    ),
    "cheekSquintLeft": (
        Push((3.7, -2.7), (3.2, 2.6), (-0.05, 0.55, 0.26)),
        Push((3.2, -1.2), (2.2, 1.3), (0.0, 0.12, 0.08)),
    ),
    "eyeBlinkLeft": (Push((3.1, 1.4), (2.6, 1.6), (0.0, -0.10, 0.0)),),
    "eyeLookDownLeft": (),
    "eyeLookInLeft": (),
    "eyeLookOutLeft": (),
    "eyeLookUpLeft": (),
    "eyeSquintLeft": (Push((3.4, -1.4), (2.6, 1.8), (0.0, 0.20, 0.10)),),
    "eyeWideLeft": (Push((3.1, 1.7), (3.0, 2.4), (0.0, 0.22, 0.0)),),
    "jawForward": (),
    "jawLeft": (),
    "jawOpen": (
        _both((2.6, -6.7), (2.6, 2.2), (-0.24, 0.0, -0.05)),
        _both((4.7, -6.2), (3.0, 3.6), (-0.05, 0.0, -0.28)),
        _both((0.0, -5.8), (2.6, 1.8), (0.0, -0.06, -0.04), "upper"),
    ),
    "mouthClose": (),
    "mouthDimpleLeft": (
        Push((2.7, -6.7), (2.4, 1.9), (0.46, 0.04, -0.10)),
        Push((3.1, -6.7), (1.3, 1.3), (0.0, 0.0, -0.24)),
    ),
    "mouthFrownLeft": (
        Push((2.5, -6.9), (2.6, 2.2), (0.08, -0.68, -0.06)),
        Push((2.9, -8.4), (2.2, 2.2), (0.0, -0.20, 0.08)),
    ),
    "mouthFunnel": (
        _both((0.0, -6.7), (6.5, 3.4), (0.0, 0.0, 0.55), gather=0.28),
        _both((0.0, -6.2), (2.6, 2.2), (0.0, 0.42, 0.20), "upper"),
        _both((0.0, -7.2), (2.6, 2.4), (0.0, -0.50, 0.24), "lower"),
    ),
    "mouthLeft": (
        _both((0.0, -6.7), (5.0, 3.6), (0.0, 0.0, 0.0)),
        Push((0.6, -6.7), (4.6, 3.4), (0.95, 0.05, 0.0)),
        Push((3.6, -6.3), (2.6, 2.6), (0.0, 0.06, 0.16)),
    ),
    "mouthLowerDownLeft": (
        Push((1.35, -7.3), (2.2, 2.3), (0.12, -0.62, -0.05), "lower"),
        Push((1.4, -8.6), (2.2, 2.0), (0.0, -0.10, 0.08), "lower"),
    ),
    "mouthPressLeft": (
        Push((1.3, -6.0), (2.4, 1.5), (0.05, -0.16, -0.10), "upper_red"),
        Push((1.3, -7.3), (2.4, 1.5), (0.05, 0.20, -0.12), "lower_red"),
        Push((2.6, -6.7), (1.8, 1.8), (0.12, 0.02, -0.16)),
        Push((1.4, -9.0), (2.2, 2.0), (0.0, 0.16, 0.06)),
    ),
    "mouthPucker": (
        _both((0.0, -6.7), (7.2, 3.6), (0.0, 0.0, 0.75), gather=0.60),
        _both((0.0, -5.9), (2.6, 1.5), (0.0, 0.10, 0.34), "upper_red"),
        _both((0.0, -7.4), (2.6, 1.6), (0.0, -0.12, 0.36), "lower_red"),
        _both((3.6, -6.4), (2.6, 3.0), (0.0, 0.0, -0.30)),
    ),
    "mouthRollLower": (
        _both((0.0, -7.3), (3.1, 1.3), (0.0, 0.26, -0.38), "lower_red"),
        _both((0.0, -8.1), (3.0, 1.6), (0.0, 0.26, -0.06), "lower"),
    ),
    "mouthRollUpper": (
        _both((0.0, -6.0), (3.1, 1.3), (0.0, -0.20, -0.44), "upper_red"),
        _both((0.0, -5.4), (2.8, 1.4), (0.0, -0.20, -0.05), "upper"),
    ),
    "mouthShrugLower": (
        _both((0.0, -7.0), (3.0, 3.2), (0.0, 0.46, 0.16)),
        _both((0.0, -9.6), (2.6, 2.0), (0.0, 0.38, 0.16), "lower"),
    ),
    "mouthShrugUpper": (_both((0.0, -6.0), (2.9, 2.2), (0.0, 0.34, 0.16), "upper"),),
    "mouthSmileLeft": (
        Push((2.6, -6.7), (3.6, 2.7), (0.92, 0.80, -0.10)),
        Push((4.2, -3.9), (2.8, 2.5), (0.05, 0.34, 0.62)),
        Push((3.5, -6.2), (1.3, 1.7), (0.0, 0.0, -0.26)),
        Push((2.3, -4.9), (1.1, 1.6), (0.10, 0.10, -0.22)),
        Push((3.3, -1.5), (2.4, 1.5), (0.0, 0.16, 0.08)),
        Push((0.9, -6.1), (2.2, 1.6), (0.06, 0.06, -0.16), "upper"),
        Push((0.9, -7.2), (2.2, 1.6), (0.06, 0.10, -0.16), "lower"),
    ),
    "mouthStretchLeft": (
        Push((2.7, -6.9), (3.6, 2.8), (0.85, -0.36, -0.10)),
        Push((3.6, -9.0), (2.6, 2.6), (0.15, -0.15, -0.08)),
    ),
    "mouthUpperUpLeft": (
        Push((1.25, -6.0), (2.3, 2.2), (0.10, 0.58, 0.04), "upper"),
        Push((2.5, -4.2), (2.2, 2.2), (0.0, 0.22, 0.16)),
    ),
    "noseSneerLeft": (
        Push((1.3, -3.9), (1.7, 1.7), (0.08, 0.38, 0.06)),
        Push((1.1, -1.8), (1.7, 2.0), (-0.02, 0.26, 0.12)),
        Push((1.4, -5.7), (1.9, 1.7), (0.05, 0.30, 0.02), "upper"),
        Push((1.0, 1.6), (1.8, 1.6), (-0.06, -0.20, 0.06)),
        Push((2.6, -3.4), (2.0, 1.9), (0.0, 0.22, 0.14)),
    ),
}

# Products of two weights: what the sum of two shapes gets wrong.
CORRECTIVES: dict[tuple[str, str], tuple[Push, ...]] = {
    ("jawOpen", "mouthSmileLeft"): (
        Push((2.6, -6.7), (3.0, 2.4), (-0.28, -0.22, 0.05)),
        Push((1.2, -6.1), (2.4, 1.6), (0.0, 0.20, -0.06), "upper"),
    ),
    ("jawOpen", "mouthPucker"): (
        _both((0.0, -6.0), (2.4, 2.0), (0.0, -0.20, 0.06), "upper"),
        _both((0.0, -7.2), (2.4, 2.2), (0.0, 0.62, 0.10), "lower"),
        _both((2.4, -6.7), (2.2, 2.0), (0.12, 0.0, 0.0)),
    ),
    ("jawOpen", "mouthFunnel"): (
        _both((0.0, -6.0), (2.6, 2.0), (0.0, -0.14, 0.0), "upper"),
        _both((0.0, -7.2), (2.6, 2.2), (0.0, 0.40, 0.06), "lower"),
    ),
    ("jawOpen", "mouthStretchLeft"): (Push((2.7, -6.9), (3.0, 2.4), (-0.24, 0.16, 0.0)),),
    ("jawOpen", "mouthFrownLeft"): (Push((2.5, -6.9), (2.4, 2.2), (-0.05, 0.24, 0.0)),),
    ("jawOpen", "cheekPuff"): (
        _both((4.3, -6.3), (4.2, 4.4), (0.0, 0.0, -0.50)),
        _both((0.0, -6.6), (3.4, 2.8), (0.0, 0.0, -0.25)),
    ),
    ("jawOpen", "mouthLowerDownLeft"): (Push((1.35, -7.3), (2.2, 2.3), (0.0, 0.28, 0.0), "lower"),),
    ("eyeBlinkLeft", "cheekSquintLeft"): (
        Push((3.6, -2.3), (2.8, 2.0), (0.0, 0.10, 0.12)),
        Push((5.0, -0.3), (1.6, 1.6), (-0.06, 0.04, 0.06)),
    ),
    ("eyeBlinkLeft", "browDownLeft"): (
        Push((2.4, 1.8), (3.0, 2.2), (-0.04, -0.16, 0.08)),
        Push((0.8, 1.6), (1.6, 1.8), (-0.08, 0.0, 0.08)),
    ),
    ("browDownLeft", "noseSneerLeft"): (Push((0.8, 1.0), (1.6, 2.0), (-0.06, 0.16, 0.14)),),
    ("browInnerUp", "browDownLeft"): (
        Push((1.2, 2.2), (2.4, 2.6), (-0.16, 0.12, 0.16)),
        Push((3.0, 2.2), (2.4, 2.2), (0.0, -0.12, 0.0)),
    ),
    ("browInnerUp", "browOuterUpLeft"): (Push((2.4, 2.6), (3.0, 3.4), (0.0, -0.34, 0.06)),),
    ("mouthSmileLeft", "cheekSquintLeft"): (Push((3.9, -3.4), (3.0, 2.6), (0.0, -0.18, -0.16)),),
    ("mouthSmileLeft", "mouthPucker"): (
        Push((2.6, -6.7), (3.2, 2.6), (-0.30, -0.25, 0.05)),
        Push((1.0, -6.7), (2.6, 2.0), (0.0, 0.0, -0.22)),
    ),
    ("mouthSmileLeft", "mouthFrownLeft"): (Push((2.6, -6.8), (2.6, 2.2), (0.20, 0.0, -0.12)),),
    ("mouthSmileLeft", "mouthStretchLeft"): (Push((2.7, -6.8), (3.4, 2.6), (-0.42, 0.0, 0.06)),),
    ("mouthFunnel", "mouthPucker"): (_both((0.0, -6.7), (6.5, 3.4), (0.0, 0.0, -0.42), gather=-0.22),),
    ("mouthUpperUpLeft", "noseSneerLeft"): (Push((1.3, -5.9), (2.2, 2.0), (0.0, -0.24, 0.0), "upper"),),
    ("mouthShrugLower", "mouthRollLower"): (_both((0.0, -7.4), (2.8, 2.0), (0.0, -0.18, 0.0), "lower"),),
}


def sided(name: str) -> bool:
    """Return whether a shape has a twin on the other side."""
    return name.endswith("Left")


NAMES: tuple[str, ...] = tuple(
    sorted(n for name in PUSHES for n in ((name, name[:-4] + "Right") if sided(name) else (name,)))
)
