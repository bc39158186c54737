# SPDX-License-Identifier: AGPL-3.0-or-later
import zipfile
from pathlib import Path

from drawing_aids import box, write_3mf
from drawings import write_zip_bomb


def draw(folder: Path) -> None:
    write_zip_bomb(folder / "bomb.3mf", 64)
    write_3mf(folder / "sound.3mf", box(20, 20, 20))
    (folder / "locked.3mf").write_bytes(_locked((folder / "sound.3mf").read_bytes()))
    with zipfile.ZipFile(folder / "climbing.3mf", "w") as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr("3D/3dmodel.model", "<model/>")
        archive.writestr("../../.bashrc", "echo")


def _locked(archive: bytes) -> bytes:
    """The archive with the flag of encryption set for the model, in its local header and in the directory."""
    told = bytearray(archive)
    for signature, flags, name in ((b"PK\x03\x04", 6, 30), (b"PK\x01\x02", 8, 46)):
        place = -1
        while (place := told.find(signature, place + 1)) >= 0:
            if told[place + name :].startswith(b"3D/3dmodel.model"):
                told[place + flags] |= 1
    return bytes(told)
