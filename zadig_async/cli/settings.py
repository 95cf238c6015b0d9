"""Settings: which server, which token. Flags beat the environment, and the environment beats a profile.

A profile named by the flag `--profile` counts as a flag: who names one on the command line must not be sent
elsewhere by a forgotten variable. The token itself is never an argument, since every process can read those,
and a profile's token is only ever sent to that profile's own server.

`~/.config/zadig-async/config.toml`:

    default_profile = "work"

    [profiles.work]
    url = "https://zadig.example.com"
    token_file = "~/.config/zadig-async/work.token"
    # token_command = ["pass", "show", "zadig"]   # instead of token_file; run without a shell
    # ca_file = "/etc/ssl/company.pem"
    # proxy = "http://proxy:3128"
"""

import difflib
import os
import stat
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import attrs

from zadig_async.errors import ConfigError
from zadig_async.model.secret import Secret

_LARGEST_FILE: Final = 64 * 1024
_COMMAND_SECONDS: Final = 60.0
_POSIX: Final = os.name == "posix"


@attrs.frozen(kw_only=True)
class Flags:
    """The connection flags of the command line; None where one was not given."""

    url: str | None = None
    profile: str | None = None
    token_file: str | None = None
    ca_file: str | None = None
    proxy: str | None = None


@attrs.frozen(kw_only=True)
class Profile:
    """One `[profiles.NAME]` of the configuration file; exactly one way to the token, or none."""

    name: str
    url: str | None = None
    token_file: str | None = None
    token_command: tuple[str, ...] = ()
    ca_file: str | None = None
    proxy: str | None = None


@attrs.frozen(kw_only=True)
class Settings:
    """What a connection needs, with where each part came from in words.

    Attributes:
        url: Address under which the Zadig portal opens.
        token: API token.
        ca_file: PEM file of authorities to trust, or None.
        proxy: HTTP proxy, or None.
        url_from: Where the URL came from.
        token_from: Where the token came from.
    """

    url: str
    token: Secret
    ca_file: Path | None = None
    proxy: str | None = None
    url_from: str = ""
    token_from: str = ""


def config_file(environ: Mapping[str, str]) -> Path:
    """Return where the configuration file is, whether it exists or not."""
    base = environ.get("XDG_CONFIG_HOME", "")
    # The specification says that a relative path there is to be ignored.
    root = Path(base)
    if not root.is_absolute():
        try:
            root = Path("~/.config").expanduser()
        except RuntimeError:  # a container's user whom nobody gave a home: its home is / there
            root = Path("/.config")
    return root / "zadig-async" / "config.toml"


def _path(name: str, where: str) -> Path:
    try:
        return Path(name).expanduser()
    except RuntimeError:
        raise ConfigError(f"{where}: {name}: there is no such home directory") from None


def load(flags: Flags, environ: Mapping[str, str] | None = None) -> Settings:
    """Find out which server and which token to use.

    Args:
        flags: What the command line said.
        environ: Environment variables; those of this process if None.

    Raises:
        ConfigError: Something is missing or cannot be used; names the file and the key.
    """
    environ = os.environ if environ is None else environ
    file = config_file(environ)
    profile = _profile(flags, environ, file)
    named = profile if flags.profile is not None else None
    url, url_from = _url(flags, environ, named, profile, file)
    token, token_from = _token(flags, environ, named, profile, url, url_from, file)
    ca_file = flags.ca_file or (profile.ca_file if profile else None)
    ca_from = "--ca-file" if flags.ca_file else f"{file}: ca_file"
    return Settings(
        url=url,
        token=token,
        ca_file=_path(ca_file, ca_from) if ca_file else None,
        proxy=flags.proxy or (profile.proxy if profile else None),
        url_from=url_from,
        token_from=token_from,
    )


def _url(
    flags: Flags, environ: Mapping[str, str], named: Profile | None, profile: Profile | None, file: Path
) -> tuple[str, str]:
    if flags.url:
        return flags.url, "--url"
    if named and named.url:
        return named.url, f"profile {named.name!r}"
    if environ.get("ZADIG_URL"):
        return environ["ZADIG_URL"], "ZADIG_URL"
    if profile and profile.url:
        return profile.url, f"profile {profile.name!r}"
    raise ConfigError(
        "no Zadig server is named",
        hint=f"Set ZADIG_URL, give --url, or write a profile into {file}. "
        "To try without a server: zadig-async demo.",
    )


