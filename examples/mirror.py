"""Make a smile lopsided, then swap its sides: what the left corner did, the right one does.

python examples/mirror.py mirror.png
"""

from __future__ import annotations

from acting import draw, performance

import mien


def main() -> None:
    acted, perf = performance()
    frame = 20
    smile = mien.Offset(acted.head.rig, {"mouthSmileLeft": 0.8, "browOuterUpLeft": 0.8})
    lopsided = mien.recombine(perf, [smile])
    perf = mien.Performance(lopsided, perf.head, perf.neutral, perf.residual, perf.confidence)
    draw(perf, [mien.Mirror()], frame, __doc__)


if __name__ == "__main__":
    main()
