"""Imports go down the floors that the layout draws, and names on one floor do not know each other."""

from __future__ import annotations

import ast
import pathlib

import pytest

import mien

PACKAGE = pathlib.Path(mien.__file__).parent

# From the ground up. Inside `values` and `geometry` the order is the one written; elsewhere a floor's names are equals.
FLOORS: list[list[str]] = [
    ["errors", "_core"],
    ["_validate", "_atomic", "_archive", "_kernels"],
    ["values.topology"],
    ["values.rigid"],
    ["values.sequence"],
    ["values.comparison"],
    ["values.performance"],
    ["values.shapes"],
    ["values.rig"],
    ["geometry.alignment"],
    ["geometry.sparse"],
    ["geometry.keys"],
    ["geometry.laplacian"],
    ["geometry.bounded_least_squares"],
    ["geometry.regions"],
    ["geometry.symmetry"],
    ["geometry.temporal"],
    ["geometry.filters"],
    ["geometry.blending"],
    ["geometry.statistics"],
    ["geometry.robust"],
    ["geometry.deform"],
    ["geometry.smoothing"],
    ["geometry.barycentric"],
    ["geometry.look"],
    ["geometry.heat"],
    ["geometry.camera"],
    ["geometry.draw"],
    ["io", "datasets"],
    ["separation", "editing", "retarget"],
    ["report"],
    ["cli"],
]
LEVEL = {name: level for level, names in enumerate(FLOORS) for name in names}


def home(module: str) -> str | None:
    """Return the entry of FLOORS a dotted name below `mien` belongs to."""
    parts = module.split(".")
    for length in (2, 1):
        name = ".".join(parts[:length])
        if name in LEVEL:
            return name
    return None


def imported(tree: ast.AST) -> list[tuple[int, str]]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(node.lineno, alias.name) for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"line {node.lineno}: relative import"
            if node.module in ("mien", "mien.values", "mien.geometry"):
                found += [(node.lineno, f"{node.module}.{alias.name}") for alias in node.names]
            else:
                found.append((node.lineno, node.module))
    return [(line, name.removeprefix("mien.")) for line, name in found if name.startswith("mien.")]


def modules() -> list[pathlib.Path]:
    return sorted(
        p
        for p in PACKAGE.rglob("*.py")
        if p.name not in ("__init__.py", "__main__.py") or p.parent != PACKAGE
    )


@pytest.mark.parametrize("path", modules(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_imports_go_down(path):
    name = ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__")
    if name in ("values", "geometry", "_kernels"):
        return
    mine = home(name)
    assert mine is not None, f"{name} has no floor: give it one in FLOORS"
    for line, other in imported(ast.parse(path.read_text())):
        theirs = home(other)
        assert theirs is not None, f"{name}:{line} imports {other}, which has no floor"
        if theirs != mine:
            assert LEVEL[theirs] < LEVEL[mine], f"{name}:{line} imports {other}, which is not below it"


def test_a_climb_would_be_seen():
    tree = ast.parse("from mien.cli import main\nfrom mien.values import rig")
    assert [home(name) for _, name in imported(tree)] == ["cli", "values.rig"]
    assert LEVEL["cli"] > LEVEL["values.rig"]


def test_no_module_is_too_long():
    long = {
        str(p.relative_to(PACKAGE)): n
        for p in PACKAGE.rglob("*.py")
        if (n := len(p.read_text().splitlines())) > 400
    }
    assert not long
