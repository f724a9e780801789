"""OBJ, read line by line."""

from __future__ import annotations

import numpy as np


def parse(text: str) -> dict[str, list]:
    """Return vertices, uvs, faces (lists of zero-based vertices), face_uvs (None where a corner has none), names."""
    vertices, uvs, faces, face_uvs, names = [], [], [], [], []
    for line in text.replace("\\\r\n", " ").replace("\\\n", " ").replace("\r\n", "\n").split("\n"):
        if line.lstrip().startswith("o "):
            names.append(line.strip()[2:].strip())
            continue
        words = line.split("#")[0].split()
        if not words:
            continue
        if words[0] == "v":
            vertices.append([np.float32(word) for word in words[1:4]])
        elif words[0] == "vt":
            uvs.append([np.float32(word) for word in [*words[1:3], "0"][:2]])
        elif words[0] == "f":
            face, face_uv = [], []
            for corner in words[1:]:
                parts = corner.split("/")
                index = int(parts[0])
                face.append(index - 1 if index > 0 else len(vertices) + index)
                if len(parts) > 1 and parts[1]:
                    index = int(parts[1])
                    face_uv.append(index - 1 if index > 0 else len(uvs) + index)
                else:
                    face_uv.append(None)
            faces.append(face)
            face_uvs.append(face_uv)
    return {"vertices": vertices, "uvs": uvs, "faces": faces, "face_uvs": face_uvs, "names": names}
