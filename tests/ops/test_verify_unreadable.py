"""A version that cannot even be opened is a difference that verify found, not an error of verify."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading import api
from tests.cargo import noise

if TYPE_CHECKING:
    from tests.yard import Yard


def test_verify_says_of_a_swapped_manifest_what_it_found_and_answers_no(yard: Yard) -> None:
    folder = yard.model({"a.bin": noise(1000)})
    yard.push("m:1.0")
    (folder / "a.bin").write_bytes(noise(1000, 2))
    yard.push("m:2.0")
    manifests = yard.store / "v2" / "m" / "manifests"
    (manifests / "1.0").write_bytes((manifests / "2.0").read_bytes())
    verified = api.verify("m:1.0", project=yard.folder)
    assert (verified.ok, verified.anchor, verified.checked) == (False, "none", 0)
    (problem,) = verified.problems
    assert (problem.path, problem.problem) == ("m:1.0", "wrong-bill")
