"""Verify: every byte against what the bill says, and what that bill is anchored in."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Final

from lading.core.bill import Bill
from lading.core.digest import Digest
from lading.core.errors import IntegrityError, LadingError, NotFoundError, PolicyError, UsageError
from lading.core.paths import BILL_FILE, BLOCKS_FILE, LEFT_OUT, SIGNATURE_FILE, is_bill
from lading.core.runs import runs
from lading.ops.fetch import Tiers
from lading.ops.place import Difference, differences
from lading.plumbing.oserror import explained

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from lading.core.lock import Pin
    from lading.ops.place import Place
    from lading.ops.version import Version

ANCHORS: Final = {"none": 0, "digest": 1, "lock": 1, "signature": 2}
"""What a bill is anchored in, from weak to strong (design, section 3.8)."""
REQUIRABLE: Final = ("lock", "signature")


@dataclass(frozen=True, slots=True)
class Verified:
    """What a verification found.

    Attributes:
        anchor: ``none`` (consistent with its own bill), ``lock``, ``digest`` or ``signature``.
        checked: how many files were read and compared.
        bills: the folder and bill of each model that could be read.
        read: the bytes of objects that were read, where a plain prefix was verified; a checksum of its
            holder's spares that. None elsewhere.
    """

    anchor: str
    checked: int
    problems: tuple[Difference, ...]
    bills: tuple[tuple[Path, Bill], ...] = ()
    read: int | None = None

    @property
    def ok(self) -> bool:
        """Whether nothing differs."""
        return not self.problems


def verify_folder(folder: Path, pins: Mapping[str, Pin]) -> Verified:
    """Check every bill below ``folder`` against the files around it.

    Raises:
        NotFoundError: ``no-bill``, where there is none.
    """
    with explained("verifying", folder):
        parts = [verify_bill(place, folder, pins) for place in sorted(_bills(folder))]
    if not parts:
        raise NotFoundError(
            "no-bill",
            f"{folder} holds no bill ({BILL_FILE} or NAME.lading.json), so nothing says what should be there",
            hint="lading pull places a model with its bill",
        )
    return together(parts)


def verify_bill(place: Path, folder: Path, pins: Mapping[str, Pin]) -> Verified:
    """Check the bill at ``place`` against the files around it; problems name paths below ``folder``."""
    prefix = place.parent.relative_to(folder)
    path = (prefix / place.name).as_posix()
    try:
        with explained("verifying", place):
            bill = Bill.parse(place.read_bytes())
    except NotFoundError:
        return Verified("none", 0, (Difference(path, "missing", "the bill of a model", ""),))
    except IntegrityError as error:
        return Verified("none", 0, (Difference(path, error.code, "a bill", error.message),))
    found = [*differences(place.parent, bill.files, None), *_around(place, bill)]
    return Verified(
        anchor_of(bill, pins),
        len(bill.files),
        tuple(replace(item, path=(prefix / item.path).as_posix()) for item in found),
        ((place.parent, bill),),
    )


def verify_place(place: Place, folder: Path, pins: Mapping[str, Pin]) -> Verified:
    """Check a declared model in its place; where it is locked, its bill must be the one in the lock."""
    verified = verify_bill(place.bill, folder, pins)
    pin = pins.get(place.name)
    wrong = [bill for _, bill in verified.bills if pin is not None and bill.digest != pin.bill]
    if pin is None or not wrong:
        return verified
    path = place.bill.relative_to(folder).as_posix()
    problem = Difference(path, "not-the-locked-version", str(pin.bill), str(wrong[0].digest))
    return replace(verified, problems=(problem, *verified.problems))


def verify_version(version: Version, anchor: str) -> Verified:
    """Read every byte of a version in its store: blocks, tar headers and whole files."""
    problems = []
    tiers = Tiers(version, [version.store])
    for number in range(len(version.layers)):
        problems += _layer_problems(tiers, number)
    return Verified(anchor, len(version.bill.files), tuple(problems))


def unreadable(what: str, error: LadingError) -> Verified:
    """The verification of a version whose manifest, config or bill is not what it should be."""
    return Verified("none", 0, (Difference(what, error.code, "a version that can be read", error.message),))


def together(parts: Sequence[Verified]) -> Verified:
    """Several verifications as one, whose anchor is the weakest of theirs."""
    return Verified(
        _weakest({part.anchor for part in parts}),
        sum(part.checked for part in parts),
        tuple(problem for part in parts for problem in part.problems),
        tuple(bill for part in parts for bill in part.bills),
        sum(read) if (read := [part.read for part in parts if part.read is not None]) else None,
    )


def anchor_of(bill: Bill, pins: Mapping[str, Pin]) -> str:
    """What a bill is anchored in, for a project with these pins: ``lock`` or ``none``."""
    pin = pins.get(bill.name)
    return "lock" if pin is not None and pin.bill == bill.digest else "none"


def check_anchor(anchor: str) -> str:
    """Return ``anchor`` unchanged if it can be required.

    Raises:
        UsageError: ``bad-anchor``.
    """
    if anchor not in REQUIRABLE:
        raise UsageError(
            "bad-anchor",
            f"'{anchor}' is no anchor that can be required: expected {' or '.join(REQUIRABLE)}",
            hint="lading verify --require lock",
        )
    return anchor


def require(verified: Verified, anchor: str) -> None:
    """Refuse a verification whose anchor is weaker than ``anchor``.

    Raises:
        PolicyError: ``weak-anchor``.
    """
    if ANCHORS[verified.anchor] < ANCHORS[anchor]:
        raise PolicyError(
            "weak-anchor",
            f"the bytes agree with their own bill, and that is anchored in: {verified.anchor}; "
            f"required: {anchor}",
            hint="lading lock pins what this project runs"
            if anchor == "lock"
            else "lading sign REF signs it",
        )


def _bills(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if name not in LEFT_OUT and name != ".lading"]
        yield from (Path(parent, name) for name in names if is_bill(name))


def _around(place: Path, bill: Bill) -> list[Difference]:
    """What else lies in the folder of a bill: its block list, and files that do not belong to the model."""
    found = []
    blocks = place.with_name(BLOCKS_FILE)
    if place.name == BILL_FILE and blocks.exists():
        got = Digest.of(blocks.read_bytes())
        if got != bill.blocks.digest:
            found.append(Difference(BLOCKS_FILE, "different", str(bill.blocks.digest), str(got)))
    if place.name == BILL_FILE:
        known = {entry.path for entry in bill.files} | {BILL_FILE, BLOCKS_FILE, SIGNATURE_FILE}
        extra = (path for path in _files(place.parent) if path not in known)
        found += [Difference(path, "extra", "", "a file that the bill does not list") for path in extra]
    return found


def _files(folder: Path) -> Iterator[str]:
    """The files below ``folder``, except in folders that are another model's."""
    for parent, folders, names in os.walk(folder):
        below = Path(parent)
        if below != folder and BILL_FILE in names:
            folders.clear()
            continue
        folders[:] = sorted(name for name in folders if name not in LEFT_OUT)
        for name in sorted(names):
            if name not in LEFT_OUT:
                yield (below / name).relative_to(folder).as_posix()


def _layer_problems(tiers: Tiers, number: int) -> list[Difference]:
    version = tiers.version
    layer = version.layers[number]
    wholes = {index: hashlib.sha256() for index in layer.files}
    needed = runs(layer, version.blocks, layer.files)
    done = 0
    try:
        for run, data in tiers.read(number, needed):
            done += 1
            if run.file is not None:
                wholes[run.file].update(data)
    except LadingError as error:
        guilty = next((run.file for run in needed[done:] if run.file is not None), layer.files[-1])
        return [Difference(version.bill.files[guilty].path, error.code, "what the bill says", error.message)]
    return [
        Difference(entry.path, "different", str(entry.digest), f"sha256:{got}")
        for entry, got in ((version.bill.files[i], whole.hexdigest()) for i, whole in wholes.items())
        if got != entry.digest.hex
    ]


def _weakest(anchors: set[str]) -> str:
    return min(anchors, key=lambda anchor: ANCHORS[anchor], default="none")
