"""Where launches came from: kept with a run, and read again by `resume`."""

from pathlib import Path
from typing import Any

import attrs
import pytest

from zadig_async.cli.origin import Origin, origin_of


def test_an_origin_is_read_as_it_was_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    file = tmp_path / "l.yaml"
    file.write_text("launches: []\n", encoding="utf-8")
    kept = origin_of(
        ["--timeout", "60"],
        file="l.yaml",
        input_file="in.yaml",
        concurrency=3,
        audit="a.jsonl",
        stop_file="STOP",
    )
    origin = Origin.read(kept)
    assert attrs.evolve(origin, file_digest="") == Origin(
        words=("--timeout", "60"),
        file=str(file),
        input_file=str(tmp_path / "in.yaml"),
        concurrency=3,
        audit=str(tmp_path / "a.jsonl"),
        stop_file=str(tmp_path / "STOP"),
    )
    assert not origin.file_has_changed


def test_a_launch_file_that_is_another_or_gone_has_changed(tmp_path: Path) -> None:
    file = tmp_path / "l.yaml"
    file.write_text("launches: []\n", encoding="utf-8")
    kept = origin_of([], file=str(file), input_file=None, concurrency=None, audit=None, stop_file=None)
    file.write_text("launches: [] \n", encoding="utf-8")
    assert Origin.read(kept).file_has_changed
    file.write_text("launches: []\n", encoding="utf-8")
    assert not Origin.read(kept).file_has_changed
    file.unlink()
    assert Origin.read(kept).file_has_changed


def test_standard_input_is_remembered_as_such_and_never_as_a_file() -> None:
    kept = origin_of([], file="-", input_file=None, concurrency=None, audit=None, stop_file=None)
    origin = Origin.read(kept)
    assert origin.stdin
    assert (origin.file, origin.file_has_changed) == ("", False)


@pytest.mark.parametrize("kept", [{}, {"program": "another"}])
def test_an_origin_of_another_program_is_empty(kept: dict[str, Any]) -> None:
    assert Origin.read(kept) == Origin()


def test_an_origin_without_files_keeps_none() -> None:
    kept = origin_of([], file=None, input_file=None, concurrency=None, audit=None, stop_file=None)
    assert Origin.read(kept) == Origin()
