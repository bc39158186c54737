# SPDX-License-Identifier: AGPL-3.0-or-later
"""Defects: anybody files them, a later revision mends them."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from evidence_store import STEWARD, Store, token

from commonfab import v1
from commonfab.errors import Refused
from registry.rows import published

ADA, BEN, EVE = token("ada", v1.SCOPE_MAKER), token("ben", v1.SCOPE_REQUESTER), token("eve", v1.SCOPE_MAKER)


def snapped(revision: str, title: str = "the teeth snap", **more: object) -> v1.Defect:
    return v1.Defect(revision_digest=revision, title=title, severity=v1.SEVERITY_DANGEROUS, **more)  # type: ignore[arg-type]


def open_defects(store: Store, revision: str) -> int:
    with store.engine.connect() as connection:
        return published(connection, revision).revision.open_defects


def listed(store: Store, of: str, closed_too: bool = False) -> list[v1.Defect]:
    return list(store.defects.defects(v1.ListDefectsRequest(of=of, closed_too=closed_too)).defects)


def closing_code(store: Store, caller: v1.Token, **said: str) -> str:
    with pytest.raises(Refused) as caught:
        store.defects.close(caller, v1.CloseDefectRequest(**said))
    return caught.value.code


def test_a_defect_is_filed_by_anybody_and_everybody_sees_it(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    filed = store.defects.file(BEN, snapped(gear, part_name="gear", filed_by="somebody else", fixed_by=gear))
    assert filed.filed_by == "ben" and not filed.fixed_by and not filed.HasField("closed_at") and filed.id
    assert listed(store, gear) == listed(store, "design-gear") == [filed] and open_defects(store, gear) == 1
    assert store.events()[-1].defect_filed == filed


def test_filing_the_same_again_finds_the_first(each_store: Store) -> None:
    gear = each_store.revision("design-gear", "gear")
    with ThreadPoolExecutor(4) as pool:
        filed = list(pool.map(lambda _: each_store.defects.file(BEN, snapped(gear)), range(8)))
    assert len({defect.id for defect in filed}) == 1 and open_defects(each_store, gear) == 1
    assert each_store.defects.file(EVE, snapped(gear)).id != filed[0].id
    each_store.defects.close(ADA, v1.CloseDefectRequest(id=filed[0].id, note="it is meant to"))
    assert each_store.defects.file(BEN, snapped(gear)).closing_note == "it is meant to"


def test_a_dangerous_defect_does_not_change_how_far_the_revision_has_come(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    before = store.maturity(gear)
    store.defects.file(EVE, snapped(gear))
    assert store.maturity(gear) == before and store.happened()[-1] == "defect_filed"


def test_a_later_revision_closes_it(each_store: Store) -> None:
    gear = each_store.revision("design-gear", "gear")
    filed = each_store.defects.file(BEN, snapped(gear))
    later, other = each_store.revision("design-gear", "gear"), each_store.revision("design-pin", "pin")
    late = each_store.defects.file(BEN, snapped(later))
    for fix, defect in ((gear, filed), (other, filed), ("0" * 64, filed), (gear, late)):
        assert closing_code(each_store, ADA, id=defect.id, fixed_by=fix) == "defect.fix"
    closed = each_store.defects.close(ADA, v1.CloseDefectRequest(id=filed.id, fixed_by=later))
    assert closed.fixed_by == later and closed.HasField("closed_at") and open_defects(each_store, gear) == 0
    assert listed(each_store, gear) == [] and listed(each_store, gear, closed_too=True) == [closed]
    assert each_store.events()[-1].defect_closed == closed
    assert each_store.defects.close(BEN, v1.CloseDefectRequest(id=filed.id, note="never mind")) == closed
    assert each_store.happened().count("defect_closed") == 1


def test_the_keeper_a_steward_and_whoever_filed_it_may_close_it_and_nobody_else(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    for number, closer in enumerate((ADA, BEN, STEWARD)):
        filed = store.defects.file(BEN, snapped(gear, title=f"defect {number}"))
        assert closing_code(store, EVE, id=filed.id, note="no") == "defect.closer"
        assert closing_code(store, closer, id=filed.id, note=" ") == "request.missing"
        assert store.defects.close(closer, v1.CloseDefectRequest(id=filed.id, note="it was my printer")).closing_note
    assert closing_code(store, ADA, id="defect-none", note="no") == "defect.unknown"


@pytest.mark.parametrize(
    ("said", "code"),
    [
        ({"title": " "}, "request.missing"),
        ({"title": "x" * 201}, "request.malformed"),
        ({"title": "x", "severity": 9}, "request.malformed"),
        ({"title": "x", "part_name": "pin"}, "evidence.part"),
        ({"title": "x", "revision_digest": "0" * 64}, "revision.unknown"),
        ({"title": "x", "photographs": ["0" * 64]}, "file.unknown"),
    ],
)
def test_a_defect_says_what_is_wrong_with_what(store: Store, said: dict[str, object], code: str) -> None:
    defect = v1.Defect(**{"revision_digest": store.revision("design-gear", "gear"), **said})  # type: ignore[arg-type]
    with pytest.raises(Refused) as caught:
        store.defects.file(BEN, defect)
    assert caught.value.code == code
