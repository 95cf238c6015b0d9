"""A small body cannot become a huge one."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.canary import sightings
from zadig_async.errors import DecodeError
from zadig_async.transport.inflate import SLICE, Inflater

MIB = 1024 * 1024


def bomb(mebibytes: int) -> bytes:
    """Compress so many MiB of zeros."""
    engine = zlib.compressobj(9, wbits=31)
    return b"".join([*(engine.compress(bytes(MIB)) for _ in range(mebibytes)), engine.flush()])


def chunked(data: bytes, size: int) -> list[bytes]:
    return [data[start : start + size] for start in range(0, len(data), size)]


def inflate(inflater: Inflater, chunks: list[bytes], limit: int | None = None) -> list[bytes]:
    slices = [piece for chunk in chunks for piece in inflater.feed(chunk, limit)]
    inflater.finish()
    return slices


@given(
    st.binary(max_size=300_000) | st.integers(0, 400_000).map(bytes),
    st.sampled_from(["gzip", "x-gzip", "GZIP ", "deflate", "identity", ""]),
    st.integers(1, 70_000),
)
def test_gives_back_what_was_compressed(body: bytes, encoding: str, size: int) -> None:
    name = encoding.strip().lower()
    compressed = (
        body
        if name in {"", "identity"}
        else zlib.compress(body)
        if name == "deflate"
        else gzip.compress(body)
    )
    inflater = Inflater(encoding)
    slices = inflate(inflater, chunked(compressed, size), len(body))
    assert b"".join(slices) == body
    assert inflater.produced == len(body)
    assert all(0 < len(piece) <= max(SLICE, size) for piece in slices)


@pytest.mark.parametrize("size", [SLICE - 1, SLICE, SLICE + 1, SLICE + 200, 3 * SLICE + 7])
def test_nothing_is_held_back_until_the_next_chunk(size: int) -> None:
    packed = gzip.compress(bytes(size))
    for cut in range(len(packed)):
        inflater = Inflater("gzip")
        given_out = sum(map(len, inflater.feed(packed[:cut])))
        assert given_out == len(zlib.decompressobj(31).decompress(packed[:cut]))


@given(st.binary(min_size=1, max_size=5_000), st.integers(1, 100))
def test_one_byte_over_the_limit_is_too_much(body: bytes, size: int) -> None:
    inflater = Inflater("gzip", call="GET /x", status=200)
    with pytest.raises(DecodeError, match=f"larger than the {len(body) - 1} bytes"):
        inflate(inflater, chunked(gzip.compress(body), size), len(body) - 1)


def test_a_bomb_is_not_inflated_beyond_its_limit() -> None:
    packed = bomb(200)
    assert len(packed) < MIB
    inflater = Inflater("gzip", call="GET /x", status=200)
    with pytest.raises(DecodeError, match=f"GET /x: the body is larger than the {MIB} bytes"):
        inflate(inflater, [packed], MIB)
    assert inflater.produced == MIB + 1


def test_a_bomb_in_a_stream_comes_in_slices() -> None:
    inflater = Inflater("gzip")
    largest = max(map(len, inflater.feed(bomb(8))))
    assert largest <= SLICE
    assert inflater.produced == 8 * MIB


def test_concatenated_members_are_refused() -> None:
    inflater = Inflater("gzip")
    with pytest.raises(DecodeError, match="goes on behind the end"):
        list(inflater.feed(gzip.compress(b"{}") + gzip.compress(b"{}") * 1000))
    later = Inflater("gzip")
    list(later.feed(gzip.compress(b"{}")))
    with pytest.raises(DecodeError, match="goes on behind the end"):
        list(later.feed(b"more"))


@given(st.binary(min_size=1, max_size=200))
def test_garbage_is_a_decode_error(body: bytes) -> None:
    inflater = Inflater("gzip", call="GET /x", status=200)
    with pytest.raises(DecodeError) as caught:
        inflate(inflater, [body], MIB)
    assert caught.value.call == "GET /x"
    assert caught.value.status == 200
    assert sightings(caught.value) == []


def test_a_cut_body_is_a_decode_error() -> None:
    inflater = Inflater("gzip")
    list(inflater.feed(gzip.compress(b"a" * 1000)[:-1]))
    with pytest.raises(DecodeError, match="stops in the middle"):
        inflater.finish()


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "x-compress", "\x1b[31m"])
def test_unknown_encodings_are_refused_and_not_quoted(encoding: str) -> None:
    with pytest.raises(DecodeError, match="not known here") as caught:
        Inflater(encoding)
    assert encoding not in str(caught.value)
