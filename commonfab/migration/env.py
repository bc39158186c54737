# SPDX-License-Identifier: AGPL-3.0-or-later
"""How Alembic runs a room's migrations: always on the connection that `commonfab.database.migrate` opened."""

from alembic import context

config = context.config
context.configure(
    connection=config.attributes["connection"],
    version_table=config.get_main_option("version_table") or "alembic_version",
    transaction_per_migration=False,
    render_as_batch=True,
)
context.run_migrations()
