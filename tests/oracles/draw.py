"""Pictures the slow way: every triangle against every sample of its box, in integers and float64."""

from __future__ import annotations

import numpy as np

from mien.geometry import look
from mien.geometry.camera import FILM_WIDTH_MM, Camera


def decode(srgb):
    srgb = np.asarray(srgb, float)
    return np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)


def encode(light):
    light = np.clip(light, 0, 1)
    return np.where(light <= 0.0031308, light * 12.92, 1.055 * light ** (1 / 2.4) - 0.055)


def place(camera: Camera, points, size):
    """Camera positions, subpixel places (x, y), depth order (larger is nearer) and perspective weights."""
    back = np.subtract(camera.position, camera.target)
    back = back / np.linalg.norm(back)
    right = np.cross(camera.up, back)
    right /= np.linalg.norm(right)
    rows = np.stack([right, np.cross(back, right), back])
    seen = (np.asarray(points, float) - camera.position) @ rows.T
    depth = -seen[:, 2]
    if camera.lens is not None:
        weight, scale = 1 / depth, max(size) * camera.lens / FILM_WIDTH_MM
    else:
        weight, scale = np.ones(len(seen)), max(size) / camera.extent
    x = size[0] / 2 + scale * seen[:, 0] * weight
    y = size[1] / 2 - scale * seen[:, 1] * weight
    places = np.floor(np.stack([x, y], 1) * 256 + 0.5).astype(np.int64)
    return seen, places, (weight if camera.lens is not None else -depth), weight


def rasterise(triangles, places, order, size):
    """Which triangle each sample shows, (H, W), -1 for none."""
    width, height = size
    owner = np.full((height, width), -1)
    nearest = np.full((height, width), -np.inf)
    y, x = np.mgrid[0:height, 0:width] * 256 + 128
    for t, corners in enumerate(triangles):
        p, z = places[corners], order[corners]
        (x1, y1), (x2, y2) = p[1] - p[0], p[2] - p[0]
        area = x1 * y2 - x2 * y1
        if area == 0:
            continue
        ring = [0, 1, 2] if area > 0 else [0, 2, 1]
        inside = np.ones((height, width), bool)
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True):
            dx, dy = p[b] - p[a]
            edge = dx * (y - p[a, 1]) - dy * (x - p[a, 0])
            inside &= (edge > 0) | ((edge == 0) & (dy < 0 or (dy == 0 and dx > 0)))
        b1 = ((x - p[0, 0]) * y2 - (y - p[0, 1]) * x2) / area
        b2 = (x1 * (y - p[0, 1]) - y1 * (x - p[0, 0])) / area
        here = z[0] + b1 * (z[1] - z[0]) + b2 * (z[2] - z[0])
        drawn = inside & (here > nearest)
        owner[drawn], nearest[drawn] = t, here[drawn]
    return owner


def light(normal, albedo, back):
    normal = normal / np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = np.where(back[..., None], -normal, normal)
    key = np.maximum(0, (normal @ look.KEY_DIRECTION + look.KEY_WRAP) / (1 + look.KEY_WRAP))
    up = (normal[..., 1] + 1) / 2
    rim = np.maximum(0, normal @ look.RIM_DIRECTION) * (1 - np.maximum(0, normal[..., 2])) ** 3
    gloss = look.GLOSS * np.maximum(0, normal @ look.GLOSS_DIRECTION) ** 16
    sky, ground = np.array(look.SKY_LIGHT), np.array(look.GROUND_LIGHT)
    shine = (
        key[..., None] * look.KEY_LIGHT
        + ground
        + (sky - ground) * up[..., None]
        + rim[..., None] * look.RIM_LIGHT
    )
    return np.where(back[..., None], look.BACK_FACE, 1.0) * (albedo * shine + gloss[..., None])


def picture(topology, points, camera, size, *, flat=False, colors=None, samples=1):
    """What `mien.draw` draws, (H, W, 3) uint8, and the owners of the samples."""
    fine = (size[0] * samples, size[1] * samples)
    triangles = topology.triangles
    seen, places, order, weight = place(camera, points, fine)
    owner = rasterise(triangles, places, order, fine)
    faces = np.cross(
        seen[triangles[:, 1]] - seen[triangles[:, 0]], seen[triangles[:, 2]] - seen[triangles[:, 0]]
    )
    smooth = np.zeros_like(seen)
    for t, corners in enumerate(triangles):
        smooth[corners] += faces[t]
    smooth /= np.linalg.norm(smooth, axis=1, keepdims=True)

    y, x = np.mgrid[0 : fine[1], 0 : fine[0]] * 256 + 128
    corners = triangles[np.maximum(owner, 0)]
    p = places[corners]
    (x1, y1), (x2, y2) = (np.moveaxis(p[..., k, :] - p[..., 0, :], -1, 0) for k in (1, 2))
    area = x1 * y2 - x2 * y1
    safe = np.where(area == 0, 1, area)
    b1 = ((x - p[..., 0, 0]) * y2 - (y - p[..., 0, 1]) * x2) / safe
    b2 = (x1 * (y - p[..., 0, 1]) - y1 * (x - p[..., 0, 0])) / safe
    share = np.stack([1 - b1 - b2, b1, b2], -1) * weight[corners]
    share /= share.sum(-1, keepdims=True)
    normal = faces[np.maximum(owner, 0)] if flat else (share[..., None] * smooth[corners]).sum(-2)
    if colors is None:
        albedo = decode(np.array(look.CLAY_SRGB) / 255)
    else:
        albedo = (share[..., None] * decode(colors)[corners]).sum(-2)
    shaded = np.clip(light(normal, albedo, area > 0), 0, 1)
    shaded = np.where(owner[..., None] < 0, decode(np.array(look.BACKGROUND_SRGB) / 255), shaded)
    mean = shaded.reshape(size[1], samples, size[0], samples, 3).mean((1, 3))
    return np.rint(encode(mean) * 255).astype(np.uint8), owner
