# SPDX-License-Identifier: AGPL-3.0-or-later
"""Builds `commonfab/v1/` (messages, services and their type stubs) from `proto/`.

Runs by itself whenever the package is built or installed; `python hatch_build.py` runs it by hand (`make stubs`).
"""

from __future__ import annotations

import shutil
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

try:
    from hatchling.builders.hooks.plugin.interface import BuildHookInterface
except ImportError:  # run by hand, without hatchling
    BuildHookInterface = object  # type: ignore[assignment,misc]

HEADER = "# SPDX-License-Identifier: AGPL-3.0-or-later\n# Built from proto/ by hatch_build.py. Do not edit.\n"


def build_stubs(root: Path) -> None:
    """Write `root/commonfab/v1/` anew from `root/proto/`.

    Errors: `RuntimeError` when the protocol compiler refuses a file; it prints where.
    """
    from google.protobuf.descriptor_pb2 import FileDescriptorSet

    protos = sorted((root / "proto" / "commonfab" / "v1").glob("*.proto"))
    with tempfile.TemporaryDirectory() as made:
        descriptors = Path(made) / "descriptors"
        _run_compiler(root / "proto", protos, Path(made), descriptors)
        _drop_empty_services(Path(made) / "commonfab" / "v1")
        package = FileDescriptorSet.FromString(descriptors.read_bytes())
        (Path(made) / "commonfab" / "v1" / "__init__.py").write_text(_one_door(package), encoding="utf-8")
        (Path(made) / "commonfab" / "v1" / "py.typed").touch()
        target = root / "commonfab" / "v1"
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(Path(made) / "commonfab" / "v1", target)


def _run_compiler(include: Path, protos: list[Path], out: Path, descriptors: Path) -> None:
    import grpc_tools
    from grpc_tools import protoc

    well_known = Path(grpc_tools.__file__).parent / "_proto"
    arguments = [
        "protoc",
        f"-I{include}",
        f"-I{well_known}",
        *(f"--plugin=protoc-gen-{name}={_plugin(name)}" for name in ("mypy", "mypy_grpc")),
        *(f"--{kind}_out={out}" for kind in ("python", "grpc_python")),
        *(f"--{kind}_out=quiet:{out}" for kind in ("mypy", "mypy_grpc")),
        f"--descriptor_set_out={descriptors}",
        *map(str, protos),
    ]
    if protoc.main(arguments) != 0:
        raise RuntimeError("the protocol compiler refused proto/; see the lines above")


def _plugin(name: str) -> str:
    """The path of a protoc plugin, which need not be on PATH in an isolated build."""
    beside = [Path(sys.executable).parent, Path(sysconfig.get_path("scripts")), *map(Path, sys.path)]
    candidates = [folder / f"protoc-gen-{name}" for folder in beside]
    # An isolated build has its scripts in <overlay>/bin beside <overlay>/lib/python3.x/site-packages.
    candidates += [Path(entry).parents[2] / "bin" / f"protoc-gen-{name}" for entry in sys.path if len(Path(entry).parts) > 4]
    found = next((str(c) for c in candidates if c.is_file()), None) or shutil.which(f"protoc-gen-{name}")
    if found is None:
        raise RuntimeError(f"protoc-gen-{name} not found: install mypy-protobuf")
    return found


def _drop_empty_services(folder: Path) -> None:
    """Most files declare no service; the empty modules that the compiler writes for them would only be noise."""
    for module in folder.glob("*_pb2_grpc.py"):
        if "class " not in module.read_text(encoding="utf-8"):
            module.unlink()
            module.with_suffix(".pyi").unlink(missing_ok=True)


def _one_door(package: Any) -> str:
    """The text of `__init__.py`, which lets every name of the contract be written as `v1.Name`."""
    lines = [HEADER, '"""The contract: every message and service of `proto/commonfab/v1/`."""\n\n']
    typed = []
    for file in package.file:
        if file.package != "commonfab.v1":
            continue
        module = Path(file.name).stem
        names = [m.name for m in file.message_type]
        for enum in file.enum_type:
            names += [enum.name, *(value.name for value in enum.value)]
        names += [extension.name for extension in file.extension]
        lines += [f"from .{module}_pb2 import {name} as {name}\n" for name in sorted(names)]
        for service in file.service:
            for name in (f"{service.name}Servicer", f"{service.name}Stub", f"add_{service.name}Servicer_to_server"):
                lines.append(f"from .{module}_pb2_grpc import {name} as {name}\n")
            stub = f"{service.name}AsyncStub"  # exists for the type checker only
            typed.append(f"    from .{module}_pb2_grpc import {stub} as {stub}\n")
    return "".join([*lines, "from typing import TYPE_CHECKING\n\nif TYPE_CHECKING:\n", *typed])


class CustomBuildHook(BuildHookInterface):  # type: ignore[misc]
    """Called by hatchling before it packs or links the project."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        build_stubs(Path(self.root))


if __name__ == "__main__":
    build_stubs(Path(__file__).parent)
