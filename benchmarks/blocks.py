"""Which FastCDC library and which block size: bytes moved, size of the block list, speed.

`python benchmarks/blocks.py [--size-mib N] [--rounds N] [--short]` prints Markdown tables of medians.
`--short` measures only what the decision came down to; all of it takes a quarter of an hour at 512 MiB. The
data is made in memory, about four times the size. Needs numpy and pyfastcdc; fastcdc joins where installed.
"""

import argparse
import hashlib
import importlib.util
import json
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from itertools import product
from statistics import median
from typing import Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray
from pyfastcdc import FastCDC

Bytes: TypeAlias = NDArray[np.uint8]
Level: TypeAlias = Literal[0, 1, 2, 3]

KIB, MIB = 1 << 10, 1 << 20
ENTRY_BYTES = 36  # one block in the list: a length of 4 bytes and a SHA-256 of 32
CHANGED = 0.05
LONG_RUN_BYTES = 1024 * MIB // 20 // 20  # 5 % of 1 GiB in 20 runs; a smaller file has fewer of them
ROW_BYTES = 768 * 4  # one row of a usual embedding table
LAYERS = 24
LEVELS: tuple[Level, ...] = (0, 1, 2, 3)
AVERAGES = tuple(kib * KIB for kib in (16, 32, 64, 128, 256, 1024))
BOUNDS = ((8, 2), (8, 4), (4, 2), (2, 4))  # minimum = average / first, maximum = average x second
SPEED_MIB = 128


@dataclass(frozen=True)
class Cutter:
    """One library with one set of parameters; sizes in bytes."""

    library: str
    average: int
    minimum: int
    maximum: int
    level: Level = 1

    def lengths(self, data: memoryview) -> Iterator[int]:
        """Yield the block lengths of `data`, in order."""
        if self.library == "pyfastcdc":
            cdc = FastCDC(
                self.average, min_size=self.minimum, max_size=self.maximum, normalized_chunking=self.level
            )
            return (chunk.length for chunk in cdc.cut_buf(data))
        from fastcdc import fastcdc  # type: ignore[import-untyped]

        return (chunk.length for chunk in fastcdc(data, self.minimum, self.average, self.maximum))

    def cut(self, data: memoryview) -> int:
        """Return how many blocks `data` has."""
        return sum(1 for _ in self.lengths(data))

    def blocks(self, data: memoryview) -> dict[bytes, int]:
        """Return the length of every distinct block by its SHA-256."""
        found, offset = {}, 0
        for length in self.lengths(data):
            found[hashlib.sha256(data[offset : offset + length]).digest()] = length
            offset += length
        return found

    def row(self) -> list[str]:
        """Return the cells that name this cutter."""
        level = str(self.level) if self.library == "pyfastcdc" else "-"
        return [self.library, *(f"{n / KIB:g}" for n in (self.average, self.minimum, self.maximum)), level]


@dataclass(frozen=True)
class Case:
    """A change that a new version makes to a file."""

    name: str
    floats: bool
    change: Callable[[Bytes, np.random.Generator], Bytes]


def random_bytes(size: int, rng: np.random.Generator) -> Bytes:
    """Return `size` bytes without any structure."""
    return np.frombuffer(rng.bytes(size), dtype=np.uint8)


