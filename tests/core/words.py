"""Hypothesis strategies for what lading's grammar accepts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import strategies as st

from lading.core.digest import Digest
from lading.core.errors import LadingError
from lading.core.event import Draft
from lading.core.names import check_name, check_stage, check_version

if TYPE_CHECKING:
    from collections.abc import Callable


def _accepted_by(check: Callable[[str], str]) -> Callable[[str], bool]:
    def accepted(text: str) -> bool:
        try:
            return check(text) == text
        except LadingError:
            return False

    return accepted


_COMPONENT = r"[a-z0-9]{1,6}((\.|_|__|-{1,3})[a-z0-9]{1,6}){0,2}"
_TAG = r"[A-Za-z0-9_][A-Za-z0-9._-]{0,12}"

names = (
    st.lists(st.from_regex(_COMPONENT, fullmatch=True), min_size=1, max_size=4)
    .map("/".join)
    .filter(_accepted_by(check_name))
)
versions = st.from_regex(_TAG, fullmatch=True).filter(_accepted_by(check_version))
stages = st.from_regex(r"[A-Za-z_][A-Za-z._-]{0,12}", fullmatch=True).filter(_accepted_by(check_stage))
digests = st.binary(min_size=32, max_size=32).map(lambda raw: Digest(raw.hex()))
texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
times = st.datetimes().map(lambda when: f"{when.isoformat(timespec='milliseconds')}Z")
_context = st.dictionaries(texts, texts | st.integers(0, 9) | st.lists(st.booleans(), max_size=2), max_size=2)
_ids = st.binary(min_size=16, max_size=16).map(bytes.hex)
_actors = texts.filter(bool)
_actions = st.from_regex(r"[a-z]{1,6}(-[a-z]{1,6}){0,2}", fullmatch=True).filter("push".__ne__)
drafts = st.builds(
    Draft,
    id=_ids,
    actor=_actors,
    action=st.just("push"),
    version=versions,
    digest=digests,
    message=texts,
    context=_context,
) | st.builds(
    Draft,
    id=_ids,
    actor=_actors,
    action=_actions,
    version=st.none() | versions,
    digest=st.none() | digests,
    stage=st.none() | stages,
    message=texts,
    context=_context,
)
