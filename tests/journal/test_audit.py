"""The audit trail: nothing in it can be changed, removed or added unnoticed, and a crash does not end it."""

import asyncio
import errno
import json
import os
import re
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from tests.journal.ground import CANARY, Clock, run, start
from tests.support.virtual_time import virtual_time
from zadig_async.errors import JournalError
from zadig_async.journal import files
from zadig_async.journal.audit import TORN, Audit, AuditSummary, AuditTrail, NoAudit, verify

NOTHING = AuditSummary(0, "0" * 64, 0)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


async def fill(path: Path, *events: str) -> AuditSummary:
    audit = await Audit.open(path, clock=Clock())
    for number, event in enumerate(events, 1):
        await audit.write(event, {"number": number, "text": "发布\x7f\x1b[0m\n"})
    await audit.close()
    return verify(path)


def content(path: Path) -> bytes:
    return path.read_bytes()


def descriptors() -> int:
    return len(list(Path("/dev/fd").iterdir()))


def mode(path: Path, change: int | None = None) -> int:
    if change is not None:
        path.chmod(change)
    return stat.S_IMODE(path.stat().st_mode)


def save(path: Path, written: bytes) -> None:
    path.write_bytes(written)


def lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content(path).splitlines()]


async def test_events_are_chained_lines(path: Path) -> None:
    summary = await fill(path, "a", "b", "c")
    found = lines(path)
    assert [(line["seq"], line["event"], line["at"]) for line in found] == [
        (number, event, "2023-11-14T22:13:20.250000Z") for number, event in enumerate("abc", 1)
    ]
    assert [line["prev"] for line in found] == ["0" * 64, found[0]["hash"], found[1]["hash"]]
    assert found[1]["data"] == {"number": 2, "text": "发布\x7f\x1b[0m\n"}
    assert summary == AuditSummary(3, found[2]["hash"], 0)


async def test_lines_are_plain_printable_ascii(path: Path) -> None:
    await fill(path, "ü\x7f\u202e")
    assert re.fullmatch(rb"[ -~]+\n", content(path))


async def test_it_goes_on_where_it_ended(path: Path) -> None:
    before = await fill(path, "a", "b")
    after = await fill(path, "c")
    assert (after.records, lines(path)[2]["prev"]) == (3, before.last_hash)


async def test_an_empty_one_is_whole(path: Path) -> None:
    assert await fill(path) == NOTHING


@virtual_time
async def test_events_written_at_the_same_time_are_kept_one_after_the_other(tmp_path: Path) -> None:
    audit = await Audit.open(tmp_path / "audit")
    await asyncio.gather(*(audit.write("event", {"number": number}) for number in range(20)))
    await audit.close()
    assert verify(tmp_path / "audit").records == 20
    assert [line["data"]["number"] for line in lines(tmp_path / "audit")] == list(range(20))


