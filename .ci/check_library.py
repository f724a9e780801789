"""Check what the C library exports and needs, against its own headers.

python .ci/check_library.py libmien_c.so include/mien
"""

from __future__ import annotations

import pathlib
import re
import subprocess
import sys

RUNTIME = {"libc.so.6", "libm.so.6", "libstdc++.so.6", "libgcc_s.so.1", "libpthread.so.0", "ld-linux-x86-64.so.2",
           "ld-linux-aarch64.so.1"}  # fmt: skip


def output(*command: str) -> str:
    """Return what a command prints."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def declared(include: pathlib.Path) -> set[str]:
    """Return the functions that the C headers declare."""
    text = "".join(path.read_text() for path in include.glob("c/*.h"))
    return set(re.findall(r"^MIEN_API [^;(]*?\b(mien_\w+)\(", text, flags=re.M))


def main(library: str, include: str) -> None:
    """Compare and exit with what is wrong."""
    functions = declared(pathlib.Path(include))
    symbols = [line.split() for line in output("nm", "-D", "--defined-only", library).splitlines()]
    exported = {name.split("@")[0] for *_, kind, name in symbols if kind != "A"}
    needed = set(re.findall(r"\(NEEDED\).*\[(.+)\]", output("readelf", "-d", library)))
    soname = re.findall(r"\(SONAME\).*\[(.+)\]", output("readelf", "-d", library))
    problems = [f"exported but not declared: {name}" for name in sorted(exported - functions)]
    problems += [f"declared but not exported: {name}" for name in sorted(functions - exported)]
    problems += [f"needs {name}" for name in sorted(needed - RUNTIME)]
    if not functions or not re.fullmatch(r"libmien_c\.so\.\d+\.\d+", "".join(soname)):
        problems.append(f"{len(functions)} functions, soname {soname}")
    if "crtfastmath" in output("nm", library) or "set_fast_math" in output("nm", library):
        problems.append("linked with -ffast-math: it changes the floating-point mode of the host")
    if problems:
        sys.exit("\n".join(problems))
    print(f"{soname[0]}: {len(functions)} functions, needs {' '.join(sorted(needed))}")


if __name__ == "__main__":
    main(*sys.argv[1:])
