"""Which server and which token: precedence, and errors that name the file and the key."""

import json
import sys
from pathlib import Path

import pytest

from tests.support.canary import CANARY, sightings
from zadig_async.cli.settings import Flags, Settings, config_file, load
from zadig_async.errors import ConfigError

WORK = "https://work.example.com"
HOME = "https://home.example.com"
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no mode bits")


class Place:
    """A directory with a configuration file and token files."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.environ = {"XDG_CONFIG_HOME": str(root)}
        self.file = config_file(self.environ)

    def config(self, text: str) -> None:
        self.file.parent.mkdir(exist_ok=True)
        self.file.write_text(text, encoding="utf-8")
        self.file.chmod(0o600)

    def token(self, name: str, text: str = CANARY, mode: int = 0o600) -> str:
        path = self.root / name
        path.write_text(text, encoding="utf-8")
        path.chmod(mode)
        return str(path)

    def load(self, flags: Flags = Flags(), **environ: str) -> Settings:  # noqa: B008 - frozen
        return load(flags, self.environ | environ)

    def refusal(self, flags: Flags = Flags(), **environ: str) -> ConfigError:  # noqa: B008 - frozen
        with pytest.raises(ConfigError) as caught:
            self.load(flags, **environ)
        assert sightings(caught.value) == []
        return caught.value


@pytest.fixture
def place(tmp_path: Path) -> Place:
    return Place(tmp_path)


def two_profiles(place: Place) -> None:
    place.config(
        f"""
        default_profile = "work"
        [profiles.work]
        url = "{WORK}"
        token_file = {json.dumps(place.token("work.token", "work-token"))}
        ca_file = "/work.pem"
        proxy = "http://work:1"
        [profiles.home]
        url = "{HOME}"
        token_file = {json.dumps(place.token("home.token", "home-token"))}
        """
    )


def test_a_flag_beats_the_environment_and_that_a_profile(place: Place) -> None:
    two_profiles(place)
    file = place.token("flag.token", "flag-token")
    flags = Flags(url="https://flag.example.com", token_file=file, ca_file="/flag.pem", proxy="http://flag:1")
    found = place.load(flags, ZADIG_URL="https://env.example.com", ZADIG_TOKEN="env-token")
    assert (found.url, found.token.reveal()) == ("https://flag.example.com", "flag-token")
    assert (found.ca_file, found.proxy) == (Path("/flag.pem"), "http://flag:1")

    found = place.load(ZADIG_URL="https://env.example.com", ZADIG_TOKEN="env-token")
    assert (found.url, found.token.reveal()) == ("https://env.example.com", "env-token")

    found = place.load()
    assert (found.url, found.token.reveal(), found.proxy) == (WORK, "work-token", "http://work:1")
    assert (found.url_from, found.token_from) == ("profile 'work'", "profile 'work'")


def test_the_token_in_the_environment_beats_its_file(place: Place) -> None:
    file = place.token("t", "file-token")
    found = place.load(ZADIG_URL=WORK, ZADIG_TOKEN="env-token", ZADIG_TOKEN_FILE=file)
    assert found.token.reveal() == "env-token"
    assert place.load(ZADIG_URL=WORK, ZADIG_TOKEN_FILE=file).token.reveal() == "file-token"


def test_a_profile_is_chosen_by_flag_then_environment_then_default(place: Place) -> None:
    two_profiles(place)
    assert place.load().url == WORK
    assert place.load(ZADIG_PROFILE="home").url == HOME
    assert place.load(Flags(profile="work"), ZADIG_PROFILE="home").url == WORK


def test_a_profile_named_by_flag_is_not_led_astray_by_forgotten_variables(place: Place) -> None:
    two_profiles(place)
    found = place.load(Flags(profile="home"), ZADIG_URL=WORK, ZADIG_TOKEN="env-token")
    assert (found.url, found.token.reveal()) == (HOME, "home-token")


def test_a_profiles_token_is_never_sent_to_another_server(place: Place) -> None:
    two_profiles(place)
    error = place.refusal(Flags(url="https://evil.example.com"))
    where = f"{place.file}: profiles.work"
    assert str(error) == f"{where}: its token belongs to the server of this profile, and --url names another"
    assert place.load(Flags(url=WORK + "/")).token.reveal() == "work-token"


def test_a_password_in_a_url_is_not_told_with_the_mismatch(place: Place) -> None:
    two_profiles(place)
    error = place.refusal(ZADIG_URL=f"https://me:{CANARY}@zadig.example.com")
    assert "and ZADIG_URL names another" in str(error)
    assert sightings(error) == []


def test_nothing_at_all_is_told_with_what_to_do(place: Place) -> None:
    error = place.refusal()
    assert str(error) == "no Zadig server is named"
    assert "ZADIG_URL" in error.hint
    assert "zadig-async demo" in error.hint
    error = place.refusal(ZADIG_URL=WORK)
    assert str(error) == "no API token is given"
    assert "ZADIG_TOKEN_FILE" in error.hint


@posix_only
@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_token_others_can_read_is_refused_with_the_mend(place: Place, mode: int) -> None:
    file = place.token("t", mode=mode)
    error = place.refusal(ZADIG_URL=WORK, ZADIG_TOKEN_FILE=file)
    assert f"{file}: other users of this machine can read it (mode {mode:04o})" in str(error)
    assert error.hint == f"Run: chmod 600 {file}"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        ("", "no token in it"),
        (" \n", "no token in it"),
        ("a b", "more than one word"),
        ("x" * 64 * 1024 + "y", "too large"),
    ],
)
def test_a_token_file_holds_one_word(place: Place, content: str, problem: str) -> None:
    file = place.token("t", content)
    assert problem in str(place.refusal(Flags(url=WORK, token_file=file)))


def test_white_space_around_a_token_is_no_part_of_it(place: Place) -> None:
    file = place.token("t", f"\n {CANARY}\r\n")
    assert place.load(Flags(url=WORK, token_file=file)).token.reveal() == CANARY


def test_a_missing_or_unreadable_token_file_is_named(place: Place) -> None:
    missing = str(place.root / "nowhere")
    assert f"--token-file: {missing}: No such file" in str(place.refusal(Flags(url=WORK, token_file=missing)))
    binary = place.root / "binary"
    binary.write_bytes(b"\xff\xfe\x00")
    binary.chmod(0o600)
    assert "not a text file" in str(place.refusal(Flags(url=WORK, token_file=str(binary))))


def command_profile(place: Place, *words: str) -> None:
    place.config(
        f'[profiles.p]\nurl = "{WORK}"\ntoken_command = {json.dumps([sys.executable, "-c", *words])}'
    )


def test_a_token_can_come_from_a_command_run_without_a_shell(place: Place) -> None:
    command_profile(place, "import sys; print(sys.argv[1])", "$HOME;x")
    assert place.load(Flags(profile="p")).token.reveal() == "$HOME;x"


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("import sys; print('canary'); sys.exit(3)", "ended with exit code 3"),
        ("pass", "no token in it"),
        ("print('a b')", "more than one word"),
        ("import sys; sys.stdout.buffer.write(b'\\xff')", "not text"),
    ],
)
def test_a_command_that_fails_is_named_by_file_and_key(place: Place, code: str, problem: str) -> None:
    command_profile(place, code)
    error = str(place.refusal(Flags(profile="p")))
    assert error.startswith(f"{place.file}: profiles.p.token_command: {sys.executable}")
    assert problem in error


def test_a_command_that_does_not_exist_is_named(place: Place) -> None:
    place.config(f'[profiles.p]\nurl = "{WORK}"\ntoken_command = ["/no/such/program"]')
    assert "/no/such/program: No such file" in str(place.refusal(Flags(profile="p")))


@posix_only
def test_a_command_in_a_file_that_others_may_write_is_not_run(place: Place) -> None:
    witness = place.root / "ran"
    command_profile(place, f"open({str(witness)!r}, 'w')")
    place.file.chmod(0o666)
    assert "others may write" in str(place.refusal(Flags(profile="p")))
    assert not witness.exists()


CONFIG_ERRORS = [
    ("[profiles.p", "it is not valid TOML"),
    ("[profile.p]", "unknown key 'profile'; did you mean 'profiles'?"),
    ('[profiles.p]\ntokenfile = "x"', "profiles.p: unknown key 'tokenfile'; did you mean 'token_file'?"),
    (f'[profiles.p]\ntoken = "{CANARY}"', "profiles.p.token: a token does not belong into this file"),
    ("[profiles.p]\nurl = 5", "profiles.p.url: expected a text that is not empty, got int"),
    ('[profiles.p]\ntoken_command = "pass show"', "profiles.p.token_command: expected a list of words"),
    ('[profiles.p]\ntoken_command = ["a"]\ntoken_file = "b"', "token_file and token_command are both given"),
    ("profiles = 5", "profiles: expected a table, got int"),
    ("[profiles]\np = 5", "profiles.p: expected a table, got int"),
    ("[profiles.pp]", "--profile: there is no profile 'p'; did you mean 'pp'?"),
]


@pytest.mark.parametrize(("text", "problem"), CONFIG_ERRORS)
def test_a_wrong_configuration_file_is_named_with_its_key(place: Place, text: str, problem: str) -> None:
    place.config(text)
    error = place.refusal(Flags(profile="p"), ZADIG_URL=WORK, ZADIG_TOKEN="x")
    assert problem in str(error)
    assert str(place.file) in str(error) or "--profile" in str(error)


def test_a_syntax_error_tells_its_line_and_shows_nothing_of_it(place: Place) -> None:
    place.config(f'[profiles.p]\nurl = "x"\ntoken = {CANARY}\n')
    assert "line 3" in str(place.refusal())


def test_a_profile_needs_its_file(place: Place) -> None:
    assert f"{place.file} does not exist" in str(place.refusal(Flags(profile="p")))
    assert str(place.refusal(ZADIG_PROFILE="p")).startswith("ZADIG_PROFILE: ")


def test_the_file_is_where_xdg_says(tmp_path: Path) -> None:
    assert config_file({"XDG_CONFIG_HOME": str(tmp_path)}) == tmp_path / "zadig-async" / "config.toml"
    fallback = Path("~/.config").expanduser() / "zadig-async" / "config.toml"
    assert config_file({}) == fallback
    assert config_file({"XDG_CONFIG_HOME": "relative"}) == fallback


@posix_only
def test_a_home_that_does_not_exist_is_named(place: Place) -> None:
    nobody = "~nobody-of-this-name/file"
    error = place.refusal(ZADIG_URL=WORK, ZADIG_TOKEN_FILE=nobody)
    assert str(error) == f"ZADIG_TOKEN_FILE: {nobody}: there is no such home directory"
    error = place.refusal(Flags(ca_file=nobody), ZADIG_URL=WORK, ZADIG_TOKEN=CANARY)
    assert str(error) == f"--ca-file: {nobody}: there is no such home directory"
