# SPDX-License-Identifier: AGPL-3.0-or-later
"""How soon something is needed, as people type it."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cli.lengths_of_time import duration_of
from commonfab.errors import Refused


@pytest.mark.parametrize(
    ("text", "length"),
    [
        ("3d", timedelta(days=3)),
        ("36h", timedelta(hours=36)),
        ("90min", timedelta(minutes=90)),
        ("1d12h", timedelta(hours=36)),
        ("1 d 12 h", timedelta(hours=36)),
        ("2w", timedelta(weeks=2)),
        ("1.5h", timedelta(minutes=90)),
    ],
)
def test_days_hours_and_minutes_are_understood(text: str, length: timedelta) -> None:
    assert duration_of(text).ToTimedelta() == length


@pytest.mark.parametrize("text", ["", "3", "friday", "3 days", "-2h", "0h", "1h2", "h", "3m", "9999999w", "1e3h", "٣d"])
def test_what_is_no_length_of_time_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refused, match=r"36h, 90min") as refused:
        duration_of(text)
    assert refused.value.code == "job.needed_in"
