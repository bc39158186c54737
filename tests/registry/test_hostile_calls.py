# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whatever is sent to the design commons, by whomever: an answer or a reason, and never an error of the node itself.

Every method of the three services is called over real gRPC, as every scope, with messages of any value that the wire takes.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import pytest
from commons import Commons, laptop_only
from drawings import binary_stl, box
from effort import examples
from evidence_store import build, key_of, signed
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import Message
from hostile_calls import messages, spoilt
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as tried
from hypothesis import strategies as st

from commonfab import v1
from commonfab.client import Node
from commonfab.errors import refusal_of
from commonfab.identity import sign_build_report, sign_manifest
from commonfab.permissions import allowed_scopes
from commonfab.rpc_server import LARGEST_MESSAGE
from commonfab.v1 import design_registry_pb2, evidence_pb2, housekeeping_pb2

SERVICES = {"DesignRegistry": design_registry_pb2, "DesignEvidence": evidence_pb2, "Housekeeping": housekeeping_pb2}
METHODS: Sequence[MethodDescriptor] = [
    method for name, module in SERVICES.items() for method in module.DESCRIPTOR.services_by_name[name].methods
]
SCOPES = (None, v1.SCOPE_MAKER, v1.SCOPE_SHOP, v1.SCOPE_REQUESTER, v1.SCOPE_STEWARD)
ANSWER_SECONDS = 60.0
LISTEN_SECONDS = 0.05
"""For streams that tell what happens, for ever: how long nothing need come."""


@dataclass
class Door:
    """A commons with something in it, and a client of each scope."""

    nodes: Mapping[v1.Scope.ValueType | None, Node]
    known: Sequence[str]
    right: Mapping[str, Message]

    async def calls(self, method: MethodDescriptor, scope: v1.Scope.ValueType | None, sent: Sequence[Message]) -> None:
        """Call it, and see that the answer is one."""
        service = method.containing_service.name
        stub = {"DesignRegistry": "registry", "DesignEvidence": "evidence", "Housekeeping": "housekeeping"}[service]
        call = getattr(getattr(self.nodes[scope], stub), method.name)
        allowed = scope in allowed_scopes()[f"/{method.containing_service.full_name}/{method.name}"]
        code = ""
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                if method.client_streaming:
                    await call(_each(sent[:2]))  # after more, gRPC's client may forget with which reason the call ended
                elif method.server_streaming:
                    await _listen(call(sent[0]))
                else:
                    await call(sent[0])
        except grpc.aio.AioRpcError as error:
            too_long = any(one.ByteSize() > LARGEST_MESSAGE for one in sent)
            if too_long and error.code() == grpc.StatusCode.RESOURCE_EXHAUSTED:
                return
            refusal = refusal_of(error)
            assert refusal is not None, (method.full_name, error.code(), error.details()[:500], str(sent)[:2000])
            code = refusal.reason.code
            assert error.code() not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN), (method.full_name, code, str(sent)[:2000])
        except TimeoutError:
            raise AssertionError(f"no answer within {ANSWER_SECONDS} s: {method.full_name} {str(sent)[:2000]}") from None
        assert code not in ("node.broken", "node.database_away", "node.files_away", "node.disk_full"), (method.full_name, str(sent)[:2000])
        turned_away = code == ("token.missing" if scope is None else "token.scope")
        assert turned_away == (not allowed), (method.full_name, scope, code)


async def _each(sent: Sequence[Message]) -> AsyncIterator[Message]:
    for one in sent:
        yield one


async def _listen(call: Any) -> None:
    """Hear a stream out, or until it is quiet."""
    heard = aiter(call)
    try:
        await anext(heard, None)
        with suppress(TimeoutError):
            for _ in range(20):
                async with asyncio.timeout(LISTEN_SECONDS):
                    if await anext(heard, None) is None:
                        break
    finally:
        call.cancel()


