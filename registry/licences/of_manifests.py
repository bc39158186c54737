# SPDX-License-Identifier: AGPL-3.0-or-later
"""The three licences of a manifest: the hardware's, the documents' and the software's."""

from __future__ import annotations

from commonfab import v1
from commonfab.reasons import reason
from registry.licences.expressions import branches
from registry.licences.obligations import Subject, terms_of
from registry.licences.understanding import Licences


def correct_licences(manifest: v1.Manifest, licences: Licences) -> None:
    """Write the licences of `manifest` as SPDX writes them; what is no SPDX licence stays as it was given.

    Errors: `Refused` (`licence.missing`).
    """
    manifest.licence = licences.understood(manifest.licence).expression
    for name in ("documentation_licence", "software_licence"):
        given = getattr(manifest, name)
        setattr(manifest, name, licences.understood(given).expression if given.strip() else "")


def licence_notes(manifest: v1.Manifest, licences: Licences) -> list[v1.Reason]:
    """What is worth knowing of the licences as they stand in `manifest`: corrected, unknown, or drafted for something else.

    Errors: `Refused` (`licence.missing`).
    """
    given = {
        Subject.HARDWARE: manifest.licence,
        Subject.DOCUMENTATION: manifest.documentation_licence,
        Subject.SOFTWARE: manifest.software_licence,
    }
    found = []
    for subject, text in given.items():
        if text.strip() or subject is Subject.HARDWARE:
            understood = licences.understood(text)
            found += [*understood.notes, *_drafted_for(understood.expression, subject)]
    return list({(note.code, note.subject): note for note in found}.values())


def _drafted_for(expression: str, subject: Subject) -> list[v1.Reason]:
    """Worth knowing where no licence of the expression was drafted for what it stands at."""
    named = dict.fromkeys(licence.identifier for choice in branches(expression) for licence in choice)
    terms = [terms_of(identifier) for identifier in named]
    if any(asked is None or subject in asked.drafted_for for asked in terms):
        return []
    return [reason("licence.drafted_for", f"{' and '.join(named)}, for {subject.value}")] if named else []
