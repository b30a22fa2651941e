"""Where a declared model would come from, told without asking any store or writing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lading.core.errors import IntegrityError
from lading.core.surroundings import Origin
from lading.ops.place import differences
from lading.ops.pull import known_bill

if TYPE_CHECKING:
    from lading.core.resolution import Wanted
    from lading.core.surroundings import Supply
    from lading.ops.place import Place
    from lading.plumbing.cache import Cache


def origin(wanted: Wanted, place: Place, cache: Cache, tiers: tuple[str, ...]) -> Origin:
    """Where ``ensure`` would take a model from that belongs at ``place``, by the same rules.

    Files that have no stamp are hashed.

    Args:
        wanted: the version.
        place: where it belongs.
        cache: what was fetched before.
        tiers: the URLs that bytes may come from, in order.
    """
    try:
        source, why = _source(wanted, place, cache)
    except IntegrityError as error:
        source, why = "nowhere", error.message
    return Origin(
        name=wanted.name,
        wanted=str(wanted),
        decided_by=wanted.decided_by,
        path=place.target.absolute(),
        source=source,
        why=why,
        tiers=tiers if source == "tiers" else (),
    )


def _unknown(wanted: Wanted) -> str:
    if wanted.stage is not None:
        return f"the store says what the stage '{wanted.stage}' holds"
    if wanted.version is None and wanted.bill is None:
        return "no version is asked for: the store says which is the highest"
    return "its bill lies neither in its place nor in the cache"


def _source(wanted: Wanted, place: Place, cache: Cache) -> tuple[Supply, str]:
    bill = known_bill(wanted, place, cache, ask=False)
    if bill is None:
        return "tiers", _unknown(wanted)
    place = place.fit(bill)
    found = differences(place.root, bill.files, cache.stamps(place.root, bill.name))
    if not found:
        anchor = "which the lock pins" if wanted.bill is not None else "which nothing pins"
        return "place", f"it lies there and agrees with its bill, {anchor}"
    wrong = {each.path for each in found}
    away = [entry for entry in bill.files if entry.path in wrong and not cache.has(entry.digest, entry.size)]
    first = f"{found[0].path} is {found[0].problem}"
    more = f" and {len(found) - 1} more" if len(found) > 1 else ""
    if not away:
        return "cache", f"{first}{more}; the cache has what is needed"
    return "tiers", f"{first}{more}; {sum(entry.size for entry in away)} bytes are not in the cache"
