# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whether a part can be made by a fleet: yes, no, or only an owner can say."""

from __future__ import annotations

from pathlib import Path

from cli.fleet import load_fleet
from cli.telling_matches import told
from cli.verdict import ACCEPT, HOLD, REJECT, PartVerdict, decide
from commonfab import v1


def part(process: str = "fdm", side: float = 50, grams: float = 20, **needs: object) -> v1.InspectedPart:
    need = v1.Requirement(process=process, size_mm=v1.Size(x=side, y=side, z=side), **needs)  # type: ignore[arg-type]
    way = v1.Makeability(process=process, verdict=v1.VERDICT_FEASIBLE, requirement=need, estimate=v1.Estimate(grams=grams))
    return v1.InspectedPart(part=v1.Part(name="block"), makeability=[way])


def printer(process: str = "fdm", room: v1.Size | None = None, **more: object) -> v1.Machine:
    size = room or v1.Size(x=200, y=200, z=200)
    told_more: dict[str, object] = {"control": "by_hand", "materials": ["pla"], **more}
    return v1.Machine(id="mk3", process=process, envelope_mm=size, **told_more)  # type: ignore[arg-type]


def shop(machine: v1.Machine, name: str = "shed", **more: object) -> v1.Shop:
    return v1.Shop(id=name, name=name, machines=[machine], **more)  # type: ignore[arg-type]


def lines(of: PartVerdict) -> list[str]:
    return list(told([of], 1))


def test_a_machine_of_which_only_its_owner_can_say_holds_the_part_and_is_never_able() -> None:
    vague = decide(part(), [shop(printer("additive"))])
    (answer,) = vague.shops
    assert (vague.verdict, answer.able, answer.asks) == (HOLD, False, True)
    assert [one.code for one in vague.questions] == ["process.broad"]
    assert any("ask" in line and "shed about mk3: the part needs fdm" in line for line in lines(vague))


def test_one_shop_that_can_is_enough_whatever_others_do_not_know() -> None:
    both = decide(part(), [shop(printer("additive"), "loft"), shop(printer())])
    assert (both.verdict, [answer.shop.id for answer in both.shops if answer.able], both.questions) == (ACCEPT, ["shed"], ())


def test_a_machine_of_unknown_size_has_no_room_to_spare_and_one_that_is_too_small_is_not_asked() -> None:
    unknown = decide(part(), [shop(printer(room=v1.Size()))])
    assert (unknown.verdict, unknown.shops[0].margin_mm) == (HOLD, None)
    assert decide(part(side=300), [shop(printer("additive"))]).verdict == REJECT


def test_a_closed_shop_cannot_and_says_why() -> None:
    shut = decide(part(), [shop(printer(), closed="holidays")])
    assert shut.verdict == REJECT and [one.message for one in shut.reasons] == ["the shop takes no new work: holidays"]


def test_what_is_left_on_the_spool_counts_in_a_match_too() -> None:
    spool = printer(stock=[v1.Stock(material="pla", grams=19)])
    assert [one.code for one in decide(part(), [shop(spool)]).reasons] == ["stock.amount"]


def test_a_fleet_on_disk_brings_its_hours_skills_and_closed_doors(tmp_path: Path) -> None:
    text = '[shop]\nid = "shed"\nskills = ["forklift"]\nclosed = "holidays"\ntime_zone = "UTC"\n[[machine]]\nid = "mk3"\n'
    (tmp_path / "shed.toml").write_text(
        text + 'envelope_mm = [9, 9, 9]\nmaterials = ["pla"]\nmay_run = ["08:00-20:00"]\n', encoding="utf-8"
    )
    (shed,) = load_fleet(tmp_path)
    assert (list(shed.skills), shed.closed, len(shed.machines[0].may_run)) == (["forklift"], "holidays", 7)
