"""``lading serve`` as a process, asked over HTTP on loopback."""

from __future__ import annotations

import http.client
import json
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

import lading
from lading import api

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

ROWS = np.array([[0.0, 1.0], [1.0, 0.0], [0.0, 2.0], [2.0, 0.0]])
READY_S = 30


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("project")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LADING_CACHE_DIR", str(folder / "cache"))
        api.init(project=folder)
        for name, labels in (("left", [0, 1, 0, 1]), ("right", [1, 0, 1, 0])):
            path = folder / f"{name}.joblib"
            lading.save(LogisticRegression().fit(ROWS, labels), path, example=ROWS)
            api.add(path, name, project=folder)
            api.push(f"{name}:1.0.0", project=folder)
        api.lock(project=folder)
        api.ensure(project=folder)
    return folder


@pytest.fixture(scope="module")
def both(project: Path) -> Iterator[Client]:
    with serving(project, "left", "right") as client:
        client.until_completed()
        yield client


class Client:
    def __init__(self, port: int, process: subprocess.Popen[str]) -> None:
        self.port = port
        self.process = process

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
        with closing(http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)) as connection:
            connection.request(method, path, data)
            with connection.getresponse() as response:
                return response.status, json.loads(response.read())

    def until_completed(self) -> tuple[int, Any]:
        until = time.monotonic() + READY_S
        while time.monotonic() < until and self.process.poll() is None:
            try:
                status, said = self.ask("GET", "/health")
            except OSError:
                time.sleep(0.05)
                continue
            if said["load_status"]["completed"]:
                return status, said
            time.sleep(0.05)
        raise AssertionError("the server did not complete its load")


@contextmanager
def serving(project: Path, *references: str) -> Iterator[Client]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    words = [sys.executable, "-m", "lading", "serve", "--port", str(port), *references]
    words += ["--project", str(project)]
    process = subprocess.Popen(words, stderr=subprocess.PIPE, text=True)
    try:
        yield Client(port, process)
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=20)
        assert process.stderr is not None
        process.stderr.close()


def test_a_ready_server_says_what_it_serves_and_predicts(project: Path) -> None:
    with serving(project, "left") as client:
        status, health = client.until_completed()
        assert status == 200
        assert (health["status"], health["model_loaded"], health["mock"]) == ("ok", True, False)
        assert health["models"]["left"]["version"] == "1.0.0"
        assert health["load_status"]["error"] is None
        assert health["load_status"]["load_duration"] > 0
        assert client.ask("GET", "/health/live") == (200, {"status": "alive"})
        assert client.ask("GET", "/health/ready")[0] == 200
        status, said = client.ask("POST", "/predict", {"inputs": [[0.0, 3.0]]})
        assert (status, said["model"], said["version"], said["outputs"][0]["data"]) == (
            200,
            "left",
            "1.0.0",
            [0],
        )
        assert said == api.predict("left", {"inputs": [[0.0, 3.0]]}, project=project).document()


def test_a_server_of_several_models_is_asked_by_name(both: Client) -> None:
    status, said = both.ask("POST", "/predict", {"model": "right", "inputs": [[0.0, 3.0]]})
    assert (status, said["outputs"][0]["data"]) == (200, [1])
    status, said = both.ask("POST", "/predict", {"inputs": [[0.0, 3.0]]})
    assert (status, said["error"]["code"]) == (422, "bad-input")
    assert both.ask("POST", "/predict", {"model": "up", "inputs": [[1, 1]]})[0] == 404


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"{}",
        b"\xff",
        b'{"model": "left", "inputs": [[1.0]]}',
        b'{"model": "left", "inputs": [["a", "b"]]}',
        b'{"model": "left", "inputs": [[1, 2], [3]]}',
        b'{"model": "left", "inputs": [[1.0, NaN]]}',
        b'{"model": "left", "inputs": [{"name": "i", "datatype": "FP99", "shape": [1], "data": [1]}]}',
        b'{"model": ["left"], "inputs": [[1, 2]]}',
        b'{"inputs": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    ],
)
def test_a_bad_request_is_answered_with_its_cause_and_no_trace(both: Client, body: bytes) -> None:
    status, said = both.ask("POST", "/predict", body)
    assert (status, said["error"]["code"]) == (422, "bad-input")
    assert "Traceback" not in json.dumps(said)


def test_a_body_that_is_too_large_is_refused(both: Client) -> None:
    status, said = both.ask("POST", "/predict", b" " * (17 * 1024 * 1024))
    assert (status, said["error"]["code"]) == (422, "body-too-large")


def test_a_server_whose_model_is_corrupt_stays_up_and_says_why(project: Path, tmp_path: Path) -> None:
    project = shutil.copytree(project, tmp_path / "spoilt")
    with (project / "left.joblib").open("r+b") as file:
        file.write(b"spoilt")
    (project / ".lading" / "store").rename(project / "gone")
    with serving(project, "left") as client:
        status, health = client.until_completed()
        assert (status, health["status"], health["model_loaded"]) == (503, "error", False)
        assert "no-store" in health["load_status"]["error"]
        assert client.ask("GET", "/health/live")[0] == 200
        assert client.ask("GET", "/health/ready")[0] == 503
        status, said = client.ask("POST", "/predict", {"inputs": [[0.0, 3.0]]})
        assert (status, said["error"]["code"]) == (503, "not-ready")


def test_a_model_named_twice_is_a_usage_error() -> None:
    words = [sys.executable, "-m", "lading", "serve", "left:1.0.0", "left:2.0.0"]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert (done.returncode, "'left' is to be served twice" in done.stderr) == (2, True)
