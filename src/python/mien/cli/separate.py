"""`mien separate`: head motion and expression, apart."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import numpy as np
import numpy.typing as npt

import mien
from mien.cli._common import (
    load_performance,
    progress_bar,
    read_take,
    reading_options,
    refuse_overwriting_input,
    separation_options,
    tell_not_kept,
)
from mien.values.performance import Performance

__all__ = ["command"]


@click.command(epilog="Example:  mien separate shot.abc -o shot.head.npz --stabilised shot_head_removed.abc")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    required=True,
    help="Where the performance goes (.npz).",
)
@click.option(
    "--stabilised",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Write the take with its head held still, too.",
)
@click.option(
    "--held-at",
    type=click.Choice(["neutral", "mean"]),
    help="Where --stabilised holds the head: at the neutral's place (default if one is given) or its mean pose.",
)
@click.option(
    "--expression/--no-expression",
    default=True,
    show_default=True,
    help="Keep the expression in the .npz file; as large as the take.",
)
@click.option(
    "--report",
    type=click.Path(path_type=Path),
    metavar="DIR",
    help="Draw pictures and a page into this folder.",
)
@separation_options
@reading_options
def command(
    path: Path,
    output: Path,
    stabilised: Path | None,
    held_at: str | None,
    expression: bool,
    report: Path | None,
    performance: Path | None,
    neutral: Path | None,
    weights: Path | None,
    method: str,
    **reading: Any,
) -> None:
    """Separate the head motion of the take PATH from its expression."""
    if output.suffix != ".npz":
        raise click.UsageError(f"--output must end in .npz, got {output}")
    refuse_overwriting_input(path, output)
    take = read_take(path, **reading)
    perf = load_performance(take, performance=performance, neutral=neutral, weights=weights, method=method)
    perf.save(output, expression=expression)
    describe(perf)
    click.echo(f"{output}")
    if stabilised is not None:
        refuse_overwriting_input(path, stabilised)
        with progress_bar("write") as progress:
            still = _held_still(perf, held_at or ("mean" if neutral is None else "neutral"))
            written = mien.write(stabilised, take.with_positions(still), progress=progress)
        click.echo(f"{written.path}")
        tell_not_kept(written.not_kept)
    if report is not None:
        from mien.report import write_report

        with progress_bar("report") as progress:
            write_report(report, perf, progress=progress)
        click.echo(f"{report}")


def _held_still(perf: Performance, held_at: str) -> npt.NDArray[Any]:
    """Return the take with its head removed, (F, V, 3): in head space, or under the head's mean pose.

    An estimated neutral lies in head space as its own shape says, which is seldom upright; the mean pose is.
    """
    return perf.expression if held_at == "neutral" else perf.head.scaled(0.0).apply(perf.expression)


def describe(perf: Performance) -> None:
    """Print what the separation found."""
    if not len(perf):
        return
    turn = np.degrees((perf.head[0].inverse() @ perf.head).rotation_vectors)
    worst = int(np.argmin(perf.confidence))
    click.echo(f"{len(perf)} frames, method {perf.method}")
    click.echo(
        f"  head      turns up to {np.linalg.norm(turn, axis=1).max():.1f} degrees from the first frame"
    )
    click.echo(
        f"  residual  median {np.median(perf.residual):.3g}, largest {perf.residual.max():.3g} (scene units)"
    )
    click.echo(
        f"  trust     median {np.median(perf.confidence):.2f}, lowest {perf.confidence[worst]:.2f} at frame "
        f"{perf.take.start_frame + worst}"
    )
