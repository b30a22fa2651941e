"""A directory store behind a plain web server is a registry, for every container tool."""

from __future__ import annotations

import gzip
import hashlib
import json
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import pytest

from tests.cargo import fill, noise
from tests.components.program import Program, project
from tests.components.readers import READERS, Engines, skopeo
from tests.components.servers import INDEX, Docker, Podman, static_server
from tests.components.tools import run

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.component

NAME: Final = "acme/sentiment"
VERSION: Final = "1.0.0"
FILES: Final = {
    "weights.bin": noise(3 * 1024 * 1024 + 17, 1),
    "vectors.bin": noise(1024 * 1024, 2),
    "config.json": b'{"layers": 2}\n',
    "vocab.txt": b"a\nb\n" * 1000,
    "empty": b"",
    ".hidden file & more": b"dotted",
    "nested/deeper/labels.txt": b"yes\nno\n",
    "nested/größe/模型.txt": "größer als ASCII\n".encode(),
    f"long/{'a' * 70}/{'b' * 70}.txt": b"fits the prefix field of ustar\n",
    f"long/{'c' * 120}.txt": b"fits no field of ustar\n",
    f"long/{'d' * 120}.bin": noise(1024 * 1024 + 1, 3),
    "long/" + "ü" * 90: b"long and not ASCII\n",
}


@dataclass(frozen=True, slots=True)
class Served:
    """A version in a directory store that a static server shows."""

    address: str
    store: Path
    program: Program
    digest: str

    @property
    def image(self) -> str:
        """How container tools call the version."""
        return f"{self.address}/{NAME}:{VERSION}"

    @property
    def manifest(self) -> dict[str, Any]:
        """The version's manifest as it lies in the store."""
        document: dict[str, Any] = json.loads((self.store / "v2" / NAME / "manifests" / VERSION).read_bytes())
        return document


@pytest.fixture(scope="module")
def engines(docker: Docker, podman: Podman) -> Engines:
    return Engines(docker, podman)


@pytest.fixture(scope="module")
def plain(shared: Path) -> Iterator[Served]:
    """What ``lading push`` wrote, served."""
    program = project(shared / "project", shared / "cache", f"file://{shared}/store")
    fill(shared / "project" / "model", FILES)
    program("add", "model", "--name", NAME)
    digest = program("push", f"{NAME}:{VERSION}")["digest"]
    with static_server(shared / "store", shared / "nginx") as address:
        yield Served(address, shared / "store", program, digest)


@pytest.fixture(scope="module")
def gzipped(plain: Served, shared: Path) -> Iterator[Served]:
    """The same version after a tool copied and compressed it, laid out as a store and served."""
    copied = shared / "gzip"
    skopeo(f"dir:{copied}", plain.image, "--dest-compress", "--dest-compress-format", "gzip")
    store = lay_out(copied, shared / "gzip-store")
    with static_server(store, shared / "nginx-gzip") as address:
        yield Served(address, store, plain.program, plain.digest)


@pytest.fixture(params=["plain", "gzipped"])
def served(request: pytest.FixtureRequest) -> Served:
    fixture: Served = request.getfixturevalue(request.param)
    return fixture


@pytest.mark.parametrize("tool", READERS)
def test_container_tools_read_the_version_from_a_static_server(
    tool: str, served: Served, engines: Engines, public: Path
) -> None:
    models = READERS[tool](engines, served.image, public)
    same_as_pushed(models)
    assert served.program("verify", models)["ok"]


def test_tools_read_the_bill_and_the_block_list_with_the_files(
    served: Served, engines: Engines, public: Path
) -> None:
    models = READERS["docker"](engines, served.image, public)
    assert sha256(models / "lading.json") == served.digest
    listed = json.loads((models / "lading.json").read_bytes())["blocks"]
    blocks = models / "lading.blocks"
    assert (sha256(blocks), blocks.stat().st_size) == (f"sha256:{listed['sha256']}", listed["size"])


def test_lading_reads_what_a_tool_compressed(gzipped: Served, public: Path) -> None:
    into = public / "into"
    program = gzipped.program.with_(LADING_CACHE_DIR=str(public / "cache"))
    store = f"file://{gzipped.store}"
    pulled = program("pull", "--store", store, f"{NAME}:{VERSION}", "--into", into)["models"][0]
    assert (pulled["digest"], pulled["fetched"]) == (gzipped.digest, sum(map(len, FILES.values())))
    same_as_pushed(into)
    assert program("verify", into)["ok"]
    verified = program("verify", f"{NAME}:{VERSION}", "--store", store)
    assert (verified["ok"], verified["checked"], verified["problems"]) == (True, len(FILES), [])


