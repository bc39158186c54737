# SPDX-License-Identifier: AGPL-3.0-or-later
"""A first `shop.toml`, with every key explained, and the shop's key. Nothing that exists is overwritten, nothing is left half-written."""

from __future__ import annotations

import itertools
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from commonfab.addresses import DEFAULT_ADDRESS
from commonfab.errors import Refused
from commonfab.identity import write_private
from shop_agent.config import ShopConfig, load_config
from shop_agent.shop_key import public_key_of
from shop_agent.starting.drafts import MachineDraft, block, toml_text

HEAD = """\
# What this shop says about itself. Look it over, then: commonfab shop check

[shop]
id = {id}                  # the subject of the shop's token: a-z, 0-9, '-' and '.'
name = {name}
# Roughly where you are. The coordinates stay on this computer; only a cell of about 5 km² is told.
{latitude}
{longitude}
# data_dir = "shop-data"          # the key, the journal and the toolpaths; keep it, and keep it private
# slicer = "/opt/PrusaSlicer/prusa-slicer"   # only where PrusaSlicer is not on the PATH
# closed = "back on the 12th"     # no new work is offered, and people see why
# time_zone = "Europe/Berlin"     # whose clock the hours below mean
# quiet = ["22:00-07:00"]         # nothing starts then, except what is silent = true
# stagger_seconds = 60            # so long between two starts, so that heaters do not trip the breaker together
# metrics = "127.0.0.1:9464"      # figures for Prometheus
# operations = ["tap", "weld"]    # what people do here by hand
# skills = ["tig_welding"]        # what somebody here is trained for

[router]
node = {node}
token_file = "shop.token"         # the secret alone in a file; or token = "cfab_…"
{ca}

[policy]
accept = "ask"                    # "always": take whatever fits the lines below; "ask": you answer each offer
# max_pieces = 20                 # larger lots are declined; declining never costs you anything
# max_km = 15
# materials = ["pla", "petg"]
# most_minutes = 240              # longer lots are split
# requesters = ["anna"]           # whose work you take; else anybody's
# hours = ["Mo-Fr 17:00-22:00", "Sa 09:00-13:00"]   # when somebody is there
# scrap_allowed = 1               # so many spoiled pieces of an order are made again, then it is given up

[desk]
# listen = "127.0.0.1:4790"       # commonfab shop desk: this computer only; "0.0.0.0:4790" for a tablet on your network, with a PIN
# pin_file = "desk.pin"           # 4 to 12 digits alone in a file that only you can read; or pin = "…"
# people = ["Lena", "Jo"]         # names to choose from, for who says it; they are in no report

# One block for each machine. docs/shop.md lists everything that can be said.
"""

ROOM_BYTES = 65_536
"""More than shop.toml, the token and the keys take together."""

FIRST_MACHINE = MachineDraft("mk3", "virtual", "the printer", envelope_mm=(250, 210, 210), materials=("pla",))


@dataclass(frozen=True)
class ShopDraft:
    """What is known of a shop that is to be written. `ca`: the authorities to trust at the node, as it is to stand in `shop.toml`."""

    id: str = "my-shop"
    name: str = "My shop"
    node: str = DEFAULT_ADDRESS
    ca: str = ""
    latitude: float | None = None
    longitude: float | None = None
    machines: tuple[MachineDraft, ...] = ()


def shop_text(draft: ShopDraft) -> str:
    """The whole of `shop.toml`."""
    latitude = f"latitude = {draft.latitude:g}" if draft.latitude is not None else "# latitude = 48.14"
    longitude = f"longitude = {draft.longitude:g}" if draft.longitude is not None else "# longitude = 11.58"
    written = {key: toml_text(value) for key, value in (("id", draft.id), ("name", draft.name), ("node", draft.node))}
    ca = f"ca = {toml_text(draft.ca)}" if draft.ca else '# ca = "node-ca.pem"            # needed beyond this computer'
    head = HEAD.format(**written, latitude=latitude, longitude=longitude, ca=ca)
    return head + "\n" + "\n\n".join(block(machine) for machine in draft.machines or (FIRST_MACHINE,)) + "\n"


