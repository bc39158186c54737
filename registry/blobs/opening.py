# SPDX-License-Identifier: AGPL-3.0-or-later
"""From the setting `blobs_url` to a store of files."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urlsplit

from commonfab.errors import Refused
from registry.blobs.bucket import Bucket, open_bucket
from registry.blobs.cache import Cache
from registry.blobs.disk import boot
from registry.blobs.folder import Folder
from registry.blobs.staging import Staging
from registry.blobs.store import BlobStore

STAGING = "staging"
CACHE = "copies"
MOST_CACHE_BYTES = 8 * 1024**3
"""What copies of a bucket's files may take on this machine."""


def open_store(url: str, data_dir: Path, largest_bytes: int) -> BlobStore:
    """The files at `url`: `file:///folder` or `s3://bucket/prefix`; empty for the folder `blobs` in `data_dir`.

    Errors: `Refused` (`node.blobs_url`).
    """
    named = urlsplit(url)
    own = data_dir / "blobs"
    if named.scheme == "s3" and named.netloc:
        bucket = Bucket(open_bucket(named.netloc, named.path.strip("/")), Cache(own / CACHE, MOST_CACHE_BYTES))
        return BlobStore(Staging(own / STAGING), bucket, largest_bytes)
    if url and (named.scheme != "file" or named.netloc not in ("", "localhost") or not named.path.startswith("/")):
        raise Refused("node.blobs_url", url)
    folder = Path(unquote(named.path)) if url else own
    # Staged in the same folder, so that a file that is whole need not be copied to its place.
    return BlobStore(Staging(folder / STAGING), Folder(folder, boot()), largest_bytes)
