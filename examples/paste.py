"""Bring the smile of another take of the same actor: mouth and cheeks for twenty-one frames, eased at both ends.

python examples/paste.py paste.png
"""

from __future__ import annotations

from acting import draw, performance, strongest

import mien


def main() -> None:
    _, perf = performance()
    other, source = performance(seed=6)
    frame, best = 20, strongest(other, "mouthSmileLeft")
    mouth = mien.region(
        perf.take.topology, perf.neutral, [other.head.landmarks["upper_lip"]], radius=7.0, hold=3.5
    )
    frames = (best - 10, best + 11)
    paste = mien.Paste(source, source_frames=frames, at=frame - 10, region=mouth, blend=6)
    draw(perf, [paste], frame, __doc__)


if __name__ == "__main__":
    main()
