"""Hold a smile back to two fifths around its strongest frame; the eyes and the head stay.

python examples/gain.py gain.png
"""

from __future__ import annotations

from acting import draw, performance, strongest

import mien


def main() -> None:
    acted, perf = performance()
    frame = strongest(acted, "mouthSmileLeft")
    marks = acted.head.landmarks
    corners = [marks["mouth_corner_left"], marks["mouth_corner_right"]]
    mouth = mien.region(perf.take.topology, perf.neutral, corners, radius=5.0)
    smile = mien.envelope(len(perf), start=frame - 10, peak=frame, end=frame + 10)
    draw(perf, [mien.Gain(0.4, region=mouth, envelope=smile)], frame, __doc__)


if __name__ == "__main__":
    main()
