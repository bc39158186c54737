# SPDX-License-Identifier: AGPL-3.0-or-later
"""From an Open Know-Where description to a first `shop.toml`: what a directory knows of a shop need not be typed again."""

from __future__ import annotations

from pathlib import Path

from commonfab import v1
from commonfab.errors import Refused
from router.okw import read_labs
from shop_agent.starting.drafts import MachineDraft, id_from


def shop_in_okw(file: Path, lab: str = "") -> tuple[v1.Shop, list[str]]:
    """The shop in an OKW file, and what of it could not be used. `lab`: its id or name, where the file holds several.

    Errors: `Refused` (`okw.unreadable`, `shop.okw_lab`); `OSError`.
    """
    try:
        text = file.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise Refused("okw.unreadable", f"{file} is not text in UTF-8") from None
    labs = read_labs(text)
    wanted = [shop for shop in labs.shops if not lab or lab.casefold() in (shop.id.casefold(), shop.name.casefold())]
    if len(wanted) != 1:
        raise Refused("shop.okw_lab", ", ".join(shop.id for shop in labs.shops[:20]) or "nothing")
    return wanted[0], list(labs.notes)


def machines_of(shop: v1.Shop, taken: tuple[str, ...] = ()) -> list[MachineDraft]:
    """Its machines. A directory does not know how a machine is driven: each is worked by hand until its owner says more."""
    made: list[MachineDraft] = []
    for machine in shop.machines:
        size = machine.envelope_mm
        whole = machine.HasField("envelope_mm") and min(size.x, size.y, size.z) > 0
        made.append(
            MachineDraft(
                id=id_from(machine.id, (*taken, *(one.id for one in made))),
                control="by_hand",
                name=machine.name,
                process=machine.process,
                envelope_mm=(size.x, size.y, size.z) if whole else None,
                materials=tuple(machine.materials),
                nozzle_mm=machine.smallest_feature_mm if machine.process == "fdm" and machine.smallest_feature_mm <= 3 else 0.0,
                operations=tuple(machine.operations),
                power_w=machine.power_w,
                axes=machine.axes if machine.axes in (3, 4, 5) else 0,
                note="From an Open Know-Where description, which does not say how it is driven: set control.",
            )
        )
    return made
