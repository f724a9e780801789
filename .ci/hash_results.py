"""Run the main job on the built-in face on every instruction set and thread count; all must give the same bits."""

from __future__ import annotations

import os
import subprocess
import sys

JOB = """
import hashlib
import numpy as np
import mien

synthetic = mien.datasets.performance(n_frames=60, seed=11, noise=0.1, outliers=0.01)
take = synthetic.take
digests = {}

def note(name, *arrays):
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    digests[name] = digest.hexdigest()[:16]

note("take", take.positions)
given = mien.separate(take, neutral=synthetic.neutral)
found = mien.separate(take)
for name, perf in (("given", given), ("found", found)):
    note(name, perf.head.rotation, perf.head.translation, perf.neutral, perf.residual, perf.confidence)
note("expression", given.expression)
region = mien.region(take.topology, given.neutral, seeds=[10, 200], radius=4.0)
envelope = mien.envelope(len(take), start=5, peak=20, end=40)
edits = mien.EditList([
    mien.Gain(0.4, region=region, envelope=envelope),
    mien.Paste(source=found, source_frames=(0, 20), at=35, blend=5),
    mien.Sculpt(frame=50, shape=take.positions[10], region=region),
])
note("edited", mien.recombine(given, edits).positions)
picture = mien.draw(take.topology, take.positions[:4], size=(200, 200), heat=np.linspace(0, 1, take.n_vertices))
note("picture", picture)
for name, digest in digests.items():
    print(name, digest)
"""


def run(isa: str, threads: int) -> str | None:
    """Return what the job printed, or None where the processor lacks the path."""
    environment = {**os.environ, "MIEN_ISA": isa, "MIEN_NUM_THREADS": str(threads)}
    done = subprocess.run(
        [sys.executable, "-c", JOB], env=environment, capture_output=True, text=True, check=False
    )
    if "MIEN_ISA must name" in done.stderr:
        return None
    if done.returncode:
        sys.exit(done.stderr)
    return done.stdout


def main() -> None:
    """Compare every path with the base one on a single thread."""
    expected = run("base", 1)
    print(expected, end="")
    for isa in ("base", "avx2", "avx512"):
        for threads in (1, 2):
            got = run(isa, threads)
            if got is None:
                print(f"{isa}: not on this processor")
                break
            if got != expected:
                sys.exit(f"{isa} with {threads} threads differs:\n{got}")
            print(f"{isa}, {threads} threads: the same bits")


if __name__ == "__main__":
    main()
