# SPDX-License-Identifier: AGPL-3.0-or-later
"""Whole products, first articles, deadlines and needs, by the commands that people type, against a node that runs as people run it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.duration_pb2 import Duration
from processes import NodeProcess, wait_until
from stl_boxes import stl_box
from typer.testing import CliRunner

from cli.main import app
from commonfab import v1
from commonfab.errors import refusal_of
from commonfab.identity import sign_work
from commonfab.place import coarse_place

TOWNS = iter(
    [
        (52.52, 13.405),
        (48.137, 11.575),
        (50.938, 6.96),
        (53.55, 9.993),
        (51.05, 13.74),
        (50.11, 8.68),
        (47.99, 7.84),
        (49.45, 11.08),
        (51.34, 12.37),
        (53.08, 8.8),
    ]
)
"""Every test asks in a town of its own, so that no shop of another test is near."""

AXLES = '[[line]]\nname = "axle"\nquantity = 2\nmake = {{ revision = "{}" }}\n'
SCREWS = '[[line]]\nname = "M3 screw"\nquantity = 4\nbuy = { standard = "ISO 4762 M3x10" }\n'


@dataclass
class Town:
    """A requester who types commands, and the shops of one town, which answer as a program of their own would."""

    node: NodeProcess
    folder: Path
    name: str
    at: tuple[float, float]
    keys: dict[str, tuple[str, Ed25519PrivateKey]] = field(default_factory=dict)
    token: str = ""

    def __post_init__(self) -> None:
        self.maker, self.token = (self._token(scope, role) for scope, role in ((v1.SCOPE_MAKER, "maker"), (v1.SCOPE_REQUESTER, "anna")))

    def _token(self, scope: v1.Scope.ValueType, role: str) -> str:
        return asyncio.run(self.node.token(scope, f"{self.name}-{role}"))

    def types(self, *words: str, token: str = "") -> str:
        """What `commonfab` writes for these words."""
        environment = {"COMMONFAB_NODE": self.node.address, "COMMONFAB_TOKEN": token or self.token}
        result = CliRunner().invoke(app, list(words), env=environment)
        if result.exception is not None:
            raise result.exception
        return result.stdout

    def reads(self, *words: str, token: str = "") -> Any:
        return json.loads(self.types(*words, "--json", token=token))

    def refused(self, *words: str) -> str:
        """The code with which a command is refused."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            self.types(*words)
        refusal = refusal_of(caught.value)
        assert refusal is not None, caught.value
        return str(refusal.reason.code)

    @property
    def here(self) -> tuple[str, ...]:
        return ("--lat", str(self.at[0]), "--lon", str(self.at[1]))

    @property
    def near(self) -> tuple[str, ...]:
        return (*self.here, "--within-km", "20")

    def publishes(self, parts: dict[str, tuple[float, float, float]], *extra: str, **quantities: int) -> str:
        """A design of boxes. Parameters: `extra`, further words; `quantities`, how many of a part one product needs, else one."""
        for name, size in parts.items():
            (self.folder / f"{name}.stl").write_bytes(stl_box(*size))
        each = [word for name, many in quantities.items() for word in ("--part-quantity", f"{name}={many}")]
        words = ("design", "publish", str(self.folder), *extra, "--title", self.name, "--licence", "CC0-1.0", "--unit", "mm", *each)
        design: str = self.reads(*words, token=self.maker)["design"]["id"]
        return design

    def shop(self, name: str, *events: v1.ShopEvent, machines: tuple[v1.Machine, ...] = (), **told: Any) -> v1.SynchronizeResponse:
        """One call of a shop, which has a printer unless other machines are given."""
        shop_id = f"{self.name}-{name}"
        if name not in self.keys:
            self.keys[name] = self._token(v1.SCOPE_SHOP, name), Ed25519PrivateKey.generate()
        token, key = self.keys[name]
        public = key.public_key().public_bytes_raw()
        shop = v1.Shop(id=shop_id, name=name.title(), place=coarse_place(*self.at), machines=machines or (printer(),), public_key=public)
        shop.MergeFrom(v1.Shop(**told))
        request = v1.SynchronizeRequest(shop=shop, agent_run="run", events=events)

        async def call() -> v1.SynchronizeResponse:
            async with self.node.caller(token) as caller:
                return await caller.desk.Synchronize(request)

        return asyncio.run(call())

    def is_asked(self, name: str, **told: Any) -> list[v1.Offer]:
        """The offers of a shop, as soon as there is one."""
        offers: list[v1.Offer] = []

        def there() -> bool:
            offers[:] = self.shop(name, **told).offers
            return bool(offers)

        wait_until(there, f"an offer for {name}")
        return offers

    def makes(self, name: str, offer: v1.Offer, **told: Any) -> None:
        """The shop takes an offer, starts, and reports every piece as good."""
        (accepted,) = self.shop(name, v1.ShopEvent(id="a", accept=v1.Accept(work_order_id=offer.work_order_id)), **told).receipts
        (started,) = self.shop(name, v1.ShopEvent(id="s", start=v1.Start(attempt=accepted.attempt)), **told).receipts
        work = v1.CompletedWork(
            attempt=accepted.attempt,
            job_id=offer.job_id,
            revision_digest=offer.revision_digest,
            part_name=offer.part_name,
            shop_id=f"{self.name}-{name}",
            machine_id=offer.machine_id,
            control="manual",
            process=offer.requirement.process,
            material=offer.requirement.material,
            pieces_good=offer.quantity,
            machine_time=Duration(seconds=60),
        )
        done = v1.ShopEvent(id="c", complete=v1.Complete(signed=sign_work(work, self.keys[name][1])))
        (reported,) = self.shop(name, done, **told).receipts
        for receipt in (accepted, started, reported):
            assert not receipt.HasField("refusal"), receipt.refusal.reason.message

    def until(self, job: str, holds: Callable[[Any], object]) -> Any:
        """The job as `commonfab job show` tells of it, once that holds of it."""
        told: dict[str, Any] = {}

        def does() -> bool:
            told.update(self.reads("job", "show", job))
            return bool(holds(told))

        wait_until(does, f"job {job}")
        return told


