"""Turn runs of the benchmarks into docs/benchmarks.md with its pictures.

    python benchmarks/run.py                          # measures everything and calls this
    MIEN_NUM_THREADS=2 OPENBLAS_NUM_THREADS=2 OMP_NUM_THREADS=2 pytest benchmarks --benchmark-json two.json
    python benchmarks/report.py two.json [--out docs]

Whatever benchmark called `compare` is in it: times, ratios and goals in tables; how times grow with vertices (questions
asked at three sizes and more) and with frames; bytes a second against what memory gives (of those that say);
and what `bench_memory.py` found. Later runs win where several answer the same question with as many threads.
"""

from __future__ import annotations

import argparse
import json
import pathlib
import re
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

SIZES = ("", "preview", "shot", "hero", "huge")
OURS, ALSO_OURS, PEER, LIMIT = "#0b5394", "#8db8dd", "#b0b0b0", "#c2571a"


class Run(NamedTuple):
    """What one or more files hold."""

    comparisons: list[dict[str, Any]]
    memory: list[dict[str, Any]]
    machine: dict[str, Any]
    commands: list[str]
    date: str


class Growth(NamedTuple):
    """Times of a question's rows over counts of vertices or of frames."""

    question: str
    counts: list[int]
    times: dict[str, list[float]]

    def power(self, row: str) -> float:
        """Return p of time ~ count^p, by least squares of the logarithms."""
        return float(np.polyfit(np.log(self.counts), np.log(self.times[row]), 1)[0])

    def ours(self) -> str:
        return next(row for row in self.times if row.startswith("mien"))


def read(paths: Iterable[pathlib.Path]) -> Run:
    """Gather comparisons and measurements of memory from the files of pytest-benchmark."""
    comparisons: dict[str, dict[str, Any]] = {}
    memory: dict[str, dict[str, Any]] = {}
    machine: dict[str, Any] = {}
    commands, date = [], ""
    for path in paths:
        data = json.loads(path.read_text())
        machine = facts = data["machine_info"]["mien"]
        date = data["datetime"][:10]
        count, blas = facts.get("threads"), facts.get("blas_threads")
        asked = facts.get("arguments", "benchmarks --benchmark-json " + path.name)
        threads = f"MIEN_NUM_THREADS={count} OPENBLAS_NUM_THREADS={blas} OMP_NUM_THREADS={blas}"
        commands.append(f"{threads} pytest {asked}")
        for benchmark in data["benchmarks"]:
            info = benchmark["extra_info"]
            if "comparison" in info:
                comparisons[info["comparison"]["key"]] = info["comparison"]
            if "memory" in info:
                memory[info["memory"]["question"] + info["memory"]["size"]] = info["memory"]
    order = {c["question"]: i for i, c in enumerate(comparisons.values())}
    listed = sorted(
        comparisons.values(),
        key=lambda c: (
            order[c["question"]],
            SIZES.index(c["size"]) if c["size"] in SIZES else 9,
            c["threads"],
        ),
    )
    return Run(listed, list(memory.values()), machine, commands, date)


def by_vertices(run: Run) -> list[Growth]:
    """Return the questions asked at three sizes or more with one count of threads, the least; times are of a frame."""
    groups: dict[tuple[str, int], list[dict[str, Any]]] = {}
    for c in run.comparisons:
        if c.get("vertices") and any(row.startswith("mien") for row in c["rows"]):
            groups.setdefault((c["question"], c["threads"]), []).append(c)
    out, seen = [], set()
    for (question, _), found in sorted(groups.items(), key=lambda item: item[0][1]):
        if len(found) < 3 or question in seen:
            continue
        seen.add(question)
        rows = [row for row in found[0]["rows"] if all(row in c["rows"] for c in found)]
        times = {row: [c["rows"][row][0] / (c.get("frames") or 1) for c in found] for row in rows}
        if any(row.startswith("mien") for row in rows):
            out.append(Growth(question, [c["vertices"] for c in found], times))
    return out


