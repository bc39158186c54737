# SPDX-License-Identifier: AGPL-3.0-or-later
"""A first shop.toml, and the look at everything before the agent runs."""

from __future__ import annotations

import asyncio
import re
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import get_args

import pytest
from peers.octoprint.peer import OctoPrintPeer
from serving import serving
from small_shop import SmallRouter, served, shop
from small_shop import write_shop as write_shop_toml

from commonfab import v1
from commonfab.errors import Refused
from shop_agent.config import DeskSection, PolicySection, RouterSection, ShopConfig, ShopSection, load_config
from shop_agent.machines import Description
from shop_agent.shop_key import public_key_of
from shop_agent.shop_toml.machine_section import Control, MachineSection
from shop_agent.starting.check import CheckFinding, check_shop
from shop_agent.starting.check_desk import check_desk
from shop_agent.starting.check_machine import check_machine, compared, shut_port
from shop_agent.starting.drafts import MachineDraft, id_from
from shop_agent.starting.init import ShopDraft, keep_unfinished, shop_text, write_shop

CONTROLS: tuple[Control, ...] = get_args(Control)
DRAFTS = {
    control: MachineDraft(
        "mine",
        control,
        process={"hot_folder": "milling", "cncjs": "cnc_routing", "grbl": "laser_cutting", "by_hand": "drilling"}.get(control, "fdm"),
        url="http://127.0.0.1:9" if control in ("octoprint", "moonraker", "prusalink", "cncjs") else "",
        port="/dev/null" if control in ("grbl", "cncjs") else "",
        folder="/srv" if control == "hot_folder" else "",
    )
    for control in CONTROLS
}


def about(findings: list[CheckFinding], subject: str) -> CheckFinding:
    return next(finding for finding in findings if finding.about == subject)


def test_the_first_shop_toml_is_valid_and_its_key_is_private(tmp_path: Path) -> None:
    config = write_shop(tmp_path / "shop.toml", ShopDraft("lenas-garage", 'Lena\'s "garage"'))
    assert load_config(tmp_path / "shop.toml") == config
    assert (config.shop.id, config.shop.name) == ("lenas-garage", 'Lena\'s "garage"')
    assert stat.S_IMODE(config.key_file.stat().st_mode) == 0o600
    assert config.machine[0].starts_itself is False and config.policy.accept == "ask"  # nobody is surprised by the defaults


@pytest.mark.parametrize("control", CONTROLS)
def test_every_key_of_the_first_shop_toml_that_is_commented_out_is_a_real_one(tmp_path: Path, control: Control) -> None:
    write_shop(tmp_path / "shop.toml", ShopDraft(machines=(DRAFTS[control],)))
    for name in ("mk3.ini", "mk3-petg.ini", "machine.key", "node-ca.pem", "desk.pin"):
        (tmp_path / name).write_text("", encoding="utf-8")
    text = (tmp_path / "shop.toml").read_text(encoding="utf-8")
    keys = re.sub(r"^# (?=[a-z_]+ = )", "", text, flags=re.MULTILINE)
    (tmp_path / "all.toml").write_text(keys, encoding="utf-8")
    config = load_config(tmp_path / "all.toml")
    assert config.policy.max_pieces == 20 and config.shop.latitude == 48.14 and config.machine[0].upkeep[0].every_hours == 200


def test_the_first_shop_toml_explains_every_key_that_there_is() -> None:
    texts = "".join(shop_text(ShopDraft(machines=(draft,))) for draft in DRAFTS.values())
    explained = set(re.findall(r"\b([a-z_]+) = ", texts)) | {"token", "maintenance", "api_key", "pin"}
    known = {name for section in (ShopSection, RouterSection, PolicySection, DeskSection, MachineSection) for name in section.model_fields}
    assert known - explained == {"cell"}, "a cell is worked out from the coordinates"


def test_what_an_owner_writes_comes_out_as_it_was_written(tmp_path: Path) -> None:
    name = 'Zoë\'s "garage"\\ \u007f\t#1'
    saw = MachineDraft("m", "by_hand", name, "sawing", materials=("oak",))
    config = write_shop(tmp_path / "shop.toml", ShopDraft("zoe", name, machines=(saw,)))
    assert (config.shop.name, config.machine[0].name) == (name, name)


