"""What the rules and verbs need from the world, as protocols; each is implemented in one layer above."""

from __future__ import annotations

from typing import TYPE_CHECKING, BinaryIO, Protocol

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

    from lading.core.digest import Digest
    from lading.core.objects import WritableObjects
    from lading.core.signature import Signature, Tensor


class Store(Protocol):
    """Where versions live, for reading. No store verifies anything: proof happens in one place.

    Every method may raise ``UnavailableError`` when the store cannot be reached, also while what it
    returned is being iterated.
    """

    @property
    def url(self) -> str:
        """How messages name the store; it holds no credentials."""
        ...

    def manifest(self, name: str, reference: str) -> bytes:
        """The manifest under a version or under ``sha256:<hex>``.

        Raises:
            NotFoundError: ``no-version``.
        """
        ...

    def read(self, name: str, digest: Digest, start: int, end: int) -> Iterator[bytes]:
        """The bytes ``start`` to ``end`` (exclusive) of a blob, in pieces of any length.

        Raises:
            NotFoundError: ``no-blob``.
            IntegrityError: ``truncated-blob``, where the blob ends before ``end``.
        """
        ...

    def versions(self, name: str) -> list[str]:
        """The versions of a model, in no order; empty where there is no such model."""
        ...

    def names(self) -> list[str]:
        """The models that have at least one version, sorted.

        Raises:
            UsageError: ``cannot-list``, where the store has no way to tell.
        """
        ...


class WritableStore(Store, Protocol):
    """A store that versions can be pushed to."""

    @property
    def objects(self) -> WritableObjects:
        """What holds its bytes; events and projections are kept there too."""
        ...

    def blob_size(self, name: str, digest: Digest) -> int | None:
        """The size in bytes of a blob that is there, or None."""
        ...

    def put_blob(self, name: str, digest: Digest, size: int, chunks: Iterable[bytes]) -> None:
        """Store a blob; it is visible whole or not at all, and putting it again is a success.

        Raises:
            IntegrityError: ``changed-while-read``, where ``chunks`` have another size or digest.
        """
        ...

    def create_manifest(self, name: str, reference: str, raw: bytes) -> bool:
        """Store a manifest under a version or digest that nothing has; never replace one.

        Returns:
            True where the store now holds ``raw`` there; False where it holds something else, which
            stays as it is. A writer that crashed and tries again therefore gets True.
        """
        ...


class Clock(Protocol):
    """Time that passes, also while the machine sleeps."""

    def now(self) -> float:
        """Seconds since some moment."""
        ...

    def sleep(self, seconds: float) -> None:
        """Let time pass."""
        ...


class Format(Protocol):
    """How one kind of model file becomes a model in memory, and back."""

    @property
    def name(self) -> str:
        """The word in the bill's ``format``."""
        ...

    @property
    def packages(self) -> Sequence[str]:
        """The distributions whose versions decide whether a file of this format loads."""
        ...

    def load(self, entry: BinaryIO, path: Path) -> object:
        """The model.

        Args:
            entry: the proven entry file, open at its start; code formats read nothing else.
            path: where the entry lies, for formats that map files or need their neighbours.

        Raises:
            PolicyError: ``unsafe-pickle``: it holds code that is not allowed.
            IntegrityError: it is broken.
            UsageError: ``missing-extra``.
        """
        ...

    def save(self, model: object, path: Path) -> None:
        """Write ``model`` to the file ``path``.

        Raises:
            UsageError: ``bad-model``: this format cannot hold such a model; ``missing-extra``.
        """
        ...

    def tensors(self, model: object, example: object) -> tuple[Tensor, ...]:
        """An example as named input tensors of ``model``.

        Args:
            model: a model that this format loaded.
            example: an array, a data frame, a mapping from input names to arrays, or nested lists.

        Raises:
            UsageError: ``bad-input``, saying which input expected what and got what.
        """
        ...

    def signature(self, model: object, inputs: Sequence[Tensor], outputs: Sequence[Tensor]) -> Signature:
        """What the model takes and gives, from itself where it says so, else from one example."""
        ...

    def predict(self, model: object, inputs: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """What the model gives for ``inputs``.

        Raises:
            UsageError: ``bad-input``; ``no-predict``, where such a file holds nothing that predicts.
        """
        ...


class Progress(Protocol):
    """Hears how far a transfer is. Silent unless the command line puts a display behind it."""

    def start(self, what: str, total_bytes: int) -> None:
        """A transfer of ``total_bytes`` begins."""
        ...

    def advance(self, done_bytes: int) -> None:
        """``done_bytes`` more are done."""
        ...

    def note(self, message: str) -> None:
        """Something that a person should see, such as a warning."""
        ...


class Silence:
    """The progress port that nobody listens to."""

    def start(self, what: str, total_bytes: int) -> None:
        """Say nothing."""

    def advance(self, done_bytes: int) -> None:
        """Say nothing."""

    def note(self, message: str) -> None:
        """Say nothing."""
