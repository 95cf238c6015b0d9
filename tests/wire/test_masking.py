"""Masking: whatever the secrets, the lines and the cuts of the stream, no secret is left in the end."""

import base64
import json
import pickle
from itertools import pairwise
from urllib.parse import quote, quote_plus

import attrs
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from zadig_async.model.secret import MASK, Secret
from zadig_async.wire.loglines import LogLine, LogParser
from zadig_async.wire.masking import Mask

TOKEN = 'pä/ss+"w<o>rd&\\1'
PEM = """-----BEGIN TEST KEY-----
MIIEowIBAAKCAQEA7c5v
Xk2n9PqLrT0aYz81+/Qe
  hJ8=
-----END TEST KEY-----
"""


def mask(*values: str) -> Mask:
    return Mask([Secret(value) for value in values])


def masked(text: str, *values: str, truncated: bool = False) -> str:
    (line,) = mask(*values).lines([LogLine(text, truncated)])
    assert line.truncated is truncated
    return line.text


FORMS = {
    "as it is": TOKEN,
    "JSON, ASCII": json.dumps(TOKEN)[1:-1],
    "JSON, UTF-8": json.dumps(TOKEN, ensure_ascii=False)[1:-1],
    "JSON of Go": 'pä/ss+\\"w\\u003co\\u003erd\\u0026\\\\1',
    "URL": quote(TOKEN),
    "URL, slash too": quote(TOKEN, safe=""),
    "URL query": quote_plus(TOKEN),
    "URL, lower case": "p%c3%a4%2fss%2b%22w%3co%3erd%26%5c1",
    "base64": base64.b64encode(TOKEN.encode()).decode(),
    "base64 without its padding": base64.b64encode(TOKEN.encode()).decode().rstrip("="),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("around", ["{}", "a {} b", "x{}x", "({})", "{0} {0}"])
def test_a_secret_is_found_in_the_forms_tools_print_it_in(form: str, around: str) -> None:
    assert masked(around.format(FORMS[form]), TOKEN, "other-one") == around.format(MASK)


def test_spaces_are_found_in_both_forms_of_a_url() -> None:
    assert masked("pass+w%2Frd pass%20w/rd pass%20w%2frd", "pass w/rd") == f"{MASK} {MASK} {MASK}"


@pytest.mark.parametrize("before", ["", "u", "us", "user:", "user2:"])
@pytest.mark.parametrize("after", ["", "\n", ":x", " and more"])
def test_a_secret_is_found_inside_what_was_encoded_as_a_whole(before: str, after: str) -> None:
    encoded = base64.b64encode(f"{before}tok-5JbxNq81{after}".encode()).decode()
    left = masked(f"Basic {encoded}", "tok-5JbxNq81").removeprefix("Basic ")
    assert MASK in left
    # 12 bytes are 16 characters, of which one may hold bits of what stands next to it
    assert len(encoded) - len(left.replace(MASK, "")) >= 15
    assert encoded.startswith(left.partition(MASK)[0])
    assert encoded.endswith(left.partition(MASK)[2])


def test_base64_of_a_short_value_is_not_looked_for() -> None:
    encoded = base64.b64encode(b"seven77").decode()
    assert masked(encoded, "seven77") == encoded
    assert masked(base64.b64encode(b"eight888").decode(), "eight888") == MASK


@pytest.mark.parametrize(
    "value", ["", " ", "\n\t ", MASK, "*", "**", "*********", " **** ", "\x00\x01", "**\x00**"]
)
def test_values_that_are_none_are_ignored(value: str) -> None:
    lines = [LogLine(text) for text in ("", " ", "*", MASK, "**********", f"a {MASK} b", "\t", "a\x02b")]
    assert mask(value).lines(lines) is lines


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("abc", MASK),
        ("x=abc;", f"x={MASK};"),
        ("abc abc", f"{MASK} {MASK}"),
        ("_abc_", f"_{MASK}_"),
        ("-abc\t", f"-{MASK}\t"),
        ("abcd", "abcd"),
        ("1abc", "1abc"),
        ("abcé", "abcé"),
        ("构abc", "构abc"),
        ("abcabc", "abcabc"),
        ("xabc abc", f"xabc {MASK}"),
    ],
)
def test_a_short_value_is_masked_where_it_stands_alone(text: str, expected: str) -> None:
    assert masked(text, "abc") == expected