async def opened(commons: Commons, folder: Path) -> Door:
    """Have a revision, a report, a defect and a recall in it, so that there are names that mean something."""
    ada = commons.node("ada")
    steward, lena = commons.node("sam", v1.SCOPE_STEWARD), commons.node("lena", v1.SCOPE_SHOP)
    path = folder / "bracket.stl"
    path.write_bytes(binary_stl(box(20, 30, 40)))
    made = await commons.publish_file(ada, path)
    named, design_id = made.revision.digest, made.design.id
    second = v1.Manifest()
    second.CopyFrom(made.revision.manifest)
    second.parent, second.note = named, "second"
    second.description.MergeFrom(
        v1.Description(kind=v1.DESIGN_KIND_MODULE, fits=[v1.Item(maker="Kenwood")], links=[v1.Link(kind="manual", url="http://x.org")])
    )
    second.bill.add(name="screw", quantity=2, buy=v1.Buy(standard="ISO 4762 M3x10", item=v1.Item(maker="Bossard")))
    second.bill.add(name="hook", quantity=1, make=v1.Make(revision=named))
    second.variant_of.CopyFrom(v1.VariantOf(revision=named, reason="for 608 bearings"))
    second.description.yields.CopyFrom(v1.Capability(processes=["fdm"], envelope_mm=v1.Size(x=1, y=2, z=3)))
    later = v1.PublishRevisionRequest(manifest=second)
    report = build(named, "lena", "bracket", 2, sizes=[v1.MeasuredSize(name="bore", nominal_mm=8, measured_mm=8.1)])
    reported = await lena.evidence.ReportBuild(signed(report))
    defect = v1.Defect(revision_digest=named, title="It squeaks", severity=v1.SEVERITY_FUNCTIONAL)
    filed = await ada.evidence.FileDefect(v1.FileDefectRequest(defect=defect))
    await steward.evidence.RecallRevision(v1.RecallRevisionRequest(recall=v1.Recall(revision_digest=named, reason="sharp")))
    sha256 = made.revision.manifest.files[0].sha256
    content = b"four"
    right: dict[str, Message] = {
        "PublishRevision": later,
        "CheckManifest": v1.CheckManifestRequest(publication=later),
        "FetchFile": v1.FetchFileRequest(sha256=sha256),
        "ReportBuild": signed(report),
        "FileDefect": v1.FileDefectRequest(defect=defect),
        "CloseDefect": v1.CloseDefectRequest(id=filed.defect.id, note="none"),
        "RecallRevision": v1.RecallRevisionRequest(recall=v1.Recall(revision_digest=named, reason="sharp")),
        "ListBuildReports": v1.ListBuildReportsRequest(of=design_id, page_size=1),
        "ListDefects": v1.ListDefectsRequest(of=design_id, page_size=1),
        "SearchDesigns": v1.SearchDesignsRequest(words="bracket", with_facets=True, fits_into_mm=v1.Size(x=50, y=50, z=50)),
        "GetRevision": v1.GetRevisionRequest(digest=named),
        "WatchInspection": v1.WatchInspectionRequest(digest=named),
        "WhereUsed": v1.WhereUsedRequest(of=named, all_the_way=True),
        "GetClosure": v1.GetClosureRequest(revision=named, quantity=3),
        "SetQuota": v1.SetQuotaRequest(subject="nobody", quota_bytes=10),
        "UploadFile": v1.UploadFileRequest(header=v1.UploadHeader(sha256=hashlib.sha256(content).hexdigest(), size_bytes=len(content))),
    }
    nodes: dict[v1.Scope.ValueType | None, Node] = {
        None: commons.node_with(""),
        v1.SCOPE_MAKER: ada,
        v1.SCOPE_SHOP: lena,
        v1.SCOPE_STEWARD: steward,
        v1.SCOPE_REQUESTER: commons.node("rita", v1.SCOPE_REQUESTER),
    }
    return Door(nodes, [named, design_id, sha256, filed.defect.id, reported.kept.id, "ada", "bracket", "bracket.stl"], right)


def _sent(draw: st.DrawFn, door: Door, method: MethodDescriptor) -> list[Message]:
    """One message, or what an upload may consist of: a right one with something spoilt, or none like it."""
    anything = messages(method.input_type, door.known)
    if method.name in door.right:
        anything = spoilt(door.right[method.name], door.known) | anything
    sent = draw(st.lists(anything, max_size=4)) if method.client_streaming else [draw(anything)]
    for message in sent:
        if isinstance(message, v1.PublishRevisionRequest) and draw(st.booleans()):
            message.signature.CopyFrom(sign_manifest(message.manifest, key_of("ada")))
        if isinstance(message, v1.ReportBuildRequest) and draw(st.booleans()):
            said = draw(spoilt(v1.BuildReport.FromString(door.right["ReportBuild"].report.report), door.known))  # type: ignore[attr-defined]
            message.report.CopyFrom(sign_build_report(said, key_of("lena")))
    return sent


async def _try_all(commons: Commons, folder: Path, each: int) -> None:
    door, loop = await opened(commons, folder), asyncio.get_running_loop()
    no_shrinking = (Phase.explicit, Phase.generate)  # a failing call says all of itself

    def one_method(method: MethodDescriptor) -> None:
        @tried(
            max_examples=each,
            deadline=None,
            database=None,
            derandomize=True,
            phases=no_shrinking,
            suppress_health_check=list(HealthCheck),
        )
        @given(st.data())
        def holds(data: st.DataObject) -> None:
            scopes = [scope for scope in SCOPES if scope in allowed_scopes()[f"/{method.containing_service.full_name}/{method.name}"]]
            scope = data.draw(st.sampled_from([*scopes, *scopes, *SCOPES]))
            sent = st.composite(lambda draw: _sent(draw, door, method))()
            asyncio.run_coroutine_threadsafe(door.calls(method, scope, data.draw(sent)), loop).result(2 * ANSWER_SECONDS)

        holds()

    wrong = []
    for method in METHODS:
        try:
            await asyncio.to_thread(one_method, method)
        except Exception as error:
            wrong.append(error)
    if wrong:
        raise ExceptionGroup("calls that were not answered as they should be", wrong)


@laptop_only
@pytest.mark.slow
async def test_no_message_breaks_the_node_and_nobody_does_what_is_for_others(commons: Commons, tmp_path: Path) -> None:
    await _try_all(commons, tmp_path, 4)


@pytest.mark.slow
async def test_no_message_of_thousands_breaks_the_node(commons: Commons, tmp_path: Path) -> None:
    await _try_all(commons, tmp_path, examples(40))
