r"""What must never be shown, masked in lines of a log.

This is for accidents: a script that prints what it was given, as it is or in one of the forms in which tools
print it. Whoever can write a job can also print a secret in a form nobody looks for, and this cannot help it.

A value is found as it is (white space around it aside), JSON-escaped as Go and Python do it, URL-encoded, and
base64-encoded, alone or in the middle of something longer such as `user:password`. Not found: a value torn by
a carriage return, or over several lines in any other way than its own.
"""

import base64
import json
import re
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from itertools import accumulate
from typing import Any, Final, final
from urllib.parse import quote, quote_plus

import attrs

from zadig_async.model.secret import MASK, Secret
from zadig_async.wire import ansi
from zadig_async.wire.loglines import LogLine

_SHORTEST: Final = 4
"""Characters of a value from which on it is masked within words too."""

_SHORTEST_PART: Final = 8
"""Characters from which on a line of a value of several lines, and the base64 form of a value, are looked
for: anything shorter stands in too many logs by chance."""

_PASSES: Final = 5
"""How often what masking leaves is looked at again. One more pass than the first is rare, and needs values
that hold the mask's own characters or stand alone only once their neighbours are gone."""

_CONTROL: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""All control characters but tab, line feed and carriage return."""

_NEVER_CONTROL: Final = bytes({*range(256)} - {*range(0x20), 0x7F, 0xC2} | {*b"\t\n\r"})
"""Bytes that are no part of a control character in UTF-8; 0xC2 begins some, and some others."""

_KEPT_BY_ENCODINGS: Final = re.compile(r"[A-Za-z0-9_.-]+")
_GO_ESCAPES: Final = str.maketrans({"<": r"\u003c", ">": r"\u003e", "&": r"\u0026"})
_PERCENT: Final = re.compile("%[0-9A-F]{2}")


def _without_csi(text: str) -> str:
    return ansi.CSI.sub("", text)


@final
@attrs.frozen(init=False, repr=False, eq=False)
class Mask:
    """Finds secrets in the lines of a log and puts `zadig_async.model.secret.MASK` in their place.

    Values of fewer than 4 characters are masked only where no letter or digit stands directly before or after
    them. Of values of several lines, such as keys, each line of 8 characters or more is masked wherever it
    stands. Values that are blank, or nothing but asterisks, are ignored.
    """

    _long: dict[str, tuple[str, ...]]
    """What is masked wherever it stands, by a sign: a text that is part of each of these. Forms of one value
    have much in common, and a line without secrets costs one search for each sign."""
    _short: tuple[str, ...]
    """What is masked only where it stands alone."""
    _strip: Callable[[str], str]

    def __init__(self, secrets: Iterable[Secret], *, strip: Callable[[str], str] = _without_csi) -> None:
        """Prepare to mask.

        Args:
            secrets: What to mask.
            strip: Removes the control sequences of terminals from a line, so that a secret is found that has
                some inside.
        """
        short: set[str] = set()
        long: dict[str, set[str]] = {}
        for value in {secret.reveal().strip() for secret in secrets}:
            for forms in _families(value, strip):
                alone = {form for form in forms if min(len(form), len(value)) < _SHORTEST}
                short |= alone
                for sign, marked in _by_sign(forms - alone).items():
                    long.setdefault(sign, set()).update(marked)
        self.__attrs_init__(
            long={sign: tuple(forms) for sign, forms in long.items()}, short=tuple(short), strip=strip
        )

    def __repr__(self) -> str:
        return "Mask()"

    def __reduce__(self) -> Any:
        raise TypeError("a Mask is never pickled: it holds secrets")

    def lines(self, lines: list[LogLine]) -> list[LogLine]:
        """Mask every secret in every line.

        A line that holds control characters as well as a secret loses the former. At the end of a truncated
        line the first 4 or more characters of a secret are masked too.

        Returns:
            The lines; the very same list where there is nothing to mask.
        """
        if not self._long and not self._short:
            return lines
        texts = [line.text for line in lines]
        suspects = self._suspects(texts)
        suspects.update([number for number, line in enumerate(lines) if line.truncated])
        masked: dict[int, LogLine] = {}
        for number in suspects:
            line = lines[number]
            text = self._masked(line.text, line.truncated)
            if text != line.text:
                masked[number] = LogLine(text, line.truncated)
        if not masked:
            return lines
        return [masked.get(number, line) for number, line in enumerate(lines)]

    def text(self, text: str) -> str:
        """Mask every secret in one text, which may have several lines."""
        return self.lines([LogLine(text)])[0].text

    def _suspects(self, texts: list[str]) -> set[int]:
        """Return the numbers of all texts that hold a secret, and perhaps of others."""
        joined = "\n".join(texts)
        found = set(self._marked(joined, texts))
        if _has_controls(joined):
            bare = [self._bare(text) if _CONTROL.search(text) else text for text in texts]
            found.update(self._marked("\n".join(bare), bare))
        return found

    def _marked(self, joined: str, texts: list[str]) -> Iterator[int]:
        # In 500 lines, one search after the other takes 4 to 12 times less than one pattern for all of them.
        signs = [sign for sign in (*self._long, *self._short) if sign in joined]
        if not signs:
            return
        starts = [*accumulate((len(text) + 1 for text in texts), initial=0)]
        for sign in signs:
            at = joined.find(sign)
            while at >= 0:
                number = bisect_right(starts, at) - 1
                yield number
                at = joined.find(sign, starts[number + 1])

    def _masked(self, text: str, truncated: bool) -> str:
        shown = self._covered(text, truncated)
        if not _CONTROL.search(text):
            return shown
        # Masked before as well: what is removed may begin with the end of something and end in a secret.
        bare = self._bare(shown)
        bare_shown = self._covered(bare, truncated)
        return text if shown == text and bare_shown == bare else bare_shown

    def _covered(self, text: str, truncated: bool) -> str:
        for _ in range(_PASSES):
            spans = self._spans(text, truncated)
            if not spans:
                return text
            text = _cover(text, spans)
        return MASK

    def _spans(self, text: str, truncated: bool) -> list[tuple[int, int]]:
        """Return where secrets begin and end, in the order in which they begin; they may overlap."""
        spans = [
            (at, at + len(form))
            for form in self._short
            for at in _places(form, text)
            if _stands_alone(text, at, at + len(form))
        ]
        for sign, forms in self._long.items():
            if sign in text:
                spans += [(at, at + len(form)) for form in forms for at in _places(form, text)]
            if truncated:
                spans += [(at, len(text)) for form in forms for at in _places_at_end(form, text)]
        return sorted(spans)

    def _bare(self, text: str) -> str:
        """Return a text without what a terminal would act upon instead of showing it."""
        return _CONTROL.sub("", self._strip(text))


def log_mask(secrets: Iterable[Secret]) -> Mask:
    """Return what masks the lines of logs: it finds secrets behind all that a terminal would obey."""
    return Mask(secrets, strip=ansi.strip)


def _families(value: str, strip: Callable[[str], str]) -> Iterator[set[str]]:
    """Yield the texts that give a value away, those that have much in common together."""
    if not value or not value.strip("*"):
        return
    plain = {value, *_escaped(value), _CONTROL.sub("", strip(value)).strip()}
    yield {form for form in plain if form.strip("*")}
    if len(value) >= _SHORTEST_PART:
        yield from _base64(value.encode(errors="replace"))
    parts = [part.strip() for part in re.split(r"[\r\n]", value)]
    if len(parts) > 1:
        yield from ({part} for part in parts if len(part) >= _SHORTEST_PART and part.strip("*"))


def _escaped(value: str) -> Iterator[str]:
    for ascii_only in (True, False):
        text = json.dumps(value, ensure_ascii=ascii_only)[1:-1]
        yield text
        yield text.translate(_GO_ESCAPES)
    for encoded in (
        quote(value, errors="replace"),
        quote(value, safe="", errors="replace"),
        quote_plus(value, errors="replace"),
    ):
        yield encoded
        yield _PERCENT.sub(lambda match: match[0].lower(), encoded)


def _base64(data: bytes) -> Iterator[set[str]]:
    """Yield what base64 makes of data that stands alone, and at any place in something longer.

    Three bytes become four characters, so there are three ways in which it can stand. The characters at its
    borders that hold bits of its neighbours as well are not looked for.
    """
    whole = base64.b64encode(data).decode()
    yield {whole, whole.rstrip("="), whole[: len(data) * 8 // 6]}
    for before, first in ((1, 2), (2, 3)):
        encoded = base64.b64encode(bytes(before) + data).decode()
        yield {encoded[first : (before + len(data)) * 8 // 6]}


def _by_sign(forms: set[str]) -> dict[str, set[str]]:
    """Return forms by signs: if possible by a single one, the longest there is."""
    if not forms:
        return {}
    shortest = min(forms, key=len)
    signs = [run for run in _KEPT_BY_ENCODINGS.findall(shortest) if len(run) >= _SHORTEST]
    shared = [sign for sign in (shortest, *signs) if all(sign in form for form in forms)]
    return {max(shared, key=len): forms} if shared else {form: {form} for form in forms}


def _stands_alone(text: str, start: int, end: int) -> bool:
    return not text[max(0, start - 1) : start].isalnum() and not text[end : end + 1].isalnum()


def _places(form: str, text: str) -> Iterator[int]:
    at = text.find(form)
    while at >= 0:
        yield at
        at = text.find(form, at + 1)


def _places_at_end(form: str, text: str) -> Iterator[int]:
    """Yield where a form begins that the end of the text cuts off."""
    start = max(0, len(text) - len(form) + 1)
    tail = text[start:]
    for at in _places(form[:_SHORTEST], tail):
        if form.startswith(tail[at:]) and tail[at:].strip("*"):
            yield start + at


def _has_controls(text: str) -> bool:
    # The pattern alone would do. It takes 0.25 us for a line, which is as long as parsing the line takes.
    left = text.encode(errors="replace").translate(None, _NEVER_CONTROL)
    return bool(left) and _CONTROL.search(text) is not None


def _cover(text: str, spans: list[tuple[int, int]]) -> str:
    """Return the text with one mask in place of all that touches each other."""
    pieces: list[str] = []
    done = 0
    begin, end = spans[0]
    for start, stop in spans[1:]:
        if start > end:
            pieces += (text[done:begin], MASK)
            done, begin = end, start
        end = max(end, stop)
    pieces += (text[done:begin], MASK, text[end:])
    return "".join(pieces)