def _token(
    flags: Flags,
    environ: Mapping[str, str],
    named: Profile | None,
    profile: Profile | None,
    url: str,
    url_from: str,
    file: Path,
) -> tuple[Secret, str]:
    if flags.token_file:
        return _token_of_file(flags.token_file, "--token-file"), f"--token-file {flags.token_file}"
    if named and _has_token(named):
        return _token_of_profile(named, url, url_from, file)
    if environ.get("ZADIG_TOKEN"):
        return Secret(environ["ZADIG_TOKEN"].strip()), "ZADIG_TOKEN"
    if environ.get("ZADIG_TOKEN_FILE"):
        path = environ["ZADIG_TOKEN_FILE"]
        return _token_of_file(path, "ZADIG_TOKEN_FILE"), f"ZADIG_TOKEN_FILE {path}"
    if profile and _has_token(profile):
        return _token_of_profile(profile, url, url_from, file)
    raise ConfigError(
        "no API token is given",
        hint="Put it into a file only you can read and give --token-file or ZADIG_TOKEN_FILE, or set "
        "ZADIG_TOKEN. Zadig shows the token on the account page.",
    )


def _has_token(profile: Profile) -> bool:
    return bool(profile.token_file or profile.token_command)


def _token_of_profile(profile: Profile, url: str, url_from: str, file: Path) -> tuple[Secret, str]:
    where = f"{file}: profiles.{profile.name}"
    if profile.url is not None and profile.url.rstrip("/") != url.rstrip("/"):
        raise ConfigError(  # without the URLs: one that is wrong may hold a password
            f"{where}: its token belongs to the server of this profile, and {url_from} names another",
            hint="Name the token for that server: --token-file, or ZADIG_TOKEN.",
        )
    if profile.token_file:
        return _token_of_file(profile.token_file, f"{where}.token_file"), f"profile {profile.name!r}"
    return _token_of_command(profile, file, f"{where}.token_command"), f"profile {profile.name!r}"


def _token_of_file(name: str, where: str) -> Secret:
    """Read a token from a file, or from standard input for `-`."""
    if name == "-":
        return _one_word(sys.stdin.read(_LARGEST_FILE + 1), f"{where}: standard input")
    path = _path(name, where)
    try:
        with path.open("rb") as file:
            _check_private(os.fstat(file.fileno()), path, where)
            content = file.read(_LARGEST_FILE + 1)
    except OSError as error:
        raise ConfigError(f"{where}: {path}: {error.strerror}") from None
    try:
        text = content.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {path}: it is not a text file") from None
    return _one_word(text, f"{where}: {path}")


def _check_private(status: os.stat_result, path: Path, where: str) -> None:
    """Refuse a token that others on this machine can read. Windows keeps no such bits."""
    if _POSIX and stat.S_IMODE(status.st_mode) & 0o077:
        raise ConfigError(
            f"{where}: {path}: other users of this machine can read it (mode "
            f"{stat.S_IMODE(status.st_mode):04o})",
            hint=f"Run: chmod 600 {path}",
        )


