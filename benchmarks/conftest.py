"""What every benchmark may use: `--quick`, faces of four sizes, and `compare`, which times, checks and records.

    MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest benchmarks --benchmark-json run.json
    pytest benchmarks --quick          # small sizes, few rounds, ratios held against benchmarks/reference.json

With one thread, times are those that the process had of a processor, so that other work on the machine does not
decide. With --quick a ratio may be a quarter worse than its reference; one that is more is measured again, three times
at most, and the least counts. reference.json is what `--quick --update-reference` wrote with the peers of peers.txt,
the larger of two runs; absolute times are held against nothing.

A benchmark reads::

    def test_refill(compare, face, size):             # once for each size; --quick takes the smallest
        mesh = face(size)
        compare("cotangent refill", {"mien": ..., "libigl": ...}, size=size, check=check, goal=0.06)
"""

from __future__ import annotations

import json
import pathlib
import shlex
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import pytest

import faces
import machine
from interleave import Timing, interleaved, ratio_to_best_peer
from mien import _core

SIZES = ("preview", "shot", "hero", "huge")
QUICK_SIZES = ("preview",)
REFERENCE = pathlib.Path(__file__).with_name("reference.json")
TOLERANCE = 1.25
# Peers that are large or hard to install take no part with --quick: the guard's ratios are to those that everybody has,
# or a reference taken beside a faster peer would let much pass elsewhere.
UNCOMMON = ("torch", "roma", "open3d", "CHOLMOD", "pypardiso", "quadprog", "osqp")
RETRIES = 3  # a busy machine may spoil one measurement, hardly four

comparisons: list[dict[str, Any]] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mien")
    group.addoption(
        "--quick", action="store_true", help="small sizes, few rounds; ratios must keep to the reference"
    )
    group.addoption("--rounds", type=int, help="at most so many rounds, where the machine has little time")
    group.addoption(
        "--update-reference", action="store_true", help="write the ratios of this run as the reference"
    )


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "sizes(*names): the sizes of face that a benchmark is for")
    if config.getoption("--quick"):
        config.option.benchmark_min_rounds = 3
        config.option.benchmark_max_time = 0.2
        config.option.benchmark_calibration_precision = 5


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "size" not in metafunc.fixturenames or any(
        "size" in mark.args[0] for mark in metafunc.definition.iter_markers("parametrize")
    ):
        return
    mark = metafunc.definition.get_closest_marker("sizes")
    names = [name for name in SIZES if mark is None or name in mark.args]
    if metafunc.config.getoption("--quick"):
        names = [name for name in names if name in QUICK_SIZES] or names[:1]
    metafunc.parametrize("size", names)


@pytest.fixture(scope="session")
def quick(request: pytest.FixtureRequest) -> bool:
    """Whether sizes and rounds are to be small."""
    return bool(request.config.getoption("--quick"))


@pytest.fixture(scope="session")
def face() -> Callable[[str], faces.Face]:
    """Return a function that gives the face of a size, the real one where it is present; see `faces.Face`."""
    return faces.face


