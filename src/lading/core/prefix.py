"""A plain prefix: objects as they are, without a store's layout, and the bills that lie among them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from lading.core.errors import NotFoundError
from lading.core.paths import BILL_FILE, BLOCKS_FILE, LEFT_OUT, SIGNATURE_FILE, bill_path, is_bill

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from lading.core.objects import Found


@dataclass(frozen=True, slots=True)
class Prefix:
    """What lies below a URL.

    Attributes:
        url: how messages name it.
        objects: every object by its key.
        left_out: files and folders that are never a model's and were not looked into.
    """

    url: str
    objects: Mapping[str, Found]
    left_out: tuple[str, ...] = ()

    def bills(self) -> list[str]:
        """The keys of the bills, at the prefix or below it."""
        return sorted(key for key in self.objects if is_bill(_name(key)))

    def bill_of(self, name: str) -> str | None:
        """The key of the bill that speaks for the prefix as the model ``name``; None where no bill is there.

        That is ``lading.json``, else the model's own, else the only one.

        Raises:
            NotFoundError: ``no-bill``, where the bills of several models lie there and none is its own.
        """
        here = [key for key in self.bills() if "/" not in key]
        for key in (BILL_FILE, bill_path(name, folder=False)):
            if key in here:
                return key
        if len(here) > 1:
            raise NotFoundError(
                "no-bill",
                f"{self.url} holds the bills of several models and none of '{name}': {few(here)}",
                hint="name one of them with --name",
            )
        return here[0] if here else None

    def plain(self) -> list[str]:
        """The keys of what is no file of lading's own, in order."""
        return sorted((key for key in self.objects if not is_own(key)), key=str.encode)

    def strays(self, folder: str, known: Iterable[str]) -> list[str]:
        """The keys below ``folder``, whose files are all of one model, that are not ``known``.

        Folders in it that have a ``lading.json`` of their own belong to other models.
        """
        others = [key.removesuffix(BILL_FILE) for key in self.bills() if _name(key) == BILL_FILE]
        nested = tuple(each for each in others if each != folder and each.startswith(folder))
        listed = set(known)
        return [
            key
            for key in sorted(self.objects)
            if key.startswith(folder)
            and key not in listed
            and not is_own(key.removeprefix(folder))
            and not key.startswith(nested)
        ]


def few(names: Sequence[str], most: int = 3) -> str:
    """The first few of ``names``, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


def never_packed(name: str) -> bool:
    """Whether a file or folder of that name is never part of a model."""
    return name in LEFT_OUT or name == ".lading"


def is_own(key: str) -> bool:
    """Whether a file is lading's and no model's: a bill; at the top, block list and signature."""
    return is_bill(_name(key)) or key in {BLOCKS_FILE, SIGNATURE_FILE}


def _name(key: str) -> str:
    return key.rpartition("/")[2]
