"""Lengthen the take by a smile that was acted later; the head goes on along its own path.

python examples/insert.py insert.png
"""

from __future__ import annotations

from acting import draw, performance, strongest

import mien


def main() -> None:
    acted, perf = performance()
    best = strongest(acted, "mouthSmileLeft")
    insert = mien.Insert(source_frames=(best - 8, best + 8), at=20, head="continue", blend=5)
    result = draw(perf, [insert], 28, __doc__)
    assert len(result) == len(perf) + 16


if __name__ == "__main__":
    main()
