# SPDX-License-Identifier: AGPL-3.0-or-later
"""How people write the names of licences, and the SPDX identifier that they mean.

A name is recognised only where every word of it is understood and nothing is left to choose: "CC BY-SA 4.0 International" is
`CC-BY-SA-4.0`, while "CC BY-SA" (which version?), "BSD" (how many clauses?) and "public domain" (which is no licence) are not guessed.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

FILLERS = frozenset(("the", "license", "licence", "licenses", "licences", "licensed", "under", "version", "v", "ver", "terms", "of"))
CC_FILLERS = frozenset(("cc", "creative", "commons", "international", "unported", "generic", "intl", "int", "public", "deed"))
CC_ELEMENTS: Mapping[str, str] = MappingProxyType(
    {"by": "BY", "attribution": "BY", "nc": "NC", "noncommercial": "NC", "nd": "ND", "noderivatives": "ND", "sa": "SA", "sharealike": "SA"}
)
CC_VERSIONS: Mapping[str, str] = MappingProxyType(
    {"1": "1.0", "2": "2.0", "3": "3.0", "4": "4.0", **{exact: exact for exact in ("1.0", "2.0", "2.1", "2.5", "3.0", "4.0")}}
)
CC_PORTS: Mapping[str, str] = MappingProxyType(
    {
        **{code: code.upper() for code in ("at", "au", "de", "fr", "igo", "jp", "nl", "uk", "us")},
        **{"austria": "AT", "australia": "AU", "germany": "DE", "deutschland": "DE", "france": "FR", "japan": "JP", "netherlands": "NL"},
    }
)
CERN_FILLERS = frozenset(("cern", "ohl", "open", "hardware", "reciprocal"))
CERN_VARIANTS: Mapping[str, str] = MappingProxyType(
    {"s": "S", "strong": "S", "strongly": "S", "w": "W", "weak": "W", "weakly": "W", "p": "P", "permissive": "P"}
)
GNU_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "GPL": ("1.0", "2.0", "3.0"),
        "LGPL": ("2.0", "2.1", "3.0"),
        "AGPL": ("1.0", "3.0"),
        "GFDL": ("1.1", "1.2", "1.3"),
    }
)
GNU_WORDS: Mapping[str, str] = MappingProxyType(
    {"gpl": "GPL", "lgpl": "LGPL", "agpl": "AGPL", "gfdl": "GFDL", "fdl": "GFDL", "lesser": "LGPL", "library": "LGPL", "affero": "AGPL"}
)
GNU_FILLERS = frozenset(("gnu", "general", "public", "free", "documentation", "any", "at", "your", "option", "only"))
GNU_LATER = frozenset(("+", "later", "newer", "higher", "above", "greater"))

NAMES: Mapping[str, str] = MappingProxyType(
    {
        **dict.fromkeys(("mit", "expat", "mit expat", "expat mit", "mit x11", "mit mit"), "MIT"),
        **dict.fromkeys(("apache 2", "apache 2.0", "apache software 2.0", "apache software 2", "asl 2.0", "al2"), "Apache-2.0"),
        **dict.fromkeys(("bsd 2 clause", "bsd 2", "2 clause bsd", "simplified bsd", "bsd simplified", "freebsd"), "BSD-2-Clause"),
        **dict.fromkeys(("bsd 3 clause", "bsd 3", "3 clause bsd", "new bsd", "bsd new", "modified bsd", "revised bsd"), "BSD-3-Clause"),
        **dict.fromkeys(("bsd 4 clause", "4 clause bsd", "original bsd"), "BSD-4-Clause"),
        **dict.fromkeys(("0 bsd", "bsd 0 clause", "zero clause bsd"), "0BSD"),
        **dict.fromkeys(("tapr", "tapr ohl", "tapr open hardware", "tapr 1.0", "tapr ohl 1.0", "tapr open hardware 1.0"), "TAPR-OHL-1.0"),
        **dict.fromkeys(("solderpad 0.5", "solderpad hardware 0.5"), "SHL-0.5"),
        **dict.fromkeys(("solderpad 0.51", "solderpad hardware 0.51"), "SHL-0.51"),
        # The appendices of 2.0 and 2.1 themselves say "Apache-2.0 WITH SHL-2.x": they wrap the Apache licence.
        **dict.fromkeys(("solderpad 2.0", "solderpad hardware 2.0", "shl 2.0"), "Apache-2.0 WITH SHL-2.0"),
        **dict.fromkeys(("solderpad 2.1", "solderpad hardware 2.1", "shl 2.1"), "Apache-2.0 WITH SHL-2.1"),
        **dict.fromkeys(("unlicense", "unlicence"), "Unlicense"),
        **dict.fromkeys(("mpl 2", "mpl 2.0", "mozilla public 2.0", "mozilla public 2"), "MPL-2.0"),
        **dict.fromkeys(("eupl 1.2", "european union public 1.2"), "EUPL-1.2"),
        **dict.fromkeys(("free art 1.3", "fal 1.3", "lal 1.3", "licence art libre 1.3", "art libre 1.3"), "LAL-1.3"),
        **dict.fromkeys(("boost", "boost software", "boost software 1.0", "boost 1.0"), "BSL-1.0"),
        **dict.fromkeys(("ofl 1.1", "sil ofl 1.1", "sil open font 1.1"), "OFL-1.1"),
        **dict.fromkeys(("odbl", "odbl 1.0", "open database 1.0"), "ODbL-1.0"),
        **{"isc": "ISC", "zlib": "Zlib", "wtfpl": "WTFPL", "artistic 2.0": "Artistic-2.0", "postgresql": "PostgreSQL"},
    }
)
"""Names without their filler words. TAPR OHL, Boost and ODbL have had one version only."""

MAY_MEAN: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "cern": ("CERN-OHL-S-2.0", "CERN-OHL-W-2.0", "CERN-OHL-1.2"),
        "cern ohl": ("CERN-OHL-S-2.0", "CERN-OHL-W-2.0", "CERN-OHL-1.2"),
        "ohl": ("CERN-OHL-S-2.0", "CERN-OHL-W-2.0", "TAPR-OHL-1.0"),
        "bsd": ("BSD-2-Clause", "BSD-3-Clause"),
        "cc": ("CC-BY-SA-4.0", "CC-BY-4.0", "CC0-1.0"),
        "creative commons": ("CC-BY-SA-4.0", "CC-BY-4.0", "CC0-1.0"),
        "gnu gpl": ("GPL-3.0-or-later", "GPL-3.0-only", "GPL-2.0-or-later"),
        "pd": ("CC0-1.0",),
        "public domain": ("CC0-1.0",),
        "solderpad": ("Apache-2.0 WITH SHL-2.1", "SHL-0.51"),
    }
)
"""What leaves something to choose, and what it may mean, the likeliest first."""

_CC_ADDRESS = re.compile(r"creativecommons\.org/licenses/(by(?:-[a-z]{2})*)/(\d\.\d)(?:/([a-z]{2,3}))?")
_CC0_ADDRESS = re.compile(r"creativecommons\.org/publicdomain/zero/1\.0")
_GNU_ADDRESS = re.compile(r"gnu\.org/(?:licenses|copyleft)/(?:old-licenses/)?(gpl|lgpl|agpl|fdl)-(\d\.\d)")
_NAMED_ADDRESS = re.compile(r"(?:spdx|opensource|apache)\.org/licenses?/([a-z0-9.+-]+?)(?:\.html|\.txt|\.php)?/?$")
_TOGETHER = (
    (re.compile(r"licenseref-"), " "),
    (re.compile(r"share[\s-]*alike"), "sharealike"),
    (re.compile(r"non[\s-]*commercial"), "noncommercial"),
    (re.compile(r"no[\s-]*deriv(?:ative)?s?(?:[\s-]*works?)?\b"), "noderivatives"),
    (re.compile(r"\bcc[\s-]*0\b"), "cczero"),
    (re.compile(r"\bcc(?=(?:by|zero)\b)"), "cc "),
    (re.compile(r"\bccby(?=sa|nc|nd)"), "cc by "),
    (re.compile(r"\b(?:sa|nc|nd)(?=\d)"), lambda found: f"{found[0]} "),
    (re.compile(r"(?<=[a-z])[\s.-]*v\.?(?=\s*\d)"), " "),
)
_WORD = re.compile(r"[a-z]+|\d+(?:\.\d+)*|\+")


def recognised(name: str) -> str | None:
    """The SPDX identifier (or "identifier WITH exception") that the name of one licence means; None where that is not certain.

    What it gives looks like an identifier; whether SPDX has it (there is no `CC-BY-SA-4.0-DE`) is for the caller to see.
    """
    plain = name.strip().casefold()
    addressed = _addressed(plain)
    if addressed:
        return addressed
    for pattern, together in _TOGETHER:
        plain = pattern.sub(together, plain)
    if re.search(r"[^a-z0-9.+\s\"'(),/_:©-]", plain) or "://" in plain:
        return None  # whole sentences and other scripts are not names
    words = tuple(word for word in _WORD.findall(plain) if word not in FILLERS)
    return _creative_commons(words) or _cern(words) or _gnu(words) or NAMES.get(" ".join(words))


def may_mean(name: str) -> tuple[str, ...]:
    """What a name that leaves something to choose may mean; empty where nothing comes to mind."""
    plain = name.casefold().removeprefix("licenseref-")
    return MAY_MEAN.get(" ".join(word for word in _WORD.findall(plain) if word not in FILLERS), ())


def _addressed(plain: str) -> str | None:
    if _CC0_ADDRESS.search(plain):
        return "CC0-1.0"
    if found := _CC_ADDRESS.search(plain):
        return "-".join(step.upper() for step in ("cc", found[1], found[2], found[3]) if step)
    if found := _GNU_ADDRESS.search(plain):
        return _gnu((found[1], found[2]))
    if found := _NAMED_ADDRESS.search(plain):
        return "Apache-2.0" if found[1] == "license-2.0" else found[1]
    return None


def _creative_commons(words: tuple[str, ...]) -> str | None:
    if {"zero", "cczero"} & set(words):
        rest = set(words) - CC_FILLERS - {"zero", "cczero", "1", "1.0", "universal", "domain", "dedication", "waiver"}
        return "CC0-1.0" if not rest and words[0] in {"cc", "cczero", "creative"} else None
    if not words or words[0] not in {"cc", "creative", "by", "attribution"}:
        return None
    elements = {CC_ELEMENTS[word] for word in words if word in CC_ELEMENTS}
    versions = [CC_VERSIONS[word] for word in words if word in CC_VERSIONS]
    ports = [CC_PORTS[word] for word in words if word in CC_PORTS]
    understood = CC_FILLERS | CC_ELEMENTS.keys() | CC_VERSIONS.keys() | CC_PORTS.keys()
    if set(words) - understood or "BY" not in elements or elements >= {"ND", "SA"} or len(versions) != 1 or len(ports) > 1:
        return None
    ordered = [element for element in ("BY", "NC", "ND", "SA") if element in elements]
    return "-".join(("CC", *ordered, *versions, *ports))


def _cern(words: tuple[str, ...]) -> str | None:
    """Version 2 without a variant is S, and a variant without a version is that of version 2: so the licences' section 8.3 has it."""
    if "cern" not in words:
        return None
    rest = [word for word in words if word not in CERN_FILLERS]
    variants = {CERN_VARIANTS[word] for word in rest if word in CERN_VARIANTS}
    versions = {"2.0" if word == "2" else word for word in rest if word in {"1.1", "1.2", "2", "2.0"}}
    known = all(word in CERN_VARIANTS or word in {"1.1", "1.2", "2", "2.0"} for word in rest)
    if not known or not rest or len(variants) > 1 or len(versions) > 1:
        return None
    if versions & {"1.1", "1.2"}:
        return None if variants else f"CERN-OHL-{versions.pop()}"
    return f"CERN-OHL-{variants.pop() if variants else 'S'}-2.0"


def _gnu(words: tuple[str, ...]) -> str | None:
    """A version without "or later" is that version only (GPL-3.0 section 14)."""
    names = {GNU_WORDS[word] for word in words if word in GNU_WORDS}
    if not names and "gnu" in words:
        names = {"GPL"} if "general" in words else {"GFDL"} if "documentation" in words else set()
    if names > {"GPL"} and len(names) == 2:
        names -= {"GPL"}  # "GNU Lesser GPL"
    versions = [word if "." in word else f"{word}.0" for word in words if word[0].isdigit()]
    later = bool(GNU_LATER & set(words))
    rest = set(words) - GNU_WORDS.keys() - GNU_FILLERS - GNU_LATER - ({"or", "and"} if later else set())
    if len(names) != 1 or len(set(versions)) != 1 or any(not word[0].isdigit() for word in rest) or (later and "only" in words):
        return None
    name, version = names.pop(), versions[0]
    return f"{name}-{version}-{'or-later' if later else 'only'}" if version in GNU_NAMES[name] else None
