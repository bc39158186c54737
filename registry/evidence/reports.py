# SPDX-License-Identifier: AGPL-3.0-or-later
"""Build reports: somebody made it, and says how it went. Each is signed by its shop, and anybody can check that."""

from __future__ import annotations

import hashlib
import itertools
import math
from contextlib import nullcontext, suppress
from dataclasses import dataclass

import sqlalchemy as sa
from google.protobuf.message import DecodeError

from commonfab import v1
from commonfab.canonical import is_sha256
from commonfab.clock import Clock
from commonfab.errors import Refused
from commonfab.identity import build_signature_holds, signature_holds
from commonfab.moments import moment
from commonfab.place import is_coarse
from registry import knowledge
from registry.blobs import BlobStore
from registry.evidence.filing import MOST_PHOTOGRAPHS, page, subject
from registry.evidence.maturity import public_key
from registry.housekeeping.garbage import spare
from registry.inspection import Inspections
from registry.limits import LONGEST_LINE, check_count, check_length, check_signs
from registry.rows import revision_row
from registry.tables import BUILD_REPORTS, once

MOST_SETTINGS = 500
MOST_SIZES = 500

FEW = 20


@dataclass(frozen=True)
class BuildReports:
    """The build reports of one node."""

    engine: sa.Engine
    blobs: BlobStore
    inspections: Inspections
    clock: Clock

    def report(self, caller: v1.Token, request: v1.ReportBuildRequest) -> v1.ReportBuildResponse:
        """Take in a report. The same again gives the same answer; but one that had only been carried here counts once its shop reports it.

        A maker's token proves nothing about a shop, so what makers send was carried here.
        Errors: `Refused` (`build.*`, `evidence.part`, `revision.unknown`, `file.unknown`, `request.*`).
        """
        kept = _read(request)
        kept.carried = request.carried or caller.scope == v1.SCOPE_MAKER
        _check(kept)
        if caller.scope == v1.SCOPE_SHOP and kept.report.shop_id != caller.subject:
            raise Refused("build.shop", repr(kept.report.shop_id[:LONGEST_LINE]))
        self._settle_photographs(kept)
        return once(self.engine, lambda connection: self._store(connection, kept))

    def reports(self, request: v1.ListBuildReportsRequest) -> v1.ListBuildReportsResponse:
        """Reports of a revision or a design, newest first. Errors: `Refused` (`revision.unknown`, `page.token`)."""
        with self.engine.connect() as connection:
            received = BUILD_REPORTS.c.received_at
            found, following = page(connection, request.of, BUILD_REPORTS, received, request.page_size, request.page_token)
        return v1.ListBuildReportsResponse(reports=map(v1.KeptBuildReport.FromString, found), next_page_token=following)

    def _store(self, connection: sa.Connection, said: v1.KeptBuildReport) -> v1.ReportBuildResponse:
        about = subject(connection, said.report.revision_digest, said.report.part_name)
        row = connection.execute(sa.select(BUILD_REPORTS.c.message).where(BUILD_REPORTS.c.id == said.id).with_for_update()).scalar()
        before = v1.KeptBuildReport.FromString(bytes(row)) if row is not None else None
        if before is not None and (said.carried or not before.carried):
            return v1.ReportBuildResponse(kept=before, maturity=about.revision.maturity)
        kept, now = v1.KeptBuildReport(), self.clock.now()
        kept.CopyFrom(said)
        kept.received_at.CopyFrom(before.received_at if before is not None else moment(now))
        kept.another_key = self._has_another_key(connection, kept)
        if before is not None:
            connection.execute(BUILD_REPORTS.update().where(BUILD_REPORTS.c.id == kept.id).values(message=kept.SerializeToString()))
        else:
            values = {
                "id": kept.id,
                "digest": about.revision.digest,
                "design_id": about.design.id,
                "shop_id": kept.report.shop_id,
                "received_at": now,
                "message": kept.SerializeToString(),
            }
            connection.execute(BUILD_REPORTS.insert().values(values))
        photographs = set(kept.report.photographs)
        spare(connection, photographs if _must_be_here(kept) else set(filter(self.blobs.has, photographs)), self.blobs)
        told = {about.revision.digest: v1.CommonsEvent(build_reported=kept)}
        knowledge.refresh(connection, self.inspections, [about.revision.digest], told)
        found = revision_row(connection, about.revision.digest)
        assert found is not None
        return v1.ReportBuildResponse(kept=kept, maturity=found["maturity"])

    def _has_another_key(self, connection: sa.Connection, kept: v1.KeptBuildReport) -> bool:
        """Whether the first report of this shop that it did not only carry here is signed with another key."""
        same_shop = (BUILD_REPORTS.c.shop_id == kept.report.shop_id) & (BUILD_REPORTS.c.id != kept.id)
        query = sa.select(BUILD_REPORTS.c.message).where(same_shop).order_by(BUILD_REPORTS.c.received_at, BUILD_REPORTS.c.id)
        for begin in itertools.count(step=FEW):  # the first one nearly always settles it
            rows = connection.execute(query.limit(FEW).offset(begin)).scalars().all()
            for first in map(v1.KeptBuildReport.FromString, map(bytes, rows)):
                if not first.carried:
                    return public_key(first) != public_key(kept)
            if not rows:
                break
        return False

    def _settle_photographs(self, kept: v1.KeptBuildReport) -> None:
        """Errors: `Refused` (`file.unknown`) where they must be here."""
        for sha256 in dict.fromkeys(kept.report.photographs):
            with nullcontext() if _must_be_here(kept) else suppress(Refused):
                self.blobs.settle([sha256])


