"""`mien edit`: apply an edit list under the untouched head motion."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

import mien
import mien.editing
from mien.cli._common import (
    load_performance,
    progress_bar,
    read_take,
    reading_options,
    refuse_overwriting_input,
    separation_options,
    tell_not_kept,
)
from mien.editing.timeline import TimelineEdit, with_new_frames
from mien.values.performance import Performance
from mien.values.rig import Rig

__all__ = ["command"]


@click.command(epilog="Example:  mien edit shot.abc --edits fix.json -o shot_v2.abc")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--edits", "edits_file", type=click.Path(path_type=Path), required=True, help="The edit list (.json)."
)
@click.option(
    "-o", "--output", type=click.Path(path_type=Path), required=True, help="Where the edited take goes."
)
@click.option(
    "--source",
    "sources",
    multiple=True,
    metavar="NAME=TAKE[,PERFORMANCE]",
    help="A take that the edit list pastes from, by the name it uses; separated unless its .npz performance is given.",
)
@click.option(
    "--rig",
    "rigs",
    multiple=True,
    metavar="NAME=FILE",
    help="A rig (.glb, .npz) whose shapes the edit list adds, by the name it uses.",
)
@click.option(
    "--report", type=click.Path(path_type=Path), metavar="DIR", help="Draw before and after into this folder."
)
@click.option(
    "--preview",
    type=int,
    metavar="FRAME",
    help="Write only a picture (-o, .png) of this frame before, after, and what moved; the shot's own number.",
)
@click.option(
    "--check",
    is_flag=True,
    help="Say where edits make the take jump or turn skin over, and what to change; so does --report.",
)
@separation_options
@reading_options
def command(
    path: Path,
    edits_file: Path,
    output: Path,
    sources: tuple[str, ...],
    rigs: tuple[str, ...],
    report: Path | None,
    preview: int | None,
    check: bool,
    performance: Path | None,
    neutral: Path | None,
    weights: Path | None,
    method: str,
    **reading: Any,
) -> None:
    """Apply an edit list to the take PATH; its head motion stays as acted.

    Frame numbers in the edit list are the shot's own. Where frames come or go, --preview and --report count
    the result's frames, and show as before the take with only that done.
    """
    refuse_overwriting_input(path, output)
    take = read_take(path, **reading)
    perf = load_performance(take, performance=performance, neutral=neutral, weights=weights, method=method)
    given = dict(_source(text, neutral) for text in sources) | dict(_rig(text) for text in rigs)
    edits = mien.EditList.load(edits_file, perf, sources=given)
    if preview is not None:
        _preview(perf, edits, preview, output)
        return
    with progress_bar("edit") as progress:
        result = mien.recombine(perf, edits, progress=progress)
    with progress_bar("write") as progress:
        written = mien.write(output, result, progress=progress)
    click.echo(f"{written.path}: {len(edits)} edits, {written.n_frames} frames")
    tell_not_kept(written.not_kept)
    if check or report is not None:
        _check(perf, edits)
    if report is not None:
        from mien.report import write_report

        with progress_bar("report") as progress:
            write_report(report, with_new_frames(perf, edits), result, progress=progress)
        click.echo(f"{report}")


def _check(perf: Performance, edits: mien.EditList) -> None:
    with progress_bar("check") as progress:
        findings = mien.check_edits(perf, edits, progress=progress)
    for finding in findings:
        click.echo(finding.sentence(perf.take.start_frame))
    if not findings:
        click.echo("edits join without a jump, and turn no skin over")


def _preview(perf: Performance, edits: mien.EditList, number: int, output: Path) -> None:
    if output.suffix.lower() != ".png":
        raise click.UsageError(f"--preview writes a picture: -o must end in .png, got {output.name}")
    added = sum(edit.added_frames for edit in edits if isinstance(edit, TimelineEdit))
    first = perf.take.start_frame
    frame, frames = number - first, len(perf) + added
    if not 0 <= frame < frames:
        raise click.UsageError(
            f"--preview must be a frame of the take, {first} to {first + frames - 1}, got {number}"
        )
    from mien.report.preview import preview

    if any(isinstance(edit, TimelineEdit) for edit in edits):
        after = mien.recombine(perf, edits).positions[frame]
        before = with_new_frames(perf, edits)
    else:
        after, before = mien.editing.recombine_frame(perf, edits, frame), perf
    preview(before, frame, after, output)
    click.echo(f"{output}: frame {number} before and after {len(edits)} edits")


def _rig(text: str) -> tuple[str, Rig]:
    name, separator, file = text.partition("=")
    if not separator or not name or not file:
        raise click.UsageError(f"--rig must read NAME=FILE, got {text!r}")
    return name, mien.read_rig(Path(file))


def _source(text: str, neutral: Path | None) -> tuple[str, Performance]:
    name, separator, files = text.partition("=")
    if not separator or not name or not files:
        raise click.UsageError(f"--source must read NAME=TAKE or NAME=TAKE,PERFORMANCE, got {text!r}")
    take_file, _, performance_file = files.partition(",")
    take = read_take(Path(take_file))
    performance = Path(performance_file) if performance_file else None
    rest = None if performance else neutral
    return name, load_performance(take, performance=performance, neutral=rest, weights=None, method="joint")
