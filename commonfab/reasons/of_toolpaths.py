# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with a toolpath."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS = {
    "toolpath.machine_specific": Term(
        "the file is a toolpath for {subject} and describes no part",
        "Publish the shape beside it; a toolpath runs only on the machine that it was made for.",
    ),
}
