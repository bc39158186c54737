# SPDX-License-Identifier: AGPL-3.0-or-later
"""What the design commons must hear of, and what a recall is looked up by."""

import sqlalchemy as sa
from alembic import op

from commonfab import v1

revision = "router_0002"
down_revision = "router_0001"
branch_labels = None
depends_on = None

COLUMNS = (sa.column("number", sa.BigInteger), sa.column("signed", sa.LargeBinary), sa.column("revision_digest", sa.String))
LEDGER = sa.table("ledger", *COLUMNS)
AT_ONCE = 1000


def upgrade() -> None:
    op.add_column("ledger", sa.Column("revision_digest", sa.String(64), nullable=False, server_default=""))
    op.create_index("ix_ledger_revision_digest", "ledger", ["revision_digest"])
    unreported = op.create_table(
        "unreported_builds",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    )
    connection, last = op.get_bind(), 0
    while True:
        query = sa.select(LEDGER.c.number, LEDGER.c.signed).where(LEDGER.c.number > last).order_by(LEDGER.c.number).limit(AT_ONCE)
        rows = connection.execute(query).all()
        if not rows:
            return
        for number, signed in rows:
            work = v1.CompletedWork.FromString(v1.SignedWork.FromString(bytes(signed)).work)
            connection.execute(sa.update(LEDGER).where(LEDGER.c.number == number).values(revision_digest=work.revision_digest))
            connection.execute(unreported.insert().values(number=number))
        last = rows[-1].number


def downgrade() -> None:
    op.drop_table("unreported_builds")
    op.drop_index("ix_ledger_revision_digest", "ledger")
    op.drop_column("ledger", "revision_digest")
