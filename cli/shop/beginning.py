# SPDX-License-Identifier: AGPL-3.0-or-later
"""What `commonfab shop init` knows before it asks anything: from its options, an invitation, an OKW file, the network and the machines."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, replace
from pathlib import Path

from cli import output
from cli.shop.answers import Answers
from cli.shop.machine_options import machine_given
from cli.shop.machine_questions import LIVE
from commonfab.addresses import DEFAULT_ADDRESS
from commonfab.clock import SystemClock
from commonfab.errors import Refused
from commonfab.invitation import Invitation, read_invitation
from shop_agent.shop_toml.sections import ID
from shop_agent.starting.drafts import MachineDraft, id_from
from shop_agent.starting.init import ShopDraft
from shop_agent.starting.presets import describe_draft, filled


@dataclass(frozen=True)
class Given:
    """The options as they were given."""

    shop_id: str
    name: str
    node: str
    invitation: str
    machines: tuple[str, ...]
    find: bool
    okw: Path | None
    lab: str
    latitude: float | None
    longitude: float | None


def begun(given: Given) -> tuple[Answers, Invitation | None]:
    """What is known, and the invitation. The machines that were given are asked what they are.

    Errors: `Refused` (`shop.id`, `invitation.malformed`, `shop.machine_option`, `okw.unreadable`,
    `shop.okw_lab`, `command.place`); `OSError`.
    """
    if given.shop_id and not re.fullmatch(ID, given.shop_id):
        raise Refused("shop.id", f"'{given.shop_id}' cannot be a shop's id, '{id_from(given.shop_id)}' can")
    if (given.latitude is None) != (given.longitude is None):
        raise Refused("command.place")
    invited = read_invitation(given.invitation) if given.invitation else None
    shop = ShopDraft(
        given.shop_id or (id_from(given.name) if given.name else "my-shop"),
        given.name or given.shop_id or "My shop",
        given.node or (invited.address if invited else DEFAULT_ADDRESS),
        _authorities(invited),
        given.latitude,
        given.longitude,
    )
    answers = Answers(shop)
    if given.okw:
        _from_okw(answers, given)
    for text in given.machines:
        answers.add(machine_given(text, answers.ids))
    if given.find:
        _from_network(answers)
    answers.shop = replace(answers.shop, machines=tuple(_filled(machine) for machine in answers.shop.machines))
    return answers, invited


def _authorities(invited: Invitation | None) -> str:
    """What stands at `ca`: a node's own authority is put beside shop.toml."""
    if invited is None or not invited.tls:
        return ""
    if invited.authority:
        return "node-ca.pem"
    from cli.joining import known_authorities

    return str(known_authorities())


def _from_okw(answers: Answers, given: Given) -> None:
    from cli.shop.okw_machines import machines_of, shop_in_okw

    assert given.okw is not None
    shop, notes = shop_in_okw(given.okw, given.lab)
    for note in notes:
        output.notes().print(output.plain(note), soft_wrap=True)
    if not given.shop_id and not given.name:
        answers.shop = replace(answers.shop, id=id_from(shop.id), name=shop.name)
    for machine in machines_of(shop):
        answers.add(machine)


def _from_network(answers: Answers) -> None:
    from shop_agent.starting.discovery import find_servers

    found = asyncio.run(find_servers())
    output.notes().print(f"{len(found)} machine servers announced themselves.")
    for server in found:
        answers.add(MachineDraft(id_from(server.control, answers.ids), server.control, server.name, url=server.url))


def _filled(draft: MachineDraft) -> MachineDraft:
    """The draft with what its machine says of itself; as it is where that is away, which the check will tell."""
    if draft.control not in LIVE:
        return draft
    try:
        return filled(draft, asyncio.run(describe_draft(draft, SystemClock())))
    except Refused:
        return draft
