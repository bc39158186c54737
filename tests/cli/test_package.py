# SPDX-License-Identifier: AGPL-3.0-or-later
"""A design as a package: what stands in it, and that nothing which was changed, broken or made to do harm is believed."""

from __future__ import annotations

import io
import json
import stat
import struct
import tomllib
import warnings
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from packages import ADA, BEN, Author, changed, entries_of, packed, verified, zipped

from cli.package.datapackage import datapackage
from cli.package.gathering import oldest_first, place_in
from cli.package.layout import INDEX, Contents, Packed, folder_of, plain_json
from cli.package.sending import origin_of
from cli.package.writing import okh_manifest
from commonfab import v1
from commonfab.errors import Refused
from commonfab.identity import manifest_signature_holds, sign_work

Change = Callable[[dict[str, bytes]], object]


@pytest.fixture
def ada() -> Author:
    return Author(ADA)


@pytest.fixture
def contents(ada: Author) -> Contents:
    """A design of two revisions; one file is the same in both, one has the same name and other content."""
    first = ada.revision("Gear", {"gear.stl": b"first shape", "docs/read me.txt": b"words"})
    second = ada.revision("Gear", {"gear.stl": b"second shape", "docs/read me.txt": b"words"}, after=first, parent=first.digest)
    return Contents((first, second), reports=(ada.report(second),))


@pytest.fixture
def package(ada: Author, contents: Contents) -> bytes:
    return packed(contents, ada.contents)


def test_what_goes_in_comes_out_and_holds(ada: Author, contents: Contents, package: bytes, tmp_path: Path) -> None:
    found = verified(tmp_path / "gear.zip", package)
    assert found.contents == contents
    assert {entries_of(package)[name] for name in found.places.values()} >= set(ada.contents.values())


def test_the_same_revision_gives_the_same_bytes(ada: Author, contents: Contents, package: bytes) -> None:
    assert packed(contents, ada.contents) == package


def test_people_find_the_files_under_their_names_and_no_content_is_there_twice(contents: Contents, package: bytes) -> None:
    entries = entries_of(package)
    assert entries["files/gear.stl"] == b"second shape" and entries["files/docs/read me.txt"] == b"words"
    older = f"{folder_of(1, contents.revisions[0].digest)}/files"
    assert [name for name in entries if name.startswith(older)] == [f"{older}/gear.stl"]
    assert entries["NOTICE"] == b"notice\n"


def test_a_file_that_a_revision_has_twice_is_there_under_both_names(ada: Author, tmp_path: Path) -> None:
    only = ada.revision("Pair", {"left.stl": b"same", "right.stl": b"same"})
    content = packed(Contents((only,)), ada.contents)
    assert entries_of(content)["files/left.stl"] == entries_of(content)["files/right.stl"] == b"same"
    assert verified(tmp_path / "pair.zip", content).contents.main.digest == only.digest


def test_a_long_file_is_packed_and_read_in_pieces(ada: Author, tmp_path: Path) -> None:
    only = ada.revision("Large", {"noise.bin": bytes(range(256)) * 20_000})
    assert verified(tmp_path / "large.zip", packed(Contents((only,)), ada.contents)).contents.main == only


def test_a_first_revision_without_its_files_still_proves_whose_the_design_is(ada: Author, contents: Contents, tmp_path: Path) -> None:
    first, second = contents.revisions
    bare = Packed(first.digest, first.manifest, first.signature, whole=False)
    free = ada.revision("Gear", {"gear.stl": b"third shape"}, after=first)
    found = verified(tmp_path / "gear.zip", packed(Contents((bare, free)), ada.contents)).contents
    origin = origin_of(found, found.main)
    assert origin is not None and origin.manifest == first.manifest and manifest_signature_holds(origin.manifest, origin.signature)
    assert origin_of(contents, first) is None and second.digest


