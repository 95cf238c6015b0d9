"""Findings as text: one Markdown table for each suite."""

from collections.abc import Iterator, Sequence

from benchmarks.ratio import Finding


def _verdict(found: Finding) -> str:
    if found.bar is None:
        return ""
    if found.worse:
        return "**WORSE**"
    return f"missed, holds {found.hold:.2f}" if found.missed else "kept"


def table(suite: str, findings: Sequence[Finding]) -> Iterator[str]:
    """Yield the lines of a suite's table."""
    yield f"## {suite}"
    yield ""
    yield "| ours / peer | ratio | quartiles | bar | | ours | peer | rounds |"
    yield "|---|--:|:-:|--:|---|--:|--:|--:|"
    for found in findings:
        bar = "" if found.bar is None else f"{found.bar:.3f}".removesuffix("0")
        ours, peer = found.ratio.ours.variant.manner.unit, found.ratio.peer.variant.manner.unit
        yield (
            f"| {found.ratio.name} | {found.median:.3f} | {found.low:.3f}-{found.high:.3f} | {bar} |"
            f" {_verdict(found)} | {found.ours:.4g} {ours} | {found.peer:.4g} {peer} | {found.rounds} |"
        )
    yield ""
