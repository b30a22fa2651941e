from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.digest import Digest
from lading.core.errors import UsageError
from tests.cargo import ABC, EMPTY

HEX = st.binary(min_size=32, max_size=32).map(bytes.hex)


@given(HEX)
def test_a_digest_reads_back_from_its_text(hexadecimal: str) -> None:
    digest = Digest(hexadecimal)
    assert Digest.parse(str(digest)) == digest
    assert digest.raw.hex() == hexadecimal


@given(HEX, HEX)
def test_digests_are_ordered_as_their_texts(one: str, two: str) -> None:
    assert (Digest(one) < Digest(two)) == (str(Digest(one)) < str(Digest(two)))


@pytest.mark.parametrize("data", [b"abc", bytearray(b"abc"), memoryview(b"abc")])
def test_the_digest_of_abc_is_that_of_fips_180(data: bytes) -> None:
    assert str(Digest.of(data)) == f"sha256:{ABC}"


def test_nothing_has_a_digest_too() -> None:
    assert Digest.of(b"").hex == EMPTY


def test_the_short_form_is_twelve_digits() -> None:
    assert Digest(ABC).short == "ba7816bf8f01"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "sha256:",
        ABC,
        f"sha512:{ABC}",
        f"SHA256:{ABC}",
        f"sha256:{ABC.upper()}",
        f"sha256:{ABC[:-1]}",
        f"sha256:{ABC}0",
        f"sha256:{ABC}\n",
        f" sha256:{ABC}",
        f"sha256:sha256:{ABC}",
        f"sha256:{ABC[:-1]}g",
        f"sha256:{ABC[:-1]}\N{FULLWIDTH DIGIT ONE}",
    ],
)
def test_any_other_spelling_is_refused(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        Digest.parse(text)
    assert caught.value.code == "bad-digest"