def test_revisions_stand_behind_what_they_derive_from_whatever_a_node_says(ada: Author, tmp_path: Path) -> None:
    first = ada.revision("A", {"a": b"1"})
    left = ada.revision("A", {"a": b"2"}, after=first, parent=first.digest)
    right = ada.revision("A", {"a": b"3"}, after=first, parent=first.digest)
    last = ada.revision("A", {"a": b"4"}, after=first, parent=left.digest, also_derives_from=[right.digest])
    told = {one.digest: v1.Revision(digest=one.digest, manifest=one.manifest) for one in (last, right, left, first)}
    order = oldest_first(told, set(told))
    assert order[0] == first.digest and order[-1] == last.digest and len(order) == 4
    told[first.digest].manifest.parent = last.digest  # a circle, which no honest node can tell of
    assert sorted(oldest_first(told, set(told))) == sorted(told)
    with pytest.raises(Refused) as caught:
        place_in(tmp_path, "../../out")
    assert caught.value.code == "file.sha256"


def test_manyfold_finds_what_it_reads(ada: Author) -> None:
    said = v1.Description(title="Größeres Rad!", summary="For a cart.", tags=["cart", "wheel"], authors=["Ada", "Ben"], version="2.1")
    said.links.add(kind="repository", url="https://example.org/wheel")
    manifest = ada.revision("x", {"cad/rad.stl": b"1", "rad.stl": b"2", "foto.JPG": b"3", "odd": b"4"}, parent="a" * 64).manifest
    manifest.description.CopyFrom(said)
    manifest.parts.add(name="wheel", paths=["rad.stl"])
    told = json.loads(datapackage(manifest))
    assert told["$schema"] == "https://manyfold.app/profiles/0.0/datapackage.json"
    assert (told["title"], told["name"], told["description"]) == ("Größeres Rad!", "groeres-rad", "For a cart.")
    assert told["keywords"] == ["cart", "wheel"] and told["links"] == [{"path": "https://example.org/wheel"}]
    assert told["licenses"] == [{"name": "CC0-1.0", "path": "https://spdx.org/licenses/CC0-1.0.html"}]
    assert all("creator" in one["roles"] for one in told["contributors"]) and told["contributors"][0]["title"] == "Ada"
    assert told["image"] == "files/foto.JPG" and told["homepage"] == "https://example.org/wheel"
    paths = {one["path"]: one for one in told["resources"]}
    assert paths["files/rad.stl"]["mediatype"] == "model/stl" and paths["files/rad.stl"]["caption"] == "wheel"
    assert len({one["name"] for one in told["resources"]}) == 4 and all(one["name"] for one in told["resources"])
    assert json.loads(datapackage(v1.Manifest(design_id="design-x")))["resources"] == []


def test_the_open_know_how_manifest_names_the_files_where_they_lie(ada: Author) -> None:
    manifest = ada.revision("Wheel", {"rad.stl": b"2"}).manifest
    manifest.parts.add(name="wheel", paths=["rad.stl"], quantity_per_product=4)
    told = okh_manifest(v1.Design(title="Wheel"), v1.Revision(number=1, manifest=manifest)).decode()
    assert tomllib.loads(told)["name"] == "Wheel" and "files/rad.stl" in told
    assert manifest.files[0].path == "rad.stl"


def test_the_open_know_how_manifest_keeps_what_the_one_beside_the_files_says_besides(ada: Author) -> None:
    said = b'okhv = "2.4"\nname = "Wheel"\nreadme = "read.md"\ntechnology-readiness-level = "OTRL-4"\nown = "kept"\n'
    manifest = ada.revision("Wheel", {"rad.stl": b"2", "read.md": b"3", "okh.toml": said}).manifest
    told = okh_manifest(v1.Design(title="Wheel"), v1.Revision(number=1, manifest=manifest), lambda sha256: io.BytesIO(ada.contents[sha256]))
    read = tomllib.loads(told.decode())
    assert (read["own"], read["technology-readiness-level"], read["readme"]) == ("kept", "OTRL-4", "files/read.md")
    spoilt = ada.revision("Wheel", {"rad.stl": b"2", "okh.toml": b"name = ["}).manifest
    told = okh_manifest(v1.Design(title="Wheel"), v1.Revision(number=1, manifest=spoilt), lambda sha256: io.BytesIO(ada.contents[sha256]))
    assert tomllib.loads(told.decode())["name"] == "Wheel"


