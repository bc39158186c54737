# SPDX-License-Identifier: AGPL-3.0-or-later
"""The signed report of what an attempt made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from google.protobuf.duration_pb2 import Duration

from commonfab import v1
from shop_agent.machine_section import MachineSection
from shop_agent.records import AttemptRecord
from shop_agent.slicing import material_for

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey


def report(attempt: AttemptRecord, machine: MachineSection, shop_id: str, key: Ed25519PrivateKey) -> v1.SignedWork:
    """What was made so far, signed. Times and grams are the sums over all pieces, spoiled ones too."""
    from commonfab.identity import sign_work  # brings cryptography along, which an idle agent does without

    machine_time = Duration()
    machine_time.FromMilliseconds(round(1000 * sum(piece.seconds for piece in attempt.pieces)))
    toolpath = attempt.toolpath
    work = v1.CompletedWork(
        attempt=attempt.ref,
        job_id=attempt.offer.job_id,
        revision_digest=attempt.offer.revision_digest,
        part_name=attempt.offer.part_name,
        shop_id=shop_id,
        machine_id=machine.id,
        control=machine.control,
        process=machine.process,
        material=material_for(attempt.offer, machine),
        pieces_good=attempt.good,
        pieces_scrap=attempt.scrap,
        machine_time=machine_time,
        grams=round(sum(piece.grams for piece in attempt.pieces), 3),
        toolpath_sha256=toolpath.sha256 if toolpath else "",
        note=toolpath.note if toolpath else "",
    )
    return sign_work(work, key)
