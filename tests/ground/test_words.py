# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ground's small words: reasons, ids, places, digests, signatures, vocabularies."""

from __future__ import annotations

import string
from pathlib import Path

import h3
import pytest
from clocks import ManualClock
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from commonfab import materials, processes, v1
from commonfab.canonical import canonical_json, digest
from commonfab.identity import load_or_make_key, sign_work, signature_holds
from commonfab.ids import make_ids
from commonfab.place import coarse_place, distance_km, is_coarse
from commonfab.reasons import REASONS, reason
from commonfab.units import Quantity, mm, size_text, told_apart


@pytest.mark.parametrize("code", sorted(REASONS))
def test_every_reason_is_a_sentence_with_its_figures(code: str) -> None:
    term = REASONS[code]
    names = [name for _, name, _, _ in string.Formatter().parse(term.sentence) if name]
    made = reason(code, "something", **{name: mm(1) for name in names if name != "subject"})
    assert made.message and "{" not in made.message
    assert "{" not in term.remedy.replace("{subject}", "")


def test_a_reason_whose_figure_was_forgotten_is_a_mistake_that_shows() -> None:
    with pytest.raises(KeyError):
        reason("size.z", needs=mm(150))


def test_figures_are_written_as_people_write_them() -> None:
    assert str(mm(149.99999)) == "150 mm"
    assert str(Quantity(12345678, "bytes")) == "12345678 bytes"
    assert (str(mm(999.96)), str(mm(12345.6))) == ("1000 mm", "12346 mm")
    assert [str(length) for length in told_apart(250.02, 250)] == ["250.02 mm", "250 mm"]
    assert [str(length) for length in told_apart(2500.02, 2500)] == ["2500.02 mm", "2500 mm"]
    assert [str(length) for length in told_apart(255.123, 250)] == ["255.1 mm", "250 mm"]
    assert size_text(120, 80, 12.5) == "120 × 80 × 12.5 mm"


def test_ids_are_in_the_order_of_their_making_and_safe_in_file_names() -> None:
    clock = ManualClock()
    ids = make_ids(clock)
    made = []
    for _ in range(50):
        made.append(ids("order"))
        clock.advance(0.001)
    assert made == sorted(made) and len(set(made)) == 50
    assert set("".join(made)) <= set(string.ascii_lowercase + string.digits + "-")


def test_ids_of_one_millisecond_differ() -> None:
    ids = make_ids(ManualClock())
    assert len({ids("x") for _ in range(1000)}) == 1000


@given(st.floats(-80, 80), st.floats(-179, 179))
def test_a_public_place_never_tells_an_address(latitude: float, longitude: float) -> None:
    place = coarse_place(latitude, longitude)
    assert is_coarse(place)
    assert h3.cell_area(place.cell, unit="km^2") > 2  # thousands of doors


def test_a_fine_place_is_not_public() -> None:
    assert not is_coarse(v1.Place(cell="8b1f1d48b6dafff"))
    assert not is_coarse(v1.Place(cell="not a cell"))
    assert is_coarse(v1.Place())


def test_distance_is_unknown_where_a_side_gave_no_place() -> None:
    berlin, potsdam = coarse_place(52.52, 13.405), coarse_place(52.39, 13.06)
    assert distance_km(berlin, potsdam) == pytest.approx(27.6, abs=2.5)
    assert distance_km(berlin, v1.Place()) is None


def test_the_digest_does_not_depend_on_how_a_message_was_put_together() -> None:
    one = v1.Manifest(licence="CC0-1.0", note="ü", files=[v1.FileEntry(path="a", sha256="00", size_bytes=1)])
    other = v1.Manifest(note="ü")
    other.files.add(size_bytes=1, sha256="00", path="a")
    other.licence = "CC0-1.0"
    assert digest(one) == digest(other)
    assert canonical_json(one) == '{"files":[{"path":"a","sha256":"00","size_bytes":"1"}],"licence":"CC0-1.0","note":"ü"}'.encode()


def test_any_change_changes_the_digest() -> None:
    before = v1.Manifest(licence="CC0-1.0", files=[v1.FileEntry(path="a", sha256="00", size_bytes=1)])
    after = v1.Manifest(licence="CC0-1.0", files=[v1.FileEntry(path="a", sha256="01", size_bytes=1)])
    assert digest(before) != digest(after)


def test_a_signed_report_holds_until_a_bit_of_it_changes() -> None:
    signed = sign_work(v1.CompletedWork(job_id="job-1", pieces_good=3), Ed25519PrivateKey.generate())
    assert signature_holds(signed)
    signed.work += v1.CompletedWork(pieces_good=4).SerializeToString()
    assert not signature_holds(signed)


def test_a_malformed_key_is_no_signature() -> None:
    signed = sign_work(v1.CompletedWork(), Ed25519PrivateKey.generate())
    signed.public_key = b"short"
    assert not signature_holds(signed)


def test_a_shops_key_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "shop.pem"
    made = load_or_make_key(path)
    assert load_or_make_key(path).private_bytes_raw() == made.private_bytes_raw()
    assert path.stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("tree", [processes.BROADER, materials.BROADER])
def test_vocabularies_are_trees_without_circles(tree: dict[str, str]) -> None:
    for term in tree:
        seen = []
        while term:
            assert term in tree and term not in seen
            seen.append(term)
            term = tree[term]


def test_narrower_satisfies_broader_and_a_sibling_never_does() -> None:
    assert processes.satisfies("fdm", "additive")
    assert not processes.satisfies("additive", "fdm")
    assert not processes.satisfies("knife_cutting", "laser_cutting")
    assert materials.satisfies("pla", "thermoplastic")
    assert not materials.satisfies("petg", "pla")
