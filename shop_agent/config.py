# SPDX-License-Identifier: AGPL-3.0-or-later
"""`shop.toml`: what a shop says about itself, checked, with an error that names the line and what to do."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from pydantic import Field, ValidationError

from commonfab import v1
from commonfab.errors import Refused
from shop_agent.shop_toml.complaints import told_of_syntax, told_of_value
from shop_agent.shop_toml.machine_section import NEEDS, MachineSection
from shop_agent.shop_toml.opening_hours import Hours, TimeZone
from shop_agent.shop_toml.sections import Id, Section
from shop_agent.shop_toml.toml_lines import Location, line_of

ADDRESS = re.compile(r"^([A-Za-z0-9.-]+|\[[0-9A-Fa-f:.]+\]):([1-9]\d{0,3}|[1-5]\d{4}|6[0-4]\d{3}|65[0-4]\d{2}|655[0-2]\d|6553[0-5])$")
"""An address and a port, as a server listens on."""


PIN = re.compile(r"^([0-9]{4,12})?$")
"""A desk's PIN; empty for none."""


UNREADABLE = "unreadable"

DATA_DIR = re.compile(r"""^\s*data_dir\s*=\s*["'](?P<dir>[^"']+)["']""", re.MULTILINE)


class ShopSection(Section):
    """[shop]: who and where. Latitude and longitude never leave this computer; only the coarse cell does."""

    id: Id
    name: str = ""
    latitude: float | None = Field(default=None, ge=-90, le=90)
    longitude: float | None = Field(default=None, ge=-180, le=180)
    cell: str = ""
    data_dir: Path = Path("shop-data")
    slicer: str = ""
    operations: tuple[str, ...] = ()
    skills: tuple[str, ...] = ()
    closed: str = ""
    time_zone: TimeZone = ""
    quiet: tuple[Hours, ...] = ()
    stagger_seconds: float = Field(default=0.0, ge=0, le=3600)
    metrics: str = ""


class RouterSection(Section):
    """[router]: the node whose offers the shop hears."""

    node: str = "127.0.0.1:4780"
    token: str = Field(default="", repr=False)
    token_file: Path | None = None
    ca: Path | None = None


class PolicySection(Section):
    """[policy]: what is taken, and without asking the owner. Empty or 0 means no limit. The router is told all of it but `accept` and
    `scrap_allowed`, so that nothing is offered that would be declined."""

    accept: Literal["always", "ask"] = "ask"
    max_pieces: int = Field(default=0, ge=0)
    max_km: float = Field(default=0.0, ge=0)
    materials: tuple[str, ...] = ()
    scrap_allowed: int = Field(default=1, ge=0)
    requesters: tuple[str, ...] = ()
    most_minutes: int = Field(default=0, ge=0, le=1_000_000)
    hours: tuple[Hours, ...] = ()


class DeskSection(Section):
    """[desk]: the web page for the bench. Beyond this computer it asks for the PIN. `people`: names to choose from, for who says it."""

    listen: str = "127.0.0.1:4790"
    pin: str = Field(default="", repr=False, pattern=PIN.pattern)
    pin_file: Path | None = None
    people: tuple[str, ...] = ()


class ShopConfig(Section):
    """The whole of `shop.toml`, with every path made absolute and every secret read from its file. `digest`: of what it said then."""

    path: Path
    digest: str = ""
    shop: ShopSection
    router: RouterSection = RouterSection()
    policy: PolicySection = PolicySection()
    desk: DeskSection = DeskSection()
    machine: tuple[MachineSection, ...] = Field(min_length=1)

    @property
    def data_dir(self) -> Path:
        """Where the agent keeps its key, journal and toolpaths."""
        return self.shop.data_dir

    @property
    def key_file(self) -> Path:
        """The shop's Ed25519 key."""
        return self.data_dir / "key.pem"

    def machine_of(self, machine_id: str) -> MachineSection | None:
        """The machine with that id, if the shop has it."""
        return next((machine for machine in self.machine if machine.id == machine_id), None)


