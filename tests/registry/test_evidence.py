# SPDX-License-Identifier: AGPL-3.0-or-later
"""Build reports: a shop says what it made, with its signature, and the revision's maturity follows."""

from __future__ import annotations

import hashlib
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import sqlalchemy as sa
from evidence_store import BERLIN, STEWARD, Store, build, key_of, signed, token

from commonfab import v1
from commonfab.database import open_database
from commonfab.errors import Refused
from commonfab.identity import sign_work
from registry.evidence.events import EVENTS_LOCK
from registry.housekeeping.names import photographs
from registry.tables import REVISIONS

LENA = token("lenas-garage")


def code_of(store: Store, caller: v1.Token, request: v1.ReportBuildRequest) -> str:
    with pytest.raises(Refused) as caught:
        store.reports.report(caller, request)
    return caught.value.code


def listed(store: Store, of: str, size: int = 0, token: str = "") -> v1.ListBuildReportsResponse:
    return store.reports.reports(v1.ListBuildReportsRequest(of=of, page_size=size, page_token=token))


def test_a_shops_report_is_kept_with_its_evidence_and_moves_the_maturity(each_store: Store) -> None:
    gear = each_store.revision("design-gear", "gear")
    assert each_store.maturity(gear) == v1.MATURITY_DRAFT
    request = signed(build(gear, part="gear", good=3, process="fdm", went_wrong="the first one warped"), place=BERLIN)
    answer = each_store.reports.report(LENA, request)
    assert answer.maturity == each_store.maturity(gear) == v1.MATURITY_BUILT
    kept = answer.kept
    assert kept.id == hashlib.sha256(request.report.report).hexdigest() and kept.signed_report == request.report
    assert kept.report.went_wrong == "the first one warped" and kept.place == BERLIN and not kept.carried and not kept.another_key
    assert list(listed(each_store, gear).reports) == list(listed(each_store, "design-gear").reports) == [kept]
    assert each_store.happened() == ["revision_published", "build_reported", "maturity_changed"]
    told = each_store.events()
    assert told[1].build_reported == kept and told[1].processes == ["fdm"] and list(told[1].places) == [BERLIN]
    assert (told[2].maturity_changed.before, told[2].maturity_changed.now) == (v1.MATURITY_DRAFT, v1.MATURITY_BUILT)


