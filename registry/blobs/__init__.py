# SPDX-License-Identifier: AGPL-3.0-or-later
"""Files by the SHA-256 of their content, in a folder or in a bucket. `store.py` is the way in; `opening.py` finds the place."""

from registry.blobs.naming import Stored as Stored
from registry.blobs.naming import check_sha256 as check_sha256
from registry.blobs.opening import open_store as open_store
from registry.blobs.store import BlobStore as BlobStore
