# SPDX-License-Identifier: AGPL-3.0-or-later
"""How people spell the terms of the material vocabulary: trade names, standards' numbers, other languages."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from types import MappingProxyType
from urllib.parse import unquote

FORMS: Mapping[str, str] = MappingProxyType(
    {
        "_sheet": "sheet",
        "_sheets": "sheet",
        "_plate": "sheet",
        "_board": "sheet",
        "_platte": "sheet",
        "_blech": "sheet",
        "_filament": "filament",
        "_rod": "bar",
        "_bar": "bar",
        "_block": "block",
        "_profile": "profile",
        "_powder": "powder",
    }
)
"""Words that name a form of stock and not another substance ("PETG sheet" is PETG), each with the form as `Requirement.stock` says it."""

# Names of one term are separated by commas. Where a word means several substances, it stands at the one that needs most care.
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "plastic": "plastics, Kunststoff, plastique, plástico, plastica",
        "pla": "PLA+, PLA-CF, wood PLA, polylactic acid, polylactide, generic PLA, PLA basic, PLA matte, PLA silk, bronze PLA, "
        "brass PLA, brick PLA, color-blending PLA, Chameleon PLA (thermochromic), heat treatable PLA (HTPLA), HTPLA",
        "petg": "PET-G, PETG-CF, generic PETG, PETG basic",
        "pet": "PETE, polyester sheet, mylar",
        "abs": "acrylonitrile butadiene styrene, generic ABS, ABS-M30",
        "asa": "generic ASA",
        "tpu": "TPE, flex, flexible filament, TPU 95A, TPU95A, generic TPU, FLEX (elastic TPE), rubber-like (TPU)",
        "nylon": "PA, PA-CF, PAHT-CF, PA6-CF, PA12-CF, PA6-GF, PA6, PA66, PA12, PA 6, PA 12, polyamide, Polyamid, nylon 6, nylon 12, "
        "PA11, PA12 nylon, PA11 nylon, HP PA-12, PA 2200, DuraForm PA plastic",
        "polycarbonate": "PC, Lexan, Makrolon, Polycarbonat, policarbonato, polycarbonate (PC)",
        "polystyrene": "PS, polystyrol, styrene sheet, poliestireno",
        "hips": "high impact polystyrene",
        "polyethylene": "PE, polyethylen, polietileno",
        "hdpe": "PE-HD, PEHD, PE 500, PE 1000, high density polyethylene",
        "ldpe": "PE-LD",
        "pp": "polypropylene, polypropylen, polipropileno",
        "pva": "polyvinyl alcohol",
        "acrylic": "PMMA, acrylics, poly(methyl methacrylate), Plexiglas, Plexiglass, Perspex, Lucite, Acrylglas, Acryl, acrylic glass, "
        "cast acrylic, extruded acrylic, acrylique, acrílico, metacrilato",
        "pvc": "vinyl, vinyle, vinilo, Forex, foamed PVC, PVC foam, faux leather, artificial leather, pleather, Kunstleder, "
        "polyvinyl chloride",
        "pom": "Delrin, acetal, POM-C, POM-H, polyoxymethylene",
        "pei": "polyetherimide, Ultem, Ultem (PEI) 1010, Ultem 1010",
        "fluoropolymer": "FEP, PFA, ETFE",
        "ptfe": "Teflon",
        "resin": "photopolymer, photopolymer resin, Harz, résine, resina, SLA resin, Vero, dental SG resin, dental LT resin",
        "standard_resin": "basic resin",
        "tough_resin": "ABS-like resin, durable resin, durable (PP-like) resin",
        "castable_resin": "wax-like resin",
        "high_temperature_resin": "high temperature (RGD525), RGD525",
        "wood": "Holz, bois, madera, legno, timber, solid wood, woods",
        "plywood": "ply, Sperrholz, Multiplex, birch plywood, birch ply, poplar plywood, Birkensperrholz, Pappelsperrholz, contreplaqué, "
        "contrachapado, madera contrachapada, compensato, multiplexplatte, laser plywood",
        "mdf": "medium density fibreboard, medium density fiberboard, fibreboard, fiberboard, MDF veneers",
        "hardboard": "HDF, Masonite, Hartfaser",
        "chipboard": "particle board, particleboard, Spanplatte, aggloméré",
        "hardwood": "Hartholz, Laubholz",
        "softwood": "Weichholz, Nadelholz",
        "oak": "Eiche, chêne, roble",
        "beech": "Buche, hêtre, haya",
        "birch": "Birke, bouleau",
        "walnut": "Nussbaum, noyer, nogal",
        "pine": "Kiefer, pin, pino",
        "spruce": "Fichte",
        "larch": "Lärche",
        "cork": "Kork, liège, corcho, sughero",
        "bamboo": "Bambus, bambou, bambú",
        "paper": "Papier, papel, carta, card, cardstock",
        "cardboard": "Karton, Pappe, Wellpappe, corrugated cardboard, corrugated, Graupappe, greyboard, cartón, cartone",
        "textile": "textiles, fabrics, fabric, cloth, Stoff, tissu, tejido, tela",
        "cotton": "Baumwolle, coton, algodón, denim, canvas",
        "wool": "Wolle, laine, lana",
        "felt": "Filz, feutre, fieltro, wool felt",
        "polyester_fabric": "polyester fleece, fleece",
        "leather": "Leder, cuir, cuero, cuoio",
        "vegetable_tanned_leather": "veg tan, veg-tan leather, veg tanned leather, pflanzlich gegerbtes Leder",
        "chrome_tanned_leather": "chrome tan, chrome leather",
        "rubber": "Gummi, caoutchouc, caucho, gomma",
        "silicone_rubber": "silicone, Silikon, silicona",
        "laser_rubber": "stamp rubber, Stempelgummi",
        "neoprene": "Neopren, CR, polychloroprene, chloroprene rubber",
        "nitrile_rubber": "NBR, Buna-N",
        "foam": "Schaumstoff, mousse, espuma",
        "eva_foam": "EVA, Moosgummi, craft foam",
        "polyurethane_foam": "PU foam, PUR foam",
        "polystyrene_foam": "EPS, XPS, Styrofoam, Styropor, Styrodur, foam core, foamcore, foam board, Depron",
        "polyethylene_foam": "PE foam",
        "polypropylene_foam": "EPP, PP foam",
        "metal": "Metall, metallo",
        "steel": "Stahl, acier, acero, acciaio",
        "mild_steel": "S235, S235JR, S275, S355, S355J2, St37, St37-2, 1.0037, 1.0038, 1.0330, DC01, A36, ASTM A36, 1018, carbon steel, "
        "Baustahl, Schwarzstahl, black steel, low carbon steel, structural steel, CRS, cold rolled steel, hot rolled steel, acier doux",
        "stainless_steel": "stainless, inox, Edelstahl, Nirosta, acier inoxydable, acero inoxidable, acciaio inossidabile, "
        "SS, rostfreier Stahl",
        "aisi_304": "304, 304L, SS304, V2A, 1.4301, 1.4307, X5CrNi18-10, 18/8, stainless steel 304, 304 stainless steel, AISI304",
        "aisi_316": "316, 316L, SS316, V4A, 1.4401, 1.4404, X2CrNiMo17-12-2, stainless steel 316, 316 stainless steel, AISI316, "
        "stainless steel 316L",
        "aisi_630": "17-4 PH, 17-4PH, 1.4542, X5CrNiCuNb16-4, stainless steel 17-4 PH",
        "aisi_430": "430, SS430, 1.4016, X6Cr17, AISI430",
        "galvanised_steel": "galvanized steel, galvanised, galvanized, zinc coated steel, verzinkter Stahl, verzinkt, DX51D, DX51D+Z, "
        "acier galvanisé, acero galvanizado, Zincor, galvanised mild steel",
        "spring_steel": "Federstahl, 1.4310, C75S",
        "tool_steel": "Werkzeugstahl, 1.2379, D2, O1, A2 tool steel, D2 tool steel, H13 tool steel",
        "aluminium": "aluminum, alu, aluminio, alluminio, Al",
        "aluminium_1050": "1050, EN AW-1050A, AW-1050A, Al99.5, aluminum 1050",
        "aluminium_2017": "2017, EN AW-2017A, AW-2017A, AlCu4MgSi, 3.1325",
        "aluminium_alsi10mg": "AlSi10Mg, aluminium alloy AlSi10Mg",
        "aluminium_alsi12": "AlSi12, aluminium alloy AlSi12",
        "aluminium_5083": "5083, EN AW-5083, AW-5083, AlMg4.5Mn, aluminum 5083",
        "aluminium_5754": "5754, EN AW-5754, AW-5754, AlMg3, 3.3535, aluminum 5754",
        "aluminium_6061": "6061, 6061-T6, EN AW-6061, AW-6061, aluminum 6061, aluminium 6061-T6, aluminum 6061-T6",
        "aluminium_6082": "6082, EN AW-6082, AW-6082, AlMgSi1, AlSi1MgMn, 3.2315, aluminum 6082",
        "aluminium_7075": "7075, 7075-T6, EN AW-7075, AW-7075, AlZnMgCu1.5, 3.4365, aluminum 7075",
        "copper": "Kupfer, cuivre, cobre, rame, Cu, Cu-ETP",
        "brass": "Messing, laiton, latón, ottone, CuZn37, CuZn39Pb3, Ms58, C260, C360",
        "bronze": "Bronce, CuSn8, bronzo",
        "titanium": "Titan, titane, titanio, Ti",
        "titanium_grade_2": "Ti grade 2, 3.7035",
        "titanium_grade_5": "Ti6Al4V, Ti-6Al-4V, 3.7165, Ti grade 5, Ti64, titanium Ti64",
        "zinc": "Zink, titanium zinc, Titanzink",
        "magnesium": "Mg, AZ31, AZ91, elektron",
        "composite": "Verbundwerkstoff, FRP",
        "aluminium_composite": "aluminum composite, Dibond, ACM, ACP, Alucobond, Alupanel, Alubond, Alu-Verbund, Aluverbund, "
        "aluminium sandwich, aluminium composite panel, aluminum composite panel, aluminum composite material",
        "glass_fibre_laminate": "fibreglass, fiberglass, GFRP, GFK, GRP, glass fibre, glass fiber, G10, G-10, G11, fibra de vidrio",
        "fr4": "FR-4, PCB, circuit board, FR4 laminate, copper clad",
        "carbon_fibre_laminate": "carbon fibre, carbon fiber, carbon, CFRP, CFK, Kohlefaser, fibre de carbone, fibra de carbono",
        "hpl": "high pressure laminate, Trespa, Resopal, Formica, phenolic sheet, Pertinax",
        "stone": "Stein, pierre, piedra, pietra",
        "granite": "Granit, granito",
        "marble": "Marmor, marbre, mármol",
        "slate": "Schiefer, ardoise, pizarra",
        "ceramic": "tile, tiles, porcelain, Keramik, Fliese",
        "glass": "Glas, verre, vidrio, vetro",
        "tempered_glass": "toughened glass, safety glass, ESG, Sicherheitsglas",
        "mirror_glass": "mirror, Spiegel",
    }
)


_WIKIPEDIA = re.compile(r"^(?:https?://)?[a-z-]+(?:\.m)?\.wikipedia\.org/wiki/([^#?]+)", re.IGNORECASE)


def title_of(name: str) -> str:
    """The title of the article where a name is an address in Wikipedia, as Open Know-Where asks for; any other name as it is."""
    article = _WIKIPEDIA.match(name.strip())
    return unquote(article[1]) if article else name


def key(name: str) -> str:
    """A spelling without what does not tell substances apart: capitals, accents, spaces, hyphens, dots and trade mark signs."""
    plain = unicodedata.normalize("NFKD", name.strip().casefold())
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter) and letter not in "®™")
    return re.sub(r"[\s\-_./,()]+", "_", plain).strip("_")


SPELLINGS = tuple(name.strip() for names in _NAMES.values() for name in names.split(","))
"""Each other spelling, as it is written above."""

ALIASES: Mapping[str, str] = MappingProxyType({key(name): term for term, names in _NAMES.items() for name in names.split(",")})
"""Each other spelling, as `key` writes it, with its term."""