@pytest.fixture
def town(node: NodeProcess, tmp_path: Path, request: pytest.FixtureRequest) -> Town:
    name = request.node.name.removeprefix("test_").replace("_", "-")[:30].strip("-")
    return Town(node, tmp_path, name, next(TOWNS))


def printer(x: float = 200, y: float = 200, z: float = 180) -> v1.Machine:
    size = v1.Size(x=x, y=y, z=z)
    ready = v1.MACHINE_STATE_READY
    return v1.Machine(id="p", process="fdm", envelope_mm=size, materials=["pla"], loaded="pla", state=ready, control="manual")


def bench() -> v1.Machine:
    """Where people put things together; a shop's file names a material of every machine."""
    size, ready = v1.Size(x=1000, y=600, z=600), v1.MACHINE_STATE_READY
    return v1.Machine(id="bench", process="assembly", envelope_mm=size, materials=["glue"], state=ready, control="manual")


def codes(reasons: list[dict[str, Any]]) -> list[str]:
    return [reason["code"] for reason in reasons]


@pytest.mark.slow
def test_a_product_of_two_parts_is_made_looked_at_and_put_together(town: Town) -> None:
    design = town.publishes({"arm": (60, 10, 5), "foot": (30, 30, 5)}, arm=2)
    wish = ("--product", "--assembled", "--quantity", "2", "--first-article", "--needed-in", "3d", "--material", "pla", *town.near)
    product = town.reads("job", "request", design, *wish)
    assert product["state"] == "JOB_STATE_WAITING" and "job.parts_awaited" in codes(product["waiting_for"])
    parts = {job["specification"]["part_name"]: job for job in (town.reads("job", "show", part) for part in product["part_job_ids"])}
    assert {name: job["request"]["quantity"] for name, job in parts.items()} == {"arm": 4, "foot": 2}
    assert {job["needed_by"] for job in parts.values()} == {product["needed_by"]}
    assert product["needed_by"][:10] in town.types("job", "show", product["id"]), "people are told of the deadline"

    machines = (printer(), bench())
    made: list[tuple[str, int]] = []
    while len(made) < 6:
        for offer in town.is_asked("yard", machines=machines):
            town.makes("yard", offer, machines=machines)
            made.append((offer.part_name, offer.quantity))
        for name, job in (*parts.items(), ("the whole", product)):
            if town.reads("job", "show", job["id"])["first_article"] == "FIRST_ARTICLE_MADE":
                assert town.reads("job", "approve", job["id"])["first_article"] == "FIRST_ARTICLE_APPROVED", name
    assert sorted(made[:4]) == [("arm", 1), ("arm", 3), ("foot", 1), ("foot", 1)]
    assert made[4:] == [("", 1), ("", 1)], "it is put together when all parts are there, and one of it is looked at first, too"
    done = town.until(product["id"], lambda job: job["state"] == "JOB_STATE_DONE")
    assert done["pieces_good"] == 2


@pytest.mark.slow
def test_a_product_is_made_with_all_that_its_bill_makes_from_other_designs(town: Town, tmp_path: Path) -> None:
    axle = town.publishes({"axle": (40, 8, 8)})
    digest = town.reads("design", "show", axle)["revision"]["digest"]
    (town.folder / "axle.stl").unlink()
    bill = tmp_path / "bill.toml"
    bill.write_text(AXLES.format(digest) + SCREWS, encoding="utf-8")
    cart = town.publishes({"deck": (80, 60, 5)}, "--bill", str(bill))
    town.shop("yard")
    product = town.reads("job", "request", cart, "--product", "--quantity", "3", "--material", "pla", *town.near)
    parts = [town.reads("job", "show", part) for part in product["part_job_ids"]]
    wanted = {job["specification"]["part_name"]: (job["request"]["quantity"], job["specification"]["revision_digest"]) for job in parts}
    assert wanted.keys() == {"axle", "deck"}
    assert wanted["axle"] == (6, digest) and wanted["deck"][0] == 3