def load_config(path: Path, secrets: bool = True) -> ShopConfig:
    """Read `shop.toml`. Errors: `Refused` (`shop.config`), which names the file, the line, the key and what to do.

    Parameters: `secrets`, whether files with tokens and keys are read; who only wants to know what a shop can do needs none of them.
    """
    text = _read(path)
    try:
        said = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise Refused("shop.config", told_of_syntax(path, text, error)) from None
    try:
        config = ShopConfig.model_validate({**said, "path": path, "digest": digest_of(said)})
    except ValidationError as error:
        # A misspelt key also leaves the right one missing: name the cause.
        first = min(error.errors(), key=lambda one: one["type"] != "extra_forbidden")
        line, told = told_of_value(text, first, _KEYS)
        raise Refused("shop.config", f"{path} line {line}: {told}" if line else f"{path}: {told}") from None
    _check_whole(config, text)
    return _resolved(config, text) if secrets else config


def digest_of(said: Mapping[str, object]) -> str:
    """The SHA-256 of what a shop.toml says to the agent, whatever its comments, its order and its [desk] are."""
    told = {key: value for key, value in said.items() if key != "desk"}
    return hashlib.sha256(json.dumps(told, sort_keys=True, default=str).encode()).hexdigest()


def digest_now(path: Path) -> str:
    """The digest of what lies there at this moment; that of no shop.toml where it cannot be read or has an error."""
    try:
        return digest_of(tomllib.loads(_read(path)))
    except (Refused, tomllib.TOMLDecodeError):
        return UNREADABLE


def data_dir_of(path: Path) -> Path:
    """Where the agent of a `shop.toml` keeps its things, as far as can be said while the file has an error in it: who wants to say stop
    cannot be sent to correct a line first."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        text = ""
    named = DATA_DIR.search(text)
    return path.resolve().parent / Path(named["dir"] if named else "shop-data").expanduser()


def place_of(config: ShopConfig) -> v1.Place:
    """The shop's public, coarse place; empty where the owner gave none."""
    shop = config.shop
    if shop.latitude is None or shop.longitude is None:
        return v1.Place(cell=shop.cell)
    from commonfab.place import coarse_place  # h3 is only loaded by shops that give coordinates

    return coarse_place(shop.latitude, shop.longitude)


def _read(path: Path) -> str:
    try:
        written = path.read_bytes()
    except FileNotFoundError:
        told = f"there is no {path}; commonfab shop init writes one, and --config names one that lies elsewhere"
        raise Refused("shop.config", told) from None
    except OSError as error:
        raise Refused("shop.config", f"{path} cannot be read: {error.strerror}") from None
    try:
        # Editors of Windows put a mark at the beginning, and ends of lines of their own.
        return written.decode("utf-8-sig").replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        line = written[: error.start].count(b"\n") + 1
        raise Refused("shop.config", f"{path} line {line}: a letter is not written in UTF-8; save the file as UTF-8") from None


_KEYS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "": ("shop", "router", "policy", "desk", "machine"),
        "shop": tuple(ShopSection.model_fields),
        "router": tuple(RouterSection.model_fields),
        "policy": tuple(PolicySection.model_fields),
        "desk": tuple(DeskSection.model_fields),
        "machine": tuple(MachineSection.model_fields),
    }
)
"""The keys of each table; those of the file itself under an empty name."""


def _check_whole(config: ShopConfig, text: str) -> None:
    """What concerns more than one key."""
    seen: set[str] = set()
    for index, machine in enumerate(config.machine):
        if machine.id in seen:
            line = line_of(text, ("machine", index, "id"))
            raise Refused("shop.config", f"{config.path} line {line}: two machines are called '{machine.id}'; give each an id of its own")
        seen.add(machine.id)
    _check_addresses(config, text)
    _check_time_zone(config, text)
    if not ADDRESS.match(config.router.node):
        line = line_of(text, ("router", "node"))
        problem = f"'{config.router.node}' is no address and port of a node; write it like node = \"127.0.0.1:4780\", without http://"
        raise Refused("shop.config", f"{config.path} line {line}: {problem}")
    if config.shop.metrics and not ADDRESS.match(config.shop.metrics):
        line = line_of(text, ("shop", "metrics"))
        problem = f"'{config.shop.metrics}' is no address and port to serve metrics on; write it like \"127.0.0.1:9464\""
        raise Refused("shop.config", f"{config.path} line {line}: {problem}")
    if config.shop.cell:
        from commonfab.place import is_coarse

        if not is_coarse(v1.Place(cell=config.shop.cell)):
            line = line_of(text, ("shop", "cell"))
            problem = f"'{config.shop.cell}' is not an H3 cell of resolution 7 or coarser; give latitude and longitude instead"
            raise Refused("shop.config", f"{config.path} line {line}: {problem}")