async def test_each_event_is_on_the_disk_when_write_returns(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    monkeypatch.setattr(files, "sync", lambda fd: synced.append(os.fstat(fd).st_size))
    audit = await Audit.open(path)
    for count in (1, 2):
        await audit.write("event", {})
        assert synced[count - 1 :] == [len(content(path))]
    await audit.close()


FIELDS: dict[str, Callable[[Any], Any]] = {
    "at": lambda at: at.replace("2023", "2024"),
    "data": lambda data: {**data, "number": 9},
    "event": lambda event: event + "x",
    "hash": lambda digest: ("1" if digest[0] == "0" else "0") + digest[1:],
    "prev": lambda digest: ("1" if digest[0] == "0" else "0") + digest[1:],
    "seq": lambda seq: seq + 1,
}


@pytest.mark.parametrize("field", FIELDS)
@pytest.mark.parametrize("number", [1, 2, 3])
async def test_a_changed_field_is_found(path: Path, field: str, number: int) -> None:
    await fill(path, "a", "b", "c")
    found = lines(path)
    found[number - 1][field] = FIELDS[field](found[number - 1][field])
    put(path, found)
    with pytest.raises(JournalError, match=rf"{re.escape(str(path))}: line {number} "):
        verify(path)
    with pytest.raises(JournalError, match=f"line {number} "):
        await Audit.open(path)


def put(path: Path, found: Sequence[dict[str, Any]]) -> None:
    texts = (json.dumps(line, sort_keys=True, separators=(",", ":")) for line in found)
    save(path, "".join(f"{text}\n" for text in texts).encode())


async def test_an_untouched_copy_made_by_these_tests_is_whole(path: Path) -> None:
    """So that the tests around do not find what they did themselves."""
    summary = await fill(path, "a", "b", "c")
    put(path, lines(path))
    assert verify(path) == summary


@pytest.mark.parametrize(
    ("order", "bad"),
    [((2, 3), 1), ((1, 3), 2), ((2, 1, 3), 1), ((1, 3, 2), 2), ((1, 2, 2, 3), 3), ((1, 1, 2, 3), 2)],
    ids=str,
)
async def test_removed_swapped_and_doubled_lines_are_found(
    path: Path, order: Sequence[int], bad: int
) -> None:
    await fill(path, "a", "b", "c")
    written = content(path).splitlines(keepends=True)
    save(path, b"".join(written[number - 1] for number in order))
    with pytest.raises(JournalError, match=f"line {bad} "):
        verify(path)


async def test_a_line_of_another_trail_in_its_place_is_found(path: Path, tmp_path: Path) -> None:
    await fill(path, "a", "b", "c")
    await fill(tmp_path / "other", "x", "b", "c")
    ours, theirs = (each.splitlines(keepends=True) for each in (content(path), content(tmp_path / "other")))
    save(path, ours[0] + theirs[1] + theirs[2])
    with pytest.raises(JournalError, match="line 2 "):
        verify(path)


@pytest.mark.parametrize(
    "extra", [b"\n", b"{}\n", b"[]\n", b"\xff\n", b"{\n", b"null\n", b"[" * 100_000 + b"\n"]
)
@pytest.mark.parametrize("place", [1, 2, 4])
async def test_lines_that_are_no_records_are_found(path: Path, extra: bytes, place: int) -> None:
    await fill(path, "a", "b", "c")
    written = content(path).splitlines(keepends=True)
    written.insert(place - 1, extra)
    save(path, b"".join(written))
    with pytest.raises(JournalError, match=f"line {place} "):
        verify(path)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b'"seq":2', b'"seq":2.0'),
        (b'"seq":2', b'"seq": 2'),
        (b'"seq":2', b'"seq":2,"seq":2'),
        (b'"number":2', b'"number":2,"number":2'),
        (b'"event":"b"', b'"event":"\\u0062"'),
    ],
)
async def test_a_line_that_only_means_the_same_is_found(path: Path, old: bytes, new: bytes) -> None:
    await fill(path, "a", "b", "c")
    assert old in content(path)
    save(path, content(path).replace(old, new))
    with pytest.raises(JournalError, match="line 2 "):
        verify(path)