def test_the_same_report_again_changes_nothing(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    request = signed(build(gear, part="gear"))
    first = store.reports.report(LENA, request)
    assert store.reports.report(LENA, request) == store.reports.report(STEWARD, request) == first
    assert store.happened().count("build_reported") == 1


def test_a_report_is_what_its_signature_is_over(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    request = signed(build(gear, part="gear"))
    request.report.report = build(gear, part="gear", good=9).SerializeToString()
    assert code_of(store, LENA, request) == "build.signature"
    unsigned = v1.ReportBuildRequest(report=v1.SignedBuildReport(report=build(gear).SerializeToString()))
    assert code_of(store, LENA, unsigned) == "build.signature"
    work = sign_work(v1.CompletedWork(revision_digest=gear, shop_id="lenas-garage", pieces_good=1), key_of("lenas-garage"))
    disguised = v1.Signature(public_key=work.public_key, signature=work.signature)
    as_report = v1.ReportBuildRequest(report=v1.SignedBuildReport(report=work.work, signature=disguised))
    assert code_of(store, STEWARD, as_report) == "build.signature"
    assert store.happened() == ["revision_published"]


def test_a_shop_reports_only_for_itself(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    assert code_of(store, LENA, signed(build(gear, shop="ottos-shed"))) == "build.shop"
    assert not store.reports.report(STEWARD, signed(build(gear, shop="ottos-shed"))).kept.carried


def test_what_a_maker_brings_is_shown_and_proves_nothing(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    answer = store.reports.report(token("ada", v1.SCOPE_MAKER), signed(build(gear, good=50), carried=False))
    assert answer.kept.carried and answer.maturity == v1.MATURITY_DRAFT
    assert len(listed(store, gear).reports) == 1


def test_a_report_that_was_only_carried_counts_once_its_shop_says_it_itself(store: Store) -> None:
    """Somebody else may have signed the same words with a key of their own, to be there first."""
    gear = store.revision("design-gear", "gear")
    forged = store.reports.report(token("eve", v1.SCOPE_MAKER), signed(build(gear), key="eve"))
    true = store.reports.report(LENA, signed(build(gear)))
    assert true.kept.id == forged.kept.id and true.maturity == v1.MATURITY_BUILT
    assert list(listed(store, gear).reports) == [true.kept]
    assert true.kept.signed_report.signature.public_key == key_of("lenas-garage").public_key().public_bytes_raw()
    assert store.reports.report(token("eve", v1.SCOPE_MAKER), signed(build(gear), key="eve")) == true


def test_another_key_of_a_shop_is_noted(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    store.reports.report(token("eve", v1.SCOPE_MAKER), signed(build(gear, good=7), key="eve"))
    store.clock.advance(1)  # type: ignore[attr-defined]
    assert not store.reports.report(LENA, signed(build(gear, good=1))).kept.another_key
    store.clock.advance(1)  # type: ignore[attr-defined]
    assert store.reports.report(LENA, signed(build(gear, good=2), key="a new computer")).kept.another_key
    assert not store.reports.report(LENA, signed(build(gear, good=3))).kept.another_key


def test_work_from_the_ledger_becomes_a_report(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    attempt = v1.AttemptRef(work_order_id="wo-7", number=1, epoch=3)
    work = v1.CompletedWork(attempt=attempt, revision_digest=gear, part_name="gear", shop_id="lenas-garage", machine_id="mk3")
    work.MergeFrom(v1.CompletedWork(control="octoprint", process="fdm", material="petg", pieces_good=4, pieces_scrap=1, note="slow"))
    answer = store.reports.report(STEWARD, v1.ReportBuildRequest(work=sign_work(work, key_of("lenas-garage")), place=BERLIN))
    assert answer.kept.report == build(
        gear, part="gear", good=4, pieces_scrap=1, machine="mk3", process="fdm", material="petg", note="slow", control="octoprint",
        work_order_id="wo-7",
    )  # fmt: skip
    assert answer.maturity == v1.MATURITY_BUILT
    work.pieces_good, work.pieces_scrap, work.attempt.number = 0, 0, 2
    failed = v1.ReportBuildRequest(work=sign_work(work, key_of("lenas-garage")))
    assert store.reports.report(STEWARD, failed).maturity == v1.MATURITY_BUILT
    forged = v1.ReportBuildRequest(work=v1.SignedWork(work=work.SerializeToString(), signature=b"0" * 64, public_key=b"0" * 32))
    assert code_of(store, STEWARD, forged) == "build.signature"


def test_work_of_a_virtual_machine_proves_nothing(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    assert store.reports.report(LENA, signed(build(gear, control="virtual"))).maturity == v1.MATURITY_DRAFT


def test_what_a_report_names_must_be_here(store: Store, tmp_path: Path) -> None:
    gear = store.revision("design-gear", "gear")
    assert code_of(store, LENA, signed(build("0" * 64))) == "revision.unknown"
    assert code_of(store, LENA, signed(build(gear, part="pin"))) == "evidence.part"
    picture = tmp_path / "photo.jpg"
    picture.write_bytes(b"a photograph")
    named = hashlib.sha256(picture.read_bytes()).hexdigest()
    with_picture = signed(build(gear, photographs=[named]))
    assert code_of(store, LENA, with_picture) == "file.unknown"
    assert store.reports.report(token("ada", v1.SCOPE_MAKER), with_picture).kept.carried, "its photographs may come later"
    store.reports.blobs.adopt(picture)
    assert list(store.reports.report(LENA, with_picture).kept.report.photographs) == [named]


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        (v1.BuildReport(shop_id="lenas-garage"), "build.pieces"),
        (v1.BuildReport(pieces_good=1), "request.missing"),
        (v1.BuildReport(shop_id="lenas-garage", pieces_good=1, note="x" * 10_001), "request.malformed"),
        (v1.BuildReport(shop_id="lenas-garage", pieces_good=1, sizes=[v1.MeasuredSize(measured_mm=float("nan"))]), "request.malformed"),
        (v1.BuildReport(shop_id="lenas-garage", pieces_good=1, photographs=["0" * 64] * 51), "request.malformed"),
    ],
)
def test_a_report_that_says_nothing_or_too_much_is_refused(store: Store, wrong: v1.BuildReport, code: str) -> None:
    assert code_of(store, LENA, signed(wrong, key="lenas-garage")) == code


def test_the_place_is_coarse_and_the_bytes_are_a_report(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    exact = v1.Place(cell="8a1f1d4890e7fff")
    assert code_of(store, LENA, signed(build(gear), place=exact)) == "request.malformed"
    assert code_of(store, LENA, v1.ReportBuildRequest()) == "request.missing"
    assert code_of(store, LENA, v1.ReportBuildRequest(report=v1.SignedBuildReport(report=b"\xff\xff"))) == "request.malformed"


def test_reports_are_listed_newest_first_page_by_page(each_store: Store) -> None:
    first, second = each_store.revision("design-gear", "gear"), each_store.revision("design-gear", "gear")
    for number in range(5):
        each_store.reports.report(LENA, signed(build(second if number % 2 else first, good=number + 1)))
        each_store.clock.advance(number % 2)  # type: ignore[attr-defined]
    pages, mark = [], ""
    while True:
        page = listed(each_store, "design-gear", 2, mark)
        pages.append([kept.report.pieces_good for kept in page.reports])
        if not (mark := page.next_page_token):
            break
    assert [len(page) for page in pages] == [2, 2, 1]
    listed_pieces = [pieces for page in pages for pieces in page]
    assert [set(listed_pieces[:1]), set(listed_pieces[1:3]), set(listed_pieces[3:])] == [{5}, {3, 4}, {1, 2}]
    assert sorted(kept.report.pieces_good for kept in listed(each_store, second).reports) == [2, 4]
    for wrong in ({"of": "design-none"}, {"of": first, "token": "x"}):
        with pytest.raises(Refused):
            listed(each_store, **wrong)  # type: ignore[arg-type]


@pytest.mark.parametrize("each_store", ["sqlite", "postgresql"], indirect=True)
def test_reports_that_come_at_once_all_count(each_store: Store) -> None:
    """Each would see itself only, and nobody the series, were the maturity computed side by side."""
    for _ in range(2):
        gear = each_store.revision("design-gear", "gear")
        requests = [signed(build(gear, shop=f"shop-{number}", good=4)) for number in range(6)]
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda request: each_store.reports.report(STEWARD, request), [*requests, *requests[:2]]))
        assert each_store.maturity(gear) == max(answer.maturity for answer in answers) == v1.MATURITY_IN_PRODUCTION
    numbers = [event.number for event in each_store.events()]
    assert numbers == list(range(1, len(numbers) + 1))
    assert each_store.happened().count("build_reported") == 12


@pytest.mark.slow
@pytest.mark.parametrize("each_store", ["postgresql"], indirect=True)
def test_who_waited_for_somebody_who_waited_for_them_is_served_all_the_same(each_store: Store) -> None:
    """PostgreSQL undoes one of two transactions that hold what the other wants."""
    gear = each_store.revision("design-gear", "gear")
    holds_events, holds_gear = threading.Event(), threading.Event()

    def other_way_round() -> None:
        """Adds an event first and changes a revision afterwards, as nothing of ours should."""
        with each_store.engine.begin() as connection:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({EVENTS_LOCK})")
            connection.exec_driver_sql("SET LOCAL deadlock_timeout = '250s'")  # so that it is the other who is undone
            holds_events.set()
            holds_gear.wait(60)
            connection.execute(sa.select(REVISIONS.c.digest).where(REVISIONS.c.digest == gear).with_for_update(key_share=True))

    def has_gear(connection: sa.Connection, cursor: object, statement: str, *rest: object) -> None:
        """The first time it goes on when the other waits for it: PostgreSQL looks for a deadlock once, a second after a wait began."""
        if "FOR NO KEY UPDATE" in statement and not holds_gear.is_set():
            holds_gear.set()
            with watching.connect() as looking:
                while not looking.exec_driver_sql("SELECT count(*) FROM pg_locks WHERE NOT granted").scalar_one():
                    time.sleep(0.01)

    watching = open_database(each_store.engine.url.render_as_string(hide_password=False))
    sa.event.listen(each_store.engine, "after_cursor_execute", has_gear)
    with ThreadPoolExecutor(1) as pool:
        other = pool.submit(other_way_round)
        assert holds_events.wait(60)
        assert each_store.reports.report(LENA, signed(build(gear))).maturity == v1.MATURITY_BUILT
        other.result(60)
    watching.dispose()


def test_sizes_and_photographs_of_work_from_the_ledger_follow_it_and_a_photograph_may_come_after_it(store: Store) -> None:
    """A workshop behind a slow line sends its report first: that must neither be refused nor lose the picture."""
    gear = store.revision("design-gear", "gear")
    picture = b"\x89PNG a gear"
    sha256 = hashlib.sha256(picture).hexdigest()
    work = v1.CompletedWork(
        attempt=v1.AttemptRef(work_order_id="wo-8", number=1, epoch=1),
        revision_digest=gear,
        shop_id="lenas-garage",
        pieces_good=1,
        sizes=[
            v1.MeasuredSize(name="bore", nominal_mm=8, measured_mm=8.1),
            v1.MeasuredSize(name="length", nominal_mm=20, measured_mm=float("nan")),
        ],
        photographs=[sha256, "../../etc/passwd"],
    )
    request = v1.ReportBuildRequest(work=sign_work(work, key_of("lenas-garage")))
    kept = store.reports.report(STEWARD, request).kept
    assert [(size.name, size.measured_mm) for size in kept.report.sizes] == [("bore", 8.1)]
    assert list(kept.report.photographs) == [sha256]
    assert code_of(store, LENA, signed(build(gear, photographs=[sha256]))) == "file.unknown"  # whoever writes a report has its pictures
    with store.engine.connect() as connection:
        assert sha256 in {named.sha256 for named in photographs(connection)}  # so it is kept, once it comes
