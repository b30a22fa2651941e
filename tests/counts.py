"""How much the expensive tests do: small by default, turned up in CI through the environment.

Read when the tests are collected, before the fixture of ``conftest.py`` clears every ``LADING_*``.
"""

from __future__ import annotations

import os
from typing import Final

KILLS: Final = int(os.environ.get("LADING_TEST_KILLS", "10"))
"""How often a writer is killed."""

FAULTS: Final = int(os.environ.get("LADING_TEST_FAULTS", "25"))
"""How many places of a transfer are broken, one after the other."""

PAYLOAD_MIB: Final = int(os.environ.get("LADING_TEST_PAYLOAD_MIB", "64"))
"""The size of the files in tests of volume."""

EXAMPLES: Final = int(os.environ.get("LADING_TEST_EXAMPLES", "60"))
"""How many examples hypothesis tries for each law."""

GC_ROUNDS: Final = int(os.environ.get("LADING_TEST_GC_ROUNDS", "10"))
"""How many versions each of two writers pushes beside others that remove, pull and are killed."""

SEED: Final = int(os.environ.get("LADING_TEST_SEED", "1"))
"""Where the random moments and places of a run begin."""
