"""Take a scanner's noise away; blinks and plosives keep their speed.

python examples/smooth.py smooth.png
"""

from __future__ import annotations

import numpy as np
from acting import draw, performance

import mien


def main() -> None:
    acted, perf = performance()
    noise = np.random.default_rng(3).normal(0.0, 0.03, perf.take.positions.shape)  # a third of a millimetre
    noisy = perf.take.with_positions((perf.take.positions + noise).astype(np.float32))
    perf = mien.Performance(noisy, perf.head, perf.neutral, perf.residual, perf.confidence)
    result = draw(perf, [mien.Smooth("savgol", window=9)], 36, __doc__)
    before, after = (np.std(p.positions - acted.take.positions) for p in (noisy, result))
    assert after < before


if __name__ == "__main__":
    main()
