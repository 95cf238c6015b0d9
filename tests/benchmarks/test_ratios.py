"""Bars and ratios fit together, and a ratio is summed up as it is said to be."""

import importlib
from collections.abc import Iterator

import pytest

from benchmarks.bars import BARS, HOLDS
from benchmarks.logs import LOGS
from benchmarks.payloads import DOCUMENTS
from benchmarks.ratio import Cell, Manner, Ratio, Variant, finding
from benchmarks.report import table
from benchmarks.suites import SUITES

OURS, PEER, IDLE = (Cell(Variant(name, name, Manner.PLAIN)) for name in ("ours", "peer", "idle"))


def ratios() -> Iterator[Ratio]:
    for suite in SUITES.values():
        yield from suite


def test_every_bar_has_a_ratio_and_no_name_stands_twice() -> None:
    names = [ratio.name for ratio in ratios()]
    assert len(names) == len(set(names))
    assert set(BARS) <= set(names)
    assert all(bar > 0 for bar in BARS.values())
    assert all(hold > BARS[name] for name, hold in HOLDS.items())


def test_every_document_named_exists() -> None:
    named = {cell.document for ratio in ratios() for cell in ratio.cells}
    assert named == {"", *DOCUMENTS, *LOGS}


def test_every_subject_exists() -> None:
    for package in ("aiolimiter", "httpx", "orjson", "pydantic", "requests"):
        pytest.importorskip(package)
    variants = {cell.variant for ratio in ratios() for cell in ratio.cells}
    wanted = [variant.where for variant in variants if variant.manner is not Manner.FRESH]
    assert wanted
    for where in wanted:
        module, _, function = where.partition(":")
        assert callable(getattr(importlib.import_module(module), function))


def test_a_ratio_is_taken_within_a_round() -> None:
    # Every round is disturbed by another amount; the ratio is 0.5 in each of them.
    rounds = [{OURS: noise * 2e-6, PEER: noise * 4e-6} for noise in (1, 7, 3, 40, 5)]
    found = finding(Ratio("r", OURS, PEER), 0.5, rounds)
    assert (found.low, found.median, found.high) == pytest.approx((0.5, 0.5, 0.5))
    assert (found.ours, found.peer, found.rounds) == pytest.approx((10, 20, 5))
    assert not found.missed


def test_what_both_share_can_be_taken_off() -> None:
    costs = {OURS: 3e-6, PEER: 11e-6, IDLE: 1e-6}
    found = finding(Ratio("r", OURS, PEER, net_of=IDLE), 0.19, [costs])
    assert found.median == pytest.approx(0.2)
    assert found.missed
    assert found.worse
    held = finding(Ratio("r", OURS, PEER, net_of=IDLE), 0.19, [costs], hold=0.21)
    assert (held.missed, held.worse) == (True, False)


def test_quartiles_show_the_spread() -> None:
    rounds = [{OURS: ratio, PEER: 1.0} for ratio in (1.0, 2.0, 3.0, 4.0, 5.0)]
    found = finding(Ratio("r", OURS, PEER), None, rounds)
    assert (found.low, found.median, found.high) == (2.0, 3.0, 4.0)
    assert not found.missed


@pytest.mark.parametrize(("bar", "shown"), [(0.125, "0.125"), (1.2, "1.20"), (None, "")])
def test_a_table_shows_a_bar_as_it_is(bar: float | None, shown: str) -> None:
    found = finding(Ratio("r", OURS, PEER), bar, [{OURS: 1e-6, PEER: 1e-5}])
    assert f"| 0.100-0.100 | {shown} |" in list(table("s", [found]))[-2]
