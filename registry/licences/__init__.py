# SPDX-License-Identifier: AGPL-3.0-or-later
"""Licences: understood as SPDX expressions, what they ask, what may be made of what, and the notice that travels with a design.

Everything here is a program's reading of the licences' texts, to help people choose. It is not legal advice.
"""

from registry.licences.compatibility import Outcome, Verdict, bill_verdict, fork_verdict
from registry.licences.notice import NoticeEntry, notice_of
from registry.licences.of_manifests import correct_licences, licence_notes
from registry.licences.understanding import Licences, Understood

__all__ = [
    "Licences",
    "NoticeEntry",
    "Outcome",
    "Understood",
    "Verdict",
    "bill_verdict",
    "correct_licences",
    "fork_verdict",
    "licence_notes",
    "notice_of",
]
