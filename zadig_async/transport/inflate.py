"""Undoing `Content-Encoding` a little at a time, so that a small body cannot become a huge one."""

import zlib
from collections.abc import Iterator
from typing import Final

from zadig_async.errors import DecodeError

SLICE: Final = 64 * 1024
"""Most bytes inflated in one step."""

_GZIP: Final = 16 + zlib.MAX_WBITS


class Inflater:
    """Inflates one body, compressed or not.

    We ask for `identity`; this is for gateways that compress all the same.

    Attributes:
        produced: Bytes inflated so far.
    """

    def __init__(self, encoding: str, *, call: str = "", status: int = 0) -> None:
        """Prepare for a body.

        Args:
            encoding: Value of the `Content-Encoding` header, may be empty.
            call: Label of the call, for errors.
            status: HTTP status of the answer, for errors.

        Raises:
            DecodeError: The encoding is none that we undo: gzip, deflate, identity.
        """
        self.produced = 0
        self._call = call
        self._status = status
        self._name = encoding.strip().lower()
        if self._name in {"", "identity"}:
            self._engine = None
        elif self._name in {"gzip", "x-gzip"}:
            self._engine = zlib.decompressobj(_GZIP)
        elif self._name == "deflate":
            self._engine = zlib.decompressobj()
        else:
            self._name = "unknown"
            raise self._error("the body is compressed in a way that was not asked for and is not known here")

    def feed(self, chunk: bytes, limit: int | None = None) -> Iterator[bytes]:
        """Yield what a chunk of the body inflates to, in slices of at most `SLICE` bytes.

        Args:
            chunk: Bytes as they came from the wire.
            limit: Most bytes the whole body may inflate to, or None for no bound.

        Raises:
            DecodeError: The body grows over the limit, is damaged, or goes on behind its end.
        """
        if self._engine is None:
            self._count(len(chunk), limit)
            if chunk:
                yield chunk
            return
        rest = chunk
        full = False  # a full slice may leave output inside the engine with no input left to give it
        while (rest or full) and not self._engine.eof:
            # One byte over the limit is enough to know, and all that is ever inflated beyond it.
            room = SLICE if limit is None else min(SLICE, limit - self.produced + 1)
            try:
                piece = self._engine.decompress(rest, room)
            except zlib.error:
                raise self._error(f"the body is not valid {self._name}") from None
            rest = self._engine.unconsumed_tail
            full = len(piece) == room
            self._count(len(piece), limit)
            if piece:
                yield piece
        if rest or self._engine.unused_data:
            # Concatenated gzip members are legal and unused on the web, but for bombs.
            raise self._error(f"the body goes on behind the end of its {self._name} data")

    def finish(self) -> None:
        """Check that the body is whole.

        Raises:
            DecodeError: The compressed data stops in the middle.
        """
        if self._engine is not None and not self._engine.eof:
            raise self._error(f"the body stops in the middle of its {self._name} data")

    def _count(self, size: int, limit: int | None) -> None:
        self.produced += size
        if limit is not None and self.produced > limit:
            raise too_large(limit, call=self._call, status=self._status)

    def _error(self, problem: str) -> DecodeError:
        return DecodeError(
            f"{self._call}: {problem}",
            problems=(f"$: {problem}",),
            call=self._call,
            status=self._status,
            hint="Look at the gateway in front of Zadig: Zadig itself does not compress.",
        )


def too_large(limit: int, *, call: str, status: int) -> DecodeError:
    """Make the error for a body over its limit, in bytes."""
    problem = f"the body is larger than the {limit} bytes accepted for this call"
    return DecodeError(f"{call}: {problem}", problems=(f"$: {problem}",), call=call, status=status)
