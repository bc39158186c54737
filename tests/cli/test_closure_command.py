# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a neighbourhood can make of a product by itself, as `commonfab design closure` tells it."""

from __future__ import annotations

import pytest

from cli.design.making_here import Here, Judged, judged
from cli.design.relations import _part, _show_closure, summary
from commonfab import v1
from commonfab.reasons import reason

TOO_LONG = v1.Reason(code="size.x", message="needs 260 mm has 220 mm")


def part(name: str = "gear", pieces: int = 6) -> v1.PartToMake:
    return v1.PartToMake(title="Gear box", quantity=pieces, part=v1.InspectedPart(part=v1.Part(name=name)))


def able(*shops: str) -> list[v1.Candidate]:
    return [v1.Candidate(shop_id=shop, shop_name=shop.title(), machine_id=f"m{number}") for number, shop in enumerate(shops)]


def test_a_part_that_shops_can_make_names_each_shop_once() -> None:
    found = judged(part(), v1.ExplainJobResponse(able=able("north", "north", "south")))
    assert (found.here, found.shops) == (Here.MADE, ("North", "South"))


def test_a_part_with_a_question_must_be_answered_first() -> None:
    found = judged(part(), v1.ExplainJobResponse(able=able("north"), waiting_for=[reason("bill.not_here", "x")]))
    assert found.here is Here.ASKED and found.why[0].code == "bill.not_here"


def test_a_part_that_only_an_owner_can_decide_about_is_asked_of_them() -> None:
    ask = [v1.RefusedMachine(shop_id="north", shop_name="North", reasons=[TOO_LONG])]
    found = judged(part(), v1.ExplainJobResponse(ask=ask, refused=ask))
    assert (found.here, found.shops, found.why) == (Here.ASKED, ("North",), (TOO_LONG,))


def test_a_part_that_nobody_can_make_tells_what_comes_nearest() -> None:
    refused = [v1.RefusedMachine(shop_id="north", reasons=[TOO_LONG])]
    nearer = v1.NearestMiss(change=v1.Reason(code="near.room", message="40 mm more would do"))
    assert judged(part(), v1.ExplainJobResponse(refused=refused, nearest=[nearer])).why == (nearer.change,)
    assert judged(part(), v1.ExplainJobResponse(refused=refused)).why == (TOO_LONG,)
    assert judged(part(), v1.ExplainJobResponse()).here is Here.NOT


def test_many_shops_are_counted_and_not_all_named() -> None:
    told = _part(Judged(part(), Here.MADE, ("A", "B", "C", "D", "E")))
    assert told == ("6", "gear", "Gear box", "A, B, C and 2 more")


def closed() -> tuple[v1.GetClosureResponse, list[Judged]]:
    buy = v1.BillLine(name="screw", quantity=12, buy=v1.Buy(standard="ISO 4762 M3x10"))
    rod = v1.BillLine(name="rod", quantity=0.6, unit="m", salvage=v1.Salvage(source="any printer"))
    gone = v1.MissingLine(line=v1.BillLine(name="lid"), reason=reason("closure.not_here", "f" * 64))
    found = v1.GetClosureResponse(
        make=[part(), part("rack"), part("pin")], buy=[v1.LineToGet(line=buy)], salvage=[v1.LineToGet(line=rod)], missing=[gone]
    )
    found.licences.append(reason("licence.bill_aggregate", "pin (MIT)"))
    parts = [
        Judged(found.make[0], Here.MADE, ("North",)),
        Judged(found.make[1], Here.ASKED, ("South",)),
        Judged(found.make[2], Here.NOT, why=(TOO_LONG,)),
    ]
    return found, parts


def test_the_last_line_says_it_in_a_sentence() -> None:
    assert summary(*closed()) == "1 of 3 parts can be made here, 1 if somebody says so, 1 cannot, 1 to buy, 1 to salvage, 1 missing."
    assert summary(v1.GetClosureResponse(), []) == "0 of 0 parts can be made here."


def test_everything_that_it_takes_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    _show_closure(*closed())
    told = capsys.readouterr().out
    for words in ("North", "South", "needs 260 mm has 220 mm", "ISO 4762 M3x10", "0.6 m", "any printer", "f" * 64, "pin (MIT)"):
        assert words in told
    assert told.rstrip().endswith("1 missing.")
