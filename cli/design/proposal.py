# SPDX-License-Identifier: AGPL-3.0-or-later
"""What a person says of a design, what its files say, and what is asked at the terminal: the three together."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

from cli.folder import LocalFile
from cli.output import notes, plain
from commonfab import v1
from commonfab.errors import Refused

if TYPE_CHECKING:
    from registry.proposing.folder import Proposal

REQUIRED = ("title", "licence")
OPTIONS = {
    "title": "--title",
    "summary": "--summary",
    "licence": "--licence",
    "documentation_licence": "--documentation-licence",
    "software_licence": "--software-licence",
    "kind": "--kind",
    "tags": "--tag",
    "fits": "--fits",
    "replaces": "--replaces",
    "bill": "--bill",
}
"""The option that says the same as a field; fields without one are only taken from an Open Know-How manifest."""

KINDS = {
    "replacement-part": v1.DESIGN_KIND_REPLACEMENT_PART,
    "accessory": v1.DESIGN_KIND_ACCESSORY,
    "module": v1.DESIGN_KIND_MODULE,
    "product": v1.DESIGN_KIND_PRODUCT,
    "tool": v1.DESIGN_KIND_TOOL,
    "machine": v1.DESIGN_KIND_MACHINE,
}


@dataclass(frozen=True)
class Said:
    """What is said of a design, wherever it was said. Empty is not said."""

    title: str = ""
    summary: str = ""
    licence: str = ""
    documentation_licence: str = ""
    software_licence: str = ""
    kind: str = ""
    tags: tuple[str, ...] = ()
    fits: tuple[v1.Item, ...] = ()
    replaces: tuple[v1.Item, ...] = ()
    bill: tuple[v1.BillLine, ...] = ()
    authors: tuple[str, ...] = ()
    version: str = ""
    language: str = ""
    links: tuple[v1.Link, ...] = ()
    parts: tuple[v1.Part, ...] = ()

    def missing(self, new_design: bool) -> list[str]:
        """The required fields that nobody said."""
        return [name for name in REQUIRED if not getattr(self, name).strip() and (new_design or name != "title")]

    def description(self) -> v1.Description:
        """What goes into the manifest's description."""
        told = v1.Description(title=self.title, summary=self.summary, tags=self.tags, fits=self.fits, replaces=self.replaces)
        told.MergeFrom(v1.Description(authors=self.authors, version=self.version, language=self.language))
        told.kind = KINDS[self.kind] if self.kind else v1.DESIGN_KIND_UNSPECIFIED
        told.links.extend(self.links)
        return told


@dataclass(frozen=True)
class Asking:
    """How a person is asked: `ask(words, proposal)` gives the answer. `accept` takes all that is inferred without asking."""

    on_a_terminal: bool
    accept: bool
    command: Sequence[str] = field(default_factory=tuple)
    ask: Callable[[str, str], str] = lambda words, proposal: proposal


def item_of(text: str) -> v1.Item:
    """A thing as the command line names it, "maker;model;part number". Errors: `Refused` (`publish.item`)."""
    steps = [step.strip() for step in text.split(";")]
    if len(steps) > 3 or not any(steps):
        raise Refused("publish.item", repr(text))
    return v1.Item(**dict(zip(("maker", "model", "part_number"), steps, strict=False)))


def kind_of(text: str) -> str:
    """A kind as the command line names it. Errors: `Refused` (`publish.kind`)."""
    if text and text not in KINDS:
        raise Refused("publish.kind", repr(text))
    return text


def bill_of(path: Path | None) -> tuple[v1.BillLine, ...]:
    """The bill of materials in a file; none without one. Errors: `Refused` (`bill.unreadable`), `OSError`."""
    if path is None:
        return ()
    from registry.proposing.bill_files import read_bill

    try:
        return tuple(read_bill(path.read_text(encoding="utf-8-sig"), str(path)))
    except UnicodeDecodeError as error:
        raise Refused("bill.unreadable", f"{path}: {error}") from None


def proposals_of(files: Sequence[LocalFile], paths: Sequence[Path], needed: bool) -> tuple[Proposal, ...]:
    """What the files say. Nothing in the light install, which cannot read licences.

    Parameters: `needed`, whether what is only inferred can be of use; else only an Open Know-How manifest is worth reading.
    Errors: `OSError`; `Refused` (`okh.*`) where there is an Open Know-How manifest that cannot be read.
    """
    if not needed and not any(PurePosixPath(file.path).name.lower().startswith("okh") for file in files):
        return ()
    try:
        from registry.licences import Licences
        from registry.proposing.folder import propose
    except ModuleNotFoundError:
        return ()
    folder = next((path.resolve().name for path in paths if path.is_dir()), "")
    return propose({file.path: file.source for file in files}, folder, Licences())


