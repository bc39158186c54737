# SPDX-License-Identifier: AGPL-3.0-or-later
"""How people and directories spell the terms of the process vocabulary.

The sources: titles of Wikipedia articles, which Open Know-Where asks for; the capabilities of fablabs.io; the codes of the
technology-specific documentation criteria (TsDC) of DIN SPEC 3105, as Open Know-How manifests give them; the terms of ISO/ASTM 52900 and
ISO 4063; trade names. A name that means several of our terms stands at the term above them all, and never at one of them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from types import MappingProxyType

from commonfab.material_names import key, title_of

# Names of one term are separated by commas. TsDC codes: 3DP, CNC, PCB, ASM, WEL, COT, LAS. "MEC" says only that a part is mechanical and
# is no process. "CNC" is told of mills, routers and lathes alike; "PCB" and "circuit_production" of making boards and of fitting them.
_NAMES: Mapping[str, str] = MappingProxyType(
    {
        "additive": "3D printing, 3D printer, 3D print, 3DP, 3D-Druck, 3D-Drucker, impression 3D, impresión 3D, stampa 3D, "
        "three_d_printing, three_d_printer, additive manufacturing, additive Fertigung, rapid prototyping",
        "material_extrusion": "MEX, extrusion based 3D printing, extrusion 3D printing",
        "fdm": "FFF, fused deposition modeling, fused deposition modelling, fused filament fabrication, FDM printer, FDM printing, "
        "FDM 3D printing, FDM (fused deposition modeling), FFF (fused filament fabrication), LPD, layer plastic deposition, "
        "LPD (layer plastic deposition), Filamentdruck",
        "paste_extrusion": "clay printing, ceramic printing, gel dispensing printing, GDP (gel dispensing printing), bioprinting",
        "pellet_extrusion": "fused granulate fabrication, FGF",
        "vat_photopolymerization": "VPP, vat polymerization, vat photopolymerisation, vat polymerisation, resin printing, resin printer, "
        "resin 3D printing, Harzdruck",
        "sla": "stereolithography, stereolithography apparatus, Stereolithografie, SLA printer, SLA printing, SLA (stereolithography)",
        "dlp": "digital light processing, DLP printing, DLP (digital light processing)",
        "msla": "LCD printing, LCD resin printing, masked stereolithography, DUP (LCD-based direct UV printing), "
        "LCD-based direct UV printing",
        "continuous_liquid_interface_production": "CLIP, CLIP (continuous liquid interface production)",
        "powder_bed_fusion": "PBF, laser powder bed fusion, LPBF, L-PBF, PBF-LB",
        "sls": "selective laser sintering, Lasersintern, SLS printing, SLS (selective laser sintering), PBF-LB/P",
        "mjf": "multi jet fusion, HP multi jet fusion, MJF (multijet fusion technology)",
        "slm": "selective laser melting, DMLS, direct metal laser sintering, SLM (selective laser melting), "
        "DMLS (direct metal laser sintering), PBF-LB/M",
        "ebm": "electron beam melting, electron-beam melting, EBM (electron beam melting), PBF-EB, PBF-EB/M",
        "material_jetting": "MJT, multi-jet modeling, inkjet 3D printing",
        "polyjet": "PolyJet and PolyJetMatrix, PolyJetMatrix",
        "multijet_printing": "MJP, MJP (multijet printing)",
        "smooth_curvature_printing": "SCP, SCP (smooth curvature printing)",
        "binder_jetting": "BJT, binder jet, powder bed and inkjet head 3D printing, "
        "3DP (3D printing powder bed and inkjet head 3D printing plaster-based 3D printing)",
        "colorjet_printing": "CJP, CJP (ColorJet printing)",
        "directed_energy_deposition": "DED, laser metal deposition, laser cladding",
        "wire_arc_additive": "WAAM, wire arc additive manufacturing",
        "sheet_lamination": "SHL, LOM, laminated object manufacturing, LOM (laminated object manufacturing)",
        "machining": "CNC, computer numerical control, numerical control, CNC machining, CNC machine, machine tool, subtractive "
        "manufacturing, Zerspanung, Zerspanen, usinage, mecanizado",
        "milling": "Milling (machining), Milling machine, CNC milling, CNC mill, mill, precision milling, Fräsen, Fräse, CNC-Fräsen, "
        "fraisage, fresado, fresatura",
        "cnc_routing": "CNC router, CNC wood router, routing, Router (woodworking), CNC-Oberfräse",
        "turning": "Lathe, Metal lathe, CNC lathe, CNC turning, Turning (machining), Woodturning, wood turning, Drehen, Drehbank, "
        "Drehmaschine, tournage, torneado, tornitura",
        "drilling": "Drill press, Bohren, Ständerbohrmaschine, perçage, taladrado",
        "sawing": "Saw, Band saw, Bandsaw, Table saw, Circular saw, Miter saw, Mitre saw, Cold saw, Panel saw, Sägen, Säge, Kreissäge, "
        "Bandsäge, sciage, aserrado",
        "grinding": "Grinding (abrasive cutting), Surface grinding, Cylindrical grinding, Bench grinder, Schleifen, rectification",
        "edm": "Electrical discharge machining, electric discharge machining, spark erosion, Funkenerosion, électroérosion",
        "wire_edm": "wire erosion, wire cut EDM, Drahterodieren",
        "sinker_edm": "die sinking EDM, ram EDM, Senkerodieren",
        "planing": "Planing (shaping), Planer, Thickness planer, Hobeln",
        "laser_cutting": "LAS, laser, Laser cutter, laser cut, laser cutting machine, laser cutting and engraving, Laserschneiden, "
        "Lasercutten, Lasercutter, découpe laser, corte láser, taglio laser",
        "co2_laser_cutting": "CO2 laser, CO2 laser cutter, CO₂ laser",
        "diode_laser_cutting": "diode laser, diode laser cutter",
        "fibre_laser_cutting": "fiber laser, fibre laser, fiber laser cutting, fiber laser cutter, Faserlaser",
        "plasma_cutting": "plasma cutter, plasma, CNC plasma, Plasmaschneiden, découpe plasma",
        "waterjet_cutting": "Water jet cutter, waterjet cutter, water jet cutting, waterjet, water jet, abrasive waterjet, "
        "Wasserstrahlschneiden, découpe jet d'eau",
        "oxyfuel_cutting": "Oxy-fuel cutting, flame cutting, oxyacetylene cutting, Brennschneiden",
        "knife_cutting": "knife cutter, drag knife, drag knife cutting, knife plotter, Cutting plotter, digital cutting table, oscillating "
        "knife cutting",
        "vinyl_cutting": "Vinyl cutter, vinyl cut, Schneidplotter, Folienplotter, Folienschneiden, découpe vinyle, corte de vinilo",
        "hot_wire_cutting": "hot wire, Hot-wire foam cutter, hot wire foam cutter, hotwire cutter, Heißdrahtschneiden",
        "shearing": "Shearing (manufacturing), sheet metal shear, Shear (sheet metal), guillotine shear, Scherschneiden",
        "punching": "Punch press, Stanzen",
        "die_cutting": "Die cutting (web)",
        "bending": "Bending (metalworking), Biegen, pliage, plegado",
        "sheet_bending": "Press brake, brake press, Brake (sheet metal bending), sheet metal bending, folding, Abkanten, Kanten, "
        "Abkantpresse",
        "tube_bending": "pipe bending, Tube bender, Rohrbiegen",
        "thermoforming": "thermoformage, Thermoformen",
        "vacuum_forming": "vacuum former, Vakuumformen, Vakuumtiefziehen",
        "forging": "Forge, blacksmithing, Blacksmith, Schmieden",
        "rolling": "Rolling (metalworking), Roll bending, Walzen",
        "deep_drawing": "Deep drawing (sheet metal), stamping, Stamping (metalworking), Tiefziehen",
        "casting": "Casting (metalworking), Foundry, Gießen, fonderie, fundición",
        "sand_casting": "Sandguss",
        "investment_casting": "Lost-wax casting, lost wax casting, Feinguss",
        "die_casting": "pressure die casting, Druckguss",
        "resin_casting": "casting in resin, Gießharzguss",
        "moulding": "Molding (process), molding, moulding (process)",
        "injection_moulding": "Injection molding, injection moulding machine, injection molding machine, Spritzguss, Spritzgießen, "
        "moulage par injection",
        "compression_moulding": "Compression molding",
        "blow_moulding": "Blow molding",
        "rotational_moulding": "Rotational molding, rotomoulding, rotomolding",
        "composite_layup": "Fibre layup, hand lay-up, wet layup, Laminieren",
        "joining": "Joining technology, Fügen",
        "welding": "WEL, Welder, Welding machine, Schweißen, soudage, saldatura",
        "mig_welding": "MIG, MAG, MIG/MAG, MAG welding, GMAW, Gas metal arc welding, MIG welder, MIG-Schweißen, MAG-Schweißen",
        "tig_welding": "TIG, WIG, GTAW, Gas tungsten arc welding, TIG welder, WIG-Schweißen",
        "stick_welding": "SMAW, MMA, MMA welding, Shielded metal arc welding, stick welder, arc welder, Elektrodenschweißen, "
        "E-Hand-Schweißen",
        "spot_welding": "spot welder, Resistance spot welding, Punktschweißen",
        "laser_welding": "Laser beam welding, Laserschweißen",
        "oxyfuel_welding": "Oxy-fuel welding, gas welding, oxyacetylene welding, Oxy-fuel welding and cutting, Autogenschweißen",
        "plastic_welding": "Kunststoffschweißen",
        "soldering": "Soldering iron, Soldering station, soft soldering, Weichlöten, brasage tendre",
        "brazing": "hard soldering, Hartlöten, brasage fort",
        "adhesive_bonding": "Adhesive, adhesive, gluing, glueing, Kleben",
        "riveting": "Rivet, Nieten, rivetage",
        "assembly": "ASM, Assembly line, mechanical assembly, Montage, montaje",
        "electronics": "PCB, Printed circuit board, circuit production, electronics production, electronics manufacturing, Elektronik",
        "pcb_fabrication": "PCB manufacturing, PCB making, board fabrication, bare board fabrication, Leiterplattenfertigung",
        "pcb_milling": "Printed circuit board milling, circuit milling, PCB mill, Isolationsfräsen",
        "pcb_etching": "circuit etching, Leiterplatten ätzen",
        "pcb_assembly": "PCBA, printed circuit board assembly, board assembly, Pick and place, Surface-mount technology, SMT, "
        "SMT assembly, SMT placement equipment, Bestückung, Leiterplattenbestückung",
        "textile": "Textile manufacturing, textile production",
        "sewing": "Sewing machine, sew, Nähen, Nähmaschine, couture, costura",
        "embroidery": "Machine embroidery, embroidery machine, Sticken, Stickmaschine, broderie, bordado",
        "weaving": "Loom, Weben, Webstuhl, tissage",
        "knitting": "Knitting machine, Stricken, Strickmaschine, tricotage",
        "finishing": "Surface finishing, post-processing, Oberflächenbehandlung",
        "coating": "COT, surface coating, Beschichten",
        "painting": "paint, Spray painting, spray paint, Lackieren, peinture",
        "powder_coating": "powder coat, Pulverbeschichten, Pulverbeschichtung",
        "plating": "Electroplating, Galvanisieren, galvanic plating",
        "anodising": "Anodizing, anodization, anodise, anodize, Eloxieren, anodisation",
        "polishing": "Polish, Polishing (metalworking), Polieren, Buffing",
        "abrasive_blasting": "Sandblasting, sand blasting, bead blasting, Sandblasting cabinet, Sandstrahlen, Strahlen, sablage",
        "heat_treatment": "Heat treating, hardening, tempering, annealing, Wärmebehandlung, Härten",
        "engraving": "Gravieren, Gravur, gravure",
        "laser_engraving": "laser engraver, Lasergravur, laser marking, Laser beam marking",
        "screen_printing": "Siebdruck, sérigraphie, serigrafía",
        "measuring": "Measurement, metrology, Messen",
        "scanning_3d": "3D scanning, 3D scanner, 3D scan, three_d_scanning, three_d_scanner, 3D-Scannen",
        "coordinate_measuring": "CMM, Coordinate-measuring machine, coordinate measuring machine",
    }
)

_TSDC = re.compile(r"^tsdc[:\-]", re.IGNORECASE)

SPELLINGS = tuple(name.strip() for names in _NAMES.values() for name in names.split(","))
"""Each other spelling, as it is written above."""

ALIASES: Mapping[str, str] = MappingProxyType({key(name): term for term, names in _NAMES.items() for name in names.split(",")})
"""Each other spelling, as `key` writes it, with its term."""


def bare_name(spelling: str) -> str:
    """A spelling as `key` writes it; of an address in Wikipedia the title of the article, of a TsDC code without its prefix the code."""
    return key(_TSDC.sub("", title_of(spelling)))


def folded(term: str) -> str:
    """An unknown term without what is no difference: capitals, and what stands between its words."""
    return re.sub(r"[\s_\-]+", " ", term.casefold()).strip() or term
