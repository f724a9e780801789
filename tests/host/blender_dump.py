"""Run inside Blender's Python: import a file and save what Blender made of it.

    python blender_dump.py FILE OUT.npz FPS

Saves the evaluated vertices of the only mesh for every frame of the imported range in object space, the object's
matrix, polygons, texture coordinates by corner, names and the frame range.
"""

import pathlib
import sys

import bpy
import numpy as np


def dump(path: str, out: str, fps: float) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = round(fps)
    scene.render.fps_base = round(fps) / fps
    kind = pathlib.Path(path).suffix
    if kind == ".abc":
        bpy.ops.wm.alembic_import(filepath=path, as_background_job=False, set_frame_range=True)
    elif kind in (".usd", ".usdc", ".usda"):
        bpy.ops.wm.usd_import(filepath=path, set_frame_range=True)
    else:
        raise SystemExit(f"cannot import {kind}")
    (found,) = [o for o in bpy.data.objects if o.type == "MESH"]
    frames = range(scene.frame_start, scene.frame_end + 1)
    vertices, matrices = [], []
    for frame in frames:
        scene.frame_set(frame)
        evaluated = found.evaluated_get(bpy.context.evaluated_depsgraph_get())
        mesh = evaluated.data
        points = np.empty((len(mesh.vertices), 3), np.float32)
        mesh.attributes["position"].data.foreach_get("vector", points.reshape(-1))
        vertices.append(points)
        matrices.append(np.array(evaluated.matrix_world))
    counts = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", counts)
    indices = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", indices)
    uvs = np.empty((0, 2), np.float32)
    if mesh.uv_layers.active is not None:
        uvs = np.empty((len(mesh.loops), 2), np.float32)
        mesh.uv_layers.active.data.foreach_get("uv", uvs.reshape(-1))
    np.savez(
        out,
        vertices=np.array(vertices),
        matrices=np.array(matrices),
        face_counts=counts,
        face_indices=indices,
        corner_uvs=uvs,
        frames=np.array([scene.frame_start, scene.frame_end]),
        fps=np.array(scene.render.fps / scene.render.fps_base),
        names=np.array([found.name, found.data.name]),
        version=np.array(bpy.app.version_string),
    )


if __name__ == "__main__":
    dump(sys.argv[1], sys.argv[2], float(sys.argv[3]))
