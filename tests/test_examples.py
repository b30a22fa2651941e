"""The examples do what their pages say."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[1] / "examples"


@pytest.mark.parametrize(("name", "last"), [("iris", "iris says 0")])
def test_the_commands_of_an_example_end_as_its_page_says(tmp_path: Path, name: str, last: str) -> None:
    folder = shutil.copytree(EXAMPLES / name, tmp_path / name)
    script = re.search(r"```sh\n(.*?)```", (folder / "README.md").read_text(), re.DOTALL)
    assert script is not None
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-euc", script[1]],
        cwd=folder,
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout.splitlines()[-1:]) == (0, [last]), done.stderr
    assert f"`{last}`" in (folder / "README.md").read_text()
