from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lading.core.digest import Digest
from lading.core.errors import UsageError
from lading.core.reference import Reference
from tests.cargo import ABC
from tests.core import words

STORES = st.sampled_from(
    [
        "s3://bucket",
        "s3://bucket/prefix",
        "s3://bucket/a/b",
        "file:///srv/store",
        "file://.lading/store",
        "oci://127.0.0.1:5000",
        "oci://[::1]:5000",
        "https://models.example:8443/base",
        "memory://",
        "gs://b",
    ]
)
REFERENCES = st.one_of(
    st.builds(Reference, words.names, store=st.none() | STORES),
    st.builds(Reference, words.names, version=words.versions, store=st.none() | STORES),
    st.builds(Reference, words.names, stage=words.stages, store=st.none() | STORES),
    st.builds(Reference, words.names, digest=words.digests, store=st.none() | STORES),
)


@given(REFERENCES)
def test_a_reference_reads_back_from_its_text(reference: Reference) -> None:
    assert Reference.parse(str(reference)) == reference


@given(REFERENCES)
def test_a_reference_is_bare_where_its_text_is_its_name(reference: Reference) -> None:
    assert reference.bare == (str(reference).rpartition("//")[2] == reference.name)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("m", Reference("m")),
        ("m:1.0", Reference("m", version="1.0")),
        ("acme/m:1", Reference("acme/m", version="1")),
        ("m:production", Reference("m", stage="production")),
        (f"m@sha256:{ABC}", Reference("m", digest=Digest(ABC))),
        (
            "s3://bucket/prefix//acme/m:1.0",
            Reference("acme/m", version="1.0", store="s3://bucket/prefix"),
        ),
        ("s3://bucket/acme/m:1.0", Reference("acme/m", version="1.0", store="s3://bucket")),
        ("file:///srv/store/m:1", Reference("m", version="1", store="file:///srv/store")),
        ("file:///srv/store//acme/m:1", Reference("acme/m", version="1", store="file:///srv/store")),
        ("file://.lading/store/m", Reference("m", store="file://.lading/store")),
        ("https://h/base/m:1", Reference("m", version="1", store="https://h/base")),
        ("http://127.0.0.1:8000/m:1", Reference("m", version="1", store="http://127.0.0.1:8000")),
        (
            "oci://127.0.0.1:5000/acme/m:1.0",
            Reference("acme/m", version="1.0", store="oci://127.0.0.1:5000"),
        ),
        ("oci://[::1]:5000/m:staging", Reference("m", stage="staging", store="oci://[::1]:5000")),
        (f"gs://b/m@sha256:{ABC}", Reference("m", digest=Digest(ABC), store="gs://b")),
        ("memory:////m:1", Reference("m", version="1", store="memory://")),
        ("memory://lab//m:1", Reference("m", version="1", store="memory://lab")),
    ],
)
def test_every_form_of_the_design_is_read(text: str, expected: Reference) -> None:
    assert Reference.parse(text) == expected


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "bad-reference"),
        ("m:1@sha256:" + ABC, "bad-reference"),
        ("s3://bucket", "bad-reference"),
        ("s3://bucket/", "bad-reference"),
        ("file://m", "bad-reference"),
        (":1", "bad-name"),
        ("M:1", "bad-name"),
        ("s3://bucket//", "bad-name"),
        ("../m:1", "bad-name"),
        ("m:1+cu", "bad-version"),
        ("m:1:2", "bad-version"),
        ("m:", "bad-stage"),
        ("m:pro duction", "bad-stage"),
        ("m@", "bad-digest"),
        ("m@1.0", "bad-digest"),
        ("m@sha256:abc", "bad-digest"),
        (f"m@sha256:{ABC}@sha256:{ABC}", "bad-digest"),
    ],
)
def test_what_is_no_reference_is_refused_by_the_rule_that_it_breaks(text: str, code: str) -> None:
    with pytest.raises(UsageError) as caught:
        Reference.parse(text)
    assert caught.value.code == code


def test_the_hint_for_a_store_without_a_model_shows_where_the_name_goes() -> None:
    with pytest.raises(UsageError) as caught:
        Reference.parse("s3://bucket/")
    assert caught.value.hint == "write s3://bucket//name:version"


def test_the_hint_for_two_deciders_offers_both() -> None:
    with pytest.raises(UsageError) as caught:
        Reference.parse(f"m:1@sha256:{ABC}")
    assert caught.value.hint == f"write m@sha256:{ABC} or m:1"


def test_two_deciders_are_refused_however_the_reference_is_made() -> None:
    with pytest.raises(UsageError, match="one of version, stage and digest"):
        Reference("m", version="1", stage="production")
