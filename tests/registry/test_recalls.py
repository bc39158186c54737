# SPDX-License-Identifier: AGPL-3.0-or-later
"""Recalls: a revision that must not be made or used any more."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from evidence_store import BERLIN, STEWARD, Store, build, signed, token

from commonfab import v1
from commonfab.errors import Refused
from registry.rows import published

ADA, EVE = token("ada", v1.SCOPE_MAKER), token("eve", v1.SCOPE_MAKER)


def unsafe(revision: str, reason: str = "it bursts", instead: str = "") -> v1.Recall:
    return v1.Recall(revision_digest=revision, reason=reason, instead=instead)


def code_of(store: Store, caller: v1.Token, recall: v1.Recall) -> str:
    with pytest.raises(Refused) as caught:
        store.recalls.recall(caller, recall)
    return caught.value.code


def test_a_recalled_revision_is_shown_recalled_and_keeps_what_was_proved(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    store.reports.report(STEWARD, signed(build(gear), place=BERLIN))
    recall = store.recalls.recall(ADA, unsafe(gear))
    assert recall.recalled_by == "ada" and recall.HasField("recalled_at")
    with store.engine.connect() as connection:
        found = published(connection, gear)
    assert found.revision.recall == recall and found.design.recalled and found.revision.maturity == v1.MATURITY_BUILT
    told = store.events()[-1]
    assert told.recalled == recall and list(told.places) == [BERLIN], "whoever follows the place where it was made hears of it"


def test_the_first_recall_stays(each_store: Store) -> None:
    gear = each_store.revision("design-gear", "gear")
    with ThreadPoolExecutor(4) as pool:
        recalls = list(pool.map(lambda number: each_store.recalls.recall(STEWARD, unsafe(gear, f"reason {number}")), range(6)))
    assert all(recall == recalls[0] for recall in recalls)
    assert each_store.happened().count("recalled") == 1


def test_only_the_keeper_or_a_steward_recalls(store: Store) -> None:
    gear = store.revision("design-gear", "gear")
    assert code_of(store, EVE, unsafe(gear)) == "recall.keeper"
    assert code_of(store, ADA, unsafe(gear, " ")) == "request.missing"
    assert code_of(store, ADA, unsafe("0" * 64)) == "revision.unknown"
    assert store.recalls.recalls([]) == []


def test_what_to_make_instead_is_another_revision_that_stands(store: Store) -> None:
    first, second, third = (store.revision("design-gear", "gear") for _ in range(3))
    assert code_of(store, ADA, unsafe(first, instead=first)) == "recall.instead"
    assert code_of(store, ADA, unsafe(first, instead="0" * 64)) == "revision.unknown"
    store.recalls.recall(ADA, unsafe(second))
    assert code_of(store, ADA, unsafe(first, instead=second)) == "recall.instead"
    assert store.recalls.recall(ADA, unsafe(first, instead=third)).instead == third


def test_recalls_are_listed_oldest_first(store: Store) -> None:
    revisions = [store.revision("design-gear", "gear") for _ in range(4)]
    for revision in reversed(revisions[1:]):
        store.recalls.recall(ADA, unsafe(revision))
        store.clock.advance(1)  # type: ignore[attr-defined]
    assert [recall.revision_digest for recall in store.recalls.recalls([])] == revisions[:0:-1]
    assert [recall.revision_digest for recall in store.recalls.recalls([*revisions[:3], "0" * 64])] == revisions[2:0:-1]
