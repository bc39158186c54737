# SPDX-License-Identifier: AGPL-3.0-or-later
"""A table at the head of each script of the board names every key that it touches, and no other; and Redis 6.2 knows every command."""

from __future__ import annotations

import re

import pytest
from script_reading import SCRIPTS, calls_without_a_plain_key, code_of, commands, script_names, table_of, uses_of

from router.board_scripts import SCRIPTS as LOADED

# Command -> the Redis version that brought it, as its page in the command reference of redis.io says; the kind of key it is for, and
# whether it changes it.
COMMANDS = {
    "DEL": ("1.0.0", "", True),
    "EVAL": ("2.6.0", "", True),
    "EVALSHA": ("2.6.0", "", True),
    "EXISTS": ("1.0.0", "", False),
    "GET": ("1.0.0", "string", False),
    "HDEL": ("2.0.0", "hash", True),
    "HEXISTS": ("2.0.0", "hash", False),
    "HGET": ("2.0.0", "hash", False),
    "HGETALL": ("2.0.0", "hash", False),
    "HINCRBY": ("2.0.0", "hash", True),
    "HMGET": ("2.0.0", "hash", False),
    "HSET": ("2.0.0", "hash", True),
    "HSETNX": ("2.0.0", "hash", True),
    "INCR": ("1.0.0", "string", True),
    "LRANGE": ("1.0.0", "list", False),
    "PEXPIRE": ("2.6.0", "", True),
    "PUBLISH": ("2.0.0", "channel", True),
    "RPUSH": ("1.0.0", "list", True),
    "SADD": ("1.0.0", "set", True),
    "SCARD": ("1.0.0", "set", False),
    "SET": ("1.0.0", "string", True),
    "SMEMBERS": ("1.0.0", "set", False),
    "SPOP": ("1.0.0", "set", True),
    "SREM": ("1.0.0", "set", True),
    "TIME": ("2.6.0", "", False),
    "XADD": ("5.0.0", "stream", True),
    "XACK": ("5.0.0", "stream", True),
    "XDEL": ("5.0.0", "stream", True),
    "ZADD": ("1.2.0", "zset", True),
    "ZRANGE": ("1.2.0", "zset", False),
    "ZRANGEBYSCORE": ("1.0.5", "zset", False),
    "ZREM": ("1.2.0", "zset", True),
    "ZREVRANGE": ("1.2.0", "zset", False),
    "ZREVRANK": ("2.0.0", "zset", False),
    "ZSCORE": ("1.2.0", "zset", False),
}
NEWEST = (6, 2)

# Options that came after 6.2, though their command is older.
LATER_OPTIONS = re.compile(r"'PEXPIRE'[^)]*\)?, [^,)]+, '(?:NX|XX|GT|LT)'|'BYSCORE'|'BYLEX'", re.IGNORECASE)


@pytest.mark.parametrize("name", script_names())
def test_a_script_names_the_keys_that_it_touches_and_no_other(name: str) -> None:
    assert not calls_without_a_plain_key(name), "write redis.call('COMMAND', key(…), …), so that this test can see the key"
    used = {use.key for use in uses_of(name)}
    named = [row.key for row in table_of(name)]
    assert len(named) == len(set(named))
    assert used - set(named) == set(), "touched and not named"
    assert set(named) - used == set(), "named and not touched"


@pytest.mark.parametrize("name", script_names())
def test_a_script_says_rightly_which_keys_it_changes_and_of_which_kind_they_are(name: str) -> None:
    uses = uses_of(name)
    for row in table_of(name):
        given = {use.command for use in uses if use.key == row.key}
        assert {COMMANDS[command][1] for command in given} <= {row.kind, ""}, f"{row.key} is no {row.kind}"
        assert row.use == ("changed" if any(COMMANDS[command][2] for command in given) else "read"), row.key


def test_what_scripts_name_and_what_common_lua_lists_are_the_same() -> None:
    assert not calls_without_a_plain_key("common")
    listed = {(row.key, row.kind) for row in table_of("common")}
    assert {(row.key, row.kind) for name in script_names() for row in table_of(name)} == listed


def test_redis_6_2_knows_every_command_of_the_board() -> None:
    in_python = {
        "".join(command).upper()
        for path in sorted(SCRIPTS.parent.glob("board*.py"))
        for command in re.findall(r"\.redis\.(?!execute_command)(\w+)\(|\.ask\(\"(\w+)\"", path.read_text(encoding="utf-8"))
    }
    given = set(commands()) | in_python
    assert given - set(COMMANDS) == set(), "look its page up and add it to the list"
    assert set(COMMANDS) - given == set(), "no longer used"
    too_new = [command for command in given if tuple(map(int, COMMANDS[command][0].split(".")))[:2] > NEWEST]
    assert too_new == []
    assert not [name for name in [*script_names(), "common"] if LATER_OPTIONS.search(code_of(name))]


def test_every_script_that_lies_there_is_loaded() -> None:
    assert sorted(LOADED) == script_names()


def test_no_script_reaches_beyond_its_neighbourhood() -> None:
    """Every key is made by `key`, which begins with the one key that the script is given, whose hash tag is the neighbourhood's."""
    makers = re.findall(r"PREFIX|KEYS", "".join(code_of(name) for name in [*script_names(), "common"]))
    assert makers == ["PREFIX", "KEYS", "PREFIX"]
