# SPDX-License-Identifier: AGPL-3.0-or-later
"""Publishing a revision: the files, then the manifest, then what inspection says of the parts."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from cli.calls import follow
from cli.folder import LocalFile
from cli.output import bars, plain
from commonfab import v1
from commonfab.client import Node
from commonfab.errors import Refused

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

UPLOADS_AT_ONCE = 4
"""Enough to fill a home's uplink while one file is being hashed."""


async def upload_all(node: Node, files: Sequence[LocalFile]) -> None:
    """Send every file that the node does not have. Errors: `grpc.aio.AioRpcError`, `OSError`.

    Each content should be named once: the node takes no two calls at once that send the same.
    """
    gate = asyncio.Semaphore(UPLOADS_AT_ONCE)
    with bars(of_bytes=True) as progress:

        async def send(file: LocalFile) -> None:
            async with gate:
                task = progress.add_task(plain(file.path), total=file.source.stat().st_size)
                await node.upload(file.source, lambda done, total: progress.update(task, completed=done, total=total))

        sending = [asyncio.create_task(send(file)) for file in files]
        try:
            await asyncio.gather(*sending)
        finally:
            for task in sending:
                task.cancel()
            await asyncio.gather(*sending, return_exceptions=True)


def author_key(path: Path) -> Ed25519PrivateKey:
    """The key that designs are signed with, made where there is none. Errors: `Refused` (`author.key`), `OSError`."""
    from commonfab.identity import load_or_make_key

    try:
        return load_or_make_key(path)
    except ValueError:
        raise Refused("author.key", str(path)) from None


def offline_notes(manifest: v1.Manifest) -> list[v1.Reason]:
    """What is worth knowing of the licences, without a node; nothing in the light install, which cannot read them."""
    try:
        from registry.licences import Licences, licence_notes
    except ModuleNotFoundError:
        return []
    return licence_notes(manifest, Licences())


async def check(node: Node, design: v1.Design, manifest: v1.Manifest, public_key: bytes) -> v1.CheckManifestResponse:
    """The manifest as it would be named, and what is worth knowing; nothing is stored. Errors: `grpc.aio.AioRpcError`."""
    publication = v1.PublishRevisionRequest(design=design, manifest=manifest)
    if public_key:
        publication.signature.public_key = public_key
    return await node.registry.CheckManifest(v1.CheckManifestRequest(publication=publication))


async def follow_newest(node: Node, design: v1.Design, manifest: v1.Manifest, public_key: bytes) -> None:
    """Have a further revision of a design derive from its newest one, unless it says what it derives from.

    Who publishes the same again means that newest one itself. Errors: `grpc.aio.AioRpcError`.
    """
    if not design.id or manifest.parent:
        return
    newest = (await node.registry.GetDesign(v1.GetDesignRequest(id=design.id))).revisions[0]
    manifest.parent = newest.manifest.parent
    if not (await check(node, design, manifest, public_key)).published:
        manifest.parent = newest.digest


async def publish(
    node: Node,
    files: Sequence[LocalFile],
    design: v1.Design,
    manifest: v1.Manifest,
    key: Ed25519PrivateKey | None = None,
    tell: Callable[[Iterable[v1.Reason]], None] = lambda notes: None,
) -> v1.PublishRevisionResponse:
    """Upload and publish. Publishing the same again gives the same revision.

    With a `key` the manifest is signed in the form that the node would name; what the node has to say of it goes to `tell` first.
    Errors: `grpc.aio.AioRpcError`, `OSError`.
    """
    hashes = {entry.path: entry.sha256 for entry in manifest.files}
    each_once = list({hashes[file.path]: file for file in files}.values())
    if key is None:
        await upload_all(node, each_once)
        return await node.registry.PublishRevision(v1.PublishRevisionRequest(design=design, manifest=manifest))
    from commonfab.identity import sign_manifest

    checked = await check(node, design, manifest, key.public_key().public_bytes_raw())
    tell(checked.notes)
    if not checked.published:
        refuse_another(manifest, checked.manifest)
    await upload_all(node, [file for file in each_once if hashes[file.path] in set(checked.missing_files)])
    signed = v1.PublishRevisionRequest(design=design, manifest=checked.manifest, signature=sign_manifest(checked.manifest, key))
    return await node.registry.PublishRevision(signed)


def refuse_another(asked: v1.Manifest, answered: v1.Manifest) -> None:
    """Nobody signs what they did not say: the node may spell licences, fill in lengths, the design's id and the title, and put in order.

    Errors: `Refused` (`publish.another`) where it answered anything else.
    """
    if _said(asked) != _said(answered) or not _contains(answered.description, asked.description):
        raise Refused("publish.another")


def _said(manifest: v1.Manifest) -> v1.Manifest:
    """What of a manifest a node may not change."""
    said = v1.Manifest()
    said.CopyFrom(manifest)
    for spelled_by_the_node in ("design_id", "licence", "documentation_licence", "software_licence", "description"):
        said.ClearField(spelled_by_the_node)
    for file in said.files:
        file.size_bytes = 0
    said.files.sort(key=lambda file: file.path)
    said.parts.sort(key=lambda part: part.name)
    said.bill.sort(key=lambda line: line.name)
    said.also_derives_from[:] = sorted({*said.also_derives_from} - {said.parent})
    said.made_with[:] = sorted({*said.made_with})
    return said


def _contains(answered: v1.Description, asked: v1.Description) -> bool:
    """Whether everything that was asked stands in what was answered."""
    return all(getattr(answered, field.name) == value for field, value in asked.ListFields())


async def inspected(node: Node, digest: str) -> v1.GetRevisionResponse:
    """The revision once all its parts have been inspected. Errors: `grpc.aio.AioRpcError`."""
    with bars() as progress:
        task = progress.add_task("inspecting", total=None)
        async for told in follow(node, lambda: node.registry.WatchInspection(v1.WatchInspectionRequest(digest=digest))):
            progress.update(task, completed=told.done, total=told.total)
    return await node.registry.GetRevision(v1.GetRevisionRequest(digest=digest))