def completed(said: Said, proposals: Iterable[Proposal], new_design: bool, asking: Asking) -> Said:
    """What is said, with what is certain, and, where something required is missing, with what a person takes of the rest.

    Errors: `Refused` (`licence.missing`, `request.missing`, `publish.proposed` with the command line that takes the proposals).
    """
    told = list(proposals)
    said = _taking(said, [proposal for proposal in told if proposal.certain])
    inferred = [proposal for proposal in told if not proposal.certain]
    missing = said.missing(new_design)
    if asking.accept:
        said = _taking(said, inferred)
    elif missing and asking.on_a_terminal:
        said = _asked(said, inferred, new_design, asking)
    elif missing and set(missing) <= {proposal.field for proposal in inferred}:
        _show(inferred)
        raise Refused("publish.proposed", command_line(asking.command, _taking(said, inferred), inferred))
    left = said.missing(new_design)
    if "licence" in left:
        raise Refused("licence.missing")
    if left:
        raise Refused("request.missing", "--title")
    return said


def command_line(command: Sequence[str], said: Said, proposals: Iterable[Proposal]) -> str:
    """The command with an option for every proposal, as a shell takes it."""
    added: list[str] = []
    for proposal in dict.fromkeys(proposal.field for proposal in proposals):
        option, value = OPTIONS.get(proposal), getattr(said, proposal, None)
        if option is None or not value:
            continue
        if proposal == "bill":
            source = next(one.source for one in proposals if one.field == "bill")
            value = next((str(path) for path in map(Path, command) if path.is_dir() and (path / source).exists()), "")
            added += [option, str(Path(value, source))]
            continue
        for one in value if isinstance(value, tuple) else (value,):
            added += [option, _written(one)]
    return shlex.join([*command, *added])


def on_a_terminal() -> bool:
    """Whether somebody is there to be asked."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def _taking(said: Said, proposals: Iterable[Proposal]) -> Said:
    """`said` with the proposals for what it does not say; several things that it fits are all taken."""
    new: dict[str, Any] = {}
    for proposal in proposals:
        if getattr(said, proposal.field, None):
            continue
        if proposal.field in ("fits", "replaces"):
            new[proposal.field] = (*new.get(proposal.field, ()), proposal.value)
        else:
            new.setdefault(proposal.field, proposal.value)
    return replace(said, **new)


def _asked(said: Said, inferred: list[Proposal], new_design: bool, asking: Asking) -> Said:
    """Every field that is missing or proposed is asked for, with the proposal as what an empty answer takes; "-" takes nothing."""
    proposed = _taking(said, inferred)
    sources = {proposal.field: proposal.source for proposal in reversed(inferred)}
    names = dict.fromkeys([*said.missing(new_design), *(name for name in OPTIONS if name in sources and not getattr(said, name))])
    answers: dict[str, Any] = {}
    for name in names:
        value = getattr(proposed, name)
        source = f" (from {plain(sources[name])})" if name in sources else ""
        words = f"{OPTIONS[name].removeprefix('--').replace('-', ' ')}{source}"
        if name == "bill":
            taken = asking.ask(f"take the bill of materials of {len(value)} lines{source}? yes or -", "yes")
            answers[name] = () if taken.strip() == "-" else value
            continue
        answer = asking.ask(words, " | ".join(map(_written, value)) if isinstance(value, tuple) else value).strip()
        answers[name] = _answered(name, "" if answer == "-" else answer)
    return replace(said, **answers)


def _answered(name: str, answer: str) -> Any:
    """An answer as the field holds it. Errors: `Refused` (`publish.item`, `publish.kind`)."""
    several = [step.strip() for step in answer.split("|") if step.strip()]
    if name in ("fits", "replaces"):
        return tuple(map(item_of, several))
    if name == "tags":
        return tuple(several)
    return kind_of(answer) if name == "kind" else answer


def _written(value: Any) -> str:
    if isinstance(value, v1.Item):
        return ";".join((value.maker, value.model, value.part_number)).rstrip(";")
    return str(value)


def _show(proposals: Iterable[Proposal]) -> None:
    """What was inferred and where it stands, on stderr: stdout is for programs."""
    for proposal in proposals:
        value = (
            f"{len(proposal.value)} lines" if proposal.field == "bill" and isinstance(proposal.value, tuple) else _written(proposal.value)
        )
        notes().print(
            f"{OPTIONS.get(proposal.field, proposal.field).removeprefix('--')}: {plain(value)}  (from {plain(proposal.source)})",
            soft_wrap=True,
        )
