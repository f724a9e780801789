"""The pages in docs/algorithms name files, commands and names that exist."""

from __future__ import annotations

import importlib.util
import pathlib
import re

import pytest

import mien

ROOT = pathlib.Path(__file__).resolve().parents[1]
PAGES = sorted((ROOT / "docs/algorithms").glob("*.md"))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_what_a_page_names_exists(page: pathlib.Path) -> None:
    text = page.read_text("utf-8")
    paths = set(
        re.findall(r"\b(?:src|tests|benchmarks|docs|tools|examples)/[\w/]+\.(?:py|cpp|h|inc|md)\b", text)
    )
    assert [path for path in sorted(paths) if not (ROOT / path).is_file()] == []
    linked = set(re.findall(r"\]\(([\w./]+\.md)", text))
    assert [link for link in sorted(linked) if not (page.parent / link).is_file()] == []
    names = set(re.findall(r"`mien\.([A-Za-z_]+)", text)) - {"h"}
    there = {name for name in names if importlib.util.find_spec(f"mien.{name}") or hasattr(mien, name)}
    assert names - there == set()


@pytest.mark.parametrize("page", ["contact", "smoothing", "warping", "similarity"])
def test_figures_have_commands(page: str) -> None:
    text = (ROOT / f"docs/algorithms/{page}.md").read_text("utf-8")
    assert "## Where" in text
    assert re.search(r"`[^`\n]*(?:pytest|python) (?:benchmarks|tests)/\w+\.py", text)
