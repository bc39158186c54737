# SPDX-License-Identifier: AGPL-3.0-or-later
"""Standard parts that nobody makes: recognised by what they are called."""

from __future__ import annotations

import re
from types import MappingProxyType

WORDS = MappingProxyType(
    {
        "washer": r"washers?|unterlegscheibe|scheibe|rondelle|arandela",
        "nut": r"(?:hex|lock|t|square|wing|nyloc|flange)?[ _-]?nuts?|nyloc|mutter|sechskantmutter|ecrou|tuerca",
        "screw": r"(?:cap|machine|set|grub|wood|cap ?head|countersunk)?[ _-]?screws?|bolts?|shcs|bhcs|fhcs|schraube|zylinderschraube"
        r"|senkschraube|vis|tornillo",
        "bearing": r"(?:ball|needle|thrust|linear)?[ _-]?bearings?|kugellager|roulement|rodamiento|lm\d{1,2}l?uu"
        r"|6[0-9]{2,3}[ -]?(?:zz|2rs|rs|2z)",
        "pin": r"dowel(?:[ _-]?pins?)?|(?:cotter|split|roll|spring)[ _-]?pins?|zylinderstift|passstift",
        "retaining ring": r"circlips?|retaining[ _-]?rings?|snap[ _-]?rings?|e-?clips?|sicherungsring",
        "rivet": r"rivets?|niet",
        "motor": r"nema ?-?\d{2}|stepper(?:[ _-]?motors?)?|servos?",
        "threaded insert": r"heat[ _-]?set[ _-]?inserts?|threaded[ _-]?inserts?",
        "spring": r"(?:compression|torsion|extension)[ _-]?springs?",
    }
)
"""What a standard part is called, in the languages that drawing programs' libraries come in."""

STANDARDS = MappingProxyType(
    {
        "screw": (
            "912 7984 6912 7991 933 931 960 961 7985 963 964 965 966 84 85 913 914 915 916 571 603 7500 7504",
            "4762 4014 4017 8765 8676 7380 10642 1207 1580 2009 2010 7045 7046 7047 4026 4027 4028 4029 14579 14580 14581",
        ),
        "nut": ("934 985 982 439 936 557 562 1587 6923 6925 315 928 929", "4032 4033 4034 4035 4161 7040 7042 8673 10511 10512"),
        "washer": ("125 126 127 433 440 6340 6797 6798 7349 9021 137 988", "7089 7090 7091 7092 7093 7094 8738 10669"),
        "pin": ("1 7 94 1481 6325 7979", "2338 2339 8733 8734 8735 8736 8752 1234 13337"),
        "retaining ring": ("471 472 6799 5417 7993", "464"),
        "bearing": ("625 628 711 617 720", "15 104 355"),
        "rivet": ("660 661 7337 7338", "15977 15983 15984"),
    }
)
"""Numbers of product standards: DIN first, then ISO."""

NOT_ITSELF = re.compile(
    r"holder|mount|block|bracket|plate|housing|cover|cap(?!\w*[ _-]?(?:head|screw))|knob|adapter|adaptor|trap|seat|carrier|case|box|tool"
    r"|driver"
    r"|guide|spacer|retainer|press|jig|clamp|support|frame|puller|wrench|halter|assembly|assy|asm",
    re.IGNORECASE,
)
"""Words that make a name one of a part *for* a standard part: a bearing holder is made."""

SCREW_SIZE = re.compile(r"(?<![A-Za-z0-9])M\d{1,2}(?:\.\d)?(?:[xX]\d(?:\.\d+)?)?\s?[xX*]\s?\d{1,3}(?![\d.]*\s?[xX])")
"""A metric thread and a length, as in M6x12 or M6x1x20: so are screws called and nothing else."""

PATTERNS = MappingProxyType({kind: re.compile(rf"(?<![^\W\d_])(?:{words})(?![^\W\d_])", re.IGNORECASE) for kind, words in WORDS.items()})
STANDARD = re.compile(r"(?<![A-Za-z])(DIN|ISO)(?:[ _-]*EN)?(?:[ _-]*ISO)?[ _-]*(\d{1,5})(?!\d)", re.IGNORECASE)
KIND_OF = MappingProxyType(
    {
        (name, number): kind
        for kind, both in STANDARDS.items()
        for name, numbers in zip(("DIN", "ISO"), both, strict=True)
        for number in numbers.split()
    }
)


def bought_as(name: str) -> str:
    """What a part with this name is bought as: "screw", "nut", "washer", "bearing", …; empty where it is none."""
    if NOT_ITSELF.search(name):
        return ""
    standard = STANDARD.search(name)
    if standard:
        name_of = "ISO" if "ISO" in standard[0].upper() else "DIN"
        kind = KIND_OF.get((name_of, standard[2]))
        if kind:
            return kind
    for kind, pattern in PATTERNS.items():
        if pattern.search(name):
            return kind
    return "screw" if SCREW_SIZE.search(name) else ""
