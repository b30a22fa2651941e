"""What goes in comes out: pull(push(m)) == m."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from hypothesis import assume, example, given
from hypothesis import strategies as st

from lading import api
from lading.core.errors import LadingError
from lading.core.paths import LEFT_OUT, check_paths, is_bill
from lading.formats import detect
from lading.stores import memory
from tests.cargo import fill, noise
from tests.yard import Yard, files_of

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

KIB, MIB = 1024, 1024 * 1024
EDGES = [0, 1, 2, 511, 512, 513, 8 * KIB - 1, 8 * KIB, 8 * KIB + 1, 32 * KIB - 1, 32 * KIB, 32 * KIB + 1]
EDGES += [128 * KIB - 1, 128 * KIB, 128 * KIB + 1, MIB - 1, MIB, MIB + 1, 4 * MIB + 3]

parts = st.one_of(
    st.sampled_from(
        ["model.bin", "weights", "a", "B", "ä", "ß", "模型", "é", "данные.bin", "x" * 120, " s p "]
    ),
    st.text(st.characters(exclude_categories=("C", "Z"), exclude_characters="/\\"), min_size=1, max_size=12),
)
paths = st.lists(parts, min_size=1, max_size=4).map("/".join)
contents = st.builds(noise, st.sampled_from(EDGES), st.integers(0, 3))
trees = st.dictionaries(paths, contents, min_size=1, max_size=8)


@contextmanager
def project(store: str) -> Iterator[Yard]:
    with tempfile.TemporaryDirectory() as folder:
        made = Yard(Path(folder, "project"))
        made.folder.mkdir()
        made.settings(f"store = '{store}'")
        made.declare("m", "model")
        yield made


def allowed(tree: Mapping[str, bytes]) -> bool:
    """Whether a bill may hold these paths, and this machine's disk."""
    try:
        check_paths(tree)
    except LadingError:
        return False
    entry = detect(sorted(tree))[1]
    if entry and not tree[entry]:
        return False  # a model that is one empty file is refused
    own = {part for path in tree for part in path.split("/")}
    return (
        not own & LEFT_OUT
        and not any(is_bill(path.rpartition("/")[2]) for path in tree)
        and max(len(os.fsencode(part)) for part in own) < 255
    )


def round_trip(tree: Mapping[str, bytes], store: str) -> None:
    with project(store) as here:
        folder = fill(here.folder / "model", tree)
        (pushed,) = here.push("m:1.0")
        here.forget("model")
        (pulled,) = here.pull("m:1.0")
        assert files_of(folder) == tree
        assert pulled.digest == pushed.digest
        assert (pulled.fetched, pulled.size) == (
            sum({c: len(c) for c in tree.values()}.values()),
            pushed.size,
        )
        assert api.verify(project=here.folder).ok
        (again,) = here.push("m:1.0")
        assert (again.uploaded, again.digest) == (0, pushed.digest)


@given(trees)
@example({"empty": b"", "neither": b"", "full": b"x"})
@example({"a/b/c/d": noise(MIB), "a/b/c/e": b"", "z": noise(4 * MIB + 3)})
@example({"a.lading.json/weights": b"x", "sub/model.sig/weights": b"y"})
@example({"same/one": noise(MIB), "same/two": noise(MIB), "small/one": b"x", "small/two": b"x"})
def test_what_a_directory_store_gives_back_is_what_was_pushed(tree: dict[str, bytes]) -> None:
    assume(allowed(tree))
    round_trip(tree, "file://.lading/store")


@given(trees)
def test_what_a_memory_store_gives_back_is_what_was_pushed(tree: dict[str, bytes]) -> None:
    assume(allowed(tree))
    try:
        round_trip(tree, "memory://round-trip")
    finally:
        memory._shared.clear()


@given(
    st.lists(st.tuples(paths, contents), min_size=1, max_size=8, unique_by=lambda item: item[0]), st.randoms()
)
def test_the_same_files_have_the_same_digests_on_any_machine(
    files: list[tuple[str, bytes]], luck: object
) -> None:
    assume(allowed(dict(files)))
    shuffled = sorted(files, key=lambda _: luck.random())  # type: ignore[attr-defined]
    made = []
    for umask, when, order in ((0o022, 0, files), (0o077, 1_700_000_000, shuffled)):
        before = os.umask(umask)
        try:
            with project("file://.lading/store") as here:
                folder = fill(here.folder / "model", dict(order))
                for path in folder.rglob("*"):
                    os.utime(path, (when, when))
                (pushed,) = here.push("m:1.0")
                made.append((pushed.digest, pushed.manifest, [blob.name for blob in here.blobs()]))
        finally:
            os.umask(before)
    assert made[0] == made[1]