def _token_of_command(profile: Profile, file: Path, where: str) -> Secret:
    if _POSIX and stat.S_IMODE(file.stat().st_mode) & 0o022:
        raise ConfigError(
            f"{where}: others may write to {file}, so its command is not run", hint=f"Run: chmod 600 {file}"
        )
    program = profile.token_command[0]
    try:
        done = subprocess.run(  # noqa: S603 - the user's own command, as a list, without a shell
            profile.token_command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=_COMMAND_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise ConfigError(f"{where}: {program} did not end within {_COMMAND_SECONDS:g} s") from None
    except OSError as error:
        raise ConfigError(f"{where}: {program}: {error.strerror}") from None
    if done.returncode:
        raise ConfigError(f"{where}: {program} ended with exit code {done.returncode}")
    try:
        text = done.stdout.decode()
    except UnicodeDecodeError:
        raise ConfigError(f"{where}: {program} wrote something that is not text") from None
    return _one_word(text, f"{where}: {program}")


def _one_word(text: str, where: str) -> Secret:
    words = text.split()
    problem = ""
    if len(text) > _LARGEST_FILE:
        problem = "too large for a token"
    elif len(words) != 1:
        problem = "more than one word in it" if words else "no token in it"
    if problem:
        raise ConfigError(f"{where}: {problem}", hint="It must hold the API token and nothing else.")
    return Secret(words[0])


def _profile(flags: Flags, environ: Mapping[str, str], file: Path) -> Profile | None:
    """Return the profile to use, or None where none is named and there is no default."""
    wanted = flags.profile or environ.get("ZADIG_PROFILE") or ""
    source = "--profile" if flags.profile else "ZADIG_PROFILE"
    document = _read(file)
    if document is None:
        if wanted:
            raise ConfigError(
                f"{source}: there is no profile {wanted!r}: {file} does not exist",
                hint="Write the file, or set ZADIG_URL and ZADIG_TOKEN instead.",
            )
        return None
    _check_keys(document, {"profiles", "default_profile"}, str(file))
    profiles = _table(document.get("profiles", {}), f"{file}: profiles")
    if not wanted and "default_profile" in document:
        wanted, source = (
            _text(document["default_profile"], f"{file}: default_profile"),
            f"{file}: default_profile",
        )
    if not wanted:
        return None
    if wanted not in profiles:
        raise ConfigError(f"{source}: there is no profile {wanted!r}{_meant(wanted, profiles)}")
    where = f"{file}: profiles.{wanted}"
    return _read_profile(wanted, _table(profiles[wanted], where), where)


def _read(file: Path) -> Mapping[str, Any] | None:
    try:
        with file.open("rb") as source:
            return tomllib.load(source)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigError(f"{file}: {error.strerror}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        # The reason may quote the line, which may hold what does not belong there.
        reason = str(error).rpartition("(at ")[2].rstrip(")") if "(at " in str(error) else "not UTF-8"
        raise ConfigError(f"{file}: it is not valid TOML ({reason})") from None


def _read_profile(name: str, table: Mapping[str, Any], where: str) -> Profile:
    if "token" in table:
        raise ConfigError(
            f"{where}.token: a token does not belong into this file",
            hint="Put it into a file of its own (chmod 600) and name that as token_file.",
        )
    _check_keys(table, {field.name for field in attrs.fields(Profile)} - {"name"}, where)
    texts = {
        key: _text(table[key], f"{where}.{key}")
        for key in ("url", "token_file", "ca_file", "proxy")
        if key in table
    }
    command: tuple[str, ...] = ()
    if "token_command" in table:
        if "token_file" in texts:
            raise ConfigError(f"{where}: token_file and token_command are both given", hint="Keep one.")
        given = table["token_command"]
        if not isinstance(given, list) or not given or not all(isinstance(part, str) for part in given):
            raise ConfigError(
                f"{where}.token_command: expected a list of words",
                hint='Write token_command = ["pass", "show", "zadig"]: it is run without a shell.',
            )
        command = tuple(given)
    return Profile(
        name=name,
        url=texts.get("url"),
        token_file=texts.get("token_file"),
        token_command=command,
        ca_file=texts.get("ca_file"),
        proxy=texts.get("proxy"),
    )


def _check_keys(table: Mapping[str, Any], known: set[str], where: str) -> None:
    for key in table:
        if key not in known:
            raise ConfigError(
                f"{where}: unknown key {key!r}{_meant(key, known)}",
                hint=f"Known are: {', '.join(sorted(known))}.",
            )


def _table(value: object, where: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: expected a table, got {type(value).__name__}")
    return value


def _text(value: object, where: str) -> str:
    if not isinstance(value, str) or not value:
        raise ConfigError(f"{where}: expected a text that is not empty, got {type(value).__name__}")
    return value


def _meant(word: str, known: "Mapping[str, Any] | set[str]") -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    if close:
        return f"; did you mean {close[0]!r}?"
    return ""
