# SPDX-License-Identifier: AGPL-3.0-or-later
"""How an element of an SVG drawing is painted: enough of CSS to tell a line that shows from one that does not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PROPERTIES = ("fill", "stroke", "stroke-dasharray", "visibility", "display")
INHERITED = PROPERTIES[:4]

RULE = re.compile(r"([^{}@]+)\{([^{}]*)\}")
SIMPLE = re.compile(r"[.#]?[\w-]+$")
MOST_CSS = 1_000_000
"""Characters of style sheets that are read."""

WHITE = frozenset({"white", "#fff", "#ffffff", "rgb(255,255,255)", "rgb(100%,100%,100%)"})

Rules = Mapping[str, Mapping[str, str]]


@dataclass(frozen=True)
class Paint:
    """What is inherited by the elements inside."""

    values: Mapping[str, str]

    @property
    def shows(self) -> bool:
        """Whether a shape that is painted so can be seen. White without a line is a background and nothing to cut."""
        if self.values.get("visibility") in ("hidden", "collapse"):
            return False
        stroke, fill = self.values.get("stroke", "none"), self.values.get("fill", "black")
        return stroke not in ("none", "transparent") or fill.replace(" ", "").lower() not in WHITE | {"none", "transparent"}

    @property
    def dashed(self) -> bool:
        """Whether its line is broken, as draughtsmen draw what is hidden or a fold."""
        return any(float(number) > 0 for number in re.findall(r"\d+\.?\d*|\.\d+", self.values.get("stroke-dasharray", "none")))

    @property
    def colour(self) -> str:
        """The colour of its line, or of its surface where it has none."""
        stroke = self.values.get("stroke", "none")
        return (stroke if stroke not in ("none", "transparent") else self.values.get("fill", "black"))[:40].strip().lower()


def rules_of(root: Any) -> Rules:
    """The style sheets of a document: declarations by simple selector (".name", "#name", "name"). Others are rare and left out."""
    text = "".join("".join(element.itertext()) for element in root.iter("{*}style"))[:MOST_CSS]
    rules: dict[str, dict[str, str]] = {}
    for selectors, body in RULE.findall(re.sub(r"/\*.*?\*/", "", text, flags=re.DOTALL)):
        for selector in selectors.split(","):
            name = selector.strip()
            if SIMPLE.match(name):
                rules.setdefault(name, {}).update(declarations(body))
    return rules


def declarations(text: str) -> dict[str, str]:
    """The properties that matter here of a list of declarations."""
    pairs = (part.split(":", 1) for part in text.split(";") if ":" in part)
    found = {name.strip().lower(): value.replace("!important", "").strip() for name, value in pairs}
    return {name: value for name, value in found.items() if name in PROPERTIES}


def paint_of(element: Any, above: Paint, rules: Rules) -> tuple[Paint, bool]:
    """How `element` is painted, inside of what is painted as `above`; and whether it is displayed at all."""
    own = {name: element.get(name).strip() for name in PROPERTIES if element.get(name)}
    own.update(rules.get(element.tag.rpartition("}")[2], {}))
    for name in (element.get("class") or "").split():
        own.update(rules.get(f".{name}", {}))
    own.update(rules.get(f"#{element.get('id')}", {}))
    own.update(declarations(element.get("style") or ""))
    values = dict(above.values)
    values.update((name, value) for name, value in own.items() if name in INHERITED and value != "inherit")
    return Paint(values), own.get("display") != "none"
