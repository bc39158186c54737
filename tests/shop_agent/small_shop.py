# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the agent's tests share: a shop, an offer, a part, and a small real gRPC router that does as a test says."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc
from google.protobuf.duration_pb2 import Duration
from serving import serving
from stl_boxes import stl_box

from commonfab import v1
from commonfab.reasons import refusal
from shop_agent.config import ShopConfig, load_config

SHOP = "garage"


def write_shop(folder: Path, node: str = "127.0.0.1:1", accept: str = "always", policy: str = "", **machine: object) -> Path:
    """A shop.toml with one machine. `machine` overrides or adds keys; values are TOML texts or plain Python ones."""
    keys: dict[str, object] = {
        "id": "mk3",
        "process": "fdm",
        "envelope_mm": [120, 120, 100],
        "materials": ["pla"],
        "control": "virtual",
        "starts_itself": True,
        "clears_itself": True,
        "speed_factor": 600,
    } | machine
    lines = "\n".join(f"{key} = {_toml(value)}" for key, value in keys.items())
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / "shop.toml"
    file.write_text(
        f'[shop]\nid = "{SHOP}"\n[router]\nnode = "{node}"\ntoken = "cfab_test"\n'
        f'[policy]\naccept = "{accept}"\n{policy}\n[[machine]]\n{lines}\n',
        encoding="utf-8",
    )
    return file


def shop(folder: Path, **what: Any) -> ShopConfig:
    """The shop that `write_shop` writes."""
    return load_config(write_shop(folder, **what))