def test_a_key_of_a_machine_is_in_a_file_that_only_its_owner_reads(tmp_path: Path) -> None:
    draft = MachineDraft("mk3", "octoprint", url="http://127.0.0.1:9", api_key="SECRET")
    config = write_shop(tmp_path / "shop.toml", ShopDraft(machines=(draft,)))
    assert config.machine[0].api_key == "SECRET" and "SECRET" not in (tmp_path / "shop.toml").read_text(encoding="utf-8")
    assert stat.S_IMODE((tmp_path / "mk3.key").stat().st_mode) == 0o600


def test_what_was_answered_before_ctrl_c_loads_under_its_right_name_with_the_keys_that_were_granted(tmp_path: Path) -> None:
    printer = MachineDraft("klip", "moonraker", "Klip", url="http://192.0.2.1", api_key="SECRET", materials=("pla",))
    kept = keep_unfinished(tmp_path / "shop.toml", ShopDraft("lena", machines=(printer,)))
    assert kept.stat().st_mode & 0o077 == 0 and {file.name for file in tmp_path.iterdir()} == {"shop.toml.unfinished", "shop.token"}
    write_shop(tmp_path / "again" / "shop.toml", ShopDraft("lena", machines=(printer,)))  # whoever begins anew is not in the way
    assert load_config(kept.rename(tmp_path / "shop.toml")).machine[0].api_key == "SECRET"


def test_a_description_that_makes_no_shop_leaves_no_file_behind(tmp_path: Path) -> None:
    twins = (MachineDraft("mk3", "octoprint", url="http://127.0.0.1:9", api_key="K"), MachineDraft("mk3", "virtual"))
    with pytest.raises(Refused, match="two machines"):
        write_shop(tmp_path / "shop.toml", ShopDraft(machines=twins))
    assert list(tmp_path.iterdir()) == []


def test_a_shop_toml_that_exists_is_not_touched(tmp_path: Path) -> None:
    file = tmp_path / "shop.toml"
    file.write_text("mine", encoding="utf-8")
    with pytest.raises(Refused) as refused:
        write_shop(file, ShopDraft())
    assert refused.value.code == "shop.exists" and file.read_text(encoding="utf-8") == "mine"


def test_an_id_that_no_token_could_have_leaves_nothing_behind(tmp_path: Path) -> None:
    with pytest.raises(Refused):
        write_shop(tmp_path / "shop.toml", ShopDraft("Lena's Garage"))
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


class Acquainted(v1.JobRouterServicer):
    """A router that knows one shop."""

    def __init__(self, known: v1.Shop) -> None:
        self.known = known

    async def ListShops(self, request: v1.ListShopsRequest, context: object) -> v1.ListShopsResponse:
        return v1.ListShopsResponse(shops=[v1.KnownShop(shop=self.known)])


@pytest.mark.parametrize("same", [True, False])
async def test_a_shop_that_the_node_knows_by_another_key_is_told_before_its_agent_is_turned_away(tmp_path: Path, same: bool) -> None:
    router = Acquainted(v1.Shop(id="garage", public_key=b"k" * 32))
    adders = (partial(v1.add_AccessServicer_to_server, SmallRouter()), partial(v1.add_JobRouterServicer_to_server, router))
    async with serving(0, *adders) as address:
        config = shop(tmp_path, node=address)
        config.data_dir.mkdir()
        public = public_key_of(config.key_file)
        router.known.public_key = public if same else router.known.public_key
        told = [finding.told for finding in await check_shop(config) if not finding.ok]
    assert told == ([] if same else ["shop garage is known here by another key"])


