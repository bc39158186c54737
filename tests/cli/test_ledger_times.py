# SPDX-License-Identifier: AGPL-3.0-or-later
"""The ledger shows what took people how long, by task."""

from __future__ import annotations

from google.protobuf.duration_pb2 import Duration

from cli.describe import task_times
from commonfab import v1


def test_time_of_people_is_told_by_task_and_that_of_the_machine_elsewhere() -> None:
    tasks = [
        v1.TaskTime(task="running", machine_time=Duration(seconds=600)),
        v1.TaskTime(task="setting_up", person_time=Duration(seconds=900)),
        v1.TaskTime(task="[bold]packing", person_time=Duration(seconds=60)),
    ]
    assert task_times(tasks) == "setting up 15 min 0 s, \\[bold]packing 1 min 0 s"