def _toml(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return repr(value) if isinstance(value, (int, float, list)) else f'"{value}"'


def offer(
    order: str = "wo-1", quantity: int = 1, minutes: float = 10, size: tuple[float, float, float] = (20, 20, 10), **what: Any
) -> v1.Offer:
    """An offer of gears for machine mk3."""
    takes = Duration()
    takes.FromMilliseconds(round(minutes * 60_000))
    told: dict[str, Any] = {
        "work_order_id": order,
        "job_id": "job-1",
        "machine_id": "mk3",
        "title": "Coffee grinder",
        "part_name": "gear",
        "revision_digest": "d" * 64,
        "licence": "CERN-OHL-S-2.0",
        "quantity": quantity,
        "requirement": v1.Requirement(process="fdm", material="pla", size_mm=v1.Size(x=size[0], y=size[1], z=size[2])),
        "estimate": v1.Estimate(machine_time=takes, grams=4.5),
        "mesh_sha256": hashlib.sha256(stl_box(*size)).hexdigest(),
        "distance_km": 2.0,
    }
    return v1.Offer(**(told | what))


def seconds(amount: float) -> Duration:
    """A duration."""
    duration = Duration()
    duration.FromMilliseconds(round(amount * 1000))
    return duration


@dataclass
class SmallRouter(v1.ShopDeskServicer, v1.DesignRegistryServicer, v1.AccessServicer):
    """Keeps the rules of shop_desk.proto for one shop, and remembers everything that it was told.

    `lost_answers`: so many answers are computed and then not sent. `refuse_start`: a reason code, or an empty text.
    """

    offers: dict[str, v1.Offer] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    attempts: dict[str, v1.AttemptRef] = field(default_factory=dict)
    started: set[str] = field(default_factory=set)
    ended: dict[str, str] = field(default_factory=dict)
    wishes: dict[str, int] = field(default_factory=dict)
    reports: list[v1.SignedWork] = field(default_factory=list)
    releases: list[v1.Release] = field(default_factory=list)
    declined: dict[str, str] = field(default_factory=dict)
    seen_events: dict[str, str] = field(default_factory=dict)
    requests: list[v1.SynchronizeRequest] = field(default_factory=list)
    lost_answers: int = 0
    refuse_start: str = ""
    lease_seconds: float = 30.0
    call_again_seconds: float = 0.0
    epoch: int = 0
    token: v1.Token = field(default_factory=lambda: v1.Token(scope=v1.SCOPE_SHOP, subject=SHOP))
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    held: int = 0
    _told: tuple[int, ...] = ()
    _version: int = 0

    def put_up(self, wanted: v1.Offer, mesh: bytes | None = None) -> None:
        """Offer work, and have its mesh at hand."""
        self.offers[wanted.work_order_id] = wanted
        size = wanted.requirement.size_mm
        content = stl_box(size.x, size.y, size.z) if mesh is None else mesh
        self.files[wanted.mesh_sha256] = content
        self.ring()

    def wish(self, order: str, wish: int) -> None:
        """Want something else of an attempt from now on."""
        self.wishes[order] = wish
        self.ring()

    def ring(self) -> None:
        """Answer whoever is held."""
        self.changed.set()

    async def Synchronize(self, request: v1.SynchronizeRequest, context: Any) -> v1.SynchronizeResponse:
        self.requests.append(request)
        receipts = [self.receipt(event) for event in request.events]
        dropped = any(self.wish_for(held.attempt) == v1.WISH_DROP for held in request.attempts)  # then a router answers at once
        if not receipts and not dropped and request.version == self.version():
            self.held += 1
            self.changed.clear()
            try:
                await asyncio.wait_for(self.changed.wait(), request.patience.ToTimedelta().total_seconds())
            except TimeoutError:
                pass
            finally:
                self.held -= 1
        response = self.answer(request, receipts)
        if self.lost_answers:
            self.lost_answers -= 1
            await context.abort(grpc.StatusCode.UNAVAILABLE, "the line broke")
        return response

    def answer(self, request: v1.SynchronizeRequest, receipts: list[v1.Receipt]) -> v1.SynchronizeResponse:
        """What a router says."""
        return v1.SynchronizeResponse(
            receipts=receipts,
            offers=self.offers.values(),
            wishes=[v1.WishedAttempt(attempt=held.attempt, wish=self.wish_for(held.attempt)) for held in request.attempts],
            call_again_in=seconds(self.call_again_seconds),
            lease=seconds(self.lease_seconds),
            version=self.version(),
        )

    def version(self) -> int:
        """Grows with everything that concerns the shop, as an offer that is gone."""
        concerns = (len(self.seen_events), len(self.offers), len(self.wishes))
        if concerns != self._told:
            self._told, self._version = concerns, self._version + 1
        return self._version

    def set_back(self) -> None:
        """What it knows is older than what it told, as after a backup was restored."""
        self._version = 0

    def wish_for(self, ref: v1.AttemptRef) -> Any:
        """What is wanted of an attempt."""
        owns = self.attempts.get(ref.work_order_id) == ref and ref.work_order_id not in self.ended
        return self.wishes.get(ref.work_order_id, v1.WISH_GO_ON) if owns else v1.WISH_DROP

    def receipt(self, event: v1.ShopEvent) -> v1.Receipt:
        """Carry out an event; the same event again changes nothing."""
        kind = event.WhichOneof("event") or ""
        again = event.id in self.seen_events
        self.seen_events[event.id] = kind
        order = self._order_of(event)
        if kind == "accept":
            return self._accept(event, order)
        refused = "" if again else self._carry_out(kind, event, order)
        return v1.Receipt(event_id=event.id, refusal=refusal(refused, order) if refused else None)

    def _order_of(self, event: v1.ShopEvent) -> str:
        kind = event.WhichOneof("event")
        if kind in ("accept", "decline"):
            return str(getattr(event, kind).work_order_id)
        if kind in ("start", "release"):
            return str(getattr(event, kind).attempt.work_order_id)
        signed = event.complete.signed if kind == "complete" else event.fail.signed
        return v1.CompletedWork.FromString(signed.work).attempt.work_order_id

    def _accept(self, event: v1.ShopEvent, order: str) -> v1.Receipt:
        if order not in self.attempts:
            if order not in self.offers:
                return v1.Receipt(event_id=event.id, refusal=refusal("offer.gone", order))
            self.epoch += 1
            self.attempts[order] = v1.AttemptRef(work_order_id=order, number=1, epoch=self.epoch)
            del self.offers[order]
        return v1.Receipt(event_id=event.id, attempt=self.attempts[order])

    def _carry_out(self, kind: str, event: v1.ShopEvent, order: str) -> str:
        if kind == "decline":
            self.offers.pop(order, None)
            self.declined[order] = event.decline.note
        elif order in self.ended or self.wishes.get(order) == v1.WISH_DROP:
            return "attempt.superseded"
        elif kind == "start":
            if self.refuse_start or self.wishes.get(order) == v1.WISH_STOP:
                self.ended[order] = "refused"
                return self.refuse_start or "job.cancelled"
            self.started.add(order)
        elif kind == "release":
            if order in self.started:
                return "attempt.started"
            self.ended[order] = "released"
            self.releases.append(event.release)
        else:
            if order not in self.started:
                return "attempt.not_started"
            self.ended[order] = kind
            self.reports.append(event.complete.signed if kind == "complete" else event.fail.signed)
        return ""

    async def FetchFile(self, request: v1.FetchFileRequest, context: Any) -> AsyncIterator[v1.FetchFileResponse]:
        content = self.files[request.sha256]
        yield v1.FetchFileResponse(chunk=content, size_bytes=len(content))

    async def WhoAmI(self, request: v1.WhoAmIRequest, context: Any) -> v1.WhoAmIResponse:
        return v1.WhoAmIResponse(token=self.token, node_version="0.1.0")


def served(router: SmallRouter, port: int = 0) -> AbstractAsyncContextManager[str]:
    """The router on a port of the loopback interface; answers its address."""
    adders = (v1.add_ShopDeskServicer_to_server, v1.add_DesignRegistryServicer_to_server, v1.add_AccessServicer_to_server)
    return serving(port, *(partial(add, router) for add in adders))


async def until(condition: Any, limit_seconds: float = 100.0) -> None:
    """Return once `condition()` is true; real processes are waited for like this."""
    async with asyncio.timeout(limit_seconds):
        while not condition():
            await asyncio.sleep(0.02)
