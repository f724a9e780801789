"""Run inside Blender's Python: import a file and save what Blender made of it.

    python blender_dump.py FILE OUT.npz FPS [BASE.npz]

Saves the evaluated vertices of the only mesh, or of the one whose data BASE names, for every frame of the imported
range in object space, the object's matrix, polygons with their normals, texture coordinates by corner, shape keys,
names and the frame range. A point cache (.pc2, .mdd) is put on the mesh of BASE with a Mesh Cache modifier.
"""

import pathlib
import sys

import bpy
import numpy as np


def import_cache(path: str, base: dict) -> None:
    """Put a point cache on a mesh that is made here, as an artist does."""
    first, last = (int(f) for f in base["frames"])
    mesh = bpy.data.meshes.new("faceShape")
    ends = np.cumsum(base["face_counts"])
    faces = [
        base["face_indices"][end - n : end].tolist() for end, n in zip(ends, base["face_counts"], strict=True)
    ]
    mesh.from_pydata(base["vertices"].tolist(), [], faces)
    face = bpy.data.objects.new("face", mesh)
    bpy.context.scene.collection.objects.link(face)
    modifier = face.modifiers.new("cache", "MESH_CACHE")
    modifier.cache_format = pathlib.Path(path).suffix[1:].upper()
    modifier.filepath = path
    modifier.frame_start = first
    bpy.context.scene.frame_start, bpy.context.scene.frame_end = first, last


def import_file(path: str, base: dict) -> None:
    kind = pathlib.Path(path).suffix
    if kind == ".abc":
        bpy.ops.wm.alembic_import(filepath=path, as_background_job=False, set_frame_range=True)
    elif kind in (".usd", ".usdc", ".usda"):
        bpy.ops.wm.usd_import(filepath=path, set_frame_range=True)
    elif kind in (".glb", ".gltf"):
        bpy.ops.import_scene.gltf(filepath=path)
        if "frames" in base:
            bpy.context.scene.frame_start, bpy.context.scene.frame_end = (int(f) for f in base["frames"])
    elif kind in (".pc2", ".mdd"):
        import_cache(path, base)
    else:
        raise SystemExit(f"cannot import {kind}")


def shape_keys(mesh: bpy.types.Mesh) -> tuple[list[str], np.ndarray]:
    """Names and positions (K, V, 3) of all keys, the resting one first."""
    keys = mesh.shape_keys.key_blocks if mesh.shape_keys else []
    points = np.empty((len(keys), len(mesh.vertices), 3), np.float32)
    for key, row in zip(keys, points, strict=True):
        key.points.foreach_get("co", row.reshape(-1))
    return [key.name for key in keys], points


def dump(path: str, out: str, fps: float, base: dict) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps = round(fps)
    scene.render.fps_base = round(fps) / fps
    import_file(path, base)
    meshes = [o for o in bpy.data.objects if o.type == "MESH"]
    (found,) = [o for o in meshes if o.data.name == str(base.get("mesh", o.data.name))]
    keys, key_points = shape_keys(found.data)
    vertices, matrices, values = [], [], []
    for frame in range(scene.frame_start, scene.frame_end + 1):
        scene.frame_set(frame)
        evaluated = found.evaluated_get(bpy.context.evaluated_depsgraph_get())
        mesh = evaluated.data
        points = np.empty((len(mesh.vertices), 3), np.float32)
        mesh.attributes["position"].data.foreach_get("vector", points.reshape(-1))
        vertices.append(points)
        matrices.append(np.array(evaluated.matrix_world))
        values.append([found.data.shape_keys.key_blocks[key].value for key in keys])
    counts = np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", counts)
    normals = np.empty((len(mesh.polygons), 3), np.float32)
    mesh.polygons.foreach_get("normal", normals.reshape(-1))
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
        normals=normals,
        corner_uvs=uvs,
        frames=np.array([scene.frame_start, scene.frame_end]),
        fps=np.array(scene.render.fps / scene.render.fps_base),
        names=np.array([found.name, found.data.name]),
        key_names=np.array(keys, dtype=np.str_),
        key_points=key_points,
        key_values=np.array(values),
        version=np.array(bpy.app.version_string),
    )


if __name__ == "__main__":
    given = {}
    if len(sys.argv) > 4:
        with np.load(sys.argv[4]) as data:
            given = {key: data[key] for key in data.files}
    dump(sys.argv[1], sys.argv[2], float(sys.argv[3]), given)
