# SPDX-License-Identifier: AGPL-3.0-or-later
"""What each licence asks of whoever builds on a work: a table with the clause that each entry was read from.

The table holds the licences that open hardware is published under. A licence that is not in it is not judged: a person is asked.
Sources: the licences' own texts, by section; for Creative Commons also its list of compatible licences
(https://creativecommons.org/share-your-work/licensing-considerations/compatible-licenses), which names the Free Art Licence 1.3 and,
one way, GPLv3 (declared on 8 October 2015) for BY-SA 4.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Reciprocity(Enum):
    """How far a licence reaches into what is built on a work."""

    NONE = "asks for nothing"
    NOTICE = "its notices stay"
    WEAK = "changes to the work itself stay under it"
    STRONG = "all that is derived stays under it"


class Subject(Enum):
    """What a licence was drafted for."""

    HARDWARE = "hardware"
    DOCUMENTATION = "documentation"
    SOFTWARE = "software"


HARDWARE, DOCUMENTATION, SOFTWARE = Subject.HARDWARE, Subject.DOCUMENTATION, Subject.SOFTWARE
ALL = frozenset(Subject)


@dataclass(frozen=True)
class Terms:
    """What one licence asks.

    `clause` says where its text has it. `becomes` are the other licences that what is derived may be published under, and `under_condition`
    those that it may only where a condition is met that a program cannot see. `whole_product` is set where passing on a product asks for
    the source of all of it.
    """

    reciprocity: Reciprocity
    clause: str
    drafted_for: frozenset[Subject] = ALL
    commercial: bool = True
    derivatives: bool = True
    becomes: frozenset[str] = frozenset()
    under_condition: frozenset[str] = frozenset()
    whole_product: bool = False


def terms_of(identifier: str) -> Terms | None:
    """What the licence with this SPDX identifier asks; None where it is not in the table."""
    return TABLE.get(identifier) or _creative_commons(identifier)


def _of(*names: str) -> frozenset[str]:
    return frozenset(names)


_NOTHING = Reciprocity.NONE
_NOTICE = Reciprocity.NOTICE
_WEAK = Reciprocity.WEAK
_STRONG = Reciprocity.STRONG
_GPL3 = _of("GPL-3.0-only", "GPL-3.0-or-later")
_GPL2_ON = _of("GPL-2.0-only", "GPL-2.0-or-later") | _GPL3

TABLE: Mapping[str, Terms] = MappingProxyType(
    {
        "CC0-1.0": Terms(_NOTHING, "section 2"),
        "CC-PDM-1.0": Terms(_NOTHING, "a mark that nothing is claimed"),
        "CC-PDDC": Terms(_NOTHING, "the dedication"),
        "Unlicense": Terms(_NOTHING, "first paragraph", frozenset({SOFTWARE})),
        "0BSD": Terms(_NOTHING, "first paragraph", frozenset({SOFTWARE})),
        "MIT-0": Terms(_NOTHING, "first paragraph", frozenset({SOFTWARE})),
        "MIT": Terms(_NOTICE, "second paragraph", frozenset({SOFTWARE})),
        "ISC": Terms(_NOTICE, "first paragraph", frozenset({SOFTWARE})),
        "Zlib": Terms(_NOTICE, "points 1 to 3", frozenset({SOFTWARE})),
        "BSL-1.0": Terms(_NOTICE, "second paragraph", frozenset({SOFTWARE})),
        "BSD-2-Clause": Terms(_NOTICE, "points 1 and 2", frozenset({SOFTWARE})),
        "BSD-3-Clause": Terms(_NOTICE, "points 1 to 3", frozenset({SOFTWARE})),
        "BSD-4-Clause": Terms(_NOTICE, "points 1 to 4", frozenset({SOFTWARE})),
        "Apache-2.0": Terms(_NOTICE, "section 4", frozenset({SOFTWARE, DOCUMENTATION})),
        "SHL-0.5": Terms(_NOTICE, "section 4", frozenset({HARDWARE})),
        "SHL-0.51": Terms(_NOTICE, "section 4", frozenset({HARDWARE})),
        "CERN-OHL-P-2.0": Terms(_NOTICE, "sections 3.3 and 3.4", frozenset({HARDWARE, SOFTWARE})),
        "CERN-OHL-W-2.0": Terms(
            _WEAK,
            "section 3.3(d); section 8.3 for CERN-OHL-S, if all its available components are such for CERN-OHL-S",
            frozenset({HARDWARE, SOFTWARE}),
            under_condition=_of("CERN-OHL-S-2.0"),
        ),
        "CERN-OHL-S-2.0": Terms(_STRONG, "sections 3.3(d) and 4", frozenset({HARDWARE, SOFTWARE}), whole_product=True),
        "CERN-OHL-1.1": Terms(
            _STRONG,
            "the clause on modified documentation: this licence or a later version",
            frozenset({HARDWARE}),
            becomes=_of("CERN-OHL-1.2"),
            under_condition=_of("CERN-OHL-S-2.0"),
        ),
        "CERN-OHL-1.2": Terms(
            _STRONG,
            "section 3.4(e): this licence or, where applicable, a later version; whether a variant of version 2 is one, it does not say",
            frozenset({HARDWARE}),
            under_condition=_of("CERN-OHL-S-2.0"),
        ),
        "TAPR-OHL-1.0": Terms(_STRONG, "sections 3 and 4.2(a)", frozenset({HARDWARE})),
        "GPL-2.0-only": Terms(_STRONG, "section 2(b)", frozenset({SOFTWARE})),
        "GPL-2.0-or-later": Terms(_STRONG, "sections 2(b) and 9", frozenset({SOFTWARE}), becomes=_of("GPL-2.0-only") | _GPL3),
        "GPL-3.0-only": Terms(_STRONG, "section 5(c)", frozenset({SOFTWARE, HARDWARE})),
        "GPL-3.0-or-later": Terms(_STRONG, "sections 5(c) and 14", frozenset({SOFTWARE, HARDWARE}), becomes=_of("GPL-3.0-only")),
        "AGPL-3.0-only": Terms(_STRONG, "section 5(c)", frozenset({SOFTWARE})),
        "AGPL-3.0-or-later": Terms(_STRONG, "sections 5(c) and 14", frozenset({SOFTWARE}), becomes=_of("AGPL-3.0-only")),
        "LGPL-2.1-only": Terms(_WEAK, "sections 2 and 3", frozenset({SOFTWARE}), becomes=_GPL2_ON),
        "LGPL-2.1-or-later": Terms(
            _WEAK,
            "sections 2, 3 and 13",
            frozenset({SOFTWARE}),
            becomes=_GPL2_ON | _of("LGPL-2.1-only", "LGPL-3.0-only", "LGPL-3.0-or-later"),
        ),
        "LGPL-3.0-only": Terms(_WEAK, "section 2(b)", frozenset({SOFTWARE}), becomes=_of("GPL-3.0-only")),
        "LGPL-3.0-or-later": Terms(_WEAK, "sections 2(b) and 6", frozenset({SOFTWARE}), becomes=_of("LGPL-3.0-only") | _GPL3),
        "MPL-2.0": Terms(
            _WEAK,
            "section 3.1; section 3.3 for the licences of section 1.12",
            frozenset({SOFTWARE}),
            under_condition=_GPL2_ON | _of("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "AGPL-3.0-only", "AGPL-3.0-or-later"),
        ),
        "EUPL-1.2": Terms(
            _STRONG,
            "section 5 and its appendix of compatible licences, for works combined with such ones",
            frozenset({SOFTWARE, DOCUMENTATION}),
            under_condition=_of("GPL-2.0-only", "GPL-3.0-only", "AGPL-3.0-only", "MPL-2.0", "LGPL-2.1-only", "LGPL-3.0-only"),
        ),
        "LAL-1.3": Terms(
            _STRONG,
            "sections 3 and 5; CC's list of licences compatible with BY-SA 4.0",
            frozenset({DOCUMENTATION, HARDWARE}),
            becomes=_of("CC-BY-SA-4.0"),
        ),
        **{
            f"GFDL-{version}-{which}": Terms(_STRONG, "section 4", frozenset({DOCUMENTATION}))
            for version in ("1.1", "1.2", "1.3")
            for which in ("only", "or-later")
        },
        "OFL-1.1": Terms(_STRONG, "point 5", frozenset({DOCUMENTATION})),
    }
)

_CC = re.compile(r"CC-BY((?:-(?:NC|ND|SA))*)-(\d\.\d)(?:-([A-Z]{2,3}))?")
_CC_EDITIONS = (
    *("1.0", "2.0", "2.0-DE", "2.0-FR", "2.0-UK", "2.1-JP", "2.5", "2.5-AU", "3.0", "3.0-AT", "3.0-AU", "3.0-DE", "3.0-IGO"),
    *("3.0-NL", "3.0-US", "4.0"),
)


def _creative_commons(identifier: str) -> Terms | None:
    """The Creative Commons licences, from the elements in their name.

    What is shared alike stays under the same elements: of version 1.0 under that one only (its section 4(b)), of 2.0 to 3.0 under the same
    or a later version or a national edition of one (section 4(b)), of 4.0 under the same or a later version, or a compatible licence
    (section 3(b)(1)).
    """
    found = _CC.fullmatch(identifier)
    if found is None:
        return None
    elements, version = found[1], found[2]
    shared, closed, unpaid = "-SA" in elements, "-ND" in elements, "-NC" in elements
    later = frozenset(f"CC-BY{elements}-{edition}" for edition in _CC_EDITIONS if edition[:3] >= version) if version != "1.0" else _of()
    listed = _of("LAL-1.3", "GPL-3.0-only") if identifier == "CC-BY-SA-4.0" else _of()
    newest = version == "4.0"
    clauses = ["section 3(a)" if newest else "section 4"]
    clauses += ["section 3(b)(1)" if newest else "section 4(b)"] if shared else []
    clauses += ["section 2(a)(1): non-commercial purposes only" if newest else "section 4: not for commercial advantage"] if unpaid else []
    clauses += ["section 2(a)(1)(B)" if newest else "section 3: no right to adapt"] if closed else []
    return Terms(
        _STRONG if shared else _NOTICE,
        ", ".join(clauses),
        frozenset({DOCUMENTATION, HARDWARE}),
        commercial=not unpaid,
        derivatives=not closed,
        becomes=(later - {identifier} if shared else _of()) | listed,
        under_condition=_of("GPL-3.0-or-later") if listed else _of(),
    )
