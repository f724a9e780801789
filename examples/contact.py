"""Push an expression until the lips part, then mend them: what touched in the take touches again.

python examples/contact.py contact.png
"""

from __future__ import annotations

import numpy as np
from acting import draw_shape, performance

import mien


def main() -> None:
    acted, perf = performance()
    head = acted.head
    upper, lower = (
        mien.geodesic_distance(head.topology, head.neutral, head.loops[f"{side}_lip"])
        for side in ("upper", "lower")
    )
    upper_side = np.flatnonzero((upper < 1.0) & (upper < lower))
    lower_side = np.flatnonzero((lower < 1.0) & (lower < upper))
    ends = np.linalg.norm(
        acted.expression[10:-10, head.loops["upper_lip"]] - acted.expression[10:-10, head.loops["lower_lip"]],
        axis=2,
    )
    frame = 10 + int(ends.max(axis=1).argmin())  # where the lips are shut
    lift = np.clip(1 - upper / 1.5, 0, 1) * (upper < lower)
    shape = perf.head[frame].apply_inverse(perf.take.positions[frame])[0] + lift[:, None] * [0, 0.4, 0]
    parted = mien.Sculpt(frame, shape, space="head")
    broken = mien.recombine(perf, [parted])
    mended = mien.recombine(perf, [parted, mien.Contact(upper_side, lower_side)])
    perf = mien.Performance(broken, perf.head, perf.neutral, perf.residual, perf.confidence)
    draw_shape(perf, mended, frame, __doc__)


if __name__ == "__main__":
    main()
