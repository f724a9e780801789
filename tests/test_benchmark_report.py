"""benchmarks/report.py: what a run says is what the page says."""

from __future__ import annotations

import json
import pathlib

import pytest

import report
import run as suite


def comparison(question: str, size: str, seconds: dict[str, float], **more: object) -> dict:
    ours = seconds["mien"]
    record = {
        "question": question,
        "size": size,
        "threads": 1,
        "key": f"{question} | {size} | 1T",
        "rows": {name: [t, 1.1 * t] for name, t in seconds.items()},
        "ratios": {"mien": ours / min(t for n, t in seconds.items() if n != "mien")}
        if len(seconds) > 1
        else {},
        "goals": {"mien": 0.25},
        "work": {"bytes": 1e6},
    }
    return {"extra_info": {"comparison": record | more}}


@pytest.fixture
def run(tmp_path: pathlib.Path) -> pathlib.Path:
    sizes = {"preview": 7000, "shot": 27000, "hero": 108000}
    benchmarks = [
        comparison(
            "fit",
            size,
            {"mien": 1e-8 * n**1.2, "numpy": 1e-7 * n, "libigl": 2e-7 * n},
            vertices=n,
            frames=None,
        )
        for size, n in sizes.items()
    ]
    benchmarks += [
        comparison(f"move, {n} frames", "preview", {"mien": 2e-6 * n}, vertices=7000, frames=n)
        for n in (25, 100, 400)
    ]
    rows = [{"frames": 250, "take": 22.0, "megabytes": 61.0, "degrees": 0.1}]
    found = {"question": "separate, joint", "size": "preview", "vertices": 7000, "rows": rows}
    benchmarks.append({"extra_info": {"memory": found}})
    facts = {"processor": "P", "processors": 2, "system": "S", "instruction_set": "avx2", "threads": 1}
    facts |= {"blas_threads": "1", "read": 2e10, "copy": 1e10, "multiply": 9e10, "versions": {"mien": "0"}}
    path = tmp_path / "one.json"
    content = {"datetime": "2026-01-02T03:04", "machine_info": {"mien": facts}, "benchmarks": benchmarks}
    path.write_text(json.dumps(content))
    return path


def test_powers_are_found(run: pathlib.Path) -> None:
    data = report.read([run])
    (vertices,) = report.by_vertices(data)
    (frames,) = report.by_frames(data)
    assert vertices.power("mien") == pytest.approx(1.2)
    assert vertices.power("libigl") == pytest.approx(1.0)
    assert (frames.question, frames.counts) == ("move", [25, 100, 400])
    assert frames.power("mien") == pytest.approx(1.0)


def test_the_page_says_what_was_measured(run: pathlib.Path) -> None:
    text = report.page(report.read([run]), ["one.json"], {"growth.png", "roofline.png"})
    ratio = 1e-8 * 7000**1.2 / (1e-7 * 7000)
    assert f"| fit | 7000 | 1 | 0.411 | numpy 0.7 | **{ratio:.3g}** | 0.25 (missed) | libigl 1.4 |" in text
    assert "V^1.20 | V^1.00 (numpy)" in text
    assert "| separate, joint | 7000 | 250 | 22 | 61 |" in text
    assert "MIEN_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 OMP_NUM_THREADS=1 pytest benchmarks" in text


def test_pictures_are_drawn(run: pathlib.Path, tmp_path: pathlib.Path) -> None:
    pytest.importorskip("matplotlib")
    data = report.read([run])
    report.draw_growth(tmp_path / "growth.png", [("V", g) for g in report.by_vertices(data)])
    report.draw_roofline(tmp_path / "roofline.png", data)
    for name in ("growth.png", "roofline.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")


def test_one_command_may_stand_for_all_and_ours_alone_have_a_table(run: pathlib.Path) -> None:
    content = json.loads(run.read_text())
    content["benchmarks"].append(comparison("separate", "", {"mien": 0.25}, threads=2, vertices=9409))
    run.write_text(json.dumps(content))
    text = report.page(report.read([run]), ["one.json"], set(), "python benchmarks/run.py")
    assert "```\npython benchmarks/run.py\n```" in text
    assert "MIEN_NUM_THREADS" not in text
    alone = text.split("## Without a peer")[1].split("## ")[0]
    assert "| separate | 9409 | 2 | 250 |" in alone
    assert "move" not in alone


def test_pieces_name_files_that_are_there_and_threads_for_every_library(tmp_path: pathlib.Path) -> None:
    folder = pathlib.Path(suite.__file__).parent
    assert len({piece.name for piece in suite.PIECES}) == len(suite.PIECES)
    for piece in suite.PIECES:
        assert all((folder / f"bench_{name}.py").is_file() for name in piece.files), piece
        assert piece.environment()["MIEN_NUM_THREADS"] == str(piece.threads)
        assert piece.environment()["OPENBLAS_NUM_THREADS"] == str(piece.threads)
        assert piece.command(tmp_path / "x.json", False, 99)[-2:] == [
            "--benchmark-json",
            str(tmp_path / "x.json"),
        ]
    assert {piece.threads for piece in suite.PIECES} == {1, 2}
