"""A second S3: OpenStack Swift with its S3 API, one copy of everything, on ports of its own.

It checks signatures, and it has no conditional writes: a PUT with ``If-None-Match`` is answered with 501.
"""

from __future__ import annotations

import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.request import ProxyHandler, Request, build_opener

from tests.components.tools import free_port, listens, need, need_root, run, server
from tests.servers.access import S3Bucket, secret

if TYPE_CHECKING:
    from collections.abc import Iterator

_SEED: Final = Path("/etc/swift/swift.conf")
_RINGS: Final = """
import json, sys
from swift.common.ring import RingBuilder
folder, ports = sys.argv[1], json.loads(sys.argv[2])
for name, port in ports.items():
    ring = RingBuilder(4, 1, 0)
    ring.add_dev({"id": 0, "region": 1, "zone": 1, "weight": 1, "device": "d1", "meta": "", "ip": "127.0.0.1",
                  "port": port, "replication_ip": "127.0.0.1", "replication_port": port})
    ring.rebalance()
    ring.get_ring().save(f"{folder}/{name}.ring.gz")
"""
_COMMON: Final = """
[DEFAULT]
swift_dir = {folder}
bind_ip = 127.0.0.1
bind_port = {port}
user = root
workers = 0
devices = {folder}/srv
mount_check = false
"""
_KEEPER: Final = """
[pipeline:main]
pipeline = {name}-server
[app:{name}-server]
use = egg:swift#{name}
recon_cache_path = {folder}
"""
_PROXY: Final = """
[pipeline:main]
pipeline = catch_errors cache listing_formats s3api tempauth copy bulk slo dlo proxy-server
[filter:cache]
use = egg:swift#memcache
memcache_servers = 127.0.0.1:{memory}
[filter:s3api]
use = egg:swift#s3api
location = us-east-1
[filter:tempauth]
use = egg:swift#tempauth
user_test_tester = {secret} .admin
[app:proxy-server]
use = egg:swift#proxy
allow_account_management = true
account_autocreate = true
"""
_PLAIN: Final = ("catch_errors", "listing_formats", "copy", "bulk", "slo", "dlo")


@dataclass(frozen=True, slots=True)
class Swift:
    """A running S3 with one user."""

    endpoint: str

    def new_bucket(self, name: str) -> S3Bucket:
        """A bucket that was not there."""
        import obstore

        bucket = S3Bucket(self.endpoint, name, "test:tester", secret("swift"))
        url = obstore.sign(bucket.client(), "PUT", "", timedelta(minutes=5))
        with build_opener(ProxyHandler({})).open(Request(url, method="PUT"), timeout=30) as told:
            assert told.status == 200
        return bucket


@contextmanager
def swift(folder: Path) -> Iterator[Swift]:
    """Start it with all that it holds in ``folder``."""
    need_root()  # Swift becomes the user that its configuration names
    assert _SEED.exists(), f"{_SEED} is missing: the package swift-object brings it"
    ports = {name: free_port() for name in ("account", "container", "object", "proxy", "memory")}
    (folder / "srv" / "d1").mkdir(parents=True)
    keepers = {name: ports[name] for name in ("account", "container", "object")}
    run("python3", "-I", "-c", _RINGS, folder, json.dumps(keepers))
    for name, port in ports.items():
        (folder / f"{name}.conf").write_text(_text(name, folder, port, ports["memory"]))
    with ExitStack() as running:
        words = [need("memcached"), "-u", "root", "-l", "127.0.0.1", "-p", str(ports["memory"])]
        running.enter_context(server(words, folder / "memory.log", lambda: True))
        for name in keepers:
            words = [need(f"swift-{name}-server"), f"{folder}/{name}.conf"]
            running.enter_context(server(words, folder / f"{name}.log", lambda: True))
        words = [need("swift-proxy-server"), f"{folder}/proxy.conf"]
        # They start side by side: the last to be waited for waits for all.
        ready = server(words, folder / "proxy.log", lambda: all(map(listens, ports.values())))
        running.enter_context(ready)
        yield Swift(f"http://127.0.0.1:{ports['proxy']}")


def _text(name: str, folder: Path, port: int, memory: int) -> str:
    own = _PROXY if name == "proxy" else _KEEPER
    text = (_COMMON + own).format(name=name, folder=folder, port=port, memory=memory, secret=secret("swift"))
    plain = "".join(f"[filter:{each}]\nuse = egg:swift#{each}\n" for each in _PLAIN)
    return text + plain if name == "proxy" else text
