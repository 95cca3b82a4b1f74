"""Every setting of every process, typed and in one place; read from the environment and refused when wrong.

Secrets are never settings: a setting names the file that holds one.
"""

from pathlib import Path
from typing import Literal, TypeVar

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict

from shared.errors import InvalidInput


class GatewaySettings(BaseSettings):
    """Settings of the gateway, each from the environment variable ``GATEWAY_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="GATEWAY_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8480, ge=1, le=65_535, description="Port to listen on")
    authority: str = Field(
        default="", description="The public host[:port] that requests are signed for; host:port when empty"
    )
    ledger_address: str = Field(
        description="unix:/path or tls://host:port of the ledger's door for the gateway; of several, with commas"
    )
    ledger_timeout_s: float = Field(
        default=10.0, gt=0, description="How long one call to the ledger may take, over all addresses together"
    )
    tls_certificate_file: Path | None = Field(default=None, description="This side's certificate, for tls:// addresses")
    tls_private_key_file: Path | None = Field(default=None, description="Its private key")
    tls_peer_authority_file: Path | None = Field(default=None, description="Authority of the ledger's certificate")
    signing_key_file: Path = Field(description="PKCS#8 PEM: the key that signs answers to agencies")
    postcode_file: Path | None = Field(default=None, description="A whole NSPL or ONSPD file instead of the sample")
    requests_per_minute: int = Field(
        default=600, ge=1, description="How many requests that record something each agency may make, unless registered"
    )
    reads_per_minute: int = Field(default=6_000, ge=1, description="How many that only read")
    immediate_danger_per_minute: int = Field(
        default=60, ge=1, description="How many immediate dangers pass when an agency has used up the others"
    )
    metrics_port: int = Field(
        default=0, ge=0, le=65_535, description="Loopback port for /metrics; 0: on the agencies' port"
    )
    production: bool = Field(default=False, description="True flags 999 test numbers and never identifies by them")
    sandbox_clock_file: Path | None = Field(
        default=None,
        description="Makes this a sandbox: its clock, moved on by users, is the machine's and this many seconds",
    )


class LedgerSettings(BaseSettings):
    """Settings of the ledger, each from the environment variable ``LEDGER_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="LEDGER_", extra="ignore")

    database_url: str = Field(
        description="postgresql://host[:port]/database, or with ?host=/socket/directory; no password"
    )
    writer_password_file: Path = Field(description="Password of the role exchange_ledger_writer")
    relay_password_file: Path = Field(description="Password of the role exchange_ledger_relay")
    rewrapper_password_file: Path | None = Field(
        default=None, description="Password of the role exchange_ledger_rewrapper; needed to rotate encryption keys"
    )
    origin: str = Field(default="exchange.example/ledger", description="The log's name: a URL prefix without scheme")
    log_key_file: Path = Field(description="PKCS#8 PEM: the Ed25519 key that signs checkpoints")
    log_key_next_file: Path | None = Field(
        default=None, description="The key that will follow it: while set, both sign every checkpoint"
    )
    log_key_compromised_from: str = Field(
        default="",
        description="From when on the log key now given up was in other hands (RFC 3339); goes on record with it",
    )
    log_key_changed_by: str = Field(
        default="",
        description="The account of who adds or gives up a log key, needed on the start that does; goes on record",
    )
    approver_keys_recovered: str = Field(
        default="",
        description="Thumbprints, with commas, of keys of approvers that two need not vouch for: too few are left",
    )
    key_encryption: Literal["file", "pkcs11"] = Field(
        default="file", description="Where the keys that wrap the children's data keys are kept: file or pkcs11"
    )
    key_encryption_key_file: Path | None = Field(
        default=None,
        description="32 bytes that wrap the data keys; later ones stand beside it. With pkcs11: the keys of before",
    )
    pkcs11_module: Path | None = Field(default=None, description="The HSM's PKCS#11 library")
    pkcs11_token: str = Field(default="", description="Label of the HSM's token")
    pkcs11_pin_file: Path | None = Field(default=None, description="The token's user PIN")
    pkcs11_key_label: str = Field(
        default="exchange-key-encryption", description="The keys' label in the token, before -0001, -0002 …"
    )
    pkcs11_timeout_s: float = Field(default=5.0, gt=0, description="How long one call to the HSM may take")
    blind_index_key_file: Path = Field(description="32 bytes that key the look-up hashes of identifiers")
    guard_file: Path = Field(description="Remembers, outside the database, the last size and root that were signed")
    adopt_size: int | None = Field(
        default=None, description="The operator's word that a database of this size is the latest, where no guard is"
    )
    adopt_checkpoint_file: Path | None = Field(
        default=None, description="A checkpoint that a witness or auditor kept, which the database must go on from"
    )
    tiles_directory: Path | None = Field(
        default=None, description="Folder for tiles, entry bundles and the published checkpoint; none: do not publish"
    )
    gateway_door: str = Field(description="unix:/path or tls://host:port where the gateway comes in")
    notifier_door: str = Field(description="Where the notifier comes in")
    operator_door: str = Field(description="Where the operator's command line comes in")
    auditor_door: str = Field(description="Where an auditor's command line comes in")
    tls_certificate_file: Path | None = Field(default=None, description="This side's certificate, for tls:// doors")
    tls_private_key_file: Path | None = Field(default=None, description="Its private key")
    gateway_peer_authority_file: Path | None = Field(default=None, description="Authority of the gateway's certificate")
    notifier_peer_authority_file: Path | None = Field(default=None, description="Authority of the notifier's")
    operator_peer_authority_file: Path | None = Field(default=None, description="Authority of the operator's")
    auditor_peer_authority_file: Path | None = Field(default=None, description="Authority of the auditors'")
    kafka_bootstrap_servers: str = Field(default="", description="host:port, comma separated; empty: do not relay")
    kafka_topic: str = Field(default="exchange.entries", description="Topic that entries are relayed to")
    kafka_partitions: int = Field(
        default=4, ge=1, le=1024, description="Partitions of the topic; children spread over them"
    )
    kafka_replication: int = Field(default=1, ge=1, le=9, description="Copies of each partition; 3 in production")
    witness_policy_file: Path | None = Field(
        default=None, description="Which witnesses are asked to cosign, and how many must; none: nobody is asked"
    )
    witness_timeout_s: float = Field(
        default=5.0, gt=0, description="How long each witness may take; all are asked at once"
    )
    sandbox_clock_file: Path | None = Field(default=None, description="In a sandbox: the gateway's file of that name")
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="Loopback port for /metrics; 0: none")