def test_compression_changes_the_layers_and_neither_config_nor_bill(plain: Served, gzipped: Served) -> None:
    before, after = plain.manifest, gzipped.manifest
    assert before["config"]["digest"] == after["config"]["digest"]
    assert {layer["mediaType"] for layer in before["layers"]} == {"application/vnd.oci.image.layer.v1.tar"}
    assert {layer["mediaType"] for layer in after["layers"]} == {
        "application/vnd.oci.image.layer.v1.tar+gzip"
    }
    assert not {layer["digest"] for layer in before["layers"]} & {
        layer["digest"] for layer in after["layers"]
    }
    shown = [
        each.program("show", f"{NAME}:{VERSION}", "--store", f"file://{each.store}")
        for each in (plain, gzipped)
    ]
    assert [each["digest"] for each in shown] == [plain.digest, plain.digest]


@pytest.mark.parametrize("tool", ["docker", "podman", "lading"])
def test_layers_of_several_gzip_members_are_read_whole(
    tool: str, gzipped: Served, engines: Engines, public: Path
) -> None:
    store = in_members(gzipped.store, public / "store")
    if tool == "lading":
        program = gzipped.program.with_(LADING_CACHE_DIR=str(public / "cache"))
        program("pull", "--store", f"file://{store}", f"{NAME}:{VERSION}", "--into", public / "models")
        models = public / "models"
    else:
        with static_server(store, public / "nginx") as address:
            models = READERS[tool](engines, f"{address}/{NAME}:{VERSION}", public)
    same_as_pushed(models)


