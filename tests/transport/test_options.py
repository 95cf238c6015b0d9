"""What a carrier is told is checked before there is a socket."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.canary import CANARY, sightings
from zadig_async.errors import ConfigError
from zadig_async.model.secret import Secret
from zadig_async.transport.options import Connection, Limits, Timeouts

CERTS = Path(__file__).parent / "certs"
TOKEN = Secret(CANARY)


@pytest.mark.parametrize(
    ("given_url", "url"),
    [
        ("https://zadig.example.com", "https://zadig.example.com"),
        ("https://zadig.example.com/", "https://zadig.example.com"),
        ("https://zadig.example.com./", "https://zadig.example.com."),
        ("https://zadig.example.com:8443/tools/zadig/", "https://zadig.example.com:8443/tools/zadig"),
        ("https://[2001:db8::1]:8443", "https://[2001:db8::1]:8443"),
        ("http://localhost:8080", "http://localhost:8080"),
        ("http://127.0.0.1:8080/zadig", "http://127.0.0.1:8080/zadig"),
        ("http://127.9.9.9", "http://127.9.9.9"),
        ("http://[::1]:80", "http://[::1]:80"),
    ],
)
def test_url_accepted(given_url: str, url: str) -> None:
    assert Connection(given_url, TOKEN).url == url


@pytest.mark.parametrize(
    ("url", "problem"),
    [
        ("http://zadig.example.com", "in clear"),
        ("http://10.0.0.1", "in clear"),
        ("http://localhost.evil.example", "in clear"),
        ("http://127.0.0.1.evil.example", "in clear"),
        ("ftp://zadig.example.com", "https://"),
        ("zadig.example.com", "https://"),
        ("https://", "https://"),
        ("https:///openapi", "https://"),
        ("", "https://"),
        (f"https://me:{CANARY}@zadig.example.com", "user name or password"),
        (f"https://{CANARY}@zadig.example.com", "user name or password"),
        (f"https://zadig.example.com?token={CANARY}", "query or fragment"),
        ("https://zadig.example.com?", "query or fragment"),
        (f"https://zadig.example.com/#{CANARY}", "query or fragment"),
        ("https://zadig.example.com/a b", "a space"),
        ("https://zadig.example.com\n", "control"),
        ("https://zadig.example.com\\@evil.example", "backslash"),
        ("https://zädig.example.com", "non-ASCII"),
        ("https://zadig.example.com:port", "cannot be read"),
        ("https://zadig.example.com:99999", "cannot be read"),
        ("https://zadig.example.com:0", "port"),
        ("https://zadig.example.com:", "port"),
        ("https://zadig..example.com", "host name"),
        ("https://-zadig.example.com", "host name"),
        ("https://zadig%2eexample.com", "host name"),
        ("https://[::1%25eth0]", "host name"),
        ("https://zadig.example.com/a/../b", "prefix"),
        ("https://zadig.example.com/./b", "prefix"),
        ("https://zadig.example.com/a//b", "prefix"),
        ("https://zadig.example.com/<a>", "prefix"),
    ],
)
def test_url_refused(url: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        Connection(url, Secret("fine"))
    assert sightings(caught.value) == []


@given(st.text(max_size=40))
def test_any_text_is_a_url_or_a_config_error(text: str) -> None:
    for url in (text, f"https://{text}", f"https://host/{text}"):
        try:
            accepted = Connection(url, TOKEN).url
        except ConfigError:
            continue
        assert accepted.isascii()
        assert accepted.isprintable()
        assert not set(accepted) & set(" ?#@\\")


@pytest.mark.parametrize(
    ("token", "problem"),
    [
        ("", "empty"),
        (f"Bearer {CANARY}", "Bearer"),
        (f"bearer {CANARY}", "Bearer"),
        (f"{CANARY}\n", "white space"),
        (f" {CANARY}", "white space"),
        (f"{CANARY} x", "white space"),
        (f"{CANARY}\x00", "control"),
        (f"{CANARY}\x7f", "control"),
        (f"{CANARY}é", "ASCII"),
        (f"{CANARY}\u2028", "ASCII"),
    ],
)
def test_token_refused_without_showing_it(token: str, problem: str) -> None:
    with pytest.raises(ConfigError, match=problem) as caught:
        Connection("https://zadig.example.com", Secret(token))
    assert sightings(caught.value) == []
    assert "account page" in caught.value.hint


def test_connection_does_not_show_its_token() -> None:
    assert CANARY not in repr(Connection("https://zadig.example.com", TOKEN))


@pytest.mark.parametrize("proxy", ["http://proxy:3128", "http://proxy:3128/", "https://10.0.0.1"])
def test_proxy_accepted(proxy: str) -> None:
    assert Connection("https://zadig.example.com", TOKEN, proxy=proxy).proxy == proxy.rstrip("/")


@pytest.mark.parametrize(
    "proxy",
    [f"http://me:{CANARY}@proxy:3128", "socks5://proxy", "proxy:3128", "http://proxy/path", "", "http://p?q"],
)
def test_proxy_refused(proxy: str) -> None:
    with pytest.raises(ConfigError, match=r"^proxy: ") as caught:
        Connection("https://zadig.example.com", TOKEN, proxy=proxy)
    assert sightings(caught.value) == []


@pytest.mark.parametrize("url", ["http://127.0.0.1:8700", "http://localhost"])
def test_a_proxy_elsewhere_never_gets_a_token_in_clear(url: str) -> None:
    with pytest.raises(ConfigError, match=r"^proxy: .* token in clear") as caught:
        Connection(url, TOKEN, proxy="http://proxy:3128")
    assert sightings(caught.value) == []
    assert Connection(url, TOKEN, proxy="http://127.0.0.1:3128").proxy == "http://127.0.0.1:3128"


def test_ca_file_is_read_at_once(tmp_path: Path) -> None:
    assert Connection("https://z", TOKEN, ca_file=CERTS / "ca.pem").ca_file == CERTS / "ca.pem"
    (tmp_path / "empty.pem").touch()
    (tmp_path / "text.pem").write_text("not a certificate")
    for path in (tmp_path / "missing.pem", tmp_path / "empty.pem", tmp_path / "text.pem", tmp_path):
        with pytest.raises(ConfigError, match=r"^ca_file: "):
            Connection("https://z", TOKEN, ca_file=path)


@pytest.mark.parametrize("agent", ["", " ", "a\r\nX-Evil: 1", "zädig"])
def test_user_agent_refused(agent: str) -> None:
    with pytest.raises(ConfigError, match=r"^user_agent: "):
        Connection("https://z", TOKEN, user_agent=agent)


@pytest.mark.parametrize("value", [0, -1, float("inf"), float("nan")])
def test_numbers_must_be_above_zero(value: float) -> None:
    with pytest.raises(ConfigError, match=r"^connect: "):
        Timeouts(connect=value)
    with pytest.raises(ConfigError, match=r"^poll: "):
        Limits(poll=value)  # type: ignore[arg-type]  # a wrong number, on purpose