def _replace(name: str, old: bytes, new: bytes) -> Change:
    def change(entries: dict[str, bytes]) -> None:
        entry = next(one for one in entries if one.endswith(name))
        assert old in entries[entry]
        entries[entry] = entries[entry].replace(old, new)

    return change


def _drop(ending: str) -> Change:
    return lambda entries: [entries.pop(name) for name in list(entries) if name.endswith(ending)]


def _index(**fields: object) -> Change:
    def change(entries: dict[str, bytes]) -> None:
        entries[INDEX] = plain_json({**json.loads(entries[INDEX]), **fields})

    return change


def _backwards(entries: dict[str, bytes]) -> None:
    index = json.loads(entries[INDEX])
    one, two = index["revisions"]
    for number, told in enumerate((two, one), 1):
        for name in [name for name in entries if name.startswith(told["folder"])]:
            entries[name.replace(told["folder"], folder_of(number, told["digest"]))] = entries.pop(name)
        told["folder"] = folder_of(number, told["digest"])
    entries[INDEX] = plain_json({**index, "revisions": [two, one], "revision": one["digest"]})


TAMPERED: list[tuple[str, Change, bool, str]] = [
    ("a changed file", _replace("files/gear.stl", b"second", b"sunken"), False, "package.content"),
    ("a changed file, index and all", _replace("files/gear.stl", b"second", b"sunken"), True, "package.content"),
    ("a changed manifest, index and all", _replace("manifest.json", b"CC0-1.0", b"MIT-0.0"), True, "package.digest"),
    ("a changed signature", _replace("signature.json", b'"signature":"', b'"signature":"AA'), True, "package"),
    ("no signature", _drop("signature.json"), True, "package.unsigned"),
    ("no manifest", _drop("manifest.json"), True, "package.index"),
    ("no index", _drop(INDEX), False, "package.foreign"),
    ("an entry too much", lambda entries: entries.update(extra=b"1"), False, "package.index"),
    ("an entry too few", _drop("NOTICE"), False, "package.index"),
    ("a file too few, index and all", _drop("files/gear.stl"), True, "package.content"),
    ("another format", _index(format="zip"), True, "package.foreign"),
    ("a later format", _index(version=2), True, "package.newer"),
    ("no version", _index(version="one"), True, "package.index"),
    ("no revisions", _index(revisions=[]), True, "package.index"),
    ("revisions that are none", _index(revisions=[{"digest": 7}]), True, "package.index"),
    ("entries that are none", _index(entries=[1]), False, "package.index"),
    ("another revision named", _index(revision="0" * 64), True, "package.index"),
    ("children before parents", _backwards, True, "package.parent"),
    ("a changed report", _replace(".json", b'"report":', b'"retort":'), True, "package"),
    ("a report that is none", lambda entries: entries.update({"evidence/reports/x.json": b"[]"}), True, "package.index"),
    ("defects that are none", lambda entries: entries.update({"evidence/defects.json": b'[{"title": 7}]'}), True, "package.index"),
    (
        "a recall of another revision",
        lambda entries: entries.update({"evidence/recalls.json": b'[{"revision_digest": "0"}]'}),
        True,
        "package.index",
    ),
    ("an index that never ends", lambda entries: entries.update({INDEX: b"[" * 200_000}), False, "package.index"),
]