def test_a_damaged_compressed_layer_is_refused(gzipped: Served, public: Path) -> None:
    store = public / "store"
    shutil.copytree(gzipped.store, store)
    largest = max((store / "v2" / NAME / "blobs").iterdir(), key=lambda path: path.stat().st_size)
    with largest.open("r+b") as file:
        file.seek(largest.stat().st_size // 2)
        file.write(bytes(64))
    program = gzipped.program.with_(LADING_CACHE_DIR=str(public / "cache"))
    words = ["--store", f"file://{store}", f"{NAME}:{VERSION}"]
    assert program.error("pull", *words, "--into", public / "into", status=4)["code"] in {
        "bad-block",
        "bad-layer",
    }
    assert not (public / "into" / "weights.bin").exists()
    problems = program("verify", *words, status=1)["problems"]
    assert [each["path"] for each in problems] == ["weights.bin"]


def test_engines_read_as_many_layers_as_lading_ever_makes(
    plain: Served, engines: Engines, public: Path
) -> None:
    files = {f"{number:03}.bin": noise(1024 * 1024, number) for number in range(100)} | {"small": b"small"}
    fill(public / "project" / "model", files)
    program = project(public / "project", public / "cache", f"file://{plain.store}")
    program("add", "model", "--name", "many")
    program("push", "many:1.0")
    manifest = json.loads((plain.store / "v2" / "many" / "manifests" / "1.0").read_bytes())
    assert len(manifest["layers"]) == 100
    for tool in ("docker", "podman"):
        (public / tool).mkdir()
        models = READERS[tool](engines, f"{plain.address}/many:1.0", public / tool)
        assert program("verify", models)["ok"]


@pytest.mark.parametrize("tool", ["skopeo oci", "docker", "podman"])
def test_a_version_may_end_like_a_file_name(tool: str, plain: Served, engines: Engines, public: Path) -> None:
    plain.program("push", f"{NAME}:1.2.json")
    same_as_pushed(READERS[tool](engines, f"{plain.address}/{NAME}:1.2.json", public))


MULTI: Final = "1.0.1"


@pytest.fixture
def multi(plain: Served) -> Iterator[Path]:
    """The store, with a version for two platforms in it as long as a test takes."""
    plain.program("push", f"{NAME}:{MULTI}", "--platforms", "linux/amd64,linux/arm64")
    yield plain.store
    manifests = plain.store / "v2" / NAME / "manifests"
    index = json.loads((manifests / MULTI).read_bytes())
    for name in (MULTI, sha256(manifests / MULTI), *(each["digest"] for each in index["manifests"])):
        (manifests / name).unlink()


@contextmanager
def told(store: Path, folder: Path) -> Iterator[str]:
    """A server that knows which of the manifests is an index, by its name and by its digest."""
    manifest = store / "v2" / NAME / "manifests" / MULTI
    paths = [f"/v2/{NAME}/manifests/{each}" for each in (MULTI, sha256(manifest))]
    with static_server(store, folder, paths) as address:
        yield f"{address}/{NAME}:{MULTI}"


@pytest.mark.parametrize("tool", READERS)
def test_tools_read_an_index_where_the_server_is_told_of_it(
    tool: str, multi: Path, plain: Served, engines: Engines, public: Path
) -> None:
    with told(multi, public / "nginx") as image:
        models = READERS[tool](engines, image, public)
    same_as_pushed(models)
    assert plain.program("verify", models)["ok"]


def test_an_index_has_an_image_for_each_platform(multi: Path, public: Path) -> None:
    with told(multi, public / "nginx") as image:
        raw = json.loads(run("skopeo", "inspect", "--raw", "--tls-verify=false", f"docker://{image}"))
        skopeo(f"dir:{public}/arm64", image, "--override-arch", "arm64")
        skopeo(f"dir:{public}/all", image, "--all")
    assert raw["mediaType"] == INDEX
    platforms = [each["platform"] for each in raw["manifests"]]
    assert platforms == [{"architecture": arch, "os": "linux"} for arch in ("amd64", "arm64")]
    manifest = json.loads((public / "arm64" / "manifest.json").read_bytes())
    config = json.loads((public / "arm64" / manifest["config"]["digest"].partition(":")[2]).read_bytes())
    assert (config["os"], config["architecture"]) == ("linux", "arm64")


@pytest.mark.parametrize("tool", ["skopeo dir", "docker", "podman"])
def test_an_index_is_refused_where_the_server_is_not_told(
    tool: str, multi: Path, plain: Served, engines: Engines, public: Path
) -> None:
    assert multi == plain.store
    with pytest.raises(AssertionError, match="index"):
        READERS[tool](engines, f"{plain.address}/{NAME}:{MULTI}", public)


def test_lading_pulls_an_index(multi: Path, plain: Served, public: Path) -> None:
    program = plain.program.with_(LADING_CACHE_DIR=str(public / "cache"))
    program("pull", "--store", f"file://{multi}", f"{NAME}:{MULTI}", "--into", public / "into")
    same_as_pushed(public / "into")
    assert program("verify", f"{NAME}:{MULTI}", "--store", f"file://{multi}")["ok"]


def same_as_pushed(models: Path) -> None:
    """Check that a folder holds the model's files, byte for byte, and its bill."""
    found = {path.relative_to(models).as_posix(): path for path in models.rglob("*") if path.is_file()}
    assert sorted(found.keys() - {"lading.json", "lading.blocks"}) == sorted(FILES)
    assert [path for path, content in FILES.items() if found[path].read_bytes() != content] == []


def in_members(store: Path, into: Path) -> Path:
    """A copy of a store with gzip layers, each layer as a row of gzip members, as seekable layers are."""
    shutil.copytree(store, into)
    manifests, blobs = into / "v2" / NAME / "manifests", into / "v2" / NAME / "blobs"
    manifest = json.loads((manifests / VERSION).read_bytes())
    for layer in manifest["layers"]:
        whole = gzip.decompress((blobs / layer["digest"]).read_bytes())
        pieces = [whole[start : start + 100_000] for start in range(0, len(whole), 100_000)]
        (blobs / layer["digest"]).unlink()
        content = b"".join(gzip.compress(piece, 1) for piece in pieces)
        layer |= {"digest": f"sha256:{hashlib.sha256(content).hexdigest()}", "size": len(content)}
        (blobs / layer["digest"]).write_bytes(content)
    (manifests / VERSION).write_text(json.dumps(manifest))
    shutil.copy(manifests / VERSION, manifests / sha256(manifests / VERSION))
    return into


def lay_out(copied: Path, store: Path) -> Path:
    """Make a store of what ``skopeo copy`` wrote to a ``dir:``."""
    manifests, blobs = store / "v2" / NAME / "manifests", store / "v2" / NAME / "blobs"
    manifests.mkdir(parents=True)
    blobs.mkdir()
    (store / "v2" / "index.html").write_text("a registry\n")
    for path in copied.iterdir():
        if path.name == "manifest.json":
            for name in (VERSION, sha256(path)):
                shutil.copy(path, manifests / name)
        elif path.name != "version":
            shutil.copy(path, blobs / f"sha256:{path.name}")
    return store


def sha256(path: Path) -> str:
    """The digest of a file, as registries write it."""
    return f"sha256:{hashlib.sha256(path.read_bytes()).hexdigest()}"
