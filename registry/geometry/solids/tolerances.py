# SPDX-License-Identifier: AGPL-3.0-or-later
"""Tolerances that a STEP file carries (product manufacturing information, ISO 10303-242)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any

from OCP.TDF import TDF_LabelSequence
from OCP.TDocStd import TDocStd_Document
from OCP.XCAFDimTolObjects import XCAFDimTolObjects_DimensionObject
from OCP.XCAFDoc import XCAFDoc_Dimension, XCAFDoc_DocumentTool, XCAFDoc_GeomTolerance

from commonfab import v1

ANGULAR = ("Location_Angular", "Size_Angular")


def tolerances_of(document: TDocStd_Document) -> Iterator[v1.Tolerance]:
    """Every toleranced size ("size", "diameter", "radius", "thickness", "distance") and every geometric tolerance ("flatness",
    "position", …) with its band in mm. Angles are left out: their band is no length."""
    tool = XCAFDoc_DocumentTool.DimTolTool_s(document.Main())
    labels = TDF_LabelSequence()
    tool.GetDimensionLabels(labels)
    for dimension in _objects(labels, XCAFDoc_Dimension):
        tolerance = _of_size(dimension)
        if tolerance is not None:
            yield tolerance
    labels = TDF_LabelSequence()
    tool.GetGeomToleranceLabels(labels)
    for tolerance in _objects(labels, XCAFDoc_GeomTolerance):
        yield v1.Tolerance(kind=_word(tolerance.GetType()), value_mm=tolerance.GetValue())


def _objects(labels: TDF_LabelSequence, kind: Any) -> Iterator[Any]:
    for index in range(1, labels.Length() + 1):
        found = kind.Set_s(labels.Value(index)).GetObject()  # gives the one that is there
        if found is not None:
            yield found


def _of_size(dimension: XCAFDimTolObjects_DimensionObject) -> v1.Tolerance | None:
    """The band of a size; nothing where it has none."""
    kind = dimension.GetType()
    if kind.name.removeprefix("XCAFDimTolObjects_DimensionType_") in ANGULAR:
        return None
    if dimension.IsDimWithRange():
        low, high = dimension.GetLowerBound(), dimension.GetUpperBound()
        return v1.Tolerance(kind=_word(kind), value_mm=high - low, nominal_mm=(low + high) / 2)
    if dimension.IsDimWithPlusMinusTolerance():
        # The kernel drops the lower deviation's sign, so a band on one side of the nominal size comes out too wide.
        band = abs(dimension.GetUpperTolValue()) + abs(dimension.GetLowerTolValue())
        return v1.Tolerance(kind=_word(kind), value_mm=band, nominal_mm=dimension.GetValue())
    return None


def _word(kind: Enum) -> str:
    """The kernel's name of a kind in plain words: "Size_Diameter" is "diameter", "ProfileOfSurface" is "profile of surface"."""
    name = kind.name.split("Type_")[-1].removeprefix("Size_")
    if name.startswith("Location_"):
        return "distance"
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name.replace("_", " ")).lower()
    return {"circularity or roundness": "roundness", "curve length": "size", "common label": "size"}.get(words, words)
