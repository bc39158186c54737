# SPDX-License-Identifier: AGPL-3.0-or-later
"""`commonfab match`: measure files, judge them, and try the machines of a folder of `shop.toml` files. No node is needed."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import JsonOption

if TYPE_CHECKING:
    from cli.verdict import PartVerdict
    from commonfab import v1


def match(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", exists=True, dir_okay=False, readable=True, help="Files of parts.")],
    fleet: Annotated[Path, typer.Option(exists=True, file_okay=False, help="A folder of shop.toml files, however deep they lie.")],
    part_of_one_design: Annotated[
        bool,
        typer.Option(
            "--part-of-one-design",
            help="Files of one name show one part, settle each other's unit, and every part must find a shop; else each file is a part.",
        ),
    ] = False,
    material: Annotated[str, typer.Option("--material", help="What it must be made of; else anything the process allows.")] = "",
    quantity: Annotated[int, typer.Option(min=1, help="Pieces wanted.")] = 1,
    unit: Annotated[str, typer.Option("--unit", help="The unit of files that do not say: mm, cm, m or inch. It is never guessed.")] = "",
    thickness: Annotated[float, typer.Option(min=0, help="The thickness of the sheet that a drawing is cut from, mm.")] = 0.0,
    process: Annotated[list[str] | None, typer.Option(help="A process that is accepted; may be repeated. Else any.")] = None,
    tolerance: Annotated[float, typer.Option(min=0, help="The tightest tolerance, the width of its band in mm.")] = 0.0,
    operation: Annotated[
        list[str] | None, typer.Option(help="What is done besides the shape, such as tap or knurl; may be repeated.")
    ] = None,
    as_json: JsonOption = False,
) -> None:
    """Can these parts be made by these shops: accept (one can now), hold (an answer or a repair first) or reject, and why.

    The answer is the same whatever it is: exit code 0. Example: commonfab match bracket.step --fleet shops/ --material aluminium
    """
    from cli import fleet as fleets
    from cli import output
    from cli.matching import judged
    from commonfab import materials, units, v1
    from commonfab.errors import Refused

    if unit and unit not in units.MILLIMETRES_PER:
        raise Refused("command.unit", unit)
    shops = fleets.load_fleet(fleet)
    demands = v1.Demands(
        material=materials.canonical(material) if material else "",
        unit=unit,
        thickness_mm=thickness,
        processes=process or (),
        tolerance_mm=tolerance,
        operations=operation or (),
    )
    verdicts = judged(files, demands, shops, part_of_one_design)
    if as_json:
        output.print_json(_as_json(verdicts, quantity))
        return
    from cli import telling_matches

    for line in telling_matches.told(verdicts, quantity):
        output.say().print(line, soft_wrap=True)


def _as_json(verdicts: list[PartVerdict], quantity: int) -> dict[str, Any]:
    """The whole answer; where there are several parts, each has its own besides."""
    from cli.verdict import together

    parts = [_part_json(one, quantity) for one in verdicts]
    if len(parts) == 1:
        return {**parts[0], "quantity": quantity, "parts": parts}
    whole = together(verdicts)
    return {
        "verdict": whole.verdict,
        "processes": list(whole.processes),
        "shops": [{"shop": shop.id, "name": shop.name, "able": able, "machine": None, "reasons": []} for shop, able in whole.shops],
        "questions": [_reason(one) for one in whole.questions],
        "reasons": [_reason(one) for one in whole.reasons],
        "quantity": quantity,
        "parts": parts,
    }


def _part_json(of: PartVerdict, quantity: int) -> dict[str, Any]:
    from cli import output

    inspected = of.inspected
    return {
        "part": inspected.part.name,
        "files": list(inspected.part.paths),
        "verdict": of.verdict,
        "processes": list(of.processes),
        "shops": [_shop(answer, quantity) for answer in of.shops],
        "questions": [_reason(one) for one in of.questions],
        "reasons": [_reason(one) for one in of.reasons],
        "judgements": [output.as_json(way) for way in inspected.makeability],
        "report": output.as_json(inspected.report),
        "file_findings": [
            {"path": one.path, "master": one.master, "agrees": one.agrees, "remarks": [_reason(remark) for remark in one.remarks]}
            for one in inspected.files
        ],
        "found_in_text": list(inspected.found_in_text),
    }


def _shop(answer: Any, quantity: int) -> dict[str, Any]:
    way = answer.way
    told = {
        "shop": answer.shop.id,
        "name": answer.shop.name,
        "able": answer.able,
        "ask": answer.asks,
        "machine": answer.machine.id if answer.machine is not None else None,
        "process": way.process if way is not None else None,
        "material": answer.material or None,
        "margin_mm": round(answer.margin_mm, 3) if answer.margin_mm is not None else None,
        "reasons": [_reason(one) for one in answer.reasons],
    }
    if answer.able and way is not None and way.HasField("estimate"):
        minutes = way.estimate.machine_time.ToTimedelta().total_seconds() / 60
        told["estimate"] = {"minutes": round(minutes * quantity, 1), "grams": round(way.estimate.grams * quantity, 1)}
        told["estimate"]["method"] = way.estimate.method
    return told


def _reason(of: v1.Reason) -> dict[str, Any]:
    """A reason with its figures by name, and what to do about it."""
    from commonfab.reasons import REASONS

    told: dict[str, Any] = {"code": of.code, "message": of.message}
    if of.subject:
        told["subject"] = of.subject
    if of.figures:
        told["figures"] = {figure.name: {"value": figure.value, "unit": figure.unit} for figure in of.figures}
    if of.code in REASONS:
        told["remedy"] = REASONS[of.code].remedy.replace("{subject}", of.subject)
    return told
