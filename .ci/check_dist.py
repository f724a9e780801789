"""Check what the wheel and the sdist hold: nothing they should not, nothing missing."""

from __future__ import annotations

import pathlib
import sys
import tarfile
import zipfile

folder = pathlib.Path(sys.argv[1])
(wheel,) = folder.glob("*.whl")
(sdist,) = folder.glob("*.tar.gz")

with zipfile.ZipFile(wheel) as archive:
    names = archive.namelist()
strangers = [n for n in names if not n.startswith(("mien/", "mien-"))]
kinds = {".py", ".pyi", ".typed", ".so", ".pyd", ".html", ".css", ".js"}
odd = [
    n
    for n in names
    if n.startswith("mien/") and pathlib.PurePath(n).suffix not in kinds and not n.endswith("py.typed")
]
model = "mien/separation/face_model.npz"
assert model in odd, f"the wheel lacks {model}"
odd.remove(model)
assert not strangers, f"the wheel holds files outside the package: {strangers}"
assert not odd, f"the wheel holds unexpected files: {odd}"
assert any(n.startswith("mien/_core") for n in names), "the wheel lacks the compiled core"
assert any(n.endswith("licenses/NOTICE") for n in names), "the wheel lacks NOTICE"

with tarfile.open(sdist) as archive:
    members = [m.name.split("/", 1)[-1] for m in archive.getmembers() if m.isfile()]
for needed in ("CMakeLists.txt", "pyproject.toml", "LICENSE", "NOTICE", "src/cpp/src/dispatch.cpp"):
    assert needed in members, f"the sdist lacks {needed}"
unwanted = [m for m in members if m.endswith((".so", ".pyc")) or m.startswith((".ci", "build/"))]
assert not unwanted, f"the sdist holds {unwanted}"
print(
    f"{wheel.name}: {len(names)} files, {wheel.stat().st_size / 1e6:.1f} MB; {sdist.name}: {len(members)} files"
)
