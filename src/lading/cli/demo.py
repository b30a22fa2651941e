"""``lading demo``: the main job from training to a prediction over HTTP, on the embedded store."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape

from lading import api
from lading.cli.out import Out, human
from lading.core.errors import IntegrityError, UnavailableError, UsageError

_MARK = ".lading-demo"
_NAME, _VERSION = "digits", "1.0.0"
_READY_S = 60.0


@dataclass(slots=True)
class _Teller:
    """Says each step, numbered, and what came of it."""

    console: Console
    step: int = 0

    @contextmanager
    def tell(self, title: str, command: str) -> Iterator[list[str]]:
        """One step: its title and the command that does the same, then the lines that the block collects."""
        self.step += 1
        self.console.print(
            f"\n[bold cyan]{self.step}[/] [bold]{escape(title)}[/]  [dim]{escape(command)}[/]", soft_wrap=True
        )
        said: list[str] = []
        began = time.monotonic()
        yield said
        for line in said:
            self.console.print(f"  {escape(line)}", highlight=False, soft_wrap=True)
        self.console.print(f"  [dim]{time.monotonic() - began:.2f} s[/]")


def play(out: Out, folder: Path) -> None:
    """Play the job through in ``folder``, which is made anew each time.

    Raises:
        UsageError: ``not-a-demo``, where ``folder`` is there and no earlier demo made it.
    """
    _fresh(folder)
    os.environ["LADING_CACHE_DIR"] = str(folder / ".lading" / "cache")
    teller = _Teller(Console(stderr=out.as_json, quiet=out.quiet))
    trained, examples, accuracy = _train(teller)
    model = folder / "models" / "digits.joblib"
    _save(teller, trained, examples, accuracy, model)
    _push(teller, folder)
    _forget(teller, folder, model)
    _pull(teller, out, folder)
    loaded = _load(teller, folder)
    answer = _serve(teller, folder, examples[:1].tolist())
    expected = [int(label) for label in trained.predict(examples[:1])]
    got = answer["outputs"][0]["data"]
    if got != expected or list(loaded.predict(examples)) != list(trained.predict(examples)):
        raise IntegrityError("demo-differs", f"the served model said {got}, the trained one {expected}")
    document = {"folder": folder, "model": f"{_NAME}:{_VERSION}", "prediction": got, "equal": True}
    out.result(document, *_farewell(folder, got))


def _fresh(folder: Path) -> None:
    if folder.exists():
        if not (folder / _MARK).exists():
            raise UsageError(
                "not-a-demo",
                f"{folder} is there and is not an earlier demo's; the demo will not touch it",
                hint="lading demo --dir ANOTHER_FOLDER",
            )
        shutil.rmtree(folder)
    (folder / "models").mkdir(parents=True)
    (folder / _MARK).touch()


def _train(teller: _Teller) -> tuple[Any, Any, float]:
    try:
        from sklearn.datasets import load_digits
        from sklearn.ensemble import RandomForestClassifier
        from sklearn.model_selection import train_test_split
    except ImportError as error:
        raise UsageError(
            "missing-extra", "the demo trains with scikit-learn", hint="pip install 'lading[sklearn,serve]'"
        ) from error
    with teller.tell("Train a model on 1,797 handwritten digits", "your own training script") as said:
        images, labels = load_digits(return_X_y=True)
        parts = train_test_split(images, labels, test_size=0.25, random_state=0)
        trained = RandomForestClassifier(n_estimators=60, random_state=0).fit(parts[0], parts[2])
        accuracy = float(trained.score(parts[1], parts[3]))
        said.append(f"a random forest of 60 trees, accuracy {accuracy:.3f} on digits it has not seen")
    return trained, parts[1][:5], accuracy


def _save(teller: _Teller, trained: object, examples: object, accuracy: float, model: Path) -> None:
    with teller.tell(
        "Save it with its bill of lading", "lading.save(model, path, example=..., metrics=...)"
    ) as said:
        metrics, params = {"accuracy": accuracy}, {"n_estimators": 60}
        bill = api.save(trained, model, example=examples, metrics=metrics, params=params)
        golden = bill.metadata.golden
        said.append(f"{model.name}, {human(bill.size)}, and beside it digits.lading.json: format, signature,")
        said.append(
            f"metrics, versions and a golden example of {len(golden.inputs[0].data) if golden else 0} numbers"
        )


def _push(teller: _Teller, folder: Path) -> None:
    with teller.tell(
        "Declare it, pack it, push it", f"lading init; lading add ...; lading push {_NAME}:{_VERSION}"
    ) as s:
        api.init(project=folder)
        api.add(folder / "models" / "digits.joblib", _NAME, project=folder)
        (pushed,) = api.push(f"{_NAME}:{_VERSION}", project=folder)
        s.append(f"{human(pushed.uploaded)} went into the embedded store as an OCI image of plain tar layers")
        s.append(f"its identity: {pushed.digest}")
        (again,) = api.push(f"{_NAME}:{_VERSION}", project=folder)
        s.append(f"pushed once more: {again.uploaded} bytes uploaded, {human(again.reused)} there already")
        api.lock(project=folder)
        s.append("lading.lock pins it")


def _forget(teller: _Teller, folder: Path, model: Path) -> None:
    with teller.tell("Forget the local copy", "rm models/digits.joblib; lading cache --clear") as said:
        for path in (model, model.with_name("digits.lading.json")):
            path.unlink()
        api.cache(clear=True, project=folder)
        said.append(f"models/ is empty: {not any(model.parent.iterdir())}")


def _pull(teller: _Teller, out: Out, folder: Path) -> None:
    with teller.tell("Pull it back, proven block by block", f"lading pull {_NAME}") as said:
        (pulled,) = api.pull(_NAME, project=folder, progress=out.progress)
        out.close()
        said.append(f"{human(pulled.fetched)} fetched and proven, at {pulled.path.relative_to(folder)}")
        (again,) = api.ensure(_NAME, project=folder)
        said.append(
            f"ensured once more: {again.fetched} bytes fetched, nothing hashed, {again.seconds * 1000:.0f} ms"
        )


def _load(teller: _Teller, folder: Path) -> Any:  # noqa: ANN401 - a model of any library
    with teller.tell("Load it", f"lading.load('{_NAME}')") as said:
        loaded = api.load(_NAME, project=folder)
        said.append("through an allow-list: a pickle could not have run code; the golden example agrees")
    return loaded


def _serve(teller: _Teller, folder: Path, example: list[list[float]]) -> dict[str, Any]:
    with (
        teller.tell("Serve one prediction over HTTP", f"lading serve {_NAME}") as said,
        _server(folder) as url,
    ):
        body = json.dumps({"inputs": example}).encode()
        answer = _ask(f"{url}/predict", body)
        outputs = {each["name"]: each["data"] for each in answer["outputs"]}
        said.append(
            f"POST {url}/predict -> label {outputs['label'][0]}, from {answer['model']}:{answer['version']}"
        )
    return answer


@contextmanager
def _server(folder: Path) -> Iterator[str]:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
    words = [sys.executable, "-m", "lading.serving", "--host", "127.0.0.1", "--port", str(port)]
    server = subprocess.Popen([*words, "--project", str(folder), _NAME])  # noqa: S603 - our own server
    url = f"http://127.0.0.1:{port}"
    try:
        _await_ready(url, server)
        yield url
    finally:
        server.send_signal(signal.SIGTERM)
        server.wait(timeout=20)


def _await_ready(url: str, server: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + _READY_S
    while time.monotonic() < until and server.poll() is None:
        try:
            _ask(f"{url}/health/ready")
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.1)
        else:
            return
    raise UnavailableError(
        "not-ready", f"the server at {url} did not become ready", hint=f"lading serve {_NAME}"
    )


def _ask(url: str, body: bytes | None = None) -> dict[str, Any]:
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - loopback
    with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
        answer: dict[str, Any] = json.load(response)
    return answer


def _farewell(folder: Path, got: list[int]) -> list[str]:
    here = os.path.relpath(folder)
    script = Path(sys.executable).with_name("lading")
    lading = "lading" if shutil.which("lading") else os.path.relpath(script, folder)
    return [
        "",
        f"The served model said {got[0]}, exactly as the trained one did.",
        "",
        f"  {here}/models/            the model, and its bill digits.lading.json",
        f"  {here}/.lading/store/     the store: a folder that is also an OCI registry when served",
        f"  {here}/lading.toml, lading.lock   what is declared, what is pinned",
        "",
        "Try next:",
        f"  cd {here}",
        f"  {lading} list",
        f"  {lading} show digits:1.0.0",
        f"  {lading} verify --load",
        f"  printf x >> models/digits.joblib; {lading} verify; {lading} ensure",
    ]
