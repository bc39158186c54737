# SPDX-License-Identifier: AGPL-3.0-or-later
"""A design as a package: one zip archive that another node can verify and take in, and that a person can unpack and read.

    commonfab.json                      the index: format, version, the revisions oldest first, length and SHA-256 of every other entry
    files/…                             the files of the packed revision, under their own paths
    okh.toml  datapackage.json  NOTICE  what it is, for other programs and for people
    revisions/0001-<digest>/            each revision that comes along: `manifest.json` in its canonical form, `signature.json`,
                                        and under `files/` what no later entry holds
    evidence/                           build reports as they were signed, defects, recalls, photographs

The packed revision stands last; before it what it derives from, and the first revision of each design, whose signature proves whose
the design's id is. Nothing in the archive is believed: `verifying` checks all of it before anything is sent anywhere.
"""