def write_shop(path: Path, draft: ShopDraft) -> ShopConfig:
    """Write `shop.toml` to `path`, the machines' keys and an empty token file beside it, and make the shop's key.

    Errors: `Refused` (`shop.exists`; `shop.config` where what is known makes no shop); `OSError`. Then nothing new is there.
    """
    if path.exists():
        raise Refused("shop.exists", str(path))
    path.parent.mkdir(parents=True, exist_ok=True)
    with _undone_on_error() as made:
        for machine in draft.machines:
            if machine.key_file:
                _write_key(path.parent / machine.key_file, machine.api_key, made)
        _empty_token(path.parent, made)
        _put(path, shop_text(draft), made)
        config = load_config(path)
    public_key_of(config.key_file)
    return config


def keep_unfinished(path: Path, draft: ShopDraft) -> Path:
    """Write what is known so far beside where `shop.toml` would be, such that it loads once it has that name. Answers the file.

    The machines' keys stand in it, because beginning anew must not find files of theirs; so it is its owner's only. Errors: `OSError`.
    """
    text = unfinished_text(draft)
    path.parent.mkdir(parents=True, exist_ok=True)
    _empty_token(path.parent, [])
    return _kept(path, text)


def unfinished_text(draft: ShopDraft) -> str:
    """What is known so far as the text of a `shop.toml`, the machines' keys in it."""
    text = shop_text(draft)
    for machine in draft.machines:
        if machine.key_file:
            text = text.replace(f"api_key_file = {toml_text(machine.key_file)} ", f"api_key = {toml_text(machine.api_key)} ", 1)
    return text


def unfinished(path: Path) -> list[Path]:
    """What earlier attempts left beside where `shop.toml` would be."""
    return sorted(path.parent.glob(f"{path.name}.unfinished*")) if path.parent.is_dir() else []


def try_folder(path: Path) -> None:
    """Write something beside where `shop.toml` would be and take it away again: nobody should answer for nothing. Errors: `OSError`."""
    path.parent.mkdir(parents=True, exist_ok=True)
    trial = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with trial.open("xb") as file:
            file.write(bytes(ROOM_BYTES))
            file.flush()
            os.fsync(file.fileno())
    finally:
        trial.unlink(missing_ok=True)


def _kept(path: Path, text: str) -> Path:
    """A new private file with that text; what an earlier attempt kept stays."""
    for number in itertools.count(1):
        kept = path.with_name(f"{path.name}.unfinished{f'-{number}' if number > 1 else ''}")
        if not kept.exists():
            break
    write_private(kept, text.encode())
    return kept


def _empty_token(folder: Path, made: list[Path]) -> None:
    """So that the first check names what is missing, instead of a file that cannot be read."""
    token = folder / "shop.token"
    if not token.exists():
        os.close(os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        made.append(token)


def _write_key(file: Path, key: str, made: list[Path]) -> None:
    if file.exists():
        raise Refused("shop.exists", str(file))
    write_private(file, f"{key}\n".encode())
    made.append(file)


def _put(path: Path, text: str, made: list[Path]) -> None:
    """Write `text` to a file that is not there yet, whole or not at all. Errors: `Refused` (`shop.exists`)."""
    scratch = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with scratch.open("x", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        try:
            path.hardlink_to(scratch)  # unlike a rename it does not replace what somebody else wrote in the meantime
        except FileExistsError:
            raise Refused("shop.exists", str(path)) from None
        except OSError:  # a file system without hard links
            scratch.rename(path)
        made.append(path)
    finally:
        scratch.unlink(missing_ok=True)


@contextmanager
def _undone_on_error() -> Iterator[list[Path]]:
    """Files that are removed again where something goes wrong, Ctrl-C too."""
    made: list[Path] = []
    try:
        yield made
    except BaseException:
        for file in made:
            file.unlink(missing_ok=True)
        raise
