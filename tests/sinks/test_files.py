"""One file per log: what is in it, what it is called, and that no other file is touched."""

import os
import stat
import sys
from pathlib import Path

import pytest

from tests.sinks.told import EVIL, closed, lines, missing, opened, unavailable
from zadig_async.errors import ConfigError
from zadig_async.model.ids import TaskRef
from zadig_async.model.log import LogGap
from zadig_async.orchestrator import events
from zadig_async.sinks.files import LogFiles, file_name, make_directory
from zadig_async.sinks.writer import BackgroundWriter, UnwritableError
from zadig_async.wire.loglines import LogLine

posix_only = pytest.mark.skipif(sys.platform == "win32", reason="modes and links of POSIX")

FOLDER = Path("shop", "deploy-api-57")
BUILD = FOLDER / "job-0-0-0-build.log"


async def write(directory: Path, *told: events.LogEvent, jobs: tuple[str, ...] = ()) -> None:
    async with BackgroundWriter() as writer:
        files = LogFiles(directory, writer, jobs=jobs)
        for event in told:
            await files(event)
        files.close()


def found(directory: Path) -> list[str]:
    return sorted(str(path.relative_to(directory)) for path in directory.rglob("*") if path.is_file())


def read(path: Path) -> str:
    return path.read_bytes().decode()


async def test_a_log_is_kept_as_it_came_with_its_report_at_the_end(tmp_path: Path) -> None:
    await write(tmp_path, opened(), lines("a", "10%\r20%", EVIL, "部署"), closed(count=4))
    assert read(tmp_path / BUILD) == (
        f"a\n10%\r20%\n{EVIL}\n部署\n"
        "##[zadig-async] end: 4 lines, complete: equal to the archive\n"
        "##[zadig-async] digest: d1\n"
    )


async def test_what_cannot_be_encoded_is_written_as_an_escape(tmp_path: Path) -> None:
    await write(tmp_path, lines("half \ud83d"), closed())
    assert read(tmp_path / BUILD).startswith("half \\ud83d\n")


async def test_everything_that_is_no_line_of_the_log_bears_the_prefix(tmp_path: Path) -> None:
    gap = LogGap(1, 2)
    await write(
        tmp_path,
        lines("a"),
        missing(1, 2),
        lines(LogLine("b", truncated=True)),
        lines("m", fills=gap),
        lines("n", fills=gap),
        lines("c"),
        closed(False, "cut", count=5, gaps=(LogGap(5),)),
    )
    assert read(tmp_path / BUILD).splitlines() == [
        "a",
        "##[zadig-async] 2 lines are missing here",
        "b",
        "##[zadig-async] the line before this was cut",
        "##[zadig-async] these belong after line 1, where 2 lines were missing",
        "m",
        "n",
        "##[zadig-async] the log goes on",
        "c",
        "##[zadig-async] end: 5 lines, NOT complete: cut",
        "##[zadig-async] gap: lines are missing after line 5, how many is not known",
        "##[zadig-async] digest: d1",
    ]


async def test_jobs_attempts_and_tasks_have_files_of_their_own(tmp_path: Path) -> None:
    other = TaskRef("shop", "deploy-web", 3)
    await write(
        tmp_path,
        lines("a"),
        lines("b", job="job-1-0-0-test"),
        closed(),
        lines("c", attempt=2),
        lines("d", ref=other),
        unavailable("no log", job="job-2-0-0-deploy"),
        opened(job="job-3-0-0-silent"),
    )
    assert found(tmp_path) == [
        "shop/deploy-api-57/job-0-0-0-build.2.log",
        str(BUILD),
        "shop/deploy-api-57/job-1-0-0-test.log",
        "shop/deploy-web-3/job-0-0-0-build.log",
    ]


async def test_a_log_that_was_not_closed_says_so(tmp_path: Path) -> None:
    await write(tmp_path, lines("a"))
    assert read(tmp_path / BUILD) == "a\n##[zadig-async] it was not read any further\n"


async def test_only_chosen_jobs_are_kept(tmp_path: Path) -> None:
    await write(tmp_path, lines("a"), lines("b", job="job-1-0-0-test"), jobs=("test",))
    assert found(tmp_path) == ["shop/deploy-api-57/job-1-0-0-test.log"]


@posix_only
async def test_files_and_folders_are_ours_alone(tmp_path: Path) -> None:
    directory = tmp_path / "new" / "logs"
    make_directory(directory)
    await write(directory, lines("a"))
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in directory.rglob("*")}
    assert modes == {"shop": 0o700, "deploy-api-57": 0o700, BUILD.name: 0o600}
    assert stat.S_IMODE(directory.stat().st_mode) == 0o700


