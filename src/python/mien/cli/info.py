"""`mien info`: what a file holds, from its header alone."""

from __future__ import annotations

import json
from pathlib import Path

import click

import mien

__all__ = ["command"]


@click.command(epilog="Example:  mien info shot_014.abc")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of lines.")
def command(path: Path, as_json: bool) -> None:
    """Say what PATH holds: frames, vertices, rate, unit, axis. Positions are not read."""
    info = mien.file_info(path)
    facts = {"path": str(path), **info._asdict()}
    if as_json:
        click.echo(json.dumps(facts, indent=2))
        return
    last = info.start_frame + info.n_frames - 1
    unit = "not stated" if info.metres_per_unit is None else f"{info.metres_per_unit:g} m"
    rows = {
        "frames": f"{info.n_frames} ({info.start_frame} to {last})" if info.n_frames else "0",
        "rate": "not stated" if info.fps is None else f"{info.fps:g} fps",
        "vertices": f"{info.n_vertices:,}",
        "faces": f"{info.n_faces:,}" if info.n_faces else "none in this file",
        "texture": "coordinates" if info.has_uvs else "none",
        "unit": unit,
        "up axis": info.up_axis or "not stated",
    }
    if len(info.nodes) > 1:
        rows["meshes"] = ", ".join(info.nodes) + "  (choose one with --node)"
    click.echo(str(path))
    for name, text in rows.items():
        click.echo(f"  {name:<9} {text}")
