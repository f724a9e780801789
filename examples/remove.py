"""Shorten the take by sixteen frames; expression and head run into each other over five on each side.

python examples/remove.py remove.png
"""

from __future__ import annotations

from acting import draw, performance

import mien


def main() -> None:
    _, perf = performance()
    result = draw(perf, [mien.Remove(20, 36, blend=5)], 24, __doc__)
    assert len(result) == len(perf) - 16


if __name__ == "__main__":
    main()