def test_five_hundred_files_come_back_and_nothing_is_done_twice(yard: Yard) -> None:
    files = {f"part-{number % 7}/{number:03}.bin": noise(20 * KIB, number) for number in range(500)}
    folder = yard.model(files)
    (pushed,) = yard.push("m:1.0")
    assert (pushed.files, pushed.size) == (500, 500 * 20 * KIB)
    assert pushed.uploaded >= pushed.size

    yard.forget("model")
    (pulled,) = yard.pull("m:1.0")
    assert files_of(folder) == files
    assert (pulled.fetched, pulled.reused) == (pulled.size, 0)

    (again,) = yard.push("m:1.0")
    assert (again.uploaded, again.reused) == (0, pushed.uploaded)


def test_a_second_pull_reads_no_file_of_the_model_and_no_blob_of_it(yard: Yard) -> None:
    yard.model({f"{number}.bin": noise(20 * KIB, number) for number in range(50)})
    yard.push("m:1.0")
    yard.run("lock")
    yard.forget("model")
    first = yard.watched("pull", "m")
    assert any("/model/" in path for _, path in first), "the watch sees nothing"

    second = yard.watched("pull", "m")
    opened = {Path(path).relative_to(yard.folder) for _, path in second if path.startswith(str(yard.folder))}
    assert {path.as_posix() for path in opened} == {"lading.toml", "lading.lock", "model/lading.json"}
    assert [event for event in second if event[0] != "read"] == []


def test_a_second_pull_without_a_lock_asks_what_the_version_is_and_reads_no_model(yard: Yard) -> None:
    yard.model({f"{number}.bin": noise(20 * KIB, number) for number in range(50)})
    (pushed,) = yard.push("m:1.0")
    yard.forget("model")
    yard.pull("m:1.0")
    second = yard.watched("pull", "m:1.0")
    largest = max(yard.blobs(), key=lambda blob: blob.stat().st_size)
    assert largest.stat().st_size > pushed.size
    assert str(largest) not in {path for _, path in second}
    assert not [path for _, path in second if path.endswith(".bin")]
    assert [event for event in second if event[0] != "read"] == []


def test_a_file_that_changed_is_read_again_though_size_and_time_are_as_before(yard: Yard) -> None:
    folder = yard.model({"a.bin": b"right", "b.bin": b"other"})
    yard.push("m:1.0")
    yard.pull("m:1.0")
    stat = (folder / "a.bin").stat()
    (folder / "a.bin").write_bytes(b"wrong")
    os.utime(folder / "a.bin", ns=(stat.st_atime_ns, stat.st_mtime_ns))
    (pulled,) = yard.pull("m:1.0")
    assert files_of(folder) == {"a.bin": b"right", "b.bin": b"other"}
    assert pulled.digest


def test_only_what_changed_moves(yard: Yard) -> None:
    base = noise(6 * MIB)
    folder = yard.model({"model.bin": base, "unchanged.bin": noise(2 * MIB, 2)})
    (first,) = yard.push("m:1.0")
    (folder / "model.bin").write_bytes(base[: 3 * MIB] + b"inserted" + base[3 * MIB :])
    (second,) = yard.push("m:1.1")
    assert second.reused >= 2 * MIB
    assert second.uploaded < first.uploaded
    assert second.digest != first.digest


def test_a_version_pulled_into_another_folder_carries_its_bill(yard: Yard, tmp_path: Path) -> None:
    files = {"a.bin": noise(10), "b/c.bin": noise(MIB)}
    yard.model(files)
    (pushed,) = yard.push("m:1.0")
    (pulled,) = yard.pull("m:1.0", into=tmp_path / "there")
    assert pulled.path == tmp_path / "there"
    assert files_of(tmp_path / "there") == files
    assert api.verify(str(tmp_path / "there")).bills[0][1].digest == pulled.bill.digest
    assert pulled.digest == pushed.digest


def test_what_was_pulled_can_be_pushed_from_there_under_the_same_digest(yard: Yard, tmp_path: Path) -> None:
    yard.model({"a.bin": noise(10), "ä/c.bin": noise(MIB)})
    (pushed,) = yard.push("m:1.0")
    yard.pull("m:1.0", into=tmp_path / "project2" / "model")
    other = Yard(tmp_path / "project2")
    other.settings()
    other.declare("m", "model")
    (again,) = other.push("m:1.0")
    assert (again.digest, again.manifest) == (pushed.digest, pushed.manifest)
    shutil.rmtree(other.store)
