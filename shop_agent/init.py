# SPDX-License-Identifier: AGPL-3.0-or-later
"""A first `shop.toml`, with every key explained, and the shop's key. Nothing that exists is overwritten."""

from __future__ import annotations

import json
import os
from pathlib import Path

from commonfab.errors import Refused
from commonfab.identity import load_or_make_key
from shop_agent.config import ShopConfig, load_config

TEMPLATE = """\
# What this shop says about itself. Look it over, then: commonfab shop check

[shop]
id = {id}                  # the subject of the token that the node's steward gave you: a-z, 0-9, '-' and '.'
name = {name}
# Roughly where you are. The coordinates stay on this computer; only a cell of about 5 km² is told.
# latitude = 48.14
# longitude = 11.58
# data_dir = "shop-data"          # the key, the journal and the toolpaths; keep it, and keep it private
# slicer = "/opt/PrusaSlicer/prusa-slicer"   # only where PrusaSlicer is not on the PATH
# closed = "back on the 12th"     # no new work is offered, and people see why
# time_zone = "Europe/Berlin"     # whose clock the hours below mean

[router]
node = {node}
token_file = "shop.token"         # the secret alone in a file; or token = "cfab_…"
# ca = "node-ca.pem"              # the node's certificate authority; needed beyond this computer

[policy]
accept = "ask"                    # "always": take whatever fits the lines below; "ask": you answer each offer
# max_pieces = 20                 # larger lots are declined; declining never costs you anything
# max_km = 15
# materials = ["pla", "petg"]
# most_minutes = 240              # longer lots are split
# requesters = ["anna"]           # whose work you take; else anybody's
# hours = ["Mo-Fr 17:00-22:00", "Sa 09:00-13:00"]   # when somebody is there
# scrap_allowed = 1               # so many spoiled pieces of an order are made again, then it is given up

[[machine]]                       # one block for each machine
id = "mk3"
name = "the printer"
process = "fdm"
envelope_mm = [250, 210, 210]     # the largest part it can hold: x, y, z
materials = ["pla"]
control = "virtual"               # "octoprint" for a real printer; "virtual" makes nothing, to try things out
# url = "http://octopi.local"     # OctoPrint
# api_key_file = "octoprint.key"  # OctoPrint: Settings, Application Keys
starts_itself = false             # false: each order waits for your word: commonfab shop ready mk3
clears_itself = false             # false: after each piece somebody clears the bed and says so in the same way
# slicer_profile = "mk3.ini"      # from PrusaSlicer: File, Export, Export Config; without it a plain profile is used
# nozzle_mm = 0.4
# max_nozzle_c = 290              # hotter toolpaths are refused
# max_bed_c = 120
# reach_min_mm = [0, -4, 0]       # where the nozzle may go outside the envelope, such as a purge line
# reach_max_mm = [255, 212, 212]
# stock = [{{ material = "pla", grams = 750 }}]   # how much there is; else any amount
# may_run = ["08:00-20:00"]       # because of the neighbours' sleep
# enclosed = true                 # the chamber is closed and warm, as ABS wants it; docs/shop.md lists what else can be said
# out_of_order = "belt is torn"   # takes the machine out of service; maintenance = "…" where it comes back by itself
# speed_factor = 60               # virtual only: so many times faster than the toolpath
"""


def init_shop(path: Path, shop_id: str = "my-shop", name: str = "My shop", node: str = "127.0.0.1:4780") -> ShopConfig:
    """Write a first `shop.toml` to `path` and make the shop's key beside it.

    Errors: `Refused` (`shop.exists`; `shop.config` where `shop_id` is no id); `OSError`.
    """
    text = TEMPLATE.format(id=json.dumps(shop_id), name=json.dumps(name, ensure_ascii=False), node=json.dumps(node))
    path.parent.mkdir(parents=True, exist_ok=True)
    token = path.parent / "shop.token"
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise Refused("shop.exists", str(path)) from None
    if not token.exists():  # an empty one, so that the first check names what is missing instead of a file that cannot be read
        os.close(os.open(token, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    try:
        config = load_config(path)
    except Refused:
        path.unlink()
        raise
    load_or_make_key(config.key_file)
    return config
