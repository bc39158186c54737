# SPDX-License-Identifier: AGPL-3.0-or-later
"""What people read of a job, of an explanation and of the needs of a neighbourhood."""

from __future__ import annotations

import pytest
from google.protobuf.duration_pb2 import Duration
from google.protobuf.timestamp_pb2 import Timestamp

from cli import describe
from cli.needs import show_needs
from cli.telling_explanations import MOST_NAMED, rank_text, show_explanation
from commonfab import v1
from commonfab.reasons import reason
from commonfab.units import mm

TOO_SMALL = reason("size.x", needs=mm(260), has=mm(255))


def refused(name: str, *against: v1.Reason) -> v1.RefusedMachine:
    return v1.RefusedMachine(shop_id=name, shop_name=name.title(), machine_id="mk3", reasons=against or [TOO_SMALL])


def told(answer: v1.ExplainJobResponse, capsys: pytest.CaptureFixture[str]) -> str:
    show_explanation(answer)
    return capsys.readouterr().out


def words(text: str) -> list[str]:
    return text.split()


def test_who_can_is_a_table_with_the_rank_as_a_sum(capsys: pytest.CaptureFixture[str]) -> None:
    lena = v1.Candidate(
        shop_id="lena",
        shop_name="Lena's Garage",
        machine_id="mk3",
        distance_km=2.3,
        free_in=Duration(seconds=5400),
        terms=[v1.RankTerm(name="waiting", minutes=90), v1.RankTerm(name="making", minutes=30), v1.RankTerm(name="proven", minutes=-2)],
        process="fdm",
        material="petg",
        lot=4,
        why=[reason("queue.free_now"), reason("rank.loaded", "petg")],
    )
    shown = told(v1.ExplainJobResponse(able=[lena], machines=7), capsys)
    assert "1 of 7 machines can make it, the best placed first" in shown
    (row,) = [line for line in shown.splitlines() if "Lena's Garage" in line]
    expected = "Lena's Garage (lena/mk3) fdm, petg 4 2.3 km 1 h 30 min 118 min waiting 90 + making 30 − proven 2 petg is loaded already"
    assert words(row) == words(expected)


