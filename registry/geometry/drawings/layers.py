# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a layer is for, from its name and its kind of line.

Words are English, German, French and Spanish. A name that says nothing is a cut: most drawings have one layer, called "0". Colours are
not believed: what one laser's driver cuts, another's engraves.
"""

from __future__ import annotations

import re
import unicodedata
from types import MappingProxyType

CUT, ENGRAVE, ANNOTATION, CONSTRUCTION, BEND = PURPOSES = ("cut", "engrave", "annotation", "construction", "bend")

WORDS = MappingProxyType(
    {
        CONSTRUCTION: "construction guide guides helper hidden center centre centerline centreline axis defpoints viewport viewports vport"
        " hilfslinie hilfslinien konstruktion mittellinie mittellinien achse achsen verdeckt unsichtbar axe axes cache caches"
        " construccion auxiliar auxiliares eje ejes oculta ocultas",
        BEND: "bend bends bending bendline bendlines fold folds folding crease bieg biege biegen biegung kanten kantung falz falzen"
        " pli plis pliage pliure plegado pliegue pliegues doblez dobleces doblado",
        ENGRAVE: "engrave engraved engraving etch etched etching mark marks marking score scoring scribe raster gravur gravuren gravieren"
        " markierung markieren ritzen anritzen gravure graver marquage marquer grabado grabar marcado marcar",
        ANNOTATION: "dim dims dimension dimensions text texts note notes anno annot annotation annotations title titleblock border label"
        " labels legend bem bemassung beschriftung masse schriftfeld zeichnungsrahmen cote cotes cotation cartouche texte textes"
        " cota cotas acotado acotacion texto textos rotulo cajetin",
    }
)
"""Whole words, by purpose, in the order in which they are believed: "bend dims" is a bend, "engraved text" an engraving."""

STEMS = MappingProxyType(
    {
        CONSTRUCTION: ("konstruktion", "hilfslin", "mittellin", "construc", "centerlin", "centrelin"),
        BEND: ("biegelin", "biegekant", "kantlin", "falzlin", "bendlin", "foldlin"),
        ENGRAVE: ("engrav", "gravur", "gravier", "grabad"),
        ANNOTATION: ("dimension", "annotat", "bemass", "beschrift", "acotac"),
    }
)
"""Beginnings of longer and of compound words."""

NOT_SOLID = MappingProxyType({"center": CONSTRUCTION, "hidden": CONSTRUCTION, "phantom": CONSTRUCTION, "dashdot": CONSTRUCTION})
"""Kinds of line, by the beginning of their name, that draughtsmen use for what is not an edge (ISO 128-2, types 04, 02, 05)."""


def purpose_of(layer: str, linetype: str = "") -> str:
    """What lines on `layer` that are drawn in `linetype` are for: one of `PURPOSES`."""
    named = named_purpose(layer)
    if named:
        return named
    kind = linetype.lower()
    return next((purpose for start, purpose in NOT_SOLID.items() if kind.startswith(start)), CUT)


def named_purpose(name: str) -> str:
    """What `name` says in words; empty where it says nothing."""
    words = _words(name)
    for purpose, known in WORDS.items():
        if words & set(known.split()) or any(word.startswith(STEMS[purpose]) for word in words):
            return purpose
    return ""


def _words(name: str) -> set[str]:
    apart = re.sub(r"(?<=[a-zà-ÿ])(?=[A-Z])", " ", name[:200])
    plain = unicodedata.normalize("NFKD", apart.replace("ß", "ss")).encode("ascii", "ignore").decode("ascii").lower()
    return set(re.findall(r"[a-z]+", plain))
