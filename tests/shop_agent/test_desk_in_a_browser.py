# SPDX-License-Identifier: AGPL-3.0-or-later
"""An evening at the bench, in a real browser: the agent, the desk and a router are processes and servers of their own."""

from __future__ import annotations

import hashlib
import os
import struct
import subprocess
import sys
import threading
import time
import zlib
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import httpx
import pytest
from desk_shops import accepted, desk_shop, made
from peers.browser import Browser, browser, chromedriver
from redis_servers import free_port
from small_shop import SmallRouter, offer, served

from commonfab import v1
from commonfab.reasons import reason
from shop_agent.config import load_config
from shop_agent.desk import walk_ins
from shop_agent.desk.actions import Bench
from shop_agent.journal import attempt_steps
from shop_agent.journal.book import Journal, open_journal
from shop_agent.journal.given_back import given_back
from shop_agent.journal.records import PieceState
from shop_agent.people.accounts import account_of
from shop_agent.people.walk_in import Wanted

__all__ = ["browser", "chromedriver"]

ROOT = Path(__file__).parents[2]
DESK = "import sys; from pathlib import Path; from shop_agent.config import load_config; from shop_agent.desk.web.server import serve"
PIN = "4711"


def png() -> bytes:
    """A picture of one dot."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header, dot = struct.pack(">IIBBBBB", 1, 1, 8, 2, 0, 0, 0), zlib.compress(b"\0\x20\x90\x80")
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", dot) + chunk(b"IEND", b"")


@dataclass
class RouterThread:
    """A router in a thread of its own, because a browser is waited for in this one."""

    router: SmallRouter
    address: str


@contextmanager
def router_beside() -> Iterator[RouterThread]:
    import asyncio

    router, opened = SmallRouter(), Future[str]()
    loop, done = asyncio.new_event_loop(), asyncio.Event()

    async def serve() -> None:
        async with served(router) as address:
            opened.set_result(address)
            await done.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    try:
        yield RouterThread(router, opened.result(20))
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(20)
        loop.close()


@contextmanager
def program(log: IO[bytes], *arguments: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen([sys.executable, *arguments], cwd=ROOT, stdout=log, stderr=log, env=os.environ | environment)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(20)


@contextmanager
def desk_beside(folder: Path, pin: str = "") -> Iterator[str]:
    """The desk as a process; its address."""
    file = folder / "shop.toml"
    if pin:
        file.write_text(file.read_text(encoding="utf-8").replace("[desk]", f'[desk]\npin = "{pin}"'), encoding="utf-8")
    port = free_port()
    arguments = ("-c", f"{DESK}; serve(load_config(Path(sys.argv[1])), sys.argv[2])", str(file), f"127.0.0.1:{port}")
    with (folder / "desk.log").open("wb") as log, program(log, *arguments) as process:
        address = f"http://127.0.0.1:{port}"
        until = time.monotonic() + 40
        while True:
            try:
                httpx.get(address)
                break
            except httpx.TransportError:
                assert process.poll() is None and time.monotonic() < until, (folder / "desk.log").read_text(encoding="utf-8")
                time.sleep(0.1)
        yield address
    told = (folder / "desk.log").read_text(encoding="utf-8")
    assert "Traceback" not in told, told


def journal(folder: Path) -> Journal:
    return open_journal(load_config(folder / "shop.toml"))


@pytest.mark.slow
def test_an_evening_at_the_bench(browser: Browser, tmp_path: Path) -> None:
    picture = png()
    (tmp_path / "made.png").write_bytes(picture)
    # On its PATH is no slicer, so the virtual machine plays the estimate.
    with router_beside() as beside, (tmp_path / "agent.log").open("wb") as log:
        desk_shop(tmp_path, beside.address, speed=4)
        beside.router.files[hashlib.sha256(picture).hexdigest()] = picture
        wanted = offer(quantity=2, minutes=1, picture_sha256=hashlib.sha256(picture).hexdigest(), purpose="for the kitchen")
        beside.router.put_up(wanted)
        with program(log, "-m", "shop_agent", str(tmp_path / "shop.toml"), PATH=str(tmp_path)), desk_beside(tmp_path) as address:
            try:
                _evening(browser, address, tmp_path)
            except BaseException:
                print((tmp_path / "agent.log").read_text(encoding="utf-8"))
                raise


def _evening(browser: Browser, address: str, folder: Path) -> None:
    browser.open(address)
    # What is offered, with its picture, which came from the node through the desk and not from the browser.
    browser.wait(lambda: "for the kitchen" in browser.text('[data-test="offer-wo-1"]'))
    browser.wait(lambda: browser.run("return document.querySelector('.picture')?.naturalWidth") == 1)
    browser.touch("accept-wo-1")
    browser.wait(lambda: "Waits for somebody" in browser.text('[data-test="machine-mk3"]'))
    # Ready: who says it is asked once; one touch alone says nothing.
    browser.touch("ready-mk3")
    browser.touch("who-Lena")
    browser.wait(lambda: browser.shows('[data-test="sure"][disabled]'))
    browser.touch("say-bed")
    browser.touch("say-stock")
    browser.touch("sure")
    browser.wait(lambda: "piece 1 of 2" in browser.text('[data-test="machine-mk3"]'))
    browser.touch("pause-mk3")
    browser.wait(lambda: browser.text('[data-test="state-mk3"]') == "paused")
    # Go on takes two touches; stop takes one, and is there whatever lies over the page.
    browser.touch("resume-mk3")
    browser.touch("say-go")
    browser.touch("sure")
    browser.wait(lambda: browser.text('[data-test="state-mk3"]') == "at work")
    browser.touch("size-wo-1")
    browser.touch("stop-now-mk3")
    browser.wait(lambda: not browser.shows('[data-test="stop-now-mk3"]'))
    # What was typed stays where something is wrong with it.
    browser.type(".size-name input", "bore")
    browser.type(".size-nominal input", "8")
    browser.touch("sure")
    browser.wait(lambda: "bore=8.0/8.03" in browser.text(".wrong"))
    browser.type(".size-measured input", "8,03")
    browser.touch("sure")
    browser.wait(lambda: "size measured" in browser.text('[data-test="bench-wo-1"]'))
    browser.touch("photo-wo-1")
    browser.wait(lambda: browser.run("return document.querySelector('input[type=file]')?.getAttribute('accept')") == "image/*")
    browser.type("input[type=file]", str(folder / "made.png"))
    browser.wait(lambda: "photograph" in browser.text('[data-test="bench-wo-1"]'))
    browser.touch("minutes-wo-1")
    browser.type(".minutes input", "12,5")
    browser.touch("sure")
    browser.wait(lambda: "of people’s work" in browser.text('[data-test="bench-wo-1"]'))
    # The stopped piece is scrap; whoever looks at it says that it is good after all.
    browser.size(420, 900)
    browser.touch("pieces-wo-1")
    browser.wait(lambda: browser.shows('[data-test="piece-1-good"]'))
    assert browser.run(BROKEN_WORDS) == []
    browser.size(1024, 768)
    browser.touch("piece-1-good")
    browser.wait(lambda: "1 of 2" in browser.text('[data-test="bench-wo-1"]'))
    with closing(journal(folder)) as read:
        (attempt,) = read.attempts()
        account = account_of(read, attempt.row)
        assert (attempt.good, attempt.scrap, attempt.go_by) == (1, 0, "Lena")
        assert [(one.name, one.nominal_mm, one.measured_mm) for one in account.sizes] == [("bore", 8.0, 8.03)]
        assert account.person_seconds == (("finishing", 750.0),), "a comma is a point, and not left out"
        assert account.photographs[0].file.read_bytes() == (folder / "made.png").read_bytes()
    _made_for_fingers(browser)


def _made_for_fingers(browser: Browser) -> None:
    """Nothing from elsewhere, nothing too small to touch, nothing wider than the screen, and no cookie that a script could read."""
    elsewhere = "return performance.getEntriesByType('resource').map(e => e.name).filter(n => !n.startsWith(location.origin))"
    small = "return [...document.querySelectorAll('button')].filter(e => e.offsetParent && e.offsetHeight < 56).length"
    assert browser.run(elsewhere) == []
    for width, height in ((1024, 768), (420, 900)):
        browser.size(width, height)
        assert browser.run(small) == 0
        assert browser.run("return document.documentElement.scrollWidth - window.innerWidth") <= 0
    assert browser.run("return document.cookie") == ""


@pytest.mark.slow
def test_what_people_make_count_and_bring(browser: Browser, tmp_path: Path) -> None:
    """A walk-in that is made by hand, pieces that a person judges, a toolpath that the gate refuses; no router can be heard."""
    desk_shop(tmp_path, speed=600)
    file, virtual = tmp_path / "shop.toml", 'control = "virtual"'
    file.write_text(file.read_text(encoding="utf-8").replace(virtual, f'{virtual}\njudged_by = "person"'), encoding="utf-8")
    with (
        (tmp_path / "agent.log").open("wb") as log,
        closing(journal(tmp_path)) as read,
        program(log, "-m", "shop_agent", str(file), PATH=str(tmp_path)),
        desk_beside(tmp_path) as address,
    ):
        try:
            browser.open(address)
            _what_is_wrong_is_in_sight_on_a_phone(browser)
            _walk_in_by_hand(browser, read)
            _judged_by_a_person(browser, read)
            _toolpath_that_is_refused(browser, read, tmp_path)
        except BaseException:
            print((tmp_path / "agent.log").read_text(encoding="utf-8"))
            raise


def _on_bench(browser: Browser, order: str) -> str:
    return browser.text(f'[data-test="bench-{order}"]')


def _take_walk_in(browser: Browser, read: Journal, machine: str, what: str, more: int = 0) -> str:
    """A walk-in of one piece and `more`; its work order."""
    known = {one.ref.work_order_id for one in read.attempts()}
    browser.touch("walk-in")
    browser.type(".walk-in-what input", what)
    browser.choose(".walk-in-machine", machine)
    for _ in range(more):
        browser.touch("pieces-more")
    browser.touch("sure")
    browser.wait(lambda: len(read.attempts()) > len(known))
    (order,) = {one.ref.work_order_id for one in read.attempts()} - known
    browser.wait(lambda: "walk-in" in _on_bench(browser, order))
    return order


def _what_is_wrong_is_in_sight_on_a_phone(browser: Browser) -> None:
    """Whoever touches the last button of a long sheet sees at once why nothing came of it."""
    browser.size(420, 700)
    browser.touch("walk-in")
    browser.touch("sure")
    browser.wait(lambda: "needs a word" in browser.text(".wrong"))
    browser.run("document.querySelector('.q-card.sheet').scrollTop = 9999")
    top, bottom = browser.run("const r = document.querySelector('.sheet .wrong').getBoundingClientRect(); return [r.top, r.bottom]")
    assert 0 <= top < bottom <= browser.run("return window.innerHeight")
    browser.touch("not-now")
    browser.wait(lambda: not browser.shows(".q-card.sheet"))
    browser.size(1024, 768)


def _walk_in_by_hand(browser: Browser, read: Journal) -> None:
    order = _take_walk_in(browser, read, "the saw", "a shelf", more=1)
    browser.wait(lambda: "Waits for somebody" in browser.text('[data-test="machine-saw"]'))
    browser.touch("ready-saw")
    browser.touch("who-Lena")
    browser.touch("say-go")
    browser.touch("sure")
    browser.touch("made-on-saw")
    browser.touch("good-more")
    browser.touch("scrap-more")
    browser.touch("sure")
    browser.wait(lambda: "1 of 2" in _on_bench(browser, order) and "scrap" in _on_bench(browser, order))
    assert next(one for one in read.attempts() if one.ref.work_order_id == order).go_by == "Lena"


def _judged_by_a_person(browser: Browser, read: Journal) -> None:
    order = _take_walk_in(browser, read, "the printer", "hooks", more=1)

    def made() -> None:
        browser.touch("ready-mk3")
        browser.touch("say-bed")
        browser.touch("say-stock")
        browser.touch("sure")

    browser.wait(lambda: "Waits for somebody" in browser.text('[data-test="machine-mk3"]'))
    made()
    browser.wait(lambda: "to be judged" in _on_bench(browser, order))
    browser.touch(f"scrap-{order}")
    browser.wait(lambda: "1\nscrap" in _on_bench(browser, order))
    made()
    browser.wait(lambda: "to be judged" in _on_bench(browser, order))
    browser.touch(f"good-{order}")
    browser.wait(lambda: "1 of 2" in _on_bench(browser, order))


def _toolpath_that_is_refused(browser: Browser, read: Journal, folder: Path) -> None:
    """What the gate says stands there line by line, and a mended file is taken from the same sheet."""
    order = _take_walk_in(browser, read, "the mill", "a plate")
    browser.wait(lambda: "It waits for a toolpath" in _on_bench(browser, order))
    assert "job sheet" in browser.text(f'[data-test="files-{order}"]')
    script = (
        "const r = new XMLHttpRequest(); r.open('GET', document.querySelector(arguments[0]).href, false); r.send(); return r.responseText"
    )
    sheet = browser.run(script, f'[data-test="files-{order}"] a')
    assert order in sheet
    (folder / "plate.nc").write_text("G21\nG90\nM500\nM502\n", encoding="utf-8")
    browser.touch(f"bring-{order}")
    browser.type("input[type=file]", str(folder / "plate.nc"))
    browser.wait(lambda: "Line 3: M500" in browser.text(".wrong") and "Line 4: M502" in browser.text(".wrong"))
    (folder / "mended.nc").write_text("G21\nG90\nG17\nG94\nG54\nG0 Z5\nM3 S8000\nG1 X10 Y10 Z1 F300\nG0 Z5\nM5\nM30\n", encoding="utf-8")
    browser.type("input[type=file]", str(folder / "mended.nc"))
    browser.wait(lambda: "brought by somebody" in _on_bench(browser, order))
    toolpath = next(one for one in read.attempts() if one.ref.work_order_id == order).toolpath
    assert toolpath is not None and toolpath.brought


@pytest.mark.slow
def test_the_page_asks_for_the_pin_and_then_shows_the_bench(browser: Browser, tmp_path: Path) -> None:
    desk_shop(tmp_path)
    with desk_beside(tmp_path, PIN) as address:
        browser.open(address)
        browser.type("input[name=pin]", "0000\ue007")
        browser.wait(lambda: "That is not the PIN" in browser.text())
        browser.type("input[name=pin]", f"{PIN}\ue007")
        # The agent does not run, and the page says so before anything else.
        browser.wait(lambda: "The agent is not running" in browser.text('[data-test="agent"]'))
        assert browser.text('[data-test="state-mk3"]') == "not known"


@pytest.mark.slow
def test_what_came_to_nothing_is_read_on_a_tablet_and_on_a_phone_and_put_away_with_one_touch(browser: Browser, tmp_path: Path) -> None:
    config = desk_shop(tmp_path)
    long = "a hook for the door of the shed behind the house, with a very long name that somebody gave it"
    with closing(open_journal(config)) as said:
        order = walk_ins.take(Bench(config, said), "saw", Wanted(long, 1))
        attempt_steps.release(said, said.attempts()[0], [reason("slicer.failed", "no extrusions in the first layer, " * 3 + "and so on")])
        ended = made(said, accepted(said, offer(quantity=3)), PieceState.GOOD)
        attempt_steps.fail(said, ended, v1.SignedWork(), [reason("machine.spoiled", pieces=2), reason("machine.away", "the printer")])
    card, other = f'[data-test="given-back-{order}"]', '[data-test="given-back-wo-1"]'
    with desk_beside(tmp_path) as address:
        browser.open(address)
        browser.wait(lambda: "could not be made" in browser.text(card))
        assert all(told in browser.text(card) for told in ("walk-in", "the saw", "no extrusions", "Look at the part", "take it in again"))
        reasons = ("ended early, 1 of 3 good", "Too many pieces were spoiled: 2", "The printer does not answer")
        assert all(told in browser.text(other) for told in reasons)
        assert "walk-in" not in browser.text(other)
        for width, height in ((1024, 900), (420, 900)):
            browser.size(width, height)
            browser.touch(f"to-given-back-{order}")
            browser.wait(lambda: _is_in_sight(browser, card))
            browser.picture(tmp_path / f"given-back-{width}.png")
            assert browser.run(WIDER_THAN_ITS_CARD, card) == []
            assert len(set(browser.run(COLOURS_OF_NOTES, card))) == 2, "what to do can be told from what is wrong"
        _made_for_fingers(browser)
        browser.touch(f"dismiss-{order}")
        browser.wait(lambda: not browser.shows(card))
        assert browser.shows(other) and not browser.shows(f'[data-test="to-given-back-{order}"]')
    with closing(journal(tmp_path)) as read:
        assert [one.attempt.ref.work_order_id for one in given_back(read)] == ["wo-1"]


WIDER_THAN_ITS_CARD = (
    "const card = document.querySelector(arguments[0]), right = card.getBoundingClientRect().right;"
    "return [...card.querySelectorAll('*')].filter(e => e.getBoundingClientRect().right > right).map(e => e.innerText)"
)
BROKEN_WORDS = (
    "return [...document.querySelectorAll('.piece .block')].filter(e => e.offsetHeight > 1.6 * parseFloat(getComputedStyle(e).fontSize))"
    ".map(e => e.innerText)"
)
COLOURS_OF_NOTES = "return [...document.querySelectorAll(arguments[0] + ' .note > *')].map(e => getComputedStyle(e).color)"


def _is_in_sight(browser: Browser, css: str) -> bool:
    top = browser.run("return document.querySelector(arguments[0]).getBoundingClientRect().top", css)
    return 0 <= float(top) < 400
