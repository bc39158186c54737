# SPDX-License-Identifier: AGPL-3.0-or-later
"""Manifests out of nothing, for the tests of Open Know-How: right ones, wrong ones, and every shape that a value can have."""

from __future__ import annotations

from typing import Any

import tomli_w
from hypothesis import strategies as st

from registry.okh.fields import AGENT, IMAGE, PART, RECORD, SOFTWARE
from registry.okh.tables import SPELLINGS

WORDS = st.sampled_from(
    (
        *("", " ", "gear", "gear\n", " a b ", "Jane Doe <jane@example.org>", "a <b@c> d", "https://example.org/a b", "C:\\cad\\gear.stl"),
        *(
            "/cad/gear.stl",
            "//host/share",
            "..\\up.stl",
            "/",
            "C:",
            "/C:/D:/x",
            "en-UK",
            "German",
            "odrl 3*",
            "Started",
            "OTRL-9",
            "12",
            "1,5",
        ),
        *(
            "-3",
            "nan",
            "30 g",
            "2 stone",
            "cube([1,2,3]",
            "cylinder(h=3, d=4)",
            "sphere(r=-1)",
            "cube(size = 5)",
            "[[",
            "\u0001\u00e9\u2028\U0001f600",
        ),
    )
)
SCALARS = st.one_of(
    *(WORDS, st.text(max_size=12), st.booleans(), st.integers(-(2**70), 2**70), st.floats(), st.dates(), st.datetimes(), st.times())
)
INNER_KEYS = st.sampled_from(("value", "unit", "width", "depth", "height", "openSCAD", "path", "title", "web", "hardware", "documentation"))


def _values(scalars: st.SearchStrategy[Any], keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    return st.recursive(scalars, lambda of: st.lists(of, max_size=3) | st.dictionaries(keys, of, max_size=4), max_leaves=8)


def _spelled(key: str) -> list[str]:
    parts = key.split("-")
    camel = parts[0] + "".join(part.title() for part in parts[1:])
    return [key, camel, key.replace("-", "_"), key.upper(), key.title(), *(wrong for wrong, right in SPELLINGS.items() if right == key)]


FIELDS = (*RECORD, *PART, *AGENT, *IMAGE, *SOFTWARE)
KEYS = st.sampled_from([spelled for field in FIELDS for spelled in _spelled(field.key)]) | st.text(max_size=6)
FIRST_KEYS = st.sampled_from(
    (
        *(
            "title",
            "description",
            "documentation-home",
            "project-link",
            "projectLink",
            "license",
            "licensor",
            "making-instructions",
            "name",
        ),
        *("operating_instructions", "standards-used", "derivative-of", "variant-of", "software", "sub", "made", "keywords", "image", "bom"),
        *(
            "contributors",
            "hardware",
            "documentation",
            "affiliation",
            "documentation-license",
            "repo",
            "forkOf",
            "manufacturing-instructions",
        ),
    )
)
VALUES = _values(SCALARS, INNER_KEYS | KEYS)


@st.composite
def later_manifests(draw: st.DrawFn) -> str:
    """TOML of a version after 1.0 with whatever under whichever keys."""
    tables = st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=3)
    said = draw(st.dictionaries(KEYS, VALUES, max_size=10))
    said.update(draw(st.fixed_dictionaries({}, optional={"part": tables, "software": tables, "image": tables, "licensor": tables})))
    return tomli_w.dumps({**said, "okhv": draw(st.sampled_from(("OKH-LOSHv1.0", "2.3", "2.4", "7"))), "name": "gear"})


@st.composite
def first_manifests(draw: st.DrawFn) -> str:
    """TOML with the keys of 1.0, for the same reading as its YAML."""
    said = draw(st.dictionaries(FIRST_KEYS | KEYS, VALUES, max_size=12))
    return tomli_w.dumps({**said, "okhv": "OKHv1.0", "title": "gear"})


YAML_PIECES = st.lists(
    st.sampled_from(
        (
            *(
                "title: gear\n",
                "name: x\n",
                "  - a\n",
                "- b\n",
                "license:\n",
                "  hardware: MIT\n",
                "&a",
                "*a",
                " [",
                "]",
                "{",
                "}",
                ": ",
                "|\n",
                ">-\n",
            ),
            *(
                '"',
                "'",
                '"\\ud800"',
                '"\\UFFFFFFFF"',
                "!!python/object:os.system ",
                "!!set ",
                "<<: ",
                "---\n",
                "...\n",
                "%YAML 9.9\n",
                "\t",
                "? ",
                "\x00",
            ),
            *(
                "2021-05-04\n",
                "1:30:00\n",
                "0x1F\n",
                "~\n",
                "null\n",
                "true\n",
                "okhv: 2.4\n",
                "part:\n",
                "  outer-dimensions: cube([1,2,3\n",
                "é\u2028",
            ),
        )
    ),
    max_size=30,
).map("".join)