def test_a_short_value_stands_alone_in_all_its_forms() -> None:
    assert masked("a%2Fb a/b xa/b a%2Fbc", "a/b") == f"{MASK} {MASK} xa/b a%2Fbc"


def test_four_characters_are_masked_within_words() -> None:
    assert masked("contested", "test") == f"con{MASK}ed"


@pytest.mark.parametrize(
    ("text", "values", "expected"),
    [
        pytest.param("a secret-long b", ["secret", "secret-long"], f"a {MASK} b", id="the longer one wins"),
        pytest.param("a secret b", ["secret", "secret-long"], f"a {MASK} b", id="the shorter one alone"),
        pytest.param("long-secret", ["secret", "long-secret"], MASK, id="one ends as the other does"),
        pytest.param("xabcdefghx", ["xabcd", "abcdefgh"], f"{MASK}x", id="overlapping ones"),
        pytest.param("onetwo", ["oneX", "one", "two"], "onetwo", id="short ones that touch"),
        pytest.param("first1second", ["first1", "second"], MASK, id="ones that touch"),
        pytest.param("aaaaaaa", ["aaaa"], MASK, id="one that overlaps itself"),
        pytest.param("token1 token12", ["token1"], f"{MASK} {MASK}2", id="a beginning of something else"),
        pytest.param("abcd-x", ["abcd", "x"], f"{MASK}-{MASK}", id="long and short"),
        pytest.param("abcdx", ["abcd", "x"], MASK * 2, id="one that stands alone only then"),
        pytest.param("ab**" * 40, ["b**a"], f"a{MASK}b**", id="again and again"),
        pytest.param("**ab" + "ab" * 40, ["**ab"], MASK, id="more often than is looked at"),
    ],
)
def test_secrets_that_meet(text: str, values: list[str], expected: str) -> None:
    assert masked(text, *values) == masked(text, *reversed(values)) == expected


def test_white_space_around_a_value_does_not_matter() -> None:
    assert masked("a=the value;", "\n the value\r\n\t") == f"a={MASK};"


def test_a_value_of_several_lines_is_masked_line_by_line() -> None:
    lines = [LogLine(text) for text in f"key:\n{PEM}end".split("\n")]
    assert [line.text for line in mask(PEM).lines(lines)] == ["key:", MASK, MASK, MASK, "  hJ8=", MASK, "end"]
    assert masked("> MIIEowIBAAKCAQEA7c5v <", PEM.replace("\n", "\r\n")) == f"> {MASK} <"


def test_a_value_of_several_lines_is_masked_as_a_whole_where_it_is_one_line() -> None:
    key = PEM.strip()
    for form in (json.dumps(key)[1:-1], quote(key), base64.b64encode(key.encode()).decode()):
        assert masked(f'key: "{form}"', PEM) == f'key: "{MASK}"'
    assert mask(PEM).text(f"key:\n{PEM}end") == f"key:\n{MASK}\nend"


def test_asterisks_in_a_value_of_several_lines_are_no_secret() -> None:
    assert masked("**********", "**********\nsecond-line") == "**********"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a tok-5", f"a {MASK}"),
        ("a tok-", f"a {MASK}"),
        ("a tok", "a tok"),
        ("a tok-6", "a tok-6"),
        ("tok-5JbxN", MASK),
        ("tok-5JbxNq", MASK),
        ("tok-5JbxNq a", f"{MASK} a"),
        ("tok-tok-tok-5", f"tok-tok-{MASK}"),
        (base64.b64encode(b"tok-5JbxNq").decode()[:9], MASK),
        ("tok\x1b[1m-5", MASK),
    ],
)
def test_a_secret_cut_by_the_end_of_a_truncated_line(text: str, expected: str) -> None:
    assert masked(text, "tok-5JbxNq", truncated=True) == expected
    whole = masked(text, "tok-5JbxNq")
    assert whole == (expected if "tok-5JbxNq" in text else text)


