# SPDX-License-Identifier: AGPL-3.0-or-later
"""A recall put into one sentence, the same wherever it is told."""

from __future__ import annotations

from commonfab import v1
from commonfab.reasons import reason

RECALLED = "revision.recalled"


def recall_text(recall: v1.Recall) -> str:
    """Why it was recalled, and what to make instead, if there is anything."""
    return f"{recall.reason}; make revision {recall.instead} instead" if recall.instead else recall.reason


def recall_reason(recall: v1.Recall) -> v1.Reason:
    """The recall as the reason why nothing is made of a revision (`revision.recalled`)."""
    return reason(RECALLED, recall_text(recall))
