"""`mien convert`: from one format to another, saying what the second cannot hold."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import click

import mien
from mien.cli._common import progress_bar, read_take, reading_options, refuse_overwriting_input, tell_not_kept

__all__ = ["command"]

UNITS = {"mm": 0.001, "cm": 0.01, "dm": 0.1, "m": 1.0, "inch": 0.0254}


@click.command(epilog="Example:  mien convert shot.abc shot.usdc")
@click.argument("source", type=click.Path(path_type=Path))
@click.argument("target", type=click.Path(path_type=Path))
@reading_options
@click.option("--start-frame", type=int, help="Number the first frame so; positions stay.")
@click.option("--unit", type=click.Choice(list(UNITS)), help="State the length of a unit; positions stay.")
@click.option("--up-axis", type=click.Choice(["y", "z"]), help="State which way is up; positions stay.")
def command(
    source: Path, target: Path, start_frame: int | None, unit: str | None, up_axis: str | None, **reading: Any
) -> None:
    """Read the take SOURCE and write it as TARGET; the suffixes say the formats.

    OBJ and PLY sequences are named by a pattern, `shot.####.obj` or `shot.%04d.obj`; to read one, its folder will do.
    """
    refuse_overwriting_input(source, target)
    take = read_take(source, **reading)
    stated: dict[str, Any] = {
        "start_frame": start_frame,
        "metres_per_unit": None if unit is None else UNITS[unit],
        "up_axis": up_axis,
    }
    take = dataclasses.replace(take, **{key: value for key, value in stated.items() if value is not None})
    if "#" in target.name or "%" in target.name:
        target.parent.mkdir(exist_ok=True)  # a sequence of files is given a folder of its own
    with progress_bar("write") as progress:
        written = mien.write(target, take, progress=progress)
    click.echo(f"{written.path}: {written.n_frames} frames, {take.n_vertices:,} vertices")
    tell_not_kept(written.not_kept)