def test_asterisks_at_the_end_of_a_truncated_line_are_no_secret() -> None:
    assert masked(f"a {MASK}", "****five", truncated=True) == f"a {MASK}"
    assert masked(f"a {MASK}fi", "****five", truncated=True) == f"a **{MASK}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("pa\x1b[1mss-word", MASK),
        ("\x1b[32mpass-word\x1b[0m ok", f"{MASK} ok"),
        ("\x1b[32mok\x1b[0m pa\x9b1;31mss-\x1b[0mword", f"ok {MASK}"),
        ("pa\x9b1mss-word", MASK),
        ("pass\x00-\x08word", MASK),
        ("\x1b[pass-word\x1b[", f"{MASK}["),
        ("\tpass-word\r100%", f"\t{MASK}\r100%"),
    ],
)
def test_control_sequences_do_not_hide_a_secret(text: str, expected: str) -> None:
    assert masked(text, "pass-word", "[pass-word") == expected


def test_control_sequences_stay_where_there_is_no_secret() -> None:
    lines = [LogLine("\x1b[32mok\x1b[0m"), LogLine("pass-word"), LogLine("\x1b]0;t\x07 \xa0", truncated=True)]
    assert mask("pass-word").lines(lines) == [lines[0], LogLine(MASK), lines[2]]
    nearly = [LogLine("\x1b[32mpass-\x1b[0m"), LogLine("\x1b[32mpass-", truncated=False)]
    assert mask("pass-:word").lines(nearly) is nearly
    assert mask("pass-wort").lines(lines) is lines


def test_a_value_with_control_sequences_is_found_with_and_without_them() -> None:
    for text in ("pa\x1b[1mss-word", "pass-word", "pa\\u001b[1mss-word"):
        assert masked(text, "pa\x1b[1mss-word") == MASK
    assert masked("ab a\x00\x00b cab", "a\x00\x00b") == f"{MASK} {MASK} cab"


def test_what_a_control_sequence_is_can_be_said_otherwise() -> None:
    def strip(text: str) -> str:
        return text.replace("\x1b<>", "")

    with_ours = Mask([Secret("pass-word")], strip=strip)
    assert with_ours.text("pass\x1b<>-word") == MASK
    assert mask("pass-word").text("pass\x1b<>-word") == "pass\x1b<>-word"


def test_only_lines_with_a_secret_are_new() -> None:
    lines = [LogLine(f"line {number}", truncated=number % 2 == 0) for number in range(9)]
    shown = mask("ine 4", "5", "not there").lines(lines)
    assert [line.text for line in shown] == [
        *(f"line {n}" for n in range(4)),
        f"l{MASK}",
        f"line {MASK}",
        *(f"line {n}" for n in (6, 7, 8)),
    ]
    for number in (0, 1, 2, 3, 6, 7, 8):
        assert shown[number] is lines[number]
    assert shown[4].truncated
    assert mask("not there").lines(lines) is lines
    assert mask().lines(lines) is lines
    assert mask("anything").lines([]) == []


def test_nothing_of_a_mask_can_be_seen_or_changed() -> None:
    one = mask("tok-5JbxNq", "ab")
    assert repr(one) == str(one) == "Mask()"
    with pytest.raises(attrs.exceptions.FrozenInstanceError):
        one._long = {}  # type: ignore[misc]  # that is what is tested
    with pytest.raises(TypeError, match="never pickled") as caught:
        pickle.dumps(one)
    assert "5Jbx" not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["\ud800surrogate", "\udfff" * 9, "a" * 100_000, "\x1b[1m\x1b[0m", "%", "\\"]
)
def test_odd_values_raise_nothing(value: str) -> None:
    assert mask(value).text("plain \\ text % here") in (
        "plain \\ text % here",
        f"plain {MASK} text % here",
        f"plain \\ text {MASK} here",
    )


ALPHABET = st.one_of(st.sampled_from("abab*1 \r\n\x1b[m\x00é"), st.characters(codec="utf-8"))
SECRETS = st.lists(
    st.one_of(st.text(ALPHABET, max_size=9), st.text(st.sampled_from("ab*"), max_size=6)), max_size=4
)
FILLING = st.text(
    st.one_of(st.sampled_from("ab*1 \r\x1b[m\x00é"), st.characters(codec="utf-8", exclude_characters="\n")),
    max_size=8,
)


