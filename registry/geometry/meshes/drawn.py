# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a reader of a mesh format hands on, whatever the format."""

from __future__ import annotations

from dataclasses import dataclass

from commonfab import v1
from registry.geometry.triangles import Numbers, Triangles


@dataclass(frozen=True)
class Drawn:
    """The triangles of a file, in the unit that it is written in.

    `groups`, shape (n,), numbers the object that each triangle belongs to, from 0; one object where it is None. Patches of one surface that
    a file calls objects are one object here (`objects.standing`). `names` and `plates` have an entry for each object, or none at all; a
    name may be empty, and plate 0 is none. `unit` is the file's own word ("mm", "inch", …), empty where the file says nothing; `factor`
    the millimetres in it, 1 where it says nothing. `settings` and `texts` are what the file demands or tells besides; `remarks` go into
    the report's warnings.
    """

    triangles: Triangles
    groups: Numbers | None = None
    unit: str = ""
    factor: float = 1.0
    names: tuple[str, ...] = ()
    plates: tuple[int, ...] = ()
    settings: tuple[v1.Setting, ...] = ()
    texts: tuple[str, ...] = ()
    remarks: tuple[v1.Reason, ...] = ()
