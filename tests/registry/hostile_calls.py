# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages that nobody in their right mind sends: built from the contract's descriptors, of any value that fits on the wire."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass
from hypothesis import strategies as st

MANY = 10_000
DEEPEST = 5

_NASTY_TEXTS = (
    *("", "\0", "a\0b", " ", "\n", "%", "_", "'", '"', "\\", "; DROP TABLE designs", "../../etc/passwd", "C:\\x", "/", "\u202e", "\ufeff"),
    *(
        "ß" * 300,
        "x" * 20_000,
        "🜁" * 100,
        "\ud7ff\ue000",
        "NaN",
        "-1",
        "1e999",
        "٣",
        "a" * 64,
        "0" * 64,
        "871f1d489ffffff",
        "fdm",
        "pla",
        "mm",
    ),
    *("CERN-OHL-S-2.0", "MIT AND (", "http://[", "http://x", "en-GB", "AND OR NOT NEAR(", 'a" OR "b', "virtual", "part"),
)
_NUMBERS: dict[int, tuple[Any, ...]] = {
    FieldDescriptor.CPPTYPE_INT32: (0, 1, -1, 2**31 - 1, -(2**31)),
    FieldDescriptor.CPPTYPE_INT64: (0, 1, -1, 2**63 - 1, -(2**63), 253402300800),
    FieldDescriptor.CPPTYPE_UINT32: (0, 1, 2, 501, 2**31, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 1, 1024, 2**31, 2**53, 2**63, 2**64 - 1),
    FieldDescriptor.CPPTYPE_DOUBLE: (0.0, -0.0, 1.0, -1.0, 0.1, 1e308, -1e308, 5e-324, float("inf"), float("-inf"), float("nan")),
    FieldDescriptor.CPPTYPE_BOOL: (False, True),
    FieldDescriptor.CPPTYPE_ENUM: (0, 1, 2, 3, 6, 77, -1, 2**31 - 1, -(2**31)),
}
_NUMBERS[FieldDescriptor.CPPTYPE_FLOAT] = (0.0, 1.0, float("nan"), float("inf"))


def _value(field: FieldDescriptor, known: Sequence[str], depth: int) -> st.SearchStrategy[Any]:
    """A value of a field that is no list. Parameters: `known`, names that mean something to the node that is called."""
    if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
        return messages(field.message_type, known, depth + 1)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.sampled_from([b"", b"\0", b"\xff" * 32, b"\0" * 64, b"\x08", b"x" * 100_000]) | st.binary(max_size=70)
    if field.cpp_type == FieldDescriptor.CPPTYPE_STRING:
        of_the_wire = st.text(st.characters(exclude_categories=["Cs"]), max_size=80)
        return st.sampled_from(known) | st.sampled_from(_NASTY_TEXTS) | of_the_wire
    return st.sampled_from(_NUMBERS[field.cpp_type])


@st.composite
def messages(draw: st.DrawFn, descriptor: Descriptor, known: Sequence[str], depth: int = 0) -> Message:
    """Any message of this type."""
    message = GetMessageClass(descriptor)()
    fill(draw, message, known, depth)
    return message


def fill(draw: st.DrawFn, message: Message, known: Sequence[str], depth: int = 0) -> None:
    """Set some fields of a message to anything."""
    fields = list(message.DESCRIPTOR.fields)
    if depth >= DEEPEST or not fields:
        return
    for field in draw(st.lists(st.sampled_from(fields), unique_by=lambda field: field.name, max_size=min(len(fields), 6))):
        if not field.is_repeated:
            _set(message, field, draw(_value(field, known, depth)))
            continue
        some = draw(st.lists(_value(field, known, depth), min_size=1, max_size=3))
        times = draw(st.sampled_from([1, 1, 1, MANY]))
        if times > 1 and field.cpp_type in (FieldDescriptor.CPPTYPE_MESSAGE, FieldDescriptor.CPPTYPE_STRING):
            some = [one for one in some if _size(one) <= 300][:1]  # what is longer than a message may be, nobody's code ever sees
        message.ClearField(field.name)
        getattr(message, field.name).extend(some * times)


def _size(value: Any) -> int:
    return value.ByteSize() if isinstance(value, Message) else len(value)


def _set(message: Message, field: FieldDescriptor, value: Any) -> None:
    if isinstance(value, Message):
        getattr(message, field.name).CopyFrom(value)
    else:
        setattr(message, field.name, value)


@st.composite
def spoilt(draw: st.DrawFn, right: Message, known: Sequence[str]) -> Message:
    """A message that is right, but for one of the messages in it, where some fields are anything."""
    message = type(right)()
    message.CopyFrom(right)
    fill(draw, draw(st.sampled_from(list(_inside(message)))), known)
    return message


def _inside(message: Message) -> Any:
    yield message
    for field, value in message.ListFields():
        if field.cpp_type == FieldDescriptor.CPPTYPE_MESSAGE:
            for one in value if field.is_repeated else [value]:
                yield from _inside(one)