def test_a_product_whose_bill_names_what_is_not_here_is_not_begun(town: Town, tmp_path: Path) -> None:
    bill = tmp_path / "bill.toml"
    bill.write_text(AXLES.format("0" * 64), encoding="utf-8")
    cart = town.publishes({"deck": (80, 60, 5)}, "--bill", str(bill))
    assert town.refused("job", "request", cart, "--product", *town.near) == "job.bill"


def test_a_product_that_nobody_puts_together_is_explained_by_what_it_waits_for(town: Town) -> None:
    design = town.publishes({"arm": (60, 10, 5), "foot": (30, 30, 5)})
    town.shop("yard")
    product = town.reads("job", "request", design, "--product", *town.near)
    told = town.reads("job", "explain", product["id"])
    assert codes(told["waiting_for"]) == ["job.parts_awaited"]
    wish = town.reads("job", "explain", "--design", design, "--product", *town.near)
    assert [one["shop_name"] for one in wish["able"]] == ["Yard"]


def test_a_first_article_is_approved_of_only_when_it_is_there(town: Town) -> None:
    design = town.publishes({"gear": (20, 20, 5)})
    job = town.reads("job", "request", design, "--quantity", "3", "--first-article", *town.near)
    assert town.refused("job", "approve", job["id"]) == "job.first_not_made"
    (offer,) = town.is_asked("yard")
    assert offer.quantity == 1
    town.makes("yard", offer)
    waiting = town.until(job["id"], lambda told: told["pieces_good"] == 1)
    assert "job.first_article_made" in codes(waiting["waiting_for"])
    town.types("job", "approve", job["id"])
    (rest,) = town.is_asked("yard")
    assert rest.quantity == 2


def test_a_lot_that_is_withdrawn_goes_back_and_is_offered_again(town: Town) -> None:
    design = town.publishes({"gear": (20, 20, 5)})
    job = town.reads("job", "request", design, "--quantity", "2", *town.near)
    (offer,) = town.is_asked("yard")
    town.shop("shed")
    told = town.reads("job", "withdraw", offer.work_order_id)
    assert [order["state"] for order in told["work_orders"]][:1] == ["WORK_ORDER_STATE_CANCELLED"]
    (again,) = town.is_asked("shed")
    assert (again.job_id, again.quantity) == (job["id"], 2)
    assert not town.shop("yard").offers, "the one from whom it was taken is not asked again"
    town.makes("shed", again)
    assert town.refused("job", "withdraw", again.work_order_id) == "order.ended"


def test_who_could_make_it_is_told_with_the_shares_of_the_rank_and_who_could_not_in_groups(town: Town) -> None:
    design = town.publishes({"beam": (15, 15, 290)})
    town.shop("large", machines=(printer(z=300),))
    for name in ("small", "smaller"):
        town.shop(name)
    told = town.reads("job", "explain", "--design", design, "--quantity", "3", *town.near)
    (able,) = told["able"]
    assert (able["shop_name"], able["lot"]) == ("Large", 3)
    assert {"making"} <= {term["name"] for term in able["terms"]}
    rooms = [one for one in told["groups"] if one["nearest"]["code"].startswith("size.")]
    assert rooms and max(one["machines"] for one in rooms) >= 2
    assert {"Small", "Smaller"} <= {one["shop_name"] for one in told["refused"]}
    assert town.reads("job", "list") == [], "asking commits nothing"


def test_three_jobs_that_wait_for_a_larger_bed_are_one_need_with_the_nearest_miss(town: Town) -> None:
    design = town.publishes({"plate": (290, 290, 20)})
    town.shop("yard")
    jobs = [town.reads("job", "request", design, "--quantity", str(many), *town.near)["id"] for many in (1, 2, 3)]
    told = town.reads("needs", *town.near)
    assert told["waiting_jobs"] == 3
    need = next(one for one in told["needs"] if one["process"] == "fdm")
    assert (need["kind"], need["jobs"], need["pieces"]) == ("NEED_KIND_MACHINE", 3, 6)
    assert sorted(need["room_mm"].values())[1:] == [300, 300], "beds are sold in round figures"
    assert need["what"]["message"] in " ".join(town.types("needs", *town.near).split())
    explained = town.reads("job", "explain", jobs[0])
    assert not explained["able"] and codes(explained["waiting_for"]) == ["job.nobody_able"]
    assert explained["nearest"], "what comes nearest is told"


def test_a_shop_that_is_closed_says_why_in_its_own_words(town: Town) -> None:
    design = town.publishes({"gear": (20, 20, 5)})
    job = town.reads("job", "request", design, *town.near)
    town.is_asked("yard")
    town.shop("yard", closed="back on Monday")
    waiting = town.until(job["id"], lambda told: codes(told["waiting_for"]) == ["job.nobody_able"])
    assert waiting["pieces_unplaced"] == 1
    explained = town.reads("job", "explain", job["id"])
    mine = next(one for one in explained["refused"] if one["shop_name"] == "Yard")
    assert any("back on Monday" in reason["message"] for reason in mine["reasons"])
    assert "back on Monday" in town.types("shop", "list")
    assert [offer.job_id for offer in town.is_asked("yard")] == [job["id"]], "open again, it is asked again"