def by_frames(run: Run) -> list[Growth]:
    """Return the questions asked for three counts of frames or more: those named so."""
    groups: dict[tuple[str, int], dict[int, dict[str, Any]]] = {}
    for c in run.comparisons:
        name = re.fullmatch(r"(.*), \d+ frames", c["question"])
        if c.get("frames") and name:
            groups.setdefault((name[1], c["threads"]), {})[c["frames"]] = c
    out, seen = [], set()
    for (question, _), found in sorted(groups.items(), key=lambda item: item[0][1]):
        if len(found) >= 3 and question not in seen:
            seen.add(question)
            counts = sorted(found)
            rows = found[counts[0]]["rows"]
            out.append(Growth(question, counts, {r: [found[n]["rows"][r][0] for n in counts] for r in rows}))
    return out


def milliseconds(seconds: float) -> str:
    ms = seconds * 1e3
    return f"{ms:.0f}" if ms >= 100 else f"{ms:.3g}"


def results_table(run: Run) -> list[str]:
    """A row for every question, size and count of threads; the least times of all rounds."""
    lines = [
        "| question | vertices | threads | mien, ms | best peer, ms | ratio | goal | other rows, ms |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for c in run.comparisons:
        rows = {name: times[0] for name, times in c["rows"].items()}
        ours = [name for name in rows if name.startswith("mien")]
        peers = sorted((name for name in rows if name not in ours), key=rows.__getitem__)
        if not ours or not peers:
            continue
        first, best = ours[0], peers[0]
        goal, ratio = c["goals"].get(first), c["ratios"][first]
        aim = "" if goal is None else f"{goal:g}" + ("" if ratio <= goal else " (missed)")
        others = ", ".join(f"{name} {milliseconds(rows[name])}" for name in ours[1:] + peers[1:])
        lines.append(
            f"| {c['question']} | {c.get('vertices') or ''} | {c['threads']} | {milliseconds(rows[first])} "
            f"| {best} {milliseconds(rows[best])} | **{ratio:.3g}** | {aim} | {others} |"
        )
    return lines


def alone_table(run: Run) -> list[str]:
    """A row for every question that no peer answers, but those about counts of frames."""
    lines = ["| question | vertices | threads | ms |", "|---|---|---|---|"]
    for c in run.comparisons:
        rows = c["rows"]
        if all(name.startswith("mien") for name in rows) and not re.search(r", \d+ frames$", c["question"]):
            times = ", ".join(
                f"{n} {milliseconds(t[0])}" if len(rows) > 1 else milliseconds(t[0]) for n, t in rows.items()
            )
            lines.append(f"| {c['question']} | {c.get('vertices') or ''} | {c['threads']} | {times} |")
    return lines


def growth_table(title: str, letter: str, all_growths: list[Growth]) -> list[str]:
    lines = [f"| {title} | {letter} | ms | time grows as | best peer's |", "|---|---|---|---|---|"]
    for growth in all_growths:
        ours = growth.ours()
        peers = [row for row in growth.times if not row.startswith("mien")]
        best = min(peers, key=lambda row: growth.times[row][-1]) if peers else None
        times = ", ".join(milliseconds(t) for t in growth.times[ours])
        other = f"{letter}^{growth.power(best):.2f} ({best})" if best else ""
        counts = ", ".join(str(n) for n in growth.counts)
        lines.append(
            f"| {growth.question} | {counts} | {times} | {letter}^{growth.power(ours):.2f} | {other} |"
        )
    return lines


def moved_bytes(run: Run) -> list[tuple[str, float, float]]:
    """Return names, bytes a second and bytes a call of what says how much it moves, slowest first."""
    out = []
    for c in run.comparisons:
        if c["work"].get("bytes") and c["threads"] == 1:
            ours = next((row for row in c["rows"] if row.startswith("mien")), None)
            if ours:
                name = f"{c['question']}, {c['size']}" if c["size"] else c["question"]
                out.append((name, c["work"]["bytes"] / c["rows"][ours][0], c["work"]["bytes"]))
    return sorted(out, key=lambda item: item[1])


def draw_growth(path: pathlib.Path, all_growths: list[tuple[str, Growth]]) -> None:
    """Draw a small log-log panel for each question: ours in blue, peers in grey."""
    import matplotlib.pyplot as plt
    from matplotlib.ticker import LogLocator

    columns = 4
    n_rows = -(-len(all_growths) // columns)
    figure, axes = plt.subplots(n_rows, columns, figsize=(3 * columns, 2.3 * n_rows), squeeze=False)
    for axis in axes.flat[len(all_growths) :]:
        axis.axis("off")
    for axis, (letter, growth) in zip(axes.flat, all_growths, strict=False):
        for row, times in growth.times.items():
            mine = row == growth.ours()
            colour = OURS if mine else ALSO_OURS if row.startswith("mien") else PEER
            axis.loglog(growth.counts, np.array(times) * 1e3, ".-", color=colour, zorder=2 + mine)
        axis.set_title(f"{growth.question}: {letter}^{growth.power(growth.ours()):.2f}", fontsize=8)
        axis.set_xticks(growth.counts, [f"{n / 1000:.0f}k" if n >= 2000 else str(n) for n in growth.counts])
        axis.minorticks_off()
        low, high = axis.get_ylim()
        if high < 30 * low:
            axis.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axis.yaxis.set_major_formatter("{x:g}")
        axis.tick_params(labelsize=7)
        axis.grid(color="#e8e8e8", linewidth=0.6)
        for side in ("top", "right"):
            axis.spines[side].set_visible(False)
    for axis in axes[:, 0]:
        axis.set_ylabel("ms", fontsize=7)
    figure.tight_layout()
    save(figure, path)


def draw_roofline(path: pathlib.Path, run: Run) -> None:
    """Draw bytes a second of every kernel that says what it moves, and what memory gives."""
    import matplotlib.pyplot as plt

    kernels = moved_bytes(run)
    figure, axis = plt.subplots(figsize=(9, 1.2 + 0.24 * len(kernels)))
    for i, (_, speed, _) in enumerate(kernels):
        axis.plot([0, speed / 1e9], [i, i], color="#dde6ef", linewidth=5, solid_capstyle="butt")
        axis.plot(speed / 1e9, i, "o", color=OURS, markersize=5)
    for name, offset in (("read", -0.3), ("copy", 0.5)):
        speed = run.machine[name] / 1e9
        axis.axvline(speed, color=LIMIT, linewidth=1)
        axis.text(speed, len(kernels) - 0.2 + offset, f" {name} {speed:.0f}", color=LIMIT, fontsize=8)
    axis.set_yticks(range(len(kernels)), [name for name, _, _ in kernels], fontsize=8)
    axis.set_ylim(-0.7, len(kernels) + 0.7)
    axis.set_xlim(left=0)
    axis.set_xlabel("bytes that must be moved, GB/s, one thread", fontsize=8)
    for side in ("top", "right", "left"):
        axis.spines[side].set_visible(False)
    figure.tight_layout()
    save(figure, path)


def save(figure: Any, path: pathlib.Path) -> None:
    import matplotlib.pyplot as plt

    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, metadata={"Software": None})
    plt.close(figure)


def memory_table(run: Run) -> list[str]:
    lines = ["| | vertices | frames | take, MB | peak, MB |", "|---|---|---|---|---|"]
    for record in run.memory:
        lines += [
            f"| {record['question']} | {record['vertices']} | {row['frames']} | {row['take']:.0f} "
            f"| {row['megabytes']:.0f} |"
            for row in record["rows"]
        ]
    return lines


def alone(run: Run) -> list[str]:
    table = alone_table(run)
    return [*("## Without a peer", ""), *table, ""] if len(table) > 2 else []


def page(run: Run, files: list[str], pictures: set[str], command: str | None = None) -> str:
    machine = run.machine
    versions = ", ".join(f"{name} {number}" for name, number in machine.get("versions", {}).items())
    system = str(machine.get("system")).split("-")[0]
    speeds = (
        f"read {machine['read'] / 1e9:.1f} GB/s, copy {machine['copy'] / 1e9:.1f} GB/s (read and written)"
    )
    lines = [
        "# Benchmarks",
        "",
        "Made by `benchmarks/report.py`; do not edit. Every answer was asserted before it was timed; rows take turns",
        "in one process and the least time of each counts: with one thread the processor's time, with two the clock's.",
        "Ratios are what to read: time divided by the best peer's in the same run. Absolute times are this machine's.",
        "",
        "```",
        *([command] if command else [*run.commands, f"python benchmarks/report.py {' '.join(files)}"]),
        "```",
        "",
        f"{run.date}. {machine.get('processor', '')}, {machine.get('processors')} processors, {system}; "
        f"{machine.get('instruction_set')} path. One thread's memory: {speeds}; NumPy's float32 matrix product "
        f"{machine['multiply'] / 1e9:.0f} GFLOP/s.",
        "",
        f"Versions: {versions}.",
        "",
        "## Time against the best peer",
        "",
        *results_table(run),
        "",
        *alone(run),
        "## How time grows",
        "",
        "Exponents are fitted to the logarithms. Sizes are a narrow face, a whole head with its neck, and that head",
        "with every triangle split once and twice.",
        "",
    ]
    if "growth.png" in pictures:
        lines += ["![Times over vertices and frames, log-log](benchmarks/growth.png)", ""]
        lines += ["Blue is ours, grey are peers; over vertices, times of one frame.", ""]
        lines += [*growth_table("with vertices", "V", by_vertices(run)), ""]
        lines += [*growth_table("with frames", "F", by_frames(run)), ""]
    if "roofline.png" in pictures:
        lines += ["## Against memory", "", "![Bytes a second against memory's](benchmarks/roofline.png)", ""]
        lines += ["| kernel | MB a call | GB/s | of reading | of copying |", "|---|---|---|---|---|"]
        for name, speed, size in reversed(moved_bytes(run)):
            lines.append(
                f"| {name} | {size / 1e6:.1f} | {speed / 1e9:.1f} | {speed / machine['read']:.2f} "
                f"| {speed / machine['copy']:.2f} |"
            )
        lines += ["", "Calls of less than the last cache's size may exceed what memory gives.", ""]
    if run.memory:
        lines += [
            *(
                "## Memory",
                "",
                "Peak of what a process owns while it separates a whole memory-mapped take, above what it",
            ),
            *("owned when the take was open; at most 256 MB, asserted.", "", *memory_table(run), ""),
        ]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("runs", nargs="+", type=pathlib.Path)
    parser.add_argument("--command", help="what made all of the runs, instead of one command for each")
    parser.add_argument("--out", type=pathlib.Path, default=pathlib.Path("docs"))
    arguments = parser.parse_args()
    import matplotlib

    matplotlib.use("agg")
    run = read(arguments.runs)
    growths = [("V", g) for g in by_vertices(run)] + [("F", g) for g in by_frames(run)]
    pictures = set()
    if growths:
        draw_growth(arguments.out / "benchmarks/growth.png", growths)
        pictures.add("growth.png")
    if moved_bytes(run):
        draw_roofline(arguments.out / "benchmarks/roofline.png", run)
        pictures.add("roofline.png")
    names = [path.name for path in arguments.runs]
    (arguments.out / "benchmarks.md").write_text(page(run, names, pictures, arguments.command))
    print(f"{arguments.out / 'benchmarks.md'}: {len(run.comparisons)} comparisons")


if __name__ == "__main__":
    main()
