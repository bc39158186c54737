# SPDX-License-Identifier: AGPL-3.0-or-later
"""XML and HTML: the outermost element says what it is, whatever comments and declarations stand before it."""

from __future__ import annotations

import re
from types import MappingProxyType

from commonfab import v1
from registry.geometry.faults import Unmeasurable
from registry.geometry.sniff.glance import Glance

ELEMENT = re.compile(rb"<([A-Za-z_][\w.-]{0,60}:)?([A-Za-z_][\w.-]{0,60})")
FORMATS = MappingProxyType({b"svg": v1.FILE_FORMAT_SVG, b"amf": v1.FILE_FORMAT_AMF})
PAGE = (b"html", b"head", b"body", b"title", b"meta", b"script", b"div", b"p", b"a", b"center", b"h1")
OTHERS = MappingProxyType(
    {
        b"model": "the model of a 3MF package without the package",
        b"collada": "a COLLADA scene",
        b"x3d": "an X3D scene",
        b"iso_10303_28": "STEP written as XML",
        b"kicad_pcb": "a KiCad board",
    }
)


def markup(glance: Glance) -> v1.FileFormat.ValueType | None:
    """SVG or AMF; None where it does not begin as markup.

    Errors: `Unmeasurable` (`file.web_page`, `file.unsupported`).
    """
    if not glance.start.startswith(b"<"):
        return None
    root = _root(glance.start)
    if root == b"!doctype html" or root in PAGE:
        raise Unmeasurable("file.web_page")
    if root in FORMATS:
        return FORMATS[root]
    if root == b"":
        return None
    raise Unmeasurable("file.unsupported", OTHERS.get(root, f"XML of another kind ({root.decode('ascii', errors='replace')})"))


def _root(text: bytes) -> bytes:
    """The name of the outermost element in lower case; empty where there is none."""
    while text.startswith(b"<"):
        if text.startswith(b"<!--"):
            text = text.partition(b"-->")[2].lstrip()
        elif text.startswith(b"<?"):
            text = text.partition(b"?>")[2].lstrip()
        elif text[:2] == b"<!":
            if re.match(rb"<!doctype\s{1,20}html\b", text, re.IGNORECASE):
                return b"!doctype html"
            text = _behind_doctype(text)
        else:
            found = ELEMENT.match(text)
            return found[2].lower() if found else b""
    return b""


def _behind_doctype(text: bytes) -> bytes:
    """What follows a document type declaration and its internal subset in brackets."""
    end, bracket = text.find(b">"), text.find(b"[")
    if 0 <= bracket < end:
        closed = text.find(b"]", bracket)
        end = text.find(b">", closed) if closed >= 0 else -1
    return text[end + 1 :].lstrip() if end >= 0 else b""
