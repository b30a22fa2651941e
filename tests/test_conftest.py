"""The fixture that every other test leans on."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import pytest
from pytest_socket import SocketConnectBlockedError


def test_no_marker_of_this_machine_reaches_a_test() -> None:
    markers = {"CI", "GITHUB_ACTIONS", "GITHUB_TOKEN", "AWS_ACCESS_KEY_ID", "NO_COLOR", "DYNO"}
    assert markers & os.environ.keys() == set()


def test_the_only_lading_setting_is_a_cache_below_a_home_of_its_own() -> None:
    ours = {name: value for name, value in os.environ.items() if name.startswith("LADING_")}
    assert ours == {"LADING_CACHE_DIR": os.environ["HOME"] + "/cache"}
    assert Path.home() != Path("/root")


@pytest.mark.filterwarnings("ignore:A test tried to use socket")
def test_a_socket_to_another_host_is_refused() -> None:
    with socket.socket() as beyond, pytest.raises(SocketConnectBlockedError):
        beyond.connect(("192.0.2.1", 80))


def test_a_socket_to_loopback_works() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname(), timeout=5) as client,
    ):
        client.sendall(b"here")
        taken, _ = server.accept()
        with taken:
            assert taken.recv(4) == b"here"
