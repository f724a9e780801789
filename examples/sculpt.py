"""Correct one frame by hand, a dent in the left cheek, and let it turn with the skin on the frames around.

python examples/sculpt.py sculpt.png
"""

from __future__ import annotations

from acting import draw, performance, strongest

import mien


def main() -> None:
    acted, perf = performance()
    frame = strongest(acted, "mouthSmileLeft")
    cheek = mien.region(perf.take.topology, perf.neutral, [acted.head.landmarks["cheek_left"]], radius=2.5)
    # A sculptor would bring this shape back from another program; it lies in the world, as the take does.
    inwards = perf.head.rotation[frame] @ [-0.2, 0.1, -0.6]
    shape = perf.take.positions[frame] + cheek[:, None] * inwards
    draw(perf, [mien.Sculpt(frame, shape, space="surface")], frame, __doc__)


if __name__ == "__main__":
    main()
