"""Some scenarios need a second address of this machine, to stand for a private one."""

from __future__ import annotations

import pytest
from pytest_socket import socket_allow_hosts

from tests.conftest import LOOPBACK

NEAR = "127.0.0.2"


@pytest.fixture
def near(_alone: None) -> str:
    """An address that the test's predicate calls private."""
    socket_allow_hosts([*LOOPBACK, NEAR], allow_unix_socket=True)
    return NEAR
