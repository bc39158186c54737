# SPDX-License-Identifier: AGPL-3.0-or-later
"""The signed report."""

from __future__ import annotations

from pathlib import Path

from small_shop import offer, shop

from commonfab import v1
from commonfab.identity import load_or_make_key, signature_holds
from shop_agent.journal.records import AttemptRecord, PieceRecord, PieceState, Toolpath
from shop_agent.reporting import report


def test_the_report_says_what_was_made_of_what_by_whom_and_is_signed(tmp_path: Path) -> None:
    config = shop(tmp_path)
    ref = v1.AttemptRef(work_order_id="wo-1", number=1, epoch=7)
    pieces = (PieceRecord(1, PieceState.GOOD, 600, 4.5), PieceRecord(2, PieceState.SCRAP, 60, 0.4), PieceRecord(3, PieceState.VOID, 0, 0))
    toolpath = Toolpath("", "", 600, 4.5, "not sliced")
    record = AttemptRecord(1, ref, offer(), "mk3", toolpath, 0, "", True, True, 1, v1.Reason(), "", "", False, pieces)
    signed = report(record, config.machine[0], "garage", load_or_make_key(config.key_file))
    assert signature_holds(signed)
    work = v1.CompletedWork.FromString(signed.work)
    assert (work.pieces_good, work.pieces_scrap, work.grams, work.machine_time.ToTimedelta().total_seconds()) == (1, 1, 4.9, 660)
    assert (work.shop_id, work.machine_id, work.control, work.process, work.material) == ("garage", "mk3", "virtual", "fdm", "pla")
    assert (work.attempt, work.job_id, work.part_name, work.note) == (ref, "job-1", "gear", "not sliced")
    signed.work += b"\x00"
    assert not signature_holds(signed)
