# SPDX-License-Identifier: AGPL-3.0-or-later
"""Finding designs: by their words with the database's full text, by everything else with columns in memory.

`facts.py` says what a design is found by, `filling.py` keeps that in SQL within the transaction that changes it, `columns.py` and
`index.py` hold it in memory, `finding.py` answers.
"""
