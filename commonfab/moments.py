# SPDX-License-Identifier: AGPL-3.0-or-later
"""Times, from how SQL keeps them to how the contract has them."""

from __future__ import annotations

from google.protobuf.timestamp_pb2 import Timestamp


def moment(seconds: float) -> Timestamp:
    """A time of SQL (seconds since 1970) as the contract has it."""
    at = Timestamp()
    at.FromNanoseconds(int(seconds * 1e9))
    return at
