"""Mix with another take, moment for moment: seven tenths of what it does with the mouth.

python examples/blend.py blend.png
"""

from __future__ import annotations

from acting import draw, performance, strongest

import mien


def main() -> None:
    _, perf = performance()
    other, source = performance(seed=6)
    mouth = mien.region(
        perf.take.topology, perf.neutral, [other.head.landmarks["upper_lip"]], radius=7.0, hold=3.5
    )
    mix = mien.Blend(source, source_frames=(0, 72), frames=(0, 72), amount=0.7, region=mouth)
    best = int(mix.times(perf).searchsorted(strongest(other, "mouthSmileLeft")))
    draw(perf, [mix], best, __doc__)


if __name__ == "__main__":
    main()
