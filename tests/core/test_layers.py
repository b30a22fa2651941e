from __future__ import annotations

import io
import itertools
import random
import tarfile

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core import tar
from lading.core.errors import IntegrityError
from lading.core.layers import Layer, first_layer, open_first_layer, plan

MIB = 1024 * 1024

FILES = st.lists(
    st.tuples(
        st.lists(st.text("ab\u00e4", min_size=1, max_size=3), min_size=1, max_size=3).map("/".join),
        st.sampled_from([0, 1, 511, 512, 513, MIB - 1, MIB, MIB + 1, 9 * 1024**3]),
    ),
    max_size=12,
    unique_by=lambda file: file[0],
).map(lambda files: sorted(files, key=lambda file: file[0].encode()))


def _fill(layer: Layer, files: list[tuple[str, int]]) -> bytes:
    """The layer as bytes, each file full of its number."""
    parts = []
    for piece in layer.pieces:
        content = piece.literal if piece.file is None else bytes([piece.file % 256]) * files[piece.file][1]
        parts.append(content)
    return b"".join(parts)


@given(FILES)
def test_every_file_lies_in_exactly_one_layer(files: list[tuple[str, int]]) -> None:
    lying = [index for layer in plan(files) for index in layer.files]
    assert sorted(lying) == list(range(len(files)))


@given(FILES)
def test_pieces_adjoin_without_a_gap(files: list[tuple[str, int]]) -> None:
    for layer in plan(files):
        ends = [0, *itertools.accumulate(piece.size for piece in layer.pieces)]
        assert [piece.offset for piece in layer.pieces] == ends[:-1]
        assert layer.size == ends[-1]
        assert layer.size % 512 == 0


@given(FILES)
def test_a_piece_is_either_known_bytes_or_a_whole_file(files: list[tuple[str, int]]) -> None:
    for piece in itertools.chain.from_iterable(layer.pieces for layer in plan(files)):
        if piece.file is None:
            assert len(piece.literal) == piece.size
        else:
            assert (piece.literal, piece.size) == (b"", files[piece.file][1])


@given(FILES)
def test_large_files_lie_alone_and_small_ones_together_at_the_end(files: list[tuple[str, int]]) -> None:
    large = [(index,) for index, (_, size) in enumerate(files) if size >= MIB]
    small = tuple(index for index, (_, size) in enumerate(files) if size < MIB)
    assert [layer.files for layer in plan(files)] == large + ([small] if small else [])


def test_a_layer_is_a_tar_that_python_reads() -> None:
    files = [("a", 0), ("b/c/d", 5), ("b/c/e", 600), ("b/x", 512)]
    (layer,) = plan(files)
    with tarfile.open(fileobj=io.BytesIO(_fill(layer, files)), mode="r:") as archive:
        listed = [(member.name, member.size, member.isdir()) for member in archive]
        assert listed == [
            ("models", 0, True),
            ("models/a", 0, False),
            ("models/b", 0, True),
            ("models/b/c", 0, True),
            ("models/b/c/d", 5, False),
            ("models/b/c/e", 600, False),
            ("models/b/x", 512, False),
        ]
        content = archive.extractfile("models/b/c/e")
        assert content is not None
        assert content.read() == b"\x02" * 600


def test_no_files_have_no_layers() -> None:
    assert plan([]) == ()


def test_ninety_eight_large_files_have_a_layer_each() -> None:
    assert [layer.files for layer in plan([(f"{n:03}", MIB) for n in range(98)])] == [(n,) for n in range(98)]


@pytest.mark.parametrize("seed", range(5))
def test_three_hundred_large_files_are_dealt_into_98_layers_in_order(seed: int) -> None:
    sizes = random.Random(seed)
    files = [(f"{number:03}", int(MIB * sizes.lognormvariate(2, 2)) + MIB) for number in range(300)]
    files.append(("zzz", 5))
    layers = plan(files)
    assert len(layers) <= 99
    assert [index for layer in layers for index in layer.files] == list(range(301))
    assert layers[-1].files == (300,)


def test_equal_files_are_dealt_evenly() -> None:
    layers = plan([(f"{number:03}", MIB) for number in range(300)])
    assert len(layers) == 98
    assert {len(layer.files) for layer in layers} == {3, 4}


def test_a_file_that_is_nearly_everything_does_not_get_lost_among_the_others() -> None:
    layers = plan([("a", 10**12), *((f"b{number:03}", MIB) for number in range(200))])
    assert layers[0].files == (0,)
    assert [index for layer in layers for index in layer.files] == list(range(201))


@given(st.binary(max_size=2000), st.binary(max_size=2000))
def test_a_first_layer_opens_to_what_was_put_in(bill: bytes, blocks: bytes) -> None:
    assert open_first_layer(first_layer(bill, blocks)) == (bill, blocks)


def test_a_first_layer_is_a_tar_that_python_reads() -> None:
    with tarfile.open(fileobj=io.BytesIO(first_layer(b"bill", b"blocks")), mode="r:") as archive:
        assert archive.getnames() == ["models", "models/lading.json", "models/lading.blocks"]
        assert [archive.extractfile(name).read() for name in archive.getnames()[1:]] == [b"bill", b"blocks"]  # type: ignore[union-attr]  # both are files


def test_each_flipped_byte_of_a_first_layer_is_refused_or_shows_in_the_content() -> None:
    bill, blocks = b"b" * 3, b"c" * 5
    layer = first_layer(bill, blocks)
    shown = []
    for place in range(len(layer)):
        flipped = bytearray(layer)
        flipped[place] ^= 1
        try:
            opened = open_first_layer(bytes(flipped))
        except IntegrityError as error:
            shown.append(error.code)
        else:
            shown.append("content" if opened != (bill, blocks) else f"unnoticed at {place}")
    places = {place for place, what in enumerate(shown) if what == "content"}
    assert set(shown) == {"bad-layer", "content"}
    assert places == {*range(1024, 1027), *range(2048, 2053)}


@pytest.mark.parametrize("length", range(0, 3584, 64))
def test_a_first_layer_cut_short_is_refused(length: int) -> None:
    layer = first_layer(b"b" * 3, b"c" * 5)
    with pytest.raises(IntegrityError) as caught:
        open_first_layer(layer[:length])
    assert caught.value.code == "bad-layer"


@pytest.mark.parametrize(
    "field", [b"77777777777", b"-0000000001", b"0000_000001", b"           ", b"99999999999", b"\xff" * 11]
)
def test_a_size_field_that_lies_is_refused(field: bytes) -> None:
    layer = bytearray(first_layer(b"b", b"c"))
    layer[512 + 124 : 512 + 135] = field
    with pytest.raises(IntegrityError) as caught:
        open_first_layer(bytes(layer))
    assert caught.value.code == "bad-layer"


def test_anything_after_a_first_layer_is_refused() -> None:
    with pytest.raises(IntegrityError):
        open_first_layer(first_layer(b"b", b"c") + tar.TRAILER)
