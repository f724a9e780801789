"""Run inside Blender's Python: export a moving, deforming, textured mesh under a moving parent, and its truth.

python blender_export.py OUT.abc TRUTH.npz
"""

import sys

import bpy
import numpy as np


def grid() -> bpy.types.Mesh:
    """Two quads, a triangle and a pentagon with texture coordinates that differ at every corner."""
    rng = np.random.default_rng(5)
    faces = [[0, 1, 5, 4], [1, 2, 6, 5], [2, 3, 7], [4, 5, 6, 10, 9]]
    mesh = bpy.data.meshes.new("faceShape")
    mesh.from_pydata(rng.normal(0, 1, (12, 3)).tolist(), [], faces)
    layer = mesh.uv_layers.new(name="map")
    layer.data.foreach_set("uv", rng.random(2 * sum(map(len, faces))).astype(np.float32))
    return mesh


def build(scene: bpy.types.Scene) -> bpy.types.Object:
    face = bpy.data.objects.new("face", grid())
    parent = bpy.data.objects.new("parent", None)
    other = bpy.data.objects.new("other", bpy.data.meshes.new("otherShape"))
    other.data.from_pydata([(0, 0, 0), (1, 0, 0), (0, 1, 0)], [], [[0, 1, 2]])
    for item in (face, parent, other):
        scene.collection.objects.link(item)
    face.parent = parent
    face.location, face.scale = (1, 2, 3), (1.5, 0.5, 2)
    face.shape_key_add(name="Basis")
    key = face.shape_key_add(name="smile")
    for i, point in enumerate(key.data):
        point.co.z += 0.1 * i
    for frame, turn, value in ((101, 0.0, 0.0), (110, 1.2, 1.0)):
        parent.rotation_euler = (turn, 0.3 * turn, -turn)
        parent.location = (turn, 0, 2 * turn)
        parent.keyframe_insert("rotation_euler", frame=frame)
        parent.keyframe_insert("location", frame=frame)
        key.value = value
        key.keyframe_insert("value", frame=frame)
    return face


def main(out: str, truth: str) -> None:
    bpy.ops.wm.read_factory_settings(use_empty=True)
    scene = bpy.context.scene
    scene.render.fps, scene.render.fps_base = 25, 1
    scene.frame_start, scene.frame_end = 101, 110
    face = build(scene)
    world = []
    for frame in range(101, 111):
        scene.frame_set(frame)
        evaluated = face.evaluated_get(bpy.context.evaluated_depsgraph_get())
        points = np.empty((12, 3), np.float32)
        evaluated.data.attributes["position"].data.foreach_get("vector", points.reshape(-1))
        matrix = np.array(evaluated.matrix_world)
        world.append(points.astype(np.float64) @ matrix[:3, :3].T + matrix[:3, 3])
    bpy.ops.wm.alembic_export(filepath=out, start=101, end=110, as_background_job=False, uvs=True)
    mesh = face.data
    counts, indices = np.empty(len(mesh.polygons), np.int32), np.empty(len(mesh.loops), np.int32)
    uvs = np.empty((len(mesh.loops), 2), np.float32)
    mesh.polygons.foreach_get("loop_total", counts)
    mesh.loops.foreach_get("vertex_index", indices)
    mesh.uv_layers.active.data.foreach_get("uv", uvs.reshape(-1))
    np.savez(truth, world=np.array(world), face_counts=counts, face_indices=indices, corner_uvs=uvs)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
