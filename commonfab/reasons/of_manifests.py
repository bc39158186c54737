# SPDX-License-Identifier: AGPL-3.0-or-later
"""What is the matter with an Open Know-How manifest, and what was put right in one.

The subject of a repair names the key, what was there, and what it became: "name: 'Gear\\n' → 'Gear'".
"""

from __future__ import annotations

from grpc import StatusCode

from commonfab.reasons.term import Term

_SAY_SO = "Nothing needs to be done; commonfab okh convert writes it as it was understood."

TERMS = {
    "okh.unreadable": Term(
        "the manifest cannot be read: {subject}",
        "Correct that line: a manifest is TOML, or YAML for version 1.0.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "okh.large": Term(
        "the manifest {subject} is longer, deeper or larger than any manifest is",
        "A manifest has up to 262,144 characters and 50,000 values; look whether it is the right file.",
        StatusCode.INVALID_ARGUMENT,
    ),
    "okh.no_name": Term(
        "{subject} has no name, so it is no manifest",
        "Give it the key name (in version 1.0: title).",
        StatusCode.INVALID_ARGUMENT,
    ),
    "okh.none": Term(
        "there is no manifest in {subject}", "A manifest has okh in its name and ends with .toml, .yml or .yaml.", StatusCode.NOT_FOUND
    ),
    "okh.version": Term("the version of the specification is not one that is known; read as 2.4: {subject}", _SAY_SO),
    "okh.key": Term("a key is spelled otherwise: {subject}", _SAY_SO),
    "okh.spaces": Term("there was space around a text: {subject}", _SAY_SO),
    "okh.empty": Term("nothing stands there: {subject}", "Leave keys out that have no value."),
    "okh.several": Term("several values stand where one is expected: {subject}", _SAY_SO),
    "okh.as_text": Term("what is no text stands where one is expected: {subject}", _SAY_SO),
    "okh.as_number": Term("a number stands there as a text: {subject}", _SAY_SO),
    "okh.as_list": Term("a table stands there alone: {subject}", _SAY_SO),
    "okh.as_table": Term("a text stands where a table is expected: {subject}", _SAY_SO),
    "okh.windows_path": Term("a path is separated as Windows does: {subject}", "Write / between folders."),
    "okh.absolute_path": Term("a path does not begin in the repository: {subject}", "Write paths from the manifest's folder on."),
    "okh.dimensions": Term("dimensions stand there in an older form: {subject}", _SAY_SO),
    "okh.brackets": Term("dimensions lack a bracket: {subject}", _SAY_SO),
    "okh.mass": Term("a mass stands there in an older form: {subject}", _SAY_SO),
    "okh.level": Term("a readiness level stands there by another name: {subject}", _SAY_SO),
    "okh.language": Term("a language stands there by another name: {subject}", "Write language tags such as en-GB."),
    "okh.indentation": Term("lines had lost their indentation: {subject}", "Indent what stands below a key."),
}
