"""Let a blink come five frames earlier: lids and what surrounds them, while mouth and head keep their time.

python examples/retime.py retime.png
"""

from __future__ import annotations

from acting import draw, performance, strongest

import mien


def main() -> None:
    acted, perf = performance()
    blink = strongest(acted, "eyeBlinkLeft", margin=16)
    marks = acted.head.landmarks
    lids = [marks[f"upper_lid_{side}"] for side in ("left", "right")]
    eyes = mien.region(perf.take.topology, perf.neutral, lids, radius=3.5, hold=2.0)
    keys = [(blink - 14, blink - 14), (blink - 5, blink), (blink + 12, blink + 12)]
    draw(perf, [mien.Retime(keys, region=eyes)], blink - 5, __doc__)


if __name__ == "__main__":
    main()
