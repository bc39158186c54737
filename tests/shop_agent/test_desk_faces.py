# SPDX-License-Identifier: AGPL-3.0-or-later
"""The web page, the terminal screen and the command line are faces of one desk: what can be said at one can be said at each."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Callable, Iterable
from pathlib import Path
from types import ModuleType

import pytest

from cli.shop.command import app
from shop_agent.desk import actions, screen_keys, walk_ins
from shop_agent.desk.screen import BenchScreen
from shop_agent.desk.screen_keys import ALWAYS, KEYS, hints
from shop_agent.desk.screen_tables import TABLES

WEB = Path(actions.__file__).with_name("web")

ONE_ACTION = {"photograph_sent": "photograph", "bring_beside": "bring", "take_beside": "take"}
"""The same said in another way: of a picture that a browser sent, and from a thread of its own."""


def said_at_a_desk(module: ModuleType) -> set[str]:
    """The public functions of a module that are given the bench: what people say."""
    own = [one for one in vars(module).values() if inspect.isfunction(one) and one.__module__ == module.__name__]
    return {one.__name__ for one in own if one.__name__[0] != "_" and next(iter(inspect.signature(one).parameters), "") == "bench"}


ACTIONS = sorted({ONE_ACTION.get(name, name) for name in said_at_a_desk(actions) | said_at_a_desk(walk_ins)})


def named_in(source: str) -> set[str]:
    """The actions that a piece of Python names."""
    nodes = [node for node in ast.walk(ast.parse(textwrap.dedent(source))) if isinstance(node, ast.Attribute)]
    names = [node.attr for node in nodes if isinstance(node.value, ast.Name) and node.value.id in ("actions", "walk_ins")]
    return {ONE_ACTION.get(name, name) for name in names}


def named_by(says: Iterable[Callable[..., object]]) -> set[str]:
    return set().union(*(named_in(inspect.getsource(one)) for one in says))


def test_there_are_actions_to_compare() -> None:
    assert {"accept", "stop", "resend", "maintained", "counted", "bring", "take"} <= set(ACTIONS)


@pytest.mark.parametrize("action", ACTIONS)
def test_what_can_be_said_at_one_face_of_the_desk_can_be_said_at_each(action: str) -> None:
    faces = {
        "the command line": named_by(command.callback for command in app.registered_commands if command.callback),
        "the web page": set().union(*(named_in(file.read_text(encoding="utf-8")) for file in WEB.glob("*.py"))),
        "the terminal screen": named_by(key.says for key in KEYS.values()) | named_by([screen_keys._judged]),
    }
    assert [face for face, says in faces.items() if action not in says] == []


def test_every_key_of_the_screen_is_bound_once_and_stands_in_its_hints() -> None:
    letters = [key.letter for key in KEYS.values()]
    assert len(set(letters)) == len(letters) and "q" not in letters
    bound = {getattr(one, "action", "") for one in BenchScreen.BINDINGS}
    for name, key in KEYS.items():
        assert f"say('{name}')" in bound and f"{key.letter} {key.words}" in hints("machines" if key.table == ALWAYS else key.table)
    for table in TABLES:  # three lines are kept for them on the smallest terminal
        assert sum(-(-len(line) // 80) for line in hints(table).splitlines()) <= 3
