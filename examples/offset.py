"""Add shapes of a rig by name: a raised brow, and half a smile on the left.

python examples/offset.py offset.png
"""

from __future__ import annotations

from acting import draw, performance

import mien


def main() -> None:
    acted, perf = performance()
    frame = 20
    rise = mien.envelope(len(perf), start=frame - 8, peak=frame, end=frame + 8)
    shapes = {"mouthSmileLeft": 0.6, "browInnerUp": 0.8}
    draw(perf, [mien.Offset(acted.head.rig, shapes, envelope=rise)], frame, __doc__)


if __name__ == "__main__":
    main()
