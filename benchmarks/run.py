"""Measure everything that docs/benchmarks.md says, and write it: one command, some twenty minutes on a quiet machine.

    python benchmarks/run.py                     # one and two threads, all sizes; then docs/benchmarks.md
    python benchmarks/run.py --reference         # then the guard's ratios too: benchmarks/reference.json
    python benchmarks/run.py --only factor solve # some pieces; the others' runs of before are kept in the page
    python benchmarks/run.py --quick --out build/try     # the smallest sizes, to see that everything works

Each piece is a pytest of its own with `MIEN_NUM_THREADS` and the threads of every peer's BLAS set; every answer is
asserted before it is timed. Pieces come in the order of what matters; when `--minutes` are over, those left are named
and not begun. With two threads the clock's time counts, so let nothing else run beside. Peers are those that are
installed; `benchmarks/peers.txt` names the small ones.
"""

from __future__ import annotations

import argparse
import json
import os
import pathlib
import resource
import subprocess
import sys
import time
from typing import NamedTuple

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent


# Without a cache, and without a plugin that comes with Open3D and that newer versions of pytest refuse.
PYTEST = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-p", "no:dash")


class Piece(NamedTuple):
    """Some benchmarks that run in one process: files, which of their tests, and the most rounds of each."""

    name: str
    files: tuple[str, ...]
    only: str = ""
    rounds: int = 5
    threads: int = 1
    quick: bool = True  # whether it has something small enough

    def environment(self) -> dict[str, str]:
        count = str(self.threads)
        names = ("MIEN_NUM_THREADS", "OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS")
        return {**os.environ, **dict.fromkeys(names, count)}

    def command(self, target: pathlib.Path, quick: bool, rounds: int) -> list[str]:
        files = [str(HERE.relative_to(ROOT) / f"bench_{name}.py") for name in self.files]
        command = [*PYTEST, *files]
        only = self.only.replace("shot or hero", "preview").replace("shot", "preview") if quick else self.only
        if only:
            command += ["-k", only]
        command += ["--quick"] if quick else ["--rounds", str(min(self.rounds, rounds))]
        return [*command, "--benchmark-json", str(target)]


PIECES = (
    Piece("alignment", ("alignment",)),
    Piece("alignment-2", ("alignment",), "(plain or fused) and (shot or hero)", threads=2),
    Piece("factor", ("sparse_factor",), rounds=3),
    Piece("factor-2", ("sparse_factor",), "shot or hero", rounds=3, threads=2),
    Piece("solve", ("sparse_solve",), "not (3000 and shot)", rounds=3),
    Piece("solve-2", ("sparse_solve",), "shot and (-30 or -300) and not 3000", threads=2),
    Piece("deformer", ("laplacian_deformer",)),
    Piece("deformer-2", ("laplacian_deformer",), "sequence and shot", rounds=7, threads=2),
    Piece("arap", ("arap",), rounds=3),
    Piece("refill", ("laplacian",)),
    Piece("transfer", ("transfer", "weights", "skinning")),
    Piece("separation", ("separation",), rounds=3),
    Piece("separation-2", ("separation",), rounds=3, threads=2),
    Piece("drag", ("drag",)),
    Piece("drag-2", ("drag",), "envelope", threads=2),
    Piece("growth", ("growth",), rounds=3),
    Piece("numba", ("numba", "filters"), rounds=3),
    Piece("memory", ("memory",), "joint or procrustes"),
    Piece(
        "solve-3000", ("sparse_solve",), "3000 and shot", rounds=2, quick=False
    ),  # 7 GB of right-hand sides
)


def seconds_of_children() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def measure(piece: Piece, folder: pathlib.Path, quick: bool, rounds: int) -> bool:
    """Run a piece; its file is replaced only where it came through."""
    fresh = folder / f"{piece.name}.new"
    command = piece.command(fresh, quick, rounds)
    print(f"=== {piece.name}: {piece.threads} thread(s), {' '.join(command[len(PYTEST) : -2])}", flush=True)
    started, before = time.monotonic(), seconds_of_children()
    done = subprocess.run(command, cwd=ROOT, env=piece.environment(), check=False)
    took, worked = time.monotonic() - started, seconds_of_children() - before
    print(f"=== {piece.name}: {took:.0f} s, {worked:.0f} s of processors", flush=True)
    good = done.returncode == 0 and fresh.is_file() and fresh.stat().st_size > 0
    if good:
        fresh.replace(folder / f"{piece.name}.json")
    else:
        print(f"=== {piece.name} FAILED with status {done.returncode}", flush=True)
    return good


def update_reference() -> bool:
    """Measure the guard's ratios anew, all of them; of a run that fails the old ones stay."""
    file = HERE / "reference.json"
    old = file.read_text() if file.is_file() else "{}\n"
    file.write_text("{}\n")
    piece = Piece("reference", ())
    command = [*PYTEST, "benchmarks", "--quick", "--update-reference"]
    done = subprocess.run(command, cwd=ROOT, env=piece.environment(), check=False)
    if done.returncode or not json.loads(file.read_text()):
        file.write_text(old)
        return False
    return True


def main() -> int:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--quick", action="store_true", help="the smallest sizes, few rounds")
    parser.add_argument("--rounds", type=int, default=99, help="at most so many rounds, to try it out")
    parser.add_argument("--only", nargs="+", choices=[piece.name for piece in PIECES], metavar="PIECE")
    parser.add_argument("--minutes", type=float, default=25, help="begin no piece after so many")
    parser.add_argument("--folder", type=pathlib.Path, default=ROOT / "build/benchmarks", help="for the runs")
    parser.add_argument("--out", type=pathlib.Path, default=ROOT / "docs", help="for the page")
    parser.add_argument("--reference", action="store_true", help="also measure benchmarks/reference.json")
    arguments = parser.parse_args()
    folder = arguments.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    started, failed, late = time.monotonic(), [], []
    for piece in PIECES:
        if (arguments.only and piece.name not in arguments.only) or (arguments.quick and not piece.quick):
            continue
        if time.monotonic() - started > 60 * arguments.minutes:
            late.append(piece.name)
        elif not measure(piece, folder, arguments.quick, arguments.rounds):
            failed.append(piece.name)
    if arguments.reference and not update_reference():
        failed.append("reference")
    runs = [path for piece in PIECES if (path := folder / f"{piece.name}.json").is_file()]
    page = [sys.executable, str(HERE / "report.py"), *map(str, runs), "--out", str(arguments.out.resolve())]
    if subprocess.run([*page, "--command", "python benchmarks/run.py"], cwd=ROOT, check=False).returncode:
        failed.append("page")
    print(f"{(time.monotonic() - started) / 60:.1f} minutes")
    for words, names in (("failed", failed), ("no time left for", late)):
        if names:
            print(f"{words}: {', '.join(names)}")
    return int(bool(failed or late))


if __name__ == "__main__":
    sys.exit(main())
