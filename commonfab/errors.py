# SPDX-License-Identifier: AGPL-3.0-or-later
"""Errors with the facts in them, the same on both sides of a call.

A room raises `Refused`; the server sends its reason and remedy as a detail of the gRPC status; the client reads them back with
`refusal_of`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import grpc

from commonfab import v1
from commonfab.reasons import REASONS, reason, remedy_of
from commonfab.units import Quantity

if TYPE_CHECKING:
    from google.rpc import status_pb2

LONGEST_TOLD = 1000
"""Bytes of each text of a refusal. It travels in the trailer of a call, of which a client takes 8 KiB: three texts and, with every byte
written as three, the status; what a caller sent, and is told of, may be longer."""


class Refused(Exception):
    """Something was not done, for a reason that has a code. Nothing was changed."""

    def __init__(self, code: str, subject: str = "", **figures: float | Quantity) -> None:
        self.reason = reason(code, subject, **figures)
        self.remedy = REASONS[code].remedy.replace("{subject}", subject)
        self.status = REASONS[code].status
        super().__init__(f"{self.reason.message}. {self.remedy}".rstrip())

    @classmethod
    def relayed(cls, told: v1.Refusal, status: grpc.StatusCode) -> Refused:
        """A refusal that another room of this node gave, to be passed on as it is."""
        error = cls.__new__(cls)
        error.reason, error.remedy, error.status = told.reason, told.remedy, status
        Exception.__init__(error, f"{told.reason.message}. {told.remedy}".rstrip())
        return error

    @property
    def code(self) -> str:
        """The reason's code."""
        return self.reason.code

    def message(self) -> v1.Refusal:
        """The refusal as it travels."""
        return v1.Refusal(reason=self.reason, remedy=self.remedy)


def refused_for(told: v1.Reason) -> Refused:
    """The refusal for a reason that was made before, with its remedy. Errors: `KeyError` for a code that is not ours."""
    return Refused.relayed(v1.Refusal(reason=told, remedy=remedy_of(told)), REASONS[told.code].status)


def status_of(error: Refused) -> grpc.Status:
    """The gRPC status, with the refusal as its detail, for a server to end a call with."""
    from google.rpc import status_pb2  # a caller to whom nothing is refused does without both
    from grpc_status import rpc_status

    code, _ = error.status.value
    refusal = v1.Refusal()
    refusal.CopyFrom(error.message())
    for message, texts in ((refusal.reason, ("message", "subject")), (refusal, ("remedy",))):
        for text in texts:
            setattr(message, text, _cut(getattr(message, text)))
    told = status_pb2.Status(code=code, message=_cut(str(error)))
    told.details.add().Pack(refusal)
    return rpc_status.to_status(told)


def _cut(text: str) -> str:
    """The beginning of a text where it is too long to travel."""
    written = text.encode()
    return text if len(written) <= LONGEST_TOLD else written[: LONGEST_TOLD - 3].decode(errors="ignore") + "…"


def refusal_of(error: grpc.RpcError) -> v1.Refusal | None:
    """The refusal in a failed call, or None where the server sent none (a broken connection, a foreign server)."""
    from grpc_status import rpc_status

    told = rpc_status.from_call(error) if isinstance(error, grpc.Call) else _from_aio(error)
    for detail in told.details if told is not None else ():
        refusal = v1.Refusal()
        if detail.Unpack(refusal):
            return refusal
    return None


def _from_aio(error: grpc.RpcError) -> status_pb2.Status | None:
    from google.rpc import status_pb2

    if not isinstance(error, grpc.aio.AioRpcError):
        return None
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            return status_pb2.Status.FromString(value)
    return None
