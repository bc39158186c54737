# SPDX-License-Identifier: AGPL-3.0-or-later
"""Why something is so: the vocabulary of reason codes, and how a reason is made from one.

Each code has a sentence with places for its figures (`{needs}`), its subject (`{subject}`), and a remedy: what the reader can do.
`docs/reason-codes.md` lists them all and a test keeps it true.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from commonfab import v1
from commonfab.reasons import (
    of_calls,
    of_commands,
    of_designs,
    of_drawings,
    of_evidence,
    of_files,
    of_gate,
    of_housekeeping,
    of_licences,
    of_lineage,
    of_machines,
    of_making,
    of_manifests,
    of_meshes,
    of_shops,
    of_solids,
    of_toolpaths,
    of_units,
    of_work,
)
from commonfab.reasons.term import Term
from commonfab.units import Quantity

_PARTS = (
    of_calls,
    of_commands,
    of_designs,
    of_licences,
    of_lineage,
    of_files,
    of_units,
    of_meshes,
    of_solids,
    of_drawings,
    of_toolpaths,
    of_making,
    of_machines,
    of_shops,
    of_gate,
    of_work,
    of_manifests,
    of_evidence,
    of_housekeeping,
)

REASONS: Mapping[str, Term] = MappingProxyType({code: term for part in _PARTS for code, term in part.TERMS.items()})
"""Every code with its term."""


def reason(code: str, subject: str = "", **figures: float | Quantity) -> v1.Reason:
    """The reason `code` with its figures.

    Parameters: `subject`, the name that the sentence is about, if any; `figures`, each by the name that the sentence uses.
    Errors: `KeyError` for an unknown code or a figure that the sentence needs and was not given; both are mistakes in our code.
    """
    quantities = {name: f if isinstance(f, Quantity) else Quantity(f) for name, f in figures.items()}
    message = REASONS[code].sentence.format(subject=subject, **{name: str(q) for name, q in quantities.items()})
    written = [v1.Figure(name=name, value=q.value, unit=q.unit) for name, q in quantities.items()]
    return v1.Reason(code=code, message=message, figures=written, subject=subject)


def remedy_of(told: v1.Reason) -> str:
    """What can be done about a reason; empty where nothing can, or where a newer version gave it."""
    term = REASONS.get(told.code)
    return term.remedy.replace("{subject}", told.subject) if term else ""


def refusal(code: str, subject: str = "", **figures: float | Quantity) -> v1.Refusal:
    """The refusal for `code`: the reason and what to do about it. Parameters and errors as for `reason`."""
    return v1.Refusal(reason=reason(code, subject, **figures), remedy=REASONS[code].remedy.replace("{subject}", subject))
