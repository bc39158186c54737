# SPDX-License-Identifier: AGPL-3.0-or-later
"""Messages of an upload as they arrive. A chunk is taken out of its message without a copy: each would be felt."""

from __future__ import annotations

from typing import Any

import grpc

from commonfab import v1

SERVICE = "commonfab.v1.DesignRegistry"
CHUNK_TAG = v1.UploadFileRequest.CHUNK_FIELD_NUMBER << 3 | 2
LONGEST_VARINT = 5
"""Bytes; 35 bits of length are more than one message may have."""

Piece = v1.UploadFileRequest | memoryview
"""One message of an upload: the bytes of a chunk, or any other message whole."""


def read_piece(raw: bytes) -> Piece:
    """A message as it came over the wire. Errors: `google.protobuf.message.DecodeError`."""
    if raw[:1] == bytes([CHUNK_TAG]):
        length = 0
        for at, byte in enumerate(raw[1 : 1 + LONGEST_VARINT]):
            length |= (byte & 0x7F) << 7 * at
            if byte < 0x80:
                if 2 + at + length == len(raw):
                    return memoryview(raw)[2 + at :]
                break
    message = v1.UploadFileRequest.FromString(raw)
    return memoryview(message.chunk) if message.WhichOneof("message") == "chunk" else message


def read_uploads_swiftly(server: grpc.aio.Server, servicer: Any) -> None:
    """Have `server` read uploads with `read_piece`. To be called after the built handlers were added: the last one counts."""
    handler = grpc.stream_unary_rpc_method_handler(
        servicer.UploadFile, request_deserializer=read_piece, response_serializer=v1.UploadFileResponse.SerializeToString
    )
    server.add_registered_method_handlers(SERVICE, {"UploadFile": handler})