def test_a_column_in_which_nobody_has_anything_is_left_out(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(v1.ExplainJobResponse(able=[v1.Candidate(shop_id="lena", machine_id="mk3", process="fdm")]), capsys)
    assert "would get" not in shown
    assert "free" in shown


def test_terms_of_less_than_half_a_minute_are_not_told() -> None:
    assert rank_text([v1.RankTerm(name="making", minutes=30), v1.RankTerm(name="tightness", minutes=0.2)]) == "making 30"
    assert rank_text([v1.RankTerm(name="proven", minutes=-4)]) == "− proven 4"


def test_the_nearest_change_leads_where_nobody_can(capsys: pytest.CaptureFixture[str]) -> None:
    miss = v1.NearestMiss(change=reason("near.room", "fdm with 5 mm more across", x=mm(5)), machine=refused("nearly"))
    none = v1.NearestMiss(change=reason("near.process", "sla with room for 10 × 10 × 10 mm"))
    shown = told(v1.ExplainJobResponse(nearest=[miss, none], machines=2, refused=[refused("nearly"), refused("tiny")]), capsys)
    assert "nobody can make it now, none of 2 machines" in shown
    assert "a machine for fdm with 5 mm more across would do (near.room)\n    than at Nearly nearly/mk3" in shown
    assert shown.count("nearly/mk3") == 2


def test_those_that_cannot_are_told_by_reason_and_only_a_few_by_name(capsys: pytest.CaptureFixture[str]) -> None:
    group = v1.RefusalGroup(nearest=TOO_SMALL, machines=40, only_this=12)
    many = [refused(f"shop-{number}") for number in range(MOST_NAMED + 3)]
    shown = told(v1.ExplainJobResponse(groups=[group], refused=many, machines=40), capsys)
    assert any(words(line) == words("40 12 size.x needs 260 mm has 255 mm size.x") for line in shown.splitlines())
    assert "and 3 more; --json names them" in shown
    assert f"shop-{MOST_NAMED}" not in shown


def test_owners_to_be_asked_are_named_with_the_question(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(v1.ExplainJobResponse(ask=[refused("lab", reason("place.unknown"))]), capsys)
    assert "1 whose owner you can ask yourself" in shown
    assert "Lab lab/mk3: the distance is not known" in shown


def test_what_it_waits_for_comes_first_and_never_sends_the_reader_to_the_same_command(capsys: pytest.CaptureFixture[str]) -> None:
    shown = told(
        v1.ExplainJobResponse(waiting_for=[reason("job.nobody_able", machines=3), reason("job.first_article_made", "job-7")]), capsys
    )
    assert shown.startswith("none of 3 can make it")
    assert "commonfab job explain" not in shown
    assert "commonfab job approve job-7" in shown


def test_what_shops_write_cannot_play_with_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    evil = "\x1b[2J[red]evil"
    able = v1.Candidate(shop_id="a", shop_name=evil, machine_id="m")
    shown = told(
        v1.ExplainJobResponse(able=[able], ask=[v1.RefusedMachine(shop_name=evil)], refused=[v1.RefusedMachine(shop_name=evil)]), capsys
    )
    assert "\x1b" not in shown
    assert shown.count("[red]evil") == 3


def test_needs_are_a_table_of_sentences(capsys: pytest.CaptureFixture[str]) -> None:
    need = v1.Need(kind=v1.NEED_KIND_SKILL, what=reason("place.unknown"), jobs=11, pieces=40, place=v1.Place(cell="871f1d489ffffff"))
    show_needs(v1.ListNeedsResponse(needs=[need], waiting_jobs=12))
    shown = capsys.readouterr().out
    assert shown.startswith("12 jobs wait because nobody can make it")
    assert any(words(line)[0] == "skill" and words(line)[-2:] == ["40", "871f1d489ffffff"] for line in shown.splitlines() if words(line))


def test_a_neighbourhood_that_lacks_nothing_is_told_so(capsys: pytest.CaptureFixture[str]) -> None:
    show_needs(v1.ListNeedsResponse())
    assert "nothing is missing" in capsys.readouterr().out


def test_a_job_tells_its_deadline_its_first_article_and_its_parts() -> None:
    job = v1.Job(
        id="job-1",
        requester="anna",
        request=v1.JobRequest(quantity=4, urgency=v1.URGENCY_URGENT, assembled=True),
        specification=v1.JobSpecification(title="Lamp"),
        needed_by=Timestamp(seconds=1_800_000_000),
        first_article=v1.FIRST_ARTICLE_MADE,
        part_job_ids=["job-2", "job-3"],
    )
    lines = list(describe.job(job))
    assert "  4 × Lamp, for anna" in lines
    assert f"  needed by {describe.moment(job.needed_by)} · urgent · first article made · put together" in lines
    assert "  its parts: job-2, job-3" in lines
    assert "  belongs to the product job-1" in list(describe.job(v1.Job(id="job-2", product_job_id="job-1")))


def test_a_work_order_tells_who_is_asked_who_stands_by_and_how_long_it_takes() -> None:
    order = v1.WorkOrder(
        id="order-1",
        shop_id="lena",
        machine_id="mk3",
        quantity=3,
        state=v1.WORK_ORDER_STATE_OFFERED,
        asked_shop_ids=["lena", "shed"],
        standby_shop_id="attic",
        expected=Duration(seconds=5400),
        expires_in=Duration(seconds=600),
    )
    assert list(describe.work_order(order)) == [
        "  order-1  lena/mk3  offered: 0 of 3 · about 1 h 30 min in all",
        "    asked: lena, shed, 10 min 0 s to answer; attic would be next",
    ]
    order.state = v1.WORK_ORDER_STATE_DONE
    assert list(describe.work_order(order)) == ["  order-1  lena/mk3  done: 0 of 3"]
