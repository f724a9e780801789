"""Correct one bad smile and let the correction find every expression that is like it.

python examples/similar.py similar.png
"""

from __future__ import annotations

from acting import draw, performance, strongest

import mien


def main() -> None:
    acted, perf = performance()
    frame = strongest(acted, "mouthSmileLeft")
    corners = [acted.head.landmarks[f"mouth_corner_{side}"] for side in ("left", "right")]
    mouth = mien.editing.RegionRecipe(corners, 5.0)
    weights = mien.similar_expressions(perf, frame, 0.25, region=mouth)  # what the edit will use, to look at
    similar = mien.editing.SimilarRecipe(frame, radius=0.25)
    result = draw(perf, [mien.Gain(0.4, region=mouth, envelope=similar)], frame, __doc__)
    changed = (result.positions != perf.take.positions).any(axis=(1, 2))
    assert changed[weights == 0].sum() == 0


if __name__ == "__main__":
    main()