async def test_every_flipped_bit_is_found(path: Path) -> None:
    await fill(path, "a", "b")
    whole = content(path)
    for place in range(len(whole) - 1):  # without the last line break, see the torn lines
        for bit in (place % 8, (place + 3) % 8):
            save(path, whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            with pytest.raises(JournalError):
                verify(path)


async def test_j3_torn_last_record_of_an_audit_trail_is_kept_and_told(path: Path) -> None:
    before = await fill(path, "a", "b")
    whole = content(path)
    second = whole.index(b"\n") + 1
    for size in range(second + 1, len(whole) - 1):
        save(path, whole[:size])
        torn = verify(path)
        assert torn == AuditSummary(1, lines_of(whole)[0]["hash"], 1)
        healed = await fill(path, "c")
        assert (healed.records, healed.torn) == (3, 1)
        assert content(path).startswith(whole[:size] + b"\n")
        _, _, told, last = content(path).splitlines()
        assert json.loads(told)["event"] == TORN
        assert json.loads(told)["data"]["bytes"] == size - second
        assert json.loads(last)["event"] == "c"
        assert verify(path) == healed
    assert before.records == 2


def lines_of(content: bytes) -> list[dict[str, Any]]:
    return [json.loads(line) for line in content.splitlines()]


async def test_j3_torn_line_break_loses_nothing(path: Path) -> None:
    whole = await fill(path, "a", "b")
    save(path, content(path)[:-1])
    assert verify(path) == whole
    after = await fill(path, "c")
    assert (after.records, after.torn) == (3, 0)
    assert len(lines(path)) == 3


async def test_j3_torn_twice_is_told_twice(path: Path) -> None:
    for event in "abc":
        await fill(path, event)
        save(path, content(path) + b'{"at":"20')
    assert (await fill(path)).torn == 3
    assert verify(path).records == 6


@pytest.mark.parametrize(
    "change", [(b"torn-part", b"torn-pert"), (b'"bytes":9', b'"bytes":8'), (b"torn-part\n", b"")]
)
async def test_a_torn_line_cannot_be_changed_or_removed(path: Path, change: tuple[bytes, bytes]) -> None:
    await fill(path, "a")
    save(path, content(path) + b"torn-part")
    await fill(path, "b")
    assert change[0] in content(path)
    save(path, content(path).replace(*change))
    if change[1]:
        with pytest.raises(JournalError, match="line 2 "):
            verify(path)
    else:
        # The event still tells that a line was there; nothing that was ever acknowledged is missing.
        assert [line["event"] for line in lines(path)] == ["a", TORN, "b"]


async def test_a_bad_line_before_a_torn_one_is_still_found(path: Path) -> None:
    await fill(path, "a", "b")
    bad = content(path).replace(b'"event":"b"', b'"event":"x"') + b'{"at'
    save(path, bad)
    with pytest.raises(JournalError, match="line 2 "):
        verify(path)
    with pytest.raises(JournalError, match="line 2 "):
        await Audit.open(path)
    assert content(path) == bad


async def test_j3_two_writers_of_an_audit_trail_second_is_refused(path: Path) -> None:
    audit = await Audit.open(path)
    before = descriptors()
    with pytest.raises(JournalError, match="another process writes this audit trail"):
        await Audit.open(path)
    assert descriptors() == before
    await audit.write("a", {})
    await audit.close()
    assert (await fill(path, "b")).records == 2


async def test_j3_two_writers_of_an_audit_trail_in_two_processes(path: Path) -> None:
    with start("hold_audit", path) as child:
        assert child.stdout is not None
        child.stdout.readline()
        with pytest.raises(JournalError, match="another process writes this audit trail"):
            await Audit.open(path)
        child.kill()
    assert (await fill(path, "b")).records == 2


async def test_it_is_ours_alone(path: Path) -> None:
    await fill(path, "a")
    assert mode(path) == 0o600
    mode(path, 0o640)
    with pytest.raises(JournalError, match="mode 640"):
        await Audit.open(path)
    assert verify(path).records == 1  # anybody may check a copy


@pytest.mark.parametrize("room", [1, 200, 1000, 1001, 1100, 1200])
def test_j2_disk_full_leaves_an_audit_trail_whole(path: Path, room: int) -> None:
    (told,) = run("fill_audit", path, room)
    summary = verify(path)
    assert (summary.records, summary.torn) == (told["kept"], 0)
    assert str(path) in told["error"]
    assert "cannot be" in told["error"]


class Failing(Audit):
    """Cannot tell what became of a write."""

    broken = False

    def _put(self, content: bytes) -> None:
        if self.broken:
            os.close(self._fd)
            self._fd = os.open("/dev/full", os.O_WRONLY)
        super()._put(content)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
async def test_j2_disk_full_at_once_is_told(path: Path) -> None:
    audit = await Failing.open(path)
    audit.broken = True
    with pytest.raises(JournalError, match="cannot be used as an audit trail: No space left"):
        await audit.write("a", {})
    await audit.close()
    assert verify(path) == NOTHING


async def test_j2_failed_sync_ends_the_writing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audit = await Audit.open(path)

    def failing(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as patch:
        patch.setattr(files, "sync", failing)
        with pytest.raises(JournalError, match="Input/output error"):
            await audit.write("a", {})
    with pytest.raises(JournalError, match="after a write that failed"):
        await audit.write("b", {})
    await audit.close()
    assert (await fill(path, "c")).records == 2


async def test_data_that_json_cannot_hold_is_refused_and_not_shown(path: Path) -> None:
    audit = await Audit.open(path)
    with pytest.raises(JournalError, match=r"audit\.data\.a: expected a JSON value, got set") as caught:
        await audit.write("a", {"a": {CANARY}})
    assert CANARY not in str(caught.value)
    await audit.write("b", {})
    await audit.close()
    assert verify(path).records == 1


async def test_a_cancelled_open_gives_the_file_back(path: Path) -> None:
    opening = asyncio.ensure_future(Audit.open(path))
    await asyncio.sleep(0)
    opening.cancel()
    await asyncio.wait([opening])
    assert opening.cancelled()
    while True:
        try:
            assert (await fill(path, "a")).records == 1
        except JournalError as error:
            assert "another process writes" in str(error)  # noqa: PT017 - it has not yet noticed
        else:
            break


async def test_a_closed_one_refuses_and_closes_again(path: Path) -> None:
    audit = await Audit.open(path)
    await audit.close()
    await audit.close()
    with pytest.raises(JournalError, match="is closed"):
        await audit.write("a", {})


def test_a_missing_one_cannot_be_verified(path: Path) -> None:
    with pytest.raises(JournalError, match="cannot be read: No such file"):
        verify(path)


async def test_no_audit_takes_everything() -> None:
    trail: AuditTrail = NoAudit()
    await trail.write("a", {})
    await trail.close()