@st.composite
def secrets_and_lines(draw: st.DrawFn) -> tuple[list[str], list[LogLine]]:
    secrets = draw(SECRETS)
    piece = st.one_of(
        FILLING,
        *(
            st.sampled_from([s, s[: len(s) // 2], quote(s), json.dumps(s)[1:-1]])
            for s in secrets
            if s.isprintable()
        ),
        *(st.just(s.replace("\n", "")) for s in secrets),
    )
    text = st.lists(piece, max_size=5).map("".join)
    return secrets, draw(st.lists(st.builds(LogLine, text, st.booleans()), max_size=5))


def what_counts(secrets: list[str]) -> list[str]:
    values = [secret.strip() for secret in secrets]
    return [value for value in values if len(value) >= 4 and value.strip("*")]


@given(secrets_and_lines())
@example((["**ab"], [LogLine("**ababababababab")]))
@example((["a******b", "SECRET"], [LogLine("aSECRETb")]))
@example((["[1mabc"], [LogLine("\x1b[1mabc")]))
@settings(max_examples=400)
def test_no_secret_is_left(given_: tuple[list[str], list[LogLine]]) -> None:
    secrets, lines = given_
    one = mask(*secrets)
    shown = one.lines(lines)
    for line in shown:
        for value in what_counts(secrets):
            assert value not in line.text
    assert one.lines(shown) is shown
    assert [line.truncated for line in shown] == [line.truncated for line in lines]
    assert [one.lines([line])[0] for line in lines] == shown
    if shown == lines:
        assert shown is lines


@given(
    st.text(st.sampled_from('abc123-+/="<& é'), min_size=4, max_size=20),
    st.text(st.sampled_from("XYZ ,;:\t"), max_size=9),
    st.text(st.sampled_from("XYZ ,;:\t"), max_size=9),
)
def test_nothing_but_the_secret_is_lost(value: str, before: str, after: str) -> None:
    value = value.strip()
    assume(len(value) >= 4)
    assert masked(f"{before}{value}{after}", value, "UNRELATED") == f"{before}{MASK}{after}"
    rest = LogLine(f"{before}{after}")
    assert mask(value).lines([rest]) == [rest]


@given(
    SECRETS,
    st.lists(st.tuples(FILLING, st.integers(0, 3), FILLING), max_size=6),
    st.lists(st.integers(0, 300), max_size=6),
    st.sampled_from([32, 1_048_576]),
)
@settings(max_examples=200)
def test_no_secret_is_left_across_chunk_borders(
    secrets: list[str], pieces: list[tuple[str, int, str]], cuts: list[int], max_line: int
) -> None:
    texts = [
        f"{before}{secrets[number] if number < len(secrets) else ''}{after}"
        for before, number, after in pieces
    ]
    data = ["".join(text.splitlines()) for text in texts]
    stream = "".join(f"event:message\ndata:{each}\n\n" for each in data).encode()
    borders = [0, *sorted(cut for cut in cuts if cut < len(stream)), len(stream)]
    parser, one = LogParser(max_line), mask(*secrets)
    shown = [line for a, b in pairwise(borders) for line in one.lines(parser.feed(stream[a:b]))]
    assert shown == one.lines(LogParser(max_line).feed(stream))
    for line in shown:
        for value in what_counts(secrets):
            assert value not in line.text


def test_every_cut_of_a_stream_gives_the_same_masked_lines() -> None:
    stream = "".join(
        f"event:message\ndata:{text}\n\n" for text in ("a tok-5JbxNq b", "构 tok-5JbxNq")
    ).encode()
    one = mask("tok-5JbxNq")
    for cut in range(len(stream)):
        parser = LogParser()
        shown = one.lines(parser.feed(stream[:cut])) + one.lines(parser.feed(stream[cut:]))
        assert [line.text for line in shown] == [f"a {MASK} b", f"构 {MASK}"]
