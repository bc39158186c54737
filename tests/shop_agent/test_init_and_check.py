# SPDX-License-Identifier: AGPL-3.0-or-later
"""A first shop.toml, and the look at everything before the agent runs."""

from __future__ import annotations

import re
import stat
from pathlib import Path

import pytest
from small_shop import SmallRouter, served, shop

from commonfab import v1
from commonfab.errors import Refused
from shop_agent.check import CheckFinding, check_shop
from shop_agent.config import load_config
from shop_agent.init import init_shop


def about(findings: list[CheckFinding], subject: str) -> CheckFinding:
    return next(finding for finding in findings if finding.about == subject)


def test_the_first_shop_toml_is_valid_and_its_key_is_private(tmp_path: Path) -> None:
    config = init_shop(tmp_path / "shop.toml", "lenas-garage", 'Lena\'s "garage"')
    assert load_config(tmp_path / "shop.toml") == config
    assert (config.shop.id, config.shop.name) == ("lenas-garage", 'Lena\'s "garage"')
    assert stat.S_IMODE(config.key_file.stat().st_mode) == 0o600
    assert config.machine[0].starts_itself is False and config.policy.accept == "ask"  # nobody is surprised by the defaults


def test_every_key_of_the_first_shop_toml_that_is_commented_out_is_a_real_one(tmp_path: Path) -> None:
    init_shop(tmp_path / "shop.toml")
    (tmp_path / "mk3.ini").write_text("", encoding="utf-8")
    (tmp_path / "octoprint.key").write_text("k", encoding="utf-8")
    text = (tmp_path / "shop.toml").read_text(encoding="utf-8")
    (tmp_path / "node-ca.pem").write_text("c", encoding="utf-8")
    keys = re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(keys, encoding="utf-8")
    config = load_config(tmp_path / "all.toml")
    assert config.policy.max_pieces == 20 and config.machine[0].reach_min_mm == (0, -4, 0) and config.shop.latitude == 48.14


def test_a_shop_toml_that_exists_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(Refused) as refused:
        init_shop(file)
    assert refused.value.code == "shop.exists" and file.read_text(encoding="utf-8") == "mine"


def test_an_id_that_no_token_could_have_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        init_shop(tmp_path / "shop.toml", "Lena's Garage")
    assert not (tmp_path / "shop.toml").exists()


async def test_all_is_well_where_all_is_well(tmp_path: Path) -> None:
    async with served(SmallRouter()) as address:
        findings = await check_shop(shop(tmp_path, node=address))
    assert [finding for finding in findings if not finding.ok] == []
    assert "speaks for shop garage" in about(findings, "token").told


async def test_a_token_of_another_kind_is_named_with_the_command_for_a_right_one(tmp_path: Path) -> None:
    router = SmallRouter(token=v1.Token(scope=v1.SCOPE_MAKER, subject="ada"))
    async with served(router) as address:
        finding = about(await check_shop(shop(tmp_path, node=address)), "token")
    assert not finding.ok and "maker token for 'ada'" in finding.told and "commonfab token issue shop garage" in finding.remedy


@pytest.mark.slow
async def test_a_printer_that_is_away_and_a_node_that_is_away_each_get_a_remedy(tmp_path: Path) -> None:
    config = shop(tmp_path, control="octoprint", url="http://127.0.0.1:9", api_key="x")
    findings = await check_shop(config)
    for subject in ("machine mk3", "node"):
        assert not about(findings, subject).ok and about(findings, subject).remedy


async def test_words_that_no_job_will_ask_for_are_pointed_out(tmp_path: Path) -> None:
    async with served(SmallRouter()) as address:
        findings = await check_shop(shop(tmp_path, node=address, process="fdmm", materials=["plaa"]))
    told = " ".join(finding.told for finding in findings if finding.about == "machine mk3" and not finding.ok)
    assert "'fdmm'" in told and "'plaa'" in told


async def test_a_material_hotter_than_the_machine_is_pointed_out(tmp_path: Path) -> None:
    async with served(SmallRouter()) as address:
        findings = await check_shop(shop(tmp_path, node=address, materials=["abs"], max_nozzle_c=230))
    assert any("abs needs 250 °C and max_nozzle_c is 230" in finding.told for finding in findings)


async def test_beyond_this_computer_a_node_without_tls_is_not_called(tmp_path: Path) -> None:
    finding = about(await check_shop(shop(tmp_path, node="192.0.2.1:4780")), "node")
    assert not finding.ok and "without TLS" in finding.told


async def test_another_key_in_the_keys_place_is_said(tmp_path: Path) -> None:
    async with served(SmallRouter()) as address:
        config = shop(tmp_path, node=address)
        config.data_dir.mkdir()
        config.key_file.write_text("not a key", encoding="utf-8")
        assert not about(await check_shop(config), "key").ok