class NotifierSettings(BaseSettings):
    """Settings of the notifier, each from the environment variable ``NOTIFIER_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="NOTIFIER_", extra="ignore")

    database_url: str = Field(
        description="postgresql://host[:port]/database, or with ?host=/socket/directory; no password"
    )
    password_file: Path = Field(description="Password of the role exchange_notifier")
    ledger_address: str = Field(
        description="unix:/path or tls://host:port of the ledger's door for the notifier; of several, with commas"
    )
    ledger_timeout_s: float = Field(
        default=10.0, gt=0, description="How long one call to the ledger may take, over all addresses together"
    )
    operator_door: str = Field(description="unix:/path or tls://host:port where the operator's command line comes in")
    tls_certificate_file: Path | None = Field(default=None, description="This side's certificate, for tls:// addresses")
    tls_private_key_file: Path | None = Field(default=None, description="Its private key")
    tls_peer_authority_file: Path | None = Field(default=None, description="Authority of the other sides' certificates")
    signing_key_file: Path = Field(description="PKCS#8 PEM: the key that signs pushes")
    kafka_bootstrap_servers: str = Field(default="", description="host:port, comma separated; empty: reconcile only")
    kafka_topic: str = Field(default="exchange.entries", description="Topic that entries are relayed to")
    kafka_group: str = Field(default="exchange-notifier", description="Consumer group")
    kafka_session_timeout_ms: int = Field(default=10_000, ge=1_000, description="Consumer group session timeout")
    reconcile_interval_s: float = Field(
        default=30.0, gt=0, description="How often what was taken in is compared with the ledger"
    )
    push_timeout_s: float = Field(default=10.0, gt=0, description="Total time for one push")
    push_retry_first_s: float = Field(default=1.0, gt=0, description="Wait before the second attempt; doubles")
    push_retry_most_s: float = Field(default=300.0, gt=0, description="Longest wait between attempts")
    push_allow_private_addresses: bool = Field(
        default=False,
        description="True lets pushes go to loopback and private addresses: one machine, or a closed network",
    )
    push_authority_file: Path | None = Field(
        default=None, description="PEM of the only authority that endpoints' TLS may have"
    )
    sandbox_clock_file: Path | None = Field(default=None, description="In a sandbox: the gateway's file of that name")
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="Loopback port for /metrics; 0: none")


class WitnessSettings(BaseSettings):
    """Settings of a witness, each from the environment variable ``WITNESS_<NAME>``."""

    model_config = SettingsConfigDict(env_prefix="WITNESS_", extra="ignore")

    host: str = Field(default="127.0.0.1", description="Address to listen on")
    port: int = Field(default=8490, ge=1, le=65_535, description="Port to listen on")
    name: str = Field(description="The name its cosignatures bear: a URL prefix without scheme, its own for ever")
    key_file: Path = Field(description="PKCS#8 PEM: an Ed25519 key that signs nothing but cosignatures")
    ml_dsa_key_file: Path | None = Field(
        default=None, description="PKCS#8 PEM: an ML-DSA-44 key for cosignatures that must outlive Ed25519"
    )
    log_keys_file: Path = Field(description="Verifier keys of the logs it watches, one a line; # begins a comment")
    state_folder: Path = Field(description="What it cosigned last, and the evidence of forks; losing it is amnesia")
    request_timeout_s: float = Field(default=10.0, gt=0, description="How long a request may take to arrive")
    metrics_port: int = Field(default=0, ge=0, le=65_535, description="Loopback port for /metrics; 0: none")


ALL_SETTINGS: tuple[type[BaseSettings], ...] = (GatewaySettings, LedgerSettings, NotifierSettings, WitnessSettings)

Settings = TypeVar("Settings", bound=BaseSettings)


def read_settings(kind: type[Settings]) -> Settings:
    """Return a process's settings from its environment.

    Raises InvalidInput naming every variable that is missing or wrong, and what was expected; never its value.
    """
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        wrong = "; ".join(f"{prefix}{str(each['loc'][0]).upper()}: {each['msg']}" for each in error.errors())
        raise InvalidInput(f"settings are missing or wrong: {wrong}", remedy="See docs/operations.md.") from error
