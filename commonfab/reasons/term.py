# SPDX-License-Identifier: AGPL-3.0-or-later
"""One entry of the reason vocabulary."""

from __future__ import annotations

from dataclasses import dataclass

import grpc


@dataclass(frozen=True)
class Term:
    """A reason code's meaning.

    `sentence` is shown to a person, with places for figures; `remedy` says what the reader can do; `status` is the gRPC status
    of a call that is refused for this reason.
    """

    sentence: str
    remedy: str = ""
    status: grpc.StatusCode = grpc.StatusCode.FAILED_PRECONDITION
