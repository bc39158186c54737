# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a node answers to a maker's manifest is signed only where it says what the maker said."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cli.publishing import refuse_another
from commonfab import v1
from commonfab.errors import Refused

SHA256 = "ab" * 32


def asked() -> v1.Manifest:
    part = v1.Part(name="gear", paths=["gear.stl"], quantity_per_product=1)
    files = [v1.FileEntry(path="gear.stl", sha256=SHA256), v1.FileEntry(path="README.md", sha256="cd" * 32)]
    description = v1.Description(kind=v1.DESIGN_KIND_MODULE)
    return v1.Manifest(licence="GPL3", files=files, parts=[part], note="first", made_with=["ef" * 32] * 2, description=description)


def answered() -> v1.Manifest:
    """As a node puts it into form."""
    made = asked()
    made.licence, made.design_id, made.description.title = "GPL-3.0-only", "design-x", "Gear"
    made.files.sort(key=lambda file: file.path)
    made.files[0].size_bytes = 12
    made.made_with[:] = made.made_with[:1]
    return made


def test_the_nodes_spelling_order_and_lengths_are_signed() -> None:
    refuse_another(asked(), answered())


@pytest.mark.parametrize(
    "change",
    [
        lambda made: setattr(made.files[1], "sha256", "00" * 32),
        lambda made: setattr(made.files[1], "path", "other.stl"),
        lambda made: made.files.add(path="evil.stl", sha256="00" * 32),
        lambda made: setattr(made.parts[0], "quantity_per_product", 2),
        lambda made: setattr(made, "note", "I owe Eve a thousand"),
        lambda made: setattr(made, "parent", "00" * 32),
        lambda made: made.bill.add(name="screw", quantity=1),
        lambda made: setattr(made.description, "kind", v1.DESIGN_KIND_TOOL),
        lambda made: made.ClearField("description"),
    ],
)
def test_nothing_is_signed_that_the_maker_did_not_say(change: Callable[[v1.Manifest], object]) -> None:
    made = answered()
    change(made)
    with pytest.raises(Refused) as refused:
        refuse_another(asked(), made)
    assert refused.value.code == "publish.another"
