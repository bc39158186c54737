# SPDX-License-Identifier: AGPL-3.0-or-later
"""Settings of a node and of whoever calls one.

They come from the environment, else from `commonfab.toml` in the node's data folder, else the default holds.

`docs/operator.md` lists them all and a test keeps it true.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from commonfab.addresses import DEFAULT_ADDRESS as DEFAULT_ADDRESS
from commonfab.addresses import is_loopback as is_loopback
from commonfab.errors import Refused


def default_data_dir() -> Path:
    """Where a node of this user keeps its things."""
    return Path.home() / ".local" / "share" / "commonfab"


class NodeSettings(BaseSettings):
    """What a node needs to know."""

    model_config = SettingsConfigDict(env_prefix="COMMONFAB_", extra="forbid")

    data_dir: Path = Field(default_factory=default_data_dir, description="folder for the database, the files and the board")
    listen: str = Field(default=DEFAULT_ADDRESS, description="host:port for gRPC; port 0 takes a free one")
    metrics_listen: str = Field(default="127.0.0.1:4781", description="host:port for Prometheus; port 0 takes a free one")
    tls_certificate: Path | None = Field(default=None, description="PEM certificate chain; required beyond loopback")
    tls_key: Path | None = Field(default=None, description="PEM key of the certificate")
    database_url: str = Field(
        default="",
        validation_alias=AliasChoices("COMMONFAB_DATABASE_URL", "DATABASE_URL", "database_url"),
        description="SQLAlchemy URL; SQLite in the data folder where it is empty",
    )
    redis_url: str = Field(
        default="",
        validation_alias=AliasChoices("COMMONFAB_REDIS_URL", "REDIS_URL", "redis_url"),
        description="Redis URL; a private redis-server child where it is empty",
    )
    blobs_url: str = Field(
        default="",
        description="where files lie: `file:///folder` or `s3://bucket/prefix`; `blobs` in the data folder where it is empty",
    )
    board_url: str = Field(
        default="",
        description="Redis or Redis Cluster of the board, where it is not `redis_url`: `redis+cluster://host:port`",
    )
    neighbourhood: str = Field(default="home", pattern=r"^[a-z0-9-]{1,32}$", description="name of this node's board in Redis")
    offer_seconds: float = Field(default=3600, gt=0, description="how long an offer stands without an answer")
    lease_seconds: float = Field(default=60, gt=0, description="how long a silent shop keeps a lease")
    ranking_policy: Path | None = Field(default=None, description="TOML file with the ranking policy, in place of the one that ships")
    most_calls_per_second: float = Field(
        default=200, gt=0, description="calls a second that all idle shops together may make; where there are more shops, each waits longer"
    )
    largest_file_mb: int = Field(default=1024, gt=0, description="largest file that is taken in, MiB")
    quota_mb: int = Field(default=0, ge=0, description="how much of files one author may have, MiB; 0 for no limit")
    gc_every_hours: float = Field(
        default=24, ge=0, description="hours between rounds of removing files that nothing names; 0 for `commonfab admin gc` alone"
    )
    inspection_seconds: int = Field(default=120, gt=0, description="longest time one file may take to measure")
    inspection_memory_mb: int = Field(default=4096, gt=0, description="most address space one file may take to measure, MiB")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line first, then the environment, then `commonfab.toml` in the data folder they name."""
        named = init_settings().get("data_dir") or env_settings().get("data_dir") or default_data_dir()
        file = TomlConfigSettingsSource(settings_cls, Path(named) / "commonfab.toml")
        return init_settings, env_settings, file

    def database(self) -> str:
        """The SQLAlchemy URL in force."""
        return self.database_url or f"sqlite:///{self.data_dir / 'commonfab.db'}"

    def steward_token_file(self) -> Path:
        """Where the node writes the token of its first steward."""
        return self.data_dir / "steward.token"

    def check_listen(self) -> None:
        """Refuse to listen beyond loopback without TLS. Errors: `Refused` (`node.listen`)."""
        if not is_loopback(self.listen) and not (self.tls_certificate and self.tls_key):
            raise Refused("node.listen", self.listen)


class CallerSettings(BaseSettings):
    """What a caller needs to know of the node it calls."""

    model_config = SettingsConfigDict(env_prefix="COMMONFAB_", extra="ignore")

    node: str = Field(default=DEFAULT_ADDRESS, description="host:port of the node to call")
    token: str = Field(default="", description="the secret sent with every call")
    ca: Path | None = Field(default=None, description="PEM certificate authority of the node; TLS is used where it is set")
    data_dir: Path = Field(default_factory=default_data_dir, description="the data folder of a node on this machine")
    author_key: Path = Field(
        default_factory=lambda: Path.home() / ".config" / "commonfab" / "author.pem",
        description="the Ed25519 key with which designs are signed; made with the first one. Keep a copy: it is who you are",
    )

    def token_in_force(self) -> str:
        """The token given, else the steward's token of a node on this very machine, else an empty text."""
        steward = self.data_dir / "steward.token"
        if self.token or not is_loopback(self.node):
            return self.token
        try:
            return steward.read_text(encoding="utf-8").strip()
        except OSError:  # there is no such node, or it is somebody else's
            return ""
