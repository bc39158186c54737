# SPDX-License-Identifier: AGPL-3.0-or-later
"""A part of several files as people on the network see it: one report, every file's finding, pictures, and the judgement for a material."""

from __future__ import annotations

import hashlib
from pathlib import Path

from commons import Commons, laptop_only, publication
from drawings import binary_stl, box, write_3mf

from commonfab import v1
from commonfab.client import Node


async def published(commons: Commons, node: Node, files: list[Path]) -> str:
    """A design of one part that all the files show."""
    request = publication(files[0])
    for file in files[1:]:
        request.manifest.files.append(v1.FileEntry(path=file.name, sha256=hashlib.sha256(file.read_bytes()).hexdigest()))
        request.manifest.parts[0].paths.append(file.name)
    for file in files:
        await node.upload(file)
    return (await node.registry.PublishRevision(request)).revision.digest


async def test_the_richest_file_speaks_for_the_part_and_settles_the_unit_of_the_others(
    commons: Commons, worker: None, tmp_path: Path
) -> None:
    mesh, archive = tmp_path / "arm.stl", tmp_path / "arm.3mf"
    mesh.write_bytes(binary_stl(box(60, 40, 20)))
    write_3mf(archive, box(60, 40, 20))
    node = commons.node()
    [part] = await commons.inspected(node, await published(commons, node, [mesh, archive]))
    findings = {finding.path: finding for finding in part.files}
    assert findings["arm.3mf"].master and not findings["arm.3mf"].HasField("report"), "the master's report is the part's and sent once"
    assert part.report.format == v1.FILE_FORMAT_3MF
    assert findings["arm.stl"].agrees and findings["arm.stl"].report.unit_certainty == v1.UNIT_CERTAINTY_RESOLVED


async def test_a_part_waits_until_the_last_of_its_files_is_measured(commons: Commons, tmp_path: Path) -> None:
    mesh, other = tmp_path / "arm.stl", tmp_path / "arm.off"
    mesh.write_bytes(binary_stl(box(60, 40, 20)))
    other.write_text("OFF\n4 4 0\n0 0 0\n30 0 0\n0 30 0\n0 0 30\n3 0 2 1\n3 0 1 3\n3 1 2 3\n3 0 3 2\n", encoding="utf-8")
    node = commons.node()
    digest = await published(commons, node, [mesh, other])  # and no worker
    [part] = (await node.registry.GetRevision(v1.GetRevisionRequest(digest=digest))).parts
    assert part.state == v1.INSPECTION_STATE_QUEUED and not part.makeability


@laptop_only
async def test_the_pictures_of_a_part_are_fetched_like_any_file(commons: Commons, worker: None, tmp_path: Path) -> None:
    path = tmp_path / "arm.stl"
    path.write_bytes(binary_stl(box(60, 40, 20)))
    node = commons.node()
    [part] = await commons.inspected(node, await published(commons, node, [path]))
    begins = {}
    for picture in part.report.previews:
        target = tmp_path / "picture"
        await node.fetch(picture.sha256, target)
        assert target.stat().st_size == picture.size_bytes
        begins[picture.media_type] = target.read_bytes()[:4]
    assert begins == {"model/gltf-binary": b"glTF", "image/png": b"\x89PNG"}


@laptop_only
async def test_a_part_is_judged_for_the_material_that_is_asked_for(commons: Commons, worker: None, tmp_path: Path) -> None:
    path = tmp_path / "arm.stl"
    path.write_bytes(binary_stl(box(60, 40, 20)))
    node = commons.node()
    digest = await published(commons, node, [path])
    await commons.inspected(node, digest)
    for material, enclosed in (("pla", False), ("abs", True)):
        asked = await node.registry.GetRevision(v1.GetRevisionRequest(digest=digest, material=material))
        fdm = next(way for way in asked.parts[0].makeability if way.process == "fdm")
        assert (fdm.requirement.material, fdm.requirement.enclosed) == (material, enclosed)
