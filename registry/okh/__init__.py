# SPDX-License-Identifier: AGPL-3.0-or-later
"""Open Know-How manifests in and out: `reading` understands every version, `writing` writes 2.4, `mapping` meets the registry's contract.

Read are 1.0 (YAML, https://standards.internetofproduction.org/pub/okh/release/1), OKH-LOSH 1.0
(https://github.com/OPEN-NEXT/OKH-LOSH/blob/1.0.0/OKH-LOSH.md), and 2.3 and 2.4 (https://w3id.org/oseg/schema/okh.schema.json). All but
`files` is pure, and nothing is needed beyond the light install.
"""
