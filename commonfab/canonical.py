# SPDX-License-Identifier: AGPL-3.0-or-later
"""One text for one meaning, so that a digest can name it.

The canonical form of a message is its JSON with the field names of the .proto files, without unset fields, with sorted keys, no white
space, and UTF-8. Numbers of 64 bits are texts, as the protobuf JSON mapping has them.
"""

from __future__ import annotations

import hashlib
import json
import re

from google.protobuf.message import Message

_SHA256 = re.compile(r"[0-9a-f]{64}")


def is_sha256(text: object) -> bool:
    """Whether `text` has the form in which files and revisions are named: a text of 64 lower-case hexadecimal digits."""
    return isinstance(text, str) and _SHA256.fullmatch(text) is not None


def canonical_json(message: Message) -> bytes:
    """The canonical form of `message`."""
    from google.protobuf.json_format import MessageToDict  # an idle shop agent writes no such form

    fields = MessageToDict(message, preserving_proto_field_name=True)
    return json.dumps(fields, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(message: Message) -> str:
    """SHA-256 of the canonical form, 64 lower-case hexadecimal digits."""
    return hashlib.sha256(canonical_json(message)).hexdigest()
