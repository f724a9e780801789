"""Act the take with an older face: hollow cheeks, a longer nose and a heavier jaw; only the neutral is changed.

python examples/neutral.py neutral.png
"""

from __future__ import annotations

import numpy as np
from acting import draw, performance, strongest

import mien


def main() -> None:
    acted, perf = performance()
    frame = strongest(acted, "mouthSmileLeft")
    marks = acted.head.landmarks
    older = perf.neutral.copy()
    for mark, radius, move in (
        ("cheek_left", 3.5, [-0.5, 0.0, -0.5]),
        ("cheek_right", 3.5, [0.5, 0.0, -0.5]),
        ("nose_tip", 2.5, [0.0, -0.3, 0.4]),
        ("jaw_angle_left", 4.5, [0.5, -0.3, 0.0]),
        ("jaw_angle_right", 4.5, [-0.5, -0.3, 0.0]),
    ):
        near = mien.region(perf.take.topology, perf.neutral, [marks[mark]], radius=radius)
        older += near[:, None] * np.array(move)
    draw(perf, [mien.Neutral(older)], frame, __doc__)


if __name__ == "__main__":
    main()