@pytest.mark.parametrize(("change", "reindexed", "code"), [case[1:] for case in TAMPERED], ids=[case[0] for case in TAMPERED])
def test_a_package_that_was_changed_is_refused(package: bytes, tmp_path: Path, change: Change, reindexed: bool, code: str) -> None:
    if reindexed and change in [case[1] for case in TAMPERED if case[0] == "a changed report"]:
        change = lambda entries: [  # noqa: E731
            entries.update({name: text.replace(b'"report": "', b'"report": "AAAA')}) for name, text in entries.items() if "reports/" in name
        ]
    with pytest.raises(Refused) as caught:
        verified(tmp_path / "gear.zip", changed(package, change, reindexed))
    assert caught.value.code.startswith(code) and caught.value.remedy


def test_somebody_elses_signature_does_not_make_it_their_design(ada: Author, contents: Contents, tmp_path: Path) -> None:
    first, second = contents.revisions
    thief = Author(BEN)
    taken = [thief.revision("Gear", {"gear.stl": b"mine"}, after=first)]
    thief.contents |= ada.contents
    with pytest.raises(Refused) as caught:
        verified(tmp_path / "gear.zip", packed(Contents(tuple(taken)), thief.contents))
    assert caught.value.code == "package.origin"
    unsigned = Packed(second.digest, second.manifest, None, True)
    with pytest.raises(Refused) as caught:
        verified(tmp_path / "gear.zip", packed(Contents((first, unsigned)), ada.contents))
    assert caught.value.code == "package.unsigned"


def test_a_report_that_its_shop_did_not_sign_is_refused(ada: Author, tmp_path: Path) -> None:
    made = ada.revision("Hook", {"hook.stl": b"shape"})
    praised = ada.report(made)
    praised.signed_report.report += v1.BuildReport(pieces_good=1000).SerializeToString()
    work = v1.CompletedWork(revision_digest=made.digest, shop_id="shop-north", pieces_good=2)
    good = sign_work(work, ADA)
    bad = v1.SignedWork(work=good.work + work.SerializeToString(), signature=good.signature, public_key=good.public_key)
    for kept in (praised, v1.KeptBuildReport(signed_work=bad)):
        with pytest.raises(Refused) as caught:
            verified(tmp_path / "hook.zip", packed(Contents((made,), (kept,)), ada.contents))
        assert caught.value.code == "package.signature"
    whole = packed(Contents((made,), (v1.KeptBuildReport(signed_work=good),)), ada.contents)
    assert verified(tmp_path / "hook.zip", whole).contents.reports[0].signed_work == good


def _info(name: str, mode: int = stat.S_IFREG | 0o644) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    info.external_attr = mode << 16
    info.compress_type = zipfile.ZIP_DEFLATED
    return info


def _countless(entries: int) -> bytes:
    """A zip whose directory has so many entries; where they point does not matter, for nobody looks there."""
    names = [f"{number}".encode() for number in range(entries)]
    one = b"PK\x01\x02" + bytes(24) + b"%s" + bytes(16) + b"%s"
    directory = b"".join(one % (struct.pack("<H", len(name)), name) for name in names)
    return directory + struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, entries, entries, len(directory), 0, 0)


HOSTILE: list[tuple[str, Callable[[], bytes], str]] = [
    *(
        (f"the name {name!r}", lambda name=name: zipped([(_info(name), b"x")]), "package.name")  # type: ignore[misc]
        for name in ("../up", "/etc/passwd", "a/../../up", "C:/up", "a\\b", "a//b", ".", "a\nb", "folder/", "x" * 800)
    ),
    ("a link", lambda: zipped([(_info("link", stat.S_IFLNK | 0o777), b"/etc/passwd")]), "package.kind"),
    ("a device", lambda: zipped([(_info("null", stat.S_IFCHR | 0o666), b"")]), "package.kind"),
    ("a name twice", lambda: zipped([("a", b"1"), ("a", b"2")]), "package.twice"),
    ("a file that is also a folder", lambda: zipped([("a", b"1"), ("a/b", b"2")]), "package.twice"),
    ("countless entries", lambda: _countless(20_001), "package.large"),
    ("no zip", lambda: b"once upon a time", "package.unreadable"),
    ("nothing", lambda: b"", "package.unreadable"),
    ("an empty zip", lambda: zipped([]), "package.foreign"),
    ("any other zip", lambda: zipped([("readme.txt", b"hello")]), "package.foreign"),
]


