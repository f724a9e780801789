"""Time rows that answer the same question against each other, in one process, a round of all rows at a time.

On a machine that does other work too, two timings taken apart say little; of rows that take turns, the smallest time of
each is comparable, and so is their ratio. `check` sees every row's answer before anything is timed.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

__all__ = ["Timing", "interleaved", "ratio_to_best_peer"]


class Timing(NamedTuple):
    """Seconds a call of a row, over all rounds."""

    min: float
    median: float


def interleaved(
    rows: Mapping[str, Callable[[], Any]],
    rounds: int = 7,
    check: Callable[[str, Any], None] | None = None,
    *,
    clock: Callable[[], float] = time.perf_counter,
    shortest: float = 2e-3,
) -> dict[str, Timing]:
    """Run every row `rounds` times, taking turns.

    Parameters
    ----------
    rows : mapping of names to calls without arguments
    rounds : int
        How often each row is timed.
    check : callable, optional
        Called as ``check(name, answer)`` for each row once, before the rounds; must assert. This call of the row also
        warms it up.
    clock : callable
        `time.process_time` counts the work of all threads and not that of other processes: for rows of one thread.
    shortest : float
        Seconds that one timing lasts at least: a faster row is called several times in a round.

    Returns
    -------
    dict of names to Timing.
    """
    calls: dict[str, int] = {}
    for name, row in rows.items():
        answer = row()
        if check is not None:
            check(name, answer)
        del answer
        started = time.perf_counter()
        row()
        calls[name] = max(1, int(shortest / max(time.perf_counter() - started, 1e-7)))
    times: dict[str, list[float]] = {name: [] for name in rows}
    collecting = gc.isenabled()
    gc.disable()
    try:
        for _ in range(max(1, rounds)):
            for name, row in rows.items():
                n = calls[name]
                started = clock()
                for _ in range(n):
                    row()
                times[name].append((clock() - started) / n)
    finally:
        if collecting:
            gc.enable()
    return {name: Timing(min(t), sorted(t)[len(t) // 2]) for name, t in times.items()}


def ratio_to_best_peer(
    times: Mapping[str, Timing], ours: str, peers: Mapping[str, Any] | None = None
) -> float:
    """Divide the least time of `ours` by that of the fastest peer: rows whose names do not begin with "mien"."""
    others = [
        t.min for name, t in times.items() if not name.startswith("mien") and (peers is None or name in peers)
    ]
    return times[ours].min / min(others)