@asynccontextmanager
async def guarded() -> AsyncIterator[str]:
    """A server that turns everybody away."""

    async def turn_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        await writer.drain()
        writer.close()

    async with await asyncio.start_server(turn_away, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def wrong(told: Description, **machine: object) -> list[str]:
    """What is told of a machine that says so of itself."""
    facts = MachineSection.model_validate({"id": "m", "envelope_mm": [200, 200, 180], "materials": ["pla"], "control": "by_hand"} | machine)
    return [finding.told for finding in compared(facts, told) if not finding.ok]


def test_a_machine_that_is_as_described_gives_no_finding() -> None:
    told = Description("OctoPrint 1.11.8", (200, 200, 180), 0.4, 300, 120)
    assert wrong(told) == [] and wrong(Description()) == []


def test_whatever_the_live_machine_cannot_do_is_pointed_out() -> None:
    told = Description("Klipper", (200, 150, 180), 0.6, 260, 90, 1000)
    said = " | ".join(wrong(told))
    limits = ("260 °C at most, and max_nozzle_c says 290", "90 °C", "max_s")
    for expected in ("y axis goes 150 mm, and envelope_mm says 200", "nozzle of 0.6", *limits):
        assert expected in said
    assert wrong(Description(most_s=1000), process="cnc_routing", max_s=12000) == ["it allows 1000 at most, and max_s says 12000"]
    assert wrong(Description(nozzle_mm=0.6), process="cnc_routing") == []


async def test_a_hot_folder_that_is_missing_is_named(tmp_path: Path) -> None:
    draft = MachineDraft("mill", "hot_folder", process="milling", folder=str(tmp_path / "gone"))
    config = write_shop(tmp_path / "shop.toml", ShopDraft(machines=(draft,)))
    folder = [finding for finding in await check_machine(config, config.machine[0]) if "there is no folder" in finding.told]
    assert folder and folder[0].remedy


async def test_without_a_token_the_way_to_one_is_told(tmp_path: Path) -> None:
    async with served(SmallRouter()) as address:
        finding = about(await check_shop(write_shop(tmp_path / "shop.toml", ShopDraft("lenas-garage", node=address))), "token")
    assert not finding.ok and "commonfab token invite shop lenas-garage" in finding.remedy


@pytest.mark.slow
async def test_a_key_that_a_real_octoprint_does_not_take_is_told_with_the_way_to_another(octoprint: OctoPrintPeer, tmp_path: Path) -> None:
    config = shop(tmp_path, control="octoprint", url=octoprint.url, api_key="nonsense")
    finding = about(await check_machine(config, config.machine[0]), "machine mk3")
    assert not finding.ok and "does not accept the key" in finding.told
    assert "api_key" in finding.remedy and "api_key_file" in finding.remedy and "switched on" not in finding.remedy


async def test_a_server_that_lets_only_its_users_in_is_told_with_what_to_write(tmp_path: Path) -> None:
    """An address where everything is answered with 401, as CNCjs does it that has users."""
    async with guarded() as url:
        config = shop(
            tmp_path, control="cncjs", url=url, port="/dev/ttyUSB0", process="cnc_routing", starts_itself=False, clears_itself=False
        )
        finding = about(await check_machine(config, config.machine[0]), "machine mk3")
    assert not finding.ok and "user" in finding.remedy and "api_key" in finding.remedy and "switched on" not in finding.remedy


@pytest.mark.parametrize(("control", "keys"), [("cncjs", "url, port, user and api_key"), ("octoprint", "url and api_key")])
async def test_where_nobody_answers_the_keys_to_look_at_are_named(tmp_path: Path, control: str, keys: str) -> None:
    cutter = (
        {"process": "cnc_routing", "port": "/dev/ttyUSB0", "starts_itself": False, "clears_itself": False} if control == "cncjs" else {}
    )
    config = shop(tmp_path, control=control, url="http://127.0.0.1:9", **cutter)
    finding = about(await check_machine(config, config.machine[0]), "machine mk3")
    assert not finding.ok and finding.told and keys in finding.remedy


@pytest.mark.slow
async def test_a_real_octoprint_that_is_smaller_than_was_said_is_pointed_out(octoprint: OctoPrintPeer, tmp_path: Path) -> None:
    """The virtual printer's profile has 200 × 200 × 200 mm and a nozzle of 0.4 mm."""
    config = shop(tmp_path, control="octoprint", url=octoprint.url, api_key=octoprint.api_key, envelope_mm=[250, 200, 200], nozzle_mm=0.4)
    found = await check_machine(config, config.machine[0])
    assert "OctoPrint 1" in found[0].told and found[0].ok
    assert [finding.told for finding in found if not finding.ok] == ["its x axis goes 200 mm, and envelope_mm says 250"]


def with_desk(tmp_path: Path, *lines: str) -> list[CheckFinding]:
    """What is found about a desk that shop.toml describes with these lines, where nothing is missing."""
    return check_desk(desk_config(tmp_path, *lines), lambda name: True)


def desk_config(tmp_path: Path, *lines: str) -> ShopConfig:
    file = write_shop_toml(tmp_path)
    file.write_text(file.read_text(encoding="utf-8") + "\n".join(("[desk]", *lines)) + "\n", encoding="utf-8")
    file.chmod(0o600)
    return load_config(file)


def test_a_desk_that_others_can_reach_needs_a_pin(tmp_path: Path) -> None:
    (finding,) = with_desk(tmp_path / "a")
    assert finding.ok and "only this computer" in finding.told
    (finding,) = with_desk(tmp_path / "b", 'listen = "0.0.0.0:4790"')
    assert not finding.ok and "has no PIN" in finding.told and "pin" in finding.remedy
    (finding,) = with_desk(tmp_path / "c", 'listen = "0.0.0.0:4790"', 'pin = "4711"')
    assert finding.ok and "asks for the PIN" in finding.told
    (finding,) = with_desk(tmp_path / "d", 'listen = "bench"')
    assert not finding.ok and finding.remedy


def test_a_pin_that_everybody_can_read_is_pointed_out_and_one_that_is_none_is_refused(tmp_path: Path) -> None:
    (tmp_path / "desk.pin").write_text("4711\n", encoding="utf-8")
    (tmp_path / "desk.pin").chmod(0o644)
    found = with_desk(tmp_path, 'listen = "0.0.0.0:4790"', 'pin_file = "desk.pin"')
    assert "can read the PIN" in found[-1].told
    (tmp_path / "desk.pin").write_text("let me in", encoding="utf-8")
    with pytest.raises(Refused, match="4 to 12 digits"):
        load_config(tmp_path / "shop.toml")


def test_packages_that_the_desk_needs_are_missed_by_who_wants_a_desk(tmp_path: Path) -> None:
    said = check_desk(desk_config(tmp_path / "a"), lambda name: name != "textual")[0]
    assert said.ok and "textual" in said.told and "nicegui" not in said.told
    (light,) = check_desk(desk_config(tmp_path / "c"), lambda name: False)
    assert light.ok and "not installed" in light.told, "whoever wants no desk is not told where it listens"
    missed = check_desk(desk_config(tmp_path / "b", 'people = ["Lena"]'), lambda name: False)[0]
    assert not missed.ok and "pip install '.[desk]'" in missed.remedy


@pytest.mark.slow
async def test_a_slicer_that_shop_toml_names_and_that_is_not_there_is_missed_also_by_a_shop_that_needs_none(tmp_path: Path) -> None:
    config = shop(tmp_path)
    config = config.model_copy(update={"shop": config.shop.model_copy(update={"slicer": "/opt/nowhere/prusa-slicer"})})
    finding = about(await check_shop(config), "slicer")
    assert not finding.ok and "/opt/nowhere/prusa-slicer" in finding.told and "[shop]" in finding.remedy


async def test_a_word_that_is_nearly_right_gets_the_right_one_and_not_the_whole_vocabulary(tmp_path: Path) -> None:
    for written, remedy in (("fmd", "Did you mean fdm?"), ("Fräsen", 'Write "milling"')):
        config = shop(tmp_path / written, process=written, materials=["plla"])
        told = " ".join(finding.remedy for finding in await check_machine(config, config.machine[0]))
        assert remedy in told and "Did you mean pla" in told and len(told) < 120


@pytest.mark.slow
async def test_what_to_do_about_a_node_that_is_away_is_what_a_shop_can_do(tmp_path: Path) -> None:
    finding = about(await check_shop(shop(tmp_path, node="127.0.0.1:9")), "node")
    assert not finding.ok and "[router]" in finding.remedy and "commonfab up" not in finding.remedy


def test_a_serial_port_that_this_account_may_not_open_is_told_with_its_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Root may open everything, so what the system would say to another account is put in its place."""
    monkeypatch.setattr("os.access", lambda path, mode: False)
    grbl = MachineSection(id="mill", process="milling", envelope_mm=(1, 1, 1), materials=("pla",), control="grbl", port="/dev/null")
    told = shut_port(grbl)
    assert told is not None and "may not open /dev/null" in told.told and "usermod -a -G root" in told.remedy
    gone = shut_port(grbl.model_copy(update={"port": "/dev/nowhere"}))
    assert gone is not None and "there is no /dev/nowhere" in gone.told and "by-id" in gone.remedy
    monkeypatch.undo()
    assert shut_port(grbl) is None


@pytest.mark.parametrize(
    ("called", "expected"),
    [("Müllers Garage", "muellers-garage"), ("Zoë", "zoe"), ("Größe ß", "groesse-ss"), ("Łódź", "lodz"), ("工房", "machine")],
)
def test_letters_that_an_id_cannot_have_are_written_with_others(called: str, expected: str) -> None:
    assert id_from(called) == expected