def weights(size: int, rng: np.random.Generator) -> Bytes:
    """Return `size` bytes of float32 as a trained layer has them: normal, mean 0, deviation 0.02."""
    return (rng.standard_normal(size // 4, dtype=np.float32) * np.float32(0.02)).view(np.uint8)


def places(size: int, count: int, length: int, rng: np.random.Generator) -> Iterable[int]:
    """Return `count` offsets of runs that do not overlap, every arrangement equally likely."""
    gaps = np.sort(rng.integers(0, size - count * length, count, endpoint=True))
    return [int(offset) for offset in gaps + np.arange(count) * length]


def runs(length: int, fraction: float = CHANGED) -> Callable[[Bytes, np.random.Generator], Bytes]:
    """Return a change that overwrites `fraction` of the bytes in runs of `length`."""

    def change(data: Bytes, rng: np.random.Generator) -> Bytes:
        count = max(1, round(data.size * fraction / length))
        for offset in places(data.size, count, length, rng):
            data[offset : offset + length] = random_bytes(length, rng)
        return data

    return change


def insert(data: Bytes, rng: np.random.Generator) -> Bytes:
    """Put 1 MiB in front."""
    return np.concatenate([random_bytes(MIB, rng), data])


def layers(data: Bytes, rng: np.random.Generator) -> Bytes:
    """Train the last two layers of 24 anew, as when a head is tuned."""
    start = data.size // LAYERS * (LAYERS - 2) // 4 * 4
    data[start:] = weights(data.size - start, rng)
    return data


def rows(data: Bytes, rng: np.random.Generator) -> Bytes:
    """Train one row in a hundred of an embedding table."""
    chosen = rng.choice(data.size // ROW_BYTES, data.size // ROW_BYTES // 100, replace=False)
    for row in chosen:
        data[row * ROW_BYTES : (row + 1) * ROW_BYTES] = weights(ROW_BYTES, rng)
    return data


def mantissa(data: Bytes, rng: np.random.Generator) -> Bytes:
    """Change the low mantissa byte of every float32, as any full training step does."""
    data[::4] ^= rng.integers(1, 256, data.size // 4, dtype=np.uint8)
    return data


CASES = (
    Case("5 %, 2.6 MiB runs", floats=False, change=runs(LONG_RUN_BYTES)),
    Case("5 %, 64 KiB runs", floats=False, change=runs(64 * KIB)),
    Case("5 %, 4 KiB runs", floats=False, change=runs(4 * KIB)),
    Case("1 MiB in front", floats=False, change=insert),
    Case("2 of 24 layers", floats=True, change=layers),
    Case("1 % of rows", floats=True, change=rows),
    Case("low mantissa", floats=True, change=mantissa),
)


def vocabulary(tokens: int, rng: np.random.Generator) -> dict[str, int]:
    """Return a vocabulary as tokenizers keep it."""
    letters = rng.integers(ord("a"), ord("z") + 1, (tokens, 8), dtype=np.uint8)
    lengths = rng.integers(2, 9, tokens)
    words = (bytes(word[:n]).decode() for word, n in zip(letters, lengths, strict=True))
    return {f"{word}{i % 97}": i for i, word in enumerate(words)}


def grid() -> Iterator[Cutter]:
    """Yield every cutter to measure: both libraries by default, then other bounds."""
    for average in AVERAGES:
        for level in LEVELS:
            yield Cutter("pyfastcdc", average, average // 4, average * 4, level)
    for average, (low, high), level in product(AVERAGES[1:3], BOUNDS, LEVELS[:3]):
        yield Cutter("pyfastcdc", average, average // low, average * high, level)
    for average in AVERAGES:
        yield Cutter("fastcdc", average, average // 4, average * 8)


def short() -> Iterator[Cutter]:
    """Yield the cutters that the decision came down to; the last is bounded as Xet does it."""
    for average in AVERAGES[1:3]:
        yield Cutter("pyfastcdc", average, average // 4, average * 4)
        yield Cutter("fastcdc", average, average // 4, average * 8)
    yield Cutter("pyfastcdc", 32 * KIB, 8 * KIB, 128 * KIB, 0)
    yield Cutter("pyfastcdc", 64 * KIB, 8 * KIB, 128 * KIB, 0)


def moved_bytes(cutter: Cutter, new: memoryview, old: dict[bytes, int]) -> int:
    """Return how many bytes of `new` someone must fetch who has the blocks `old`."""
    return sum(n for digest, n in cutter.blocks(new).items() if digest not in old)


def deltas(cutters: list[Cutter], size: int, rounds: int) -> dict[Cutter, list[float]]:
    """Return per cutter the mean block in KiB, then the MiB that each case moves."""
    samples: dict[Cutter, list[list[float]]] = {cutter: [] for cutter in cutters}
    for seed in range(rounds):
        rng = np.random.default_rng(seed)
        bases = {False: random_bytes(size, rng), True: weights(size, rng)}
        old = {(c, kind): c.blocks(base.data) for c in cutters for kind, base in bases.items()}
        for cutter in cutters:
            samples[cutter].append([size / KIB / len(old[cutter, False])])
        for case in CASES:
            new = case.change(bases[case.floats].copy(), rng)
            for cutter in cutters:
                samples[cutter][-1].append(moved_bytes(cutter, new.data, old[cutter, case.floats]) / MIB)
    return {cutter: [median(column) for column in zip(*got, strict=True)] for cutter, got in samples.items()}


def seconds(work: Callable[[], object]) -> float:
    """Return how long one call takes."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def speeds(cutters: list[Cutter], rounds: int) -> dict[Cutter, list[float]]:
    """Return per cutter the MB/s of cutting alone and of cutting with SHA-256; the cutters take turns."""
    data = random_bytes(SPEED_MIB * MIB, np.random.default_rng(0)).data
    times: dict[Cutter, list[tuple[float, float]]] = {cutter: [] for cutter in cutters}
    for _ in range(rounds):
        for cutter, got in times.items():
            got.append((seconds(partial(cutter.cut, data)), seconds(partial(cutter.blocks, data))))
    return {c: [data.nbytes / 1e6 / median(t) for t in zip(*got, strict=True)] for c, got in times.items()}


def plain(cutter: Cutter, rng: np.random.Generator) -> list[str]:
    """Return the cells for data with little entropy."""
    zeros = memoryview(bytes(64 * MIB))
    ones = memoryview(np.ones(16 * MIB, dtype=np.float32).view(np.uint8).data)
    cells = [f"{len(d) / KIB / cutter.cut(d):.0f}" for d in (zeros, ones)]
    short = 8 * cutter.maximum
    firsts = (next(iter(cutter.lengths(memoryview(bytes([value]) * short)))) for value in range(256))
    cells.append(str(sum(first < cutter.average for first in firsts)))
    words = vocabulary(250_000, rng)
    text = json.dumps(words)
    middle = list(words)[len(words) // 2]
    old = cutter.blocks(memoryview(text.encode()))
    for new in (text[:-1] + ', "added": 250000}', text.replace(f'"{middle}":', '"renamed":')):
        cells.append(f"{moved_bytes(cutter, memoryview(new.encode()), old) / KIB:.0f}")  # noqa: PERF401 -- reads better
    return [*cells, f"{len(text) / KIB / len(old):.0f}"]


def numbers(moved: list[float], speed: list[float]) -> list[str]:
    """Return the cells that `deltas` and `speeds` measured."""
    mean_kib, *moved_mib = moved
    share = ENTRY_BYTES / KIB / mean_kib * 1e3
    return [f"{mean_kib:.1f}", f"{share:.2f}", *(f"{m:.1f}" for m in moved_mib), *(f"{s:.0f}" for s in speed)]


def table(head: list[str], body: Iterable[list[str]]) -> None:
    """Print one Markdown table."""
    for line in (head, ["---"] * len(head), *body):
        print("| " + " | ".join(line) + " |", flush=True)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--size-mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--short", action="store_true")
    options = parser.parse_args()
    size = options.size_mib * MIB
    found = short() if options.short else grid()
    cutters = [c for c in found if importlib.util.find_spec(c.library)]
    moved, speed = deltas(cutters, size, options.rounds), speeds(cutters, 2 * options.rounds + 1)
    names = ["library", "average", "min", "max", "level"]
    print(f"\nMiB moved of {options.size_mib}; sizes in KiB; medians of {options.rounds}\n")
    head = [
        "mean block",
        "list, thousandths",
        *(case.name for case in CASES),
        "cut MB/s",
        "cut + SHA-256 MB/s",
    ]
    table([*names, *head], ([*c.row(), *numbers(moved[c], speed[c])] for c in cutters))
    print("\nLittle entropy: mean KiB of a block, byte values of 256 that cut below the average, KiB moved\n")
    head = ["zeros", "float32 ones", "constant bytes", "token added", "token renamed", "mean of vocabulary"]
    table([*names, *head], ([*c.row(), *plain(c, np.random.default_rng(1))] for c in cutters))


if __name__ == "__main__":
    main()