@pytest.mark.parametrize(("made", "code"), [case[1:] for case in HOSTILE], ids=[case[0][:30] for case in HOSTILE])
def test_a_zip_that_was_made_to_do_harm_is_refused(made: Callable[[], bytes], code: str, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the library warns of names that stand twice when it writes them
        content = made()
    with pytest.raises(Refused) as caught:
        verified(tmp_path / "hostile.zip", content)
    assert caught.value.code == code


def _directory_of(content: bytes) -> int:
    return int(struct.unpack("<I", content[content.rindex(b"PK\x05\x06") + 16 :][:4])[0])


def test_a_length_that_lies_is_found_out(package: bytes, tmp_path: Path) -> None:
    place = package.index(b"PK\x01\x02", _directory_of(package))
    for size, code in ((0, "package."), (7, "package."), (0x7FFFFFFF, "package.bomb")):
        lying = bytearray(package)
        lying[place + 24 : place + 28] = struct.pack("<I", size)  # the unpacked length, where the directory has it
        with pytest.raises(Refused) as caught:
            verified(tmp_path / "lying.zip", bytes(lying))
        assert caught.value.code.startswith(code)


def test_an_encrypted_or_strangely_packed_entry_is_refused(package: bytes, tmp_path: Path) -> None:
    place = package.index(b"PK\x01\x02", _directory_of(package))
    for at, value in ((8, 1), (10, 12), (10, 14), (10, 99)):
        strange = bytearray(package)
        strange[place + at : place + at + 2] = struct.pack("<H", value)
        with pytest.raises(Refused) as caught:
            verified(tmp_path / "strange.zip", bytes(strange))
        assert caught.value.code == "package.kind"


def test_a_directory_that_claims_to_be_endless_is_not_read(tmp_path: Path) -> None:
    huge = tmp_path / "huge.zip"
    with huge.open("wb") as file:  # a file with a hole: long, and nowhere
        file.truncate(1 << 33)
        file.seek(0, io.SEEK_END)
        size = (1 << 32) - 2
        file.write(struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, 65535, 65535, size, 10, 0))
    from cli.package import reading

    with pytest.raises(Refused) as caught, reading.opened(huge):
        pass
    assert caught.value.code == "package.unreadable"


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_bytes_are_changed_there_is_an_answer_and_never_a_crash(package: bytes, tmp_path: Path, data: st.DataObject) -> None:
    broken = bytearray(package)
    for _ in range(data.draw(st.integers(1, 4))):
        place = data.draw(st.integers(0, len(broken) - 1))
        broken[place : place + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=4))
    cut = data.draw(st.one_of(st.just(len(broken)), st.integers(0, len(broken))))
    try:
        found = verified(tmp_path / "broken.zip", bytes(broken[:cut]))
    except Refused as refused:
        assert refused.code.startswith("package.")
    else:
        assert found.contents == verified(tmp_path / "whole.zip", package).contents


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(data=st.data())
def test_whatever_texts_are_changed_there_is_an_answer_and_never_a_crash(package: bytes, tmp_path: Path, data: st.DataObject) -> None:
    def change(entries: dict[str, bytes]) -> None:
        name = data.draw(st.sampled_from(sorted(name for name in entries if name.endswith(".json"))))
        text = bytearray(entries[name])
        place = data.draw(st.integers(0, len(text) - 1))
        text[place : place + data.draw(st.integers(0, 6))] = data.draw(
            st.sampled_from([b"null", b"-1", b"[]", b"{}", b'"', b"1e999", b"\xff", b'"\\ud800"'])
        )
        entries[name] = bytes(text)

    try:
        content = changed(package, change, reindexed=True)
    except ValueError:  # the index itself is no JSON any more
        return
    try:
        verified(tmp_path / "broken.zip", content)
    except Refused as refused:
        assert refused.code.startswith("package.")
