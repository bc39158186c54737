# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a product is made of, by the names in its file."""

from __future__ import annotations

import re

from OCP.TCollection import TCollection_AsciiString
from OCP.TDataStd import TDataStd_Name
from OCP.TDF import TDF_Label, TDF_LabelSequence, TDF_Tool
from OCP.TDocStd import TDocStd_Document
from OCP.TopAbs import TopAbs_SOLID
from OCP.XCAFDoc import XCAFDoc_DocumentTool, XCAFDoc_ShapeTool

from commonfab import v1
from registry.geometry.solids.bodies import volume_of
from registry.geometry.solids.bought import bought_as
from registry.geometry.solids.bounds import tight_size
from registry.geometry.solids.kernel import each

NAMELESS = re.compile(
    r"(?:solid|compound|shell|part|assembly|unnamed|none|open cascade (?:step translator|shape model).*|=>\[.*\]|product)?\s*[\d.]*",
    re.IGNORECASE,
)
"""Names that the kernel or a program gives to what its author did not name."""

DEEPEST = 32
MOST_NODES = 2000
"""A product with more different parts than this is cut off here: it would be no list that a person reads."""


def product_of(document: TDocStd_Document, whole: v1.Size) -> v1.ProductNode | None:
    """The product tree, each part once under its parent with its number; nothing for a single part without a name.

    Parameters: `whole`, the size of everything in the file, mm, so that it need not be measured again.
    """
    tool = XCAFDoc_DocumentTool.ShapeTool_s(document.Main())
    roots = TDF_LabelSequence()
    tool.GetFreeShapes(roots)
    reading = _Reading(whole if roots.Length() == 1 else None)
    found = _gathered([reading.node(label, 0) for label in _each(roots)])
    if len(found) > 1:
        volume = sum(node.volume_mm3 * node.quantity for node in found)
        return v1.ProductNode(quantity=1, children=found, size_mm=whole, volume_mm3=volume)
    if not found or not (found[0].name or found[0].children):
        return None
    return found[0]


class _Reading:
    """One pass over the tree; every different part is measured once however often it is used."""

    def __init__(self, whole: v1.Size | None) -> None:
        self._whole = whole
        self._known: dict[str, v1.ProductNode] = {}

    def node(self, label: TDF_Label, depth: int) -> v1.ProductNode:
        """The tree under a part that is no instance itself, with quantity 1."""
        entry = _entry(label)
        if entry not in self._known:
            self._known[entry] = self._read(label, depth)
        copy = v1.ProductNode()
        copy.CopyFrom(self._known[entry])
        return copy

    def _read(self, label: TDF_Label, depth: int) -> v1.ProductNode:
        shape = XCAFDoc_ShapeTool.GetShape_s(label)
        node = v1.ProductNode(name=_name(label), quantity=1)
        if not shape.IsNull():
            node.size_mm.CopyFrom(self._whole if self._whole is not None and depth == 0 else tight_size(shape))
        components = TDF_LabelSequence()
        if XCAFDoc_ShapeTool.IsAssembly_s(label) and depth < DEEPEST and len(self._known) < MOST_NODES:
            XCAFDoc_ShapeTool.GetComponents_s(label, components)
        children = [self._component(component, depth) for component in _each(components)]
        if any(child.name or child.children for child in children):
            node.children.extend(_gathered(children))
            node.volume_mm3 = sum(child.volume_mm3 * child.quantity for child in node.children)
        else:  # a part of several nameless shapes is one part
            node.volume_mm3 = sum(abs(volume_of(solid)) for solid in each(shape, TopAbs_SOLID)) if not shape.IsNull() else 0.0
            node.bought_as = bought_as(node.name)
        return node

    def _component(self, component: TDF_Label, depth: int) -> v1.ProductNode:
        """What an instance is an instance of. Its own name counts where that has none."""
        part = TDF_Label()
        node = self.node(part if XCAFDoc_ShapeTool.GetReferredShape_s(component, part) else component, depth + 1)
        if not node.name:
            node.name = _name(component)
            node.bought_as = "" if node.children else bought_as(node.name)
        return node


def _gathered(nodes: list[v1.ProductNode]) -> list[v1.ProductNode]:
    """The same parts together, in the order of the file."""
    kept: dict[tuple[str, str], v1.ProductNode] = {}
    for node in nodes:
        same = kept.setdefault((node.name, f"{node.volume_mm3:.6g} {len(node.children)}"), node)
        if same is not node:
            same.quantity += node.quantity
    return list(kept.values())


def _each(labels: TDF_LabelSequence) -> list[TDF_Label]:
    return [labels.Value(index) for index in range(1, labels.Length() + 1)]


def _entry(label: TDF_Label) -> str:
    """The label's path in the document, which tells it from all others."""
    path = TCollection_AsciiString()
    TDF_Tool.Entry_s(label, path)
    return str(path.ToCString())


def _name(label: TDF_Label) -> str:
    """The name that its author gave it; empty where there is none."""
    attribute = TDataStd_Name()
    if not label.FindAttribute(TDataStd_Name.GetID_s(), attribute):
        return ""
    name = str(attribute.Get().ToExtString()).strip()
    return "" if NAMELESS.fullmatch(name) else name[:200]
