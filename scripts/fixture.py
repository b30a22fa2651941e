"""Write ``tests/fixtures/format-N``: a store, a place and a lock as this lading writes them.

Run it once when a format changes, under a new number; what earlier releases wrote is never written again.
"""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from lading import api

FIXTURES = Path(__file__).parents[1] / "tests" / "fixtures"


def main() -> None:
    """Write the fixture of the number given."""
    folder = FIXTURES / f"format-{sys.argv[1]}"
    os.environ["LADING_CACHE_DIR"] = "/tmp/lading-fixture-cache"  # noqa: S108 - thrown away below
    model = folder / "models" / "gull"
    (model / "parts").mkdir(parents=True)
    (model / "weights.bin").write_bytes(bytes(range(256)) * 4200)
    (model / "parts" / "vocabulary-ä.txt").write_text("grün\n", "utf-8")
    (model / "empty").touch()
    api.init(project=folder, store="file://store")
    api.add(model, "coast/gull", project=folder)
    api.push("coast/gull:1.0.0", project=folder)
    api.push("coast/gull:1.0.1", platforms=["linux/amd64", "linux/arm64"], modelpack=True, project=folder)
    api.lock(project=folder)
    api.ensure(project=folder)
    shutil.rmtree(os.environ["LADING_CACHE_DIR"])
    shutil.rmtree(folder / "store" / ".drafts")


if __name__ == "__main__":
    main()