@pytest.fixture
def compare(benchmark: Any, quick: bool, request: pytest.FixtureRequest) -> Callable[..., dict[str, Timing]]:
    """Return a function that times rows against each other, records the ratios, and guards them with --quick.

    ``compare(question, rows, *, size="", check=None, goal=None, rounds=None, work=None, parts=None, clock=...)``: rows
    whose names begin with "mien" are ours, the others peers. `goal` is the ratio to the best peer that the first of
    ours should reach (or a mapping from row to goal); `work` says what one call costs, {"flops": …, "bytes": …}, for
    the roofline. `parts` says how many units of work a row's call does where rows differ: times are then those of one
    unit. Rows of None, peers that are not installed, are left out; `frames` is recorded, as are the face's vertices,
    for how costs grow. At most one call in a test.
    """

    def run(
        question: str,
        rows: Mapping[str, Callable[[], Any] | None],
        *,
        size: str = "",
        frames: int | None = None,
        check: Callable[[str, Any], None] | None = None,
        goal: float | Mapping[str, float] | None = None,
        rounds: int | None = None,
        work: Mapping[str, float] | None = None,
        parts: Mapping[str, int] | None = None,
        **clock: Any,
    ) -> dict[str, Timing]:
        left_out = UNCOMMON if quick else ()
        present = {n: row for n, row in rows.items() if row is not None and not n.startswith(left_out)}
        ours = [name for name in present if name.startswith("mien")]
        rounds = rounds or (5 if quick else 9)
        rounds = min(rounds, request.config.getoption("--rounds") or rounds)
        threads = _core.thread_count()
        if threads == 1:  # other work on the machine must not decide
            clock.setdefault("clock", time.process_time)
        times = _of_one(interleaved(present, rounds, check, **clock), parts)
        ratios = _ratios(times, ours)
        goals = {ours[0]: goal} if isinstance(goal, (int, float)) and ours else dict(goal or {})
        key = " | ".join(str(part) for part in (question, size, f"{threads}T") if part)
        reference = {} if not quick else _reference(key)
        for _ in range(RETRIES):
            late = [n for n in reference if n in ratios and ratios[n] > TOLERANCE * reference[n]]
            if not late or request.config.getoption("--update-reference"):
                break
            again = _of_one(interleaved(present, rounds, None, **clock), parts)
            for name, ratio in _ratios(again, ours).items():
                ratios[name] = min(ratio, ratios[name])
        record = {
            "question": question,
            "size": size,
            "vertices": len(faces.face(size).positions) if size in SIZES else None,
            "frames": frames,
            "threads": threads,
            "key": key,
            "rows": {name: list(time) for name, time in times.items()},
            "ratios": ratios,
            "goals": goals,
            "work": dict(work or {}),
        }
        comparisons.append(record)
        first = present[ours[0]] if ours else next(iter(present.values()))
        benchmark.group = key
        benchmark.extra_info["comparison"] = record
        benchmark.pedantic(first, rounds=1, iterations=1)
        for name, limit in reference.items():
            if name in ratios and not request.config.getoption("--update-reference"):
                assert ratios[name] <= TOLERANCE * limit, (
                    f"{key}: {name} takes {ratios[name]:.3f} of the best peer's time, {limit:.3f} before"
                )
        return times

    return run


def _of_one(times: dict[str, Timing], parts: Mapping[str, int] | None) -> dict[str, Timing]:
    per = {name: (parts or {}).get(name, 1) for name in times}
    return {name: Timing(t.min / per[name], t.median / per[name]) for name, t in times.items()}


def _ratios(times: Mapping[str, Timing], ours: list[str]) -> dict[str, float]:
    return {name: ratio_to_best_peer(times, name) for name in ours} if len(ours) < len(times) else {}


def _reference(key: str) -> dict[str, float]:
    return dict(json.loads(REFERENCE.read_text()).get(key, {})) if REFERENCE.exists() else {}


def pytest_benchmark_update_machine_info(config: pytest.Config, machine_info: dict[str, Any]) -> None:
    machine_info["mien"] = machine.facts(64 if config.getoption("--quick") else 256)
    arguments = [str(argument) for argument in config.invocation_params.args]
    plain = [pathlib.Path(a).name if a.startswith("/") else shlex.quote(a) for a in arguments]
    machine_info["mien"]["arguments"] = " ".join(plain)


def pytest_sessionfinish(session: pytest.Session) -> None:
    if not session.config.getoption("--update-reference") or not comparisons:
        return
    known = json.loads(REFERENCE.read_text()) if REFERENCE.exists() else {}
    known |= {c["key"]: {n: round(r, 4) for n, r in c["ratios"].items()} for c in comparisons if c["ratios"]}
    REFERENCE.write_text(json.dumps(dict(sorted(known.items())), indent=1) + "\n")


def pytest_terminal_summary(terminalreporter: Any) -> None:
    if not comparisons:
        return
    terminalreporter.section("time divided by the best peer's")
    for c in comparisons:
        for name, ratio in c["ratios"].items():
            goal = c["goals"].get(name)
            aim = "" if goal is None else f"  goal {goal:g}{'' if ratio <= goal else '  MISSED'}"
            least = c["rows"][name][0] * 1e3
            terminalreporter.line(f"{c['key']:<58} {name:<24} {ratio:8.3f} {least:10.3f} ms{aim}")


@pytest.fixture(autouse=True)
def peers_may_warn() -> Iterator[None]:
    """Peers warn of what is theirs to mend; the suite's own filter would make errors of it."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield
