"""What the commands share: options, progress bars, shot frame numbers, words for what a format could not hold."""

from __future__ import annotations

import contextlib
import re
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import click
import numpy as np
import numpy.typing as npt
from tqdm import tqdm

import mien
from mien.values.performance import Performance
from mien.values.sequence import MeshSequence
from mien.values.topology import Topology

__all__ = [
    "frames_option",
    "load_performance",
    "load_weights",
    "progress_bar",
    "read_take",
    "reading_options",
    "refuse_overwriting_input",
    "separation_options",
    "tell_not_kept",
]

Command = TypeVar("Command", bound=Callable[..., Any])


@contextlib.contextmanager
def progress_bar(text: str) -> Iterator[Callable[[int, int], None]]:
    """Give a progress function that draws a bar with frames per second and time left, where someone is looking."""
    bar: Any = tqdm(
        desc=text,
        unit=" frames",
        disable=None,  # silent when standard error is not a terminal
        leave=True,
        file=sys.stderr,
        bar_format="{desc:<12} {percentage:3.0f}% |{bar:24}| {n_fmt}/{total_fmt} [{rate_fmt}, {remaining} left]",
    )

    def report(done: int, total: int) -> None:
        bar.total = total
        bar.update(done - bar.n)

    try:
        yield report
    finally:
        bar.close()


def _shot_frames(
    context: click.Context, parameter: click.Parameter, value: str | None
) -> tuple[int, int] | None:
    if value is None:
        return None
    match = re.fullmatch(r"(-?\d+)(?:-(-?\d+))?", value)
    if not match:
        raise click.BadParameter(
            f"expected FIRST-LAST in shot frame numbers, such as 1001-1048, got {value!r}"
        )
    first, last = int(match[1]), int(match[2] if match[2] is not None else match[1])
    if last < first:
        raise click.BadParameter(f"the last frame {last} comes before the first {first}")
    return first, last


def frames_option(function: Command) -> Command:
    """Add `--frames FIRST-LAST` in the shot's own numbers, both included."""
    return click.option(
        "--frames",
        metavar="FIRST-LAST",
        callback=_shot_frames,
        help="Only these frames, in shot frame numbers.",
    )(function)


def reading_options(function: Command) -> Command:
    """Add the options that say how a take is to be read."""
    for option in reversed(
        [
            frames_option,
            click.option("--node", help="Which mesh to read, where a file holds several."),
            click.option(
                "--topology",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="A mesh file to take the polygons from, for formats that hold points alone (PC2, MDD, NPY).",
            ),
            click.option(
                "--fps", type=float, help="Frames per second, where the file does not say or says it wrong."
            ),
            click.option("--missing", is_flag=True, help="Accept vertices that are not numbers as missing."),
        ]
    ):
        function = option(function)
    return function


def read_take(
    path: Path,
    *,
    frames: tuple[int, int] | None = None,
    node: str | None = None,
    topology: Path | Topology | None = None,
    fps: float | None = None,
    missing: bool = False,
) -> MeshSequence:
    """Read a take with the command line's options; `frames` are shot frame numbers, both included."""
    donor = mien.read(topology).topology if isinstance(topology, Path) else topology
    part = None
    if frames is not None:
        info = mien.file_info(path)
        first, last = frames
        end = info.start_frame + info.n_frames - 1
        if first < info.start_frame or last > end:
            raise click.UsageError(
                f"--frames {first}-{last} must lie in the take's frames {info.start_frame}-{end} ({path})"
            )
        part = (first - info.start_frame, last - info.start_frame + 1)
    with progress_bar("read") as progress:
        return mien.read(
            path, frames=part, node=node, topology=donor, fps=fps, missing=missing, progress=progress
        )


def separation_options(function: Command) -> Command:
    """Add the options that say how head and expression are separated."""
    for option in reversed(
        [
            click.option(
                "--performance",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="Use the head that `mien separate` wrote instead of separating again.",
            ),
            click.option(
                "--neutral",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="A mesh of the face at rest; its first frame counts. Estimated from the take if not given.",
            ),
            click.option(
                "--weights",
                type=click.Path(path_type=Path),
                metavar="FILE",
                help="An .npy file with a weight in [0, 1] for every vertex: how far it belongs to the skull.",
            ),
            click.option("--method", default="joint", show_default=True, help="How to separate."),
        ]
    ):
        function = option(function)
    return function


def load_weights(path: Path) -> npt.NDArray[Any]:
    """Read one number a vertex from an .npy file."""
    with open(path, "rb") as file:
        try:
            weights = np.load(file, allow_pickle=False)
        except (ValueError, EOFError, TypeError, OSError) as error:
            raise mien.FormatError(
                f"{path}: expected an .npy file with a weight for every vertex, got: {error}"
            ) from error
    if not isinstance(weights, np.ndarray):
        raise mien.FormatError(f"{path}: expected one array in an .npy file, got an archive")
    return weights


def load_performance(
    take: MeshSequence, *, performance: Path | None, neutral: Path | None, weights: Path | None, method: str
) -> Performance:
    """Load a saved performance, or separate the take."""
    if performance is not None:
        if neutral is not None or weights is not None:
            raise click.UsageError(
                "--performance already holds a separation; --neutral and --weights have no use"
            )
        return Performance.load(performance, take)
    rest = None if neutral is None else mien.read(neutral).positions[0]
    with progress_bar("separate") as progress:
        return mien.separate(
            take,
            neutral=rest,
            weights=None if weights is None else load_weights(weights),
            method=method,
            progress=progress,
        )


def refuse_overwriting_input(source: Path, target: Path) -> None:
    """Refuse to write over what is being read: the take may be a memory map of it."""
    if target.exists() and source.exists() and target.samefile(source):
        raise click.UsageError(f"the result cannot be written over the take it is made from ({target})")


def tell_not_kept(not_kept: tuple[str, ...]) -> None:
    """Say on standard error what the format could not hold."""
    for sentence in not_kept:
        click.echo(f"note: {sentence}", err=True)
