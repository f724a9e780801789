"""`mien report`: pictures and a page with a frame slider for any take."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import mien
from mien.cli._common import (
    load_performance,
    load_weights,
    progress_bar,
    read_take,
    reading_options,
    separation_options,
)

__all__ = ["command"]


@click.command(epilog="Example:  mien report shot.abc --after shot_v2.abc -o shot_report")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    help="The folder to draw into; made beside PATH if not given.",
)
@click.option(
    "--after", type=click.Path(path_type=Path), metavar="FILE", help="The edited take, to compare with."
)
@click.option(
    "--compare", metavar="METHOD", help="Separate a second time by METHOD, and draw where the two differ."
)
@click.option(
    "--film",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Also write an animated PNG: the take as captured and, beside it, with its head removed.",
)
@separation_options
@reading_options
def command(
    path: Path,
    output: Path | None,
    after: Path | None,
    compare: str | None,
    film: Path | None,
    performance: Path | None,
    neutral: Path | None,
    weights: Path | None,
    method: str,
    **reading: Any,
) -> None:
    """Draw a contact sheet, curves, how well the head came out and a self-contained page for the take PATH."""
    from mien.report import film as write_film
    from mien.report import write_report

    take = read_take(path, **reading)
    result = (
        None if after is None else read_take(after, **{**reading, "topology": reading["topology"] or path})
    )
    perf = load_performance(take, performance=performance, neutral=neutral, weights=weights, method=method)
    other = None
    if compare is not None:
        with progress_bar("compare") as progress:
            other = mien.separate(
                take,
                neutral=perf.neutral,  # the same head space, so that only the heads differ
                weights=None if weights is None else load_weights(weights),
                method=compare,
                progress=progress,
            )
    folder = output or path.with_name(f"{path.name.split('.')[0]}_report")
    with progress_bar("report") as progress:
        files = write_report(folder, perf, result, compare=other, progress=progress)
    if film is not None:
        with progress_bar("film") as progress:
            write_film(perf, film, compare=other, progress=progress)
        files = (*files, film)
    for file in files:
        click.echo(str(file))
