# SPDX-License-Identifier: AGPL-3.0-or-later
"""Revisions are signed by their authors, and a design's id belongs to the key that began it."""

from __future__ import annotations

from pathlib import Path

import pytest
from commons import Commons, publication, refused
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from commonfab import v1
from commonfab.canonical import digest
from commonfab.client import Node
from commonfab.identity import manifest_signature_holds, sign_manifest


@pytest.fixture
def key() -> Ed25519PrivateKey:
    return Ed25519PrivateKey.generate()


@pytest.fixture
def part(tmp_path: Path) -> Path:
    path = tmp_path / "part.stl"
    path.write_text(
        "solid part\nfacet normal 0 0 1\nouter loop\nvertex 0 0 0\nvertex 9 0 0\nvertex 0 9 0\nendloop\nendfacet\nendsolid\n",
        encoding="utf-8",
    )
    return path


async def checked(node: Node, request: v1.PublishRevisionRequest, key: Ed25519PrivateKey) -> v1.CheckManifestResponse:
    """What the node says it would publish for this key."""
    asked = v1.PublishRevisionRequest()
    asked.CopyFrom(request)
    asked.signature.public_key = key.public_key().public_bytes_raw()
    return await node.registry.CheckManifest(v1.CheckManifestRequest(publication=asked))


async def signed(node: Node, request: v1.PublishRevisionRequest, key: Ed25519PrivateKey) -> v1.PublishRevisionRequest:
    """The request with the manifest that the node answers, signed."""
    manifest = (await checked(node, request, key)).manifest
    return v1.PublishRevisionRequest(manifest=manifest, signature=sign_manifest(manifest, key))


def revised(before: v1.Revision, note: str) -> v1.PublishRevisionRequest:
    """The next revision of the same design, not signed yet."""
    manifest = v1.Manifest()
    manifest.CopyFrom(before.manifest)
    manifest.note, manifest.parent = note, before.digest
    return v1.PublishRevisionRequest(manifest=manifest)


async def test_a_revision_is_kept_with_its_authors_signature_which_anybody_can_check(
    commons: Commons, part: Path, key: Ed25519PrivateKey
) -> None:
    node = commons.node("ada")
    await node.upload(part)
    published = await node.registry.PublishRevision(await signed(node, publication(part), key))
    read = (await commons.node("ben").registry.GetRevision(v1.GetRevisionRequest(digest=published.revision.digest))).revision
    assert read.digest == digest(read.manifest)
    assert manifest_signature_holds(read.manifest, read.signature)
    assert read.signature.public_key == key.public_key().public_bytes_raw()


async def test_what_would_be_published_is_told_before_anything_is_sent(commons: Commons, part: Path, key: Ed25519PrivateKey) -> None:
    node = commons.node("ada")
    request = publication(part, licence="GPL3")
    told = await checked(node, request, key)
    assert (told.new_design, told.published, len(told.missing_files)) == (True, False, 1)
    assert told.manifest.licence == "GPL-3.0-only"
    assert "licence.corrected" in [note.code for note in told.notes]
    assert not (await node.registry.ListDesigns(v1.ListDesignsRequest())).designs
    await node.upload(part)
    published = await node.registry.PublishRevision(await signed(node, request, key))
    assert published.revision.manifest.files[0].size_bytes == part.stat().st_size
    again = await checked(node, request, key)
    assert (again.published, again.digest, list(again.missing_files)) == (True, published.revision.digest, [])


async def test_publishing_the_same_again_gives_the_same_revision_and_the_same_design(
    commons: Commons, part: Path, key: Ed25519PrivateKey
) -> None:
    node = commons.node("ada")
    await node.upload(part)
    request = await signed(node, publication(part), key)
    first, second = await node.registry.PublishRevision(request), await node.registry.PublishRevision(request)
    assert (first.design.id, first.revision.digest) == (second.design.id, second.revision.digest)


async def test_a_manifest_that_was_changed_after_it_was_signed_is_refused(commons: Commons, part: Path, key: Ed25519PrivateKey) -> None:
    node = commons.node("ada")
    await node.upload(part)
    for change in ("licence", "note", "key"):
        request = await signed(node, publication(part), key)
        if change == "key":
            request.signature.public_key = Ed25519PrivateKey.generate().public_key().public_bytes_raw()
        else:
            setattr(request.manifest, change, "MIT")
        assert (await refused(node.registry.PublishRevision(request))).reason.code == "revision.signature", change
    assert not (await node.registry.ListDesigns(v1.ListDesignsRequest())).designs


async def test_a_signed_manifest_is_never_changed_but_refused_with_the_form_that_would_be_kept(
    commons: Commons, part: Path, key: Ed25519PrivateKey
) -> None:
    node = commons.node("ada")
    await node.upload(part)
    manifest = (await checked(node, publication(part), key)).manifest
    manifest.licence = "cc0-1.0"
    request = v1.PublishRevisionRequest(manifest=manifest, signature=sign_manifest(manifest, key))
    assert (await refused(node.registry.PublishRevision(request))).reason.code == "revision.form"


async def test_nobody_can_take_a_designs_id_that_is_not_theirs(commons: Commons, part: Path, key: Ed25519PrivateKey) -> None:
    ada, eve = commons.node("ada"), commons.node("eve")
    await ada.upload(part)
    hers = await signed(ada, publication(part), key)
    other = Ed25519PrivateKey.generate()
    stolen = v1.Manifest()
    stolen.CopyFrom(hers.manifest)
    request = v1.PublishRevisionRequest(manifest=stolen, signature=sign_manifest(stolen, other))
    assert (await refused(eve.registry.PublishRevision(request))).reason.code == "design.id"
    assert (await ada.registry.PublishRevision(hers)).design.id == hers.manifest.design_id


async def test_a_neighbour_may_bring_a_revision_that_the_author_signed_but_none_of_their_own(
    commons: Commons, part: Path, key: Ed25519PrivateKey
) -> None:
    ada, ben = commons.node("ada"), commons.node("ben")
    await ada.upload(part)
    first = await ada.registry.PublishRevision(await signed(ada, publication(part), key))
    second = await signed(ada, revised(first.revision, "stronger"), key)
    brought = await ben.registry.PublishRevision(second)
    assert (brought.revision.number, brought.revision.author, brought.design.keeper) == (2, "ben", "ada")
    third = revised(brought.revision, "mine")
    assert (await refused(signed(ben, third, Ed25519PrivateKey.generate()))).reason.code == "design.keeper"


async def test_a_later_revision_comes_to_a_node_that_has_no_other_with_the_proof_of_whose_the_design_is(
    commons: Commons, part: Path, key: Ed25519PrivateKey
) -> None:
    ada = commons.node("ada")
    await ada.upload(part)
    first = await signed(ada, publication(part), key)
    later = v1.Manifest()
    later.CopyFrom(first.manifest)
    later.note = "later"
    request = v1.PublishRevisionRequest(manifest=later, signature=sign_manifest(later, key))
    assert (await refused(ada.registry.PublishRevision(request))).reason.code == "design.id"
    request.origin.CopyFrom(v1.Origin(manifest=first.manifest, signature=first.signature))
    published = await ada.registry.PublishRevision(request)
    assert (published.design.id, published.revision.digest) == (first.manifest.design_id, digest(later))