def _must_be_here(kept: v1.KeptBuildReport) -> bool:
    """Whether it is refused without its photographs. Those of what was carried here, and of work from a ledger, may come later or never: a
    workshop behind a slow line sends its report first."""
    return not kept.carried and kept.HasField("signed_report")


def _read(request: v1.ReportBuildRequest) -> v1.KeptBuildReport:
    """The report with its evidence, whose signature holds. Errors: `Refused` (`build.signature`, `request.*`)."""
    kind = request.WhichOneof("evidence")
    if kind is None:
        raise Refused("request.missing", "the report")
    if not is_coarse(request.place):
        raise Refused("request.malformed", f"{request.place.cell[:LONGEST_LINE]} is not an H3 cell of resolution 7 or coarser")
    kept = v1.KeptBuildReport(place=request.place if request.place.cell else None)
    try:
        if kind == "report":
            said, holds = request.report.report, build_signature_holds(request.report)
            kept.signed_report.CopyFrom(request.report)
            kept.report.CopyFrom(v1.BuildReport.FromString(said))
        else:
            said, holds = request.work.work, signature_holds(request.work)
            kept.signed_work.CopyFrom(request.work)
            kept.report.CopyFrom(_of_work(v1.CompletedWork.FromString(said)))
    except DecodeError:
        raise Refused("request.malformed", "the signed bytes are not a report") from None
    if not holds:
        raise Refused("build.signature")
    kept.id = hashlib.sha256(said).hexdigest()
    return kept


def _of_work(work: v1.CompletedWork) -> v1.BuildReport:
    """What the ledger knows of a build; when it was made it does not.

    An entry of a ledger never changes, so what would be refused in it is left out: sizes that are no numbers, photographs that name no
    file.
    """
    return v1.BuildReport(
        revision_digest=work.revision_digest,
        part_name=work.part_name,
        shop_id=work.shop_id,
        machine=work.machine_id,
        process=work.process,
        material=work.material,
        pieces_good=work.pieces_good,
        pieces_scrap=work.pieces_scrap,
        note=work.note,
        control=work.control,
        work_order_id=work.attempt.work_order_id,
        sizes=list(filter(_is_measured, work.sizes))[:MOST_SIZES],
        photographs=list(filter(is_sha256, work.photographs))[:MOST_PHOTOGRAPHS],
    )


def _check(kept: v1.KeptBuildReport) -> None:
    """Errors: `Refused` (`build.pieces`, `request.*`)."""
    report = kept.report
    check_signs(report)
    if not report.shop_id:
        raise Refused("request.missing", "the shop")
    # An attempt that failed before its first piece stands in the ledger and is evidence too.
    if kept.HasField("signed_report") and not report.pieces_good and not report.pieces_scrap:
        raise Refused("build.pieces")
    for what in ("shop_id", "machine", "process", "material", "control", "work_order_id"):
        check_length(what, getattr(report, what), LONGEST_LINE)
    for what in ("went_wrong", "note"):
        check_length(what, getattr(report, what))
    check_count("the settings", report.settings, MOST_SETTINGS)
    check_count("the sizes", report.sizes, MOST_SIZES)
    check_count("the photographs", report.photographs, MOST_PHOTOGRAPHS)
    if not all(map(_is_measured, report.sizes)):
        raise Refused("request.malformed", "a measured size is a number of millimetres")


def _is_measured(size: v1.MeasuredSize) -> bool:
    return math.isfinite(size.nominal_mm) and math.isfinite(size.measured_mm)
