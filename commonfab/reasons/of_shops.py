# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why a shop agent does not take, start or go on with something."""

from __future__ import annotations

from commonfab.reasons.term import Term

TERMS: dict[str, Term] = {}