async def test_a_file_that_is_there_is_left_alone(tmp_path: Path) -> None:
    for _ in range(3):
        await write(tmp_path, lines("a"), closed())
    kept = read(tmp_path / BUILD)
    await write(tmp_path, lines("b"), closed())
    assert read(tmp_path / BUILD) == kept
    assert found(tmp_path) == [
        str(BUILD),
        *(f"shop/deploy-api-57/job-0-0-0-build~{number}.log" for number in (2, 3, 4)),
    ]
    assert read(tmp_path / FOLDER / "job-0-0-0-build~4.log").startswith("b\n")


async def test_names_that_become_the_same_are_told_apart(tmp_path: Path) -> None:
    await write(tmp_path, lines("a", job="x/y"), lines("b", job="x:y"), lines("c", job="x/y"))
    assert read(tmp_path / FOLDER / "x_y.log").startswith("a\nc\n")
    assert read(tmp_path / FOLDER / "x_y~2.log").startswith("b\n")


@posix_only
async def test_a_link_is_never_followed(tmp_path: Path) -> None:
    directory, victim = tmp_path / "logs", tmp_path / "victim"
    (directory / FOLDER).mkdir(parents=True)
    (directory / BUILD).symlink_to(victim)
    await write(directory, lines("a"))
    assert not victim.exists()
    assert read(directory / FOLDER / "job-0-0-0-build~2.log").startswith("a\n")


@posix_only
async def test_a_folder_that_is_a_link_is_refused_by_name(tmp_path: Path) -> None:
    directory, elsewhere = tmp_path / "logs", tmp_path / "elsewhere"
    elsewhere.mkdir()
    directory.mkdir()
    (directory / "shop").symlink_to(elsewhere)
    async with BackgroundWriter() as writer:
        files = LogFiles(directory, writer)
        await files(lines("a"))
        await writer.flush()
        with pytest.raises(UnwritableError, match=rf"{BUILD}: {directory / 'shop'} is a link"):
            await files(lines("b"))
        files.close()
    assert list(elsewhere.iterdir()) == []


async def test_a_file_that_cannot_be_written_is_named_and_the_others_go_on(tmp_path: Path) -> None:
    (tmp_path / "shop").mkdir()
    (tmp_path / FOLDER).write_text("in the way", encoding="utf-8")
    web = TaskRef("shop", "deploy-web", 3)
    async with BackgroundWriter() as writer:
        files = LogFiles(tmp_path, writer)
        await files(lines("a"))
        await writer.flush()
        for _ in range(2):
            with pytest.raises(UnwritableError, match="deploy-api-57"):
                await files(lines("b"))
        await files(lines("c", ref=web))
        files.close()
    assert read(tmp_path / "shop" / "deploy-web-3" / "job-0-0-0-build.log").startswith("c\n")


@posix_only
async def test_files_are_closed_when_their_logs_are(tmp_path: Path) -> None:
    def descriptors() -> int:
        return len(list(Path("/dev/fd").iterdir()))

    async with BackgroundWriter() as writer:
        files = LogFiles(tmp_path, writer)
        before = descriptors()
        for task in range(20):
            ref = TaskRef("shop", "w", task + 1)
            await files(lines("a", ref=ref))
            await files(closed(ref=ref))
        await writer.flush()
        assert descriptors() == before


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("job-0-0-0-构建", "job-0-0-0-构建"),
        ("../../etc/passwd", "_._.._etc_passwd"),
        ("..", "_"),
        ("", "_"),
        (".hidden", "_hidden"),
        ("a\x00b\nc\x1b", "a_b_c_"),
        ("c:\\x", "c__x"),
        ("x.", "x"),
        ("half \ud83d", "half__"),
    ],
)
def test_a_name_is_made_one_that_names_a_file_right_here(text: str, name: str) -> None:
    assert file_name(text) == name


def test_a_name_is_not_too_long() -> None:
    assert len(file_name("部" * 300).encode()) <= 200
    assert set(file_name("部" * 300)) == {"部"}


def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(ConfigError, match="it cannot be made") as caught:
        make_directory(tmp_path / "file" / "logs")
    assert str(tmp_path / "file" / "logs") in str(caught.value)
    assert caught.value.hint


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="root may write everywhere")
def test_a_directory_that_is_not_ours_to_write_to_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(ConfigError, match="no file can be made in it"):
        make_directory(tmp_path)