def _check_addresses(config: ShopConfig, text: str) -> None:
    """One machine under two names would have two beds: what is said of one of them says nothing of the other."""
    seen: dict[tuple[str, ...], str] = {}
    for index, machine in enumerate(config.machine):
        keys = NEEDS.get(machine.control, ())
        address = tuple(str(getattr(machine, key)).rstrip("/") for key in keys)
        if address and (other := seen.setdefault(address, machine.id)) != machine.id:
            line, at = line_of(text, ("machine", index, keys[0])), " and ".join(f'{key} = "{getattr(machine, key)}"' for key in keys)
            problem = f"{at} is that of '{other}' already; a machine is listed once, or each has its own"
            raise Refused("shop.config", f"{config.path} line {line}: {problem}")


def _check_time_zone(config: ShopConfig, text: str) -> None:
    """Whoever writes hours means those of the clock on the wall."""
    if config.shop.time_zone:
        return
    of_machines = [("machine", index, "may_run") for index, machine in enumerate(config.machine) if machine.may_run]
    of_shop: list[Location] = [*([("policy", "hours")] if config.policy.hours else []), *([("shop", "quiet")] if config.shop.quiet else [])]
    written: list[Location] = [*of_shop, *of_machines]
    if written:
        problem = f'{written[0][-1]} needs to know whose clock is meant; say time_zone under [shop], such as time_zone = "Europe/Berlin"'
        raise Refused("shop.config", f"{config.path} line {line_of(text, written[0])}: {problem}")


def _resolved(config: ShopConfig, text: str) -> ShopConfig:
    """Relative paths count from the file's folder; secrets are read."""
    home = config.path.resolve().parent
    router, token_line = config.router, line_of(text, ("router", "token_file"))
    if router.ca and not (home / router.ca.expanduser()).is_file():
        raise Refused("shop.config", f"{config.path} line {line_of(text, ('router', 'ca'))}: there is no {home / router.ca}")
    router = router.model_copy(
        update={
            "token": router.token or _secret(config.path, home, router.token_file, token_line),
            "ca": home / router.ca.expanduser() if router.ca else None,
        }
    )
    desk_line = line_of(text, ("desk", "pin_file"))
    pin = config.desk.pin or _secret(config.path, home, config.desk.pin_file, desk_line)
    if not PIN.fullmatch(pin):
        problem = f"a PIN is 4 to 12 digits, and {config.desk.pin_file} holds something else"
        raise Refused("shop.config", f"{config.path} line {desk_line}: {problem}")
    desk = config.desk.model_copy(update={"pin": pin})
    machines = tuple(_resolved_machine(config.path, home, machine, text, index) for index, machine in enumerate(config.machine))
    shop = config.shop.model_copy(update={"data_dir": home / config.shop.data_dir.expanduser(), "name": config.shop.name or config.shop.id})
    return config.model_copy(update={"shop": shop, "router": router, "desk": desk, "machine": machines})


def _resolved_machine(path: Path, home: Path, machine: MachineSection, text: str, index: int) -> MachineSection:
    def there(file: Path | None) -> Path | None:
        return home / file.expanduser() if file else None

    def profile(file: Path | None, key: str) -> Path | None:
        found = there(file)
        if found and not found.is_file():
            line = line_of(text, ("machine", index, key))
            raise Refused("shop.config", f"{path} line {line}: there is no {found}; export it from PrusaSlicer (File, Export Config)")
        return found

    key_line = line_of(text, ("machine", index, "api_key_file"))
    update = {
        "name": machine.name or machine.id,
        "slicer_profile": profile(machine.slicer_profile, "slicer_profile"),
        "slicer_profiles": {name: profile(file, "slicer_profiles") for name, file in machine.slicer_profiles.items()},
        "api_key": machine.api_key or _secret(path, home, machine.api_key_file, key_line),
        "journal_file": there(machine.journal_file),
        "folder": there(machine.folder),
        "sensor": tuple(sensor.model_copy(update={"file": there(sensor.file)}) for sensor in machine.sensor),
    }
    return machine.model_copy(update=update)


def _secret(path: Path, home: Path, file: Path | None, line: int) -> str:
    if file is None:
        return ""
    try:
        return (home / file.expanduser()).read_text(encoding="utf-8").strip()
    except OSError as error:
        raise Refused("shop.config", f"{path} line {line}: {home / file} cannot be read: {error.strerror}") from None
