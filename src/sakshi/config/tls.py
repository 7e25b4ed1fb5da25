"""Reads `tls_config`: whom to believe, and who to be."""

from __future__ import annotations

from pathlib import Path

from sakshi.config.section import Section
from sakshi.model.secret import Secret
from sakshi.scrape.tls import VERSIONS, TlsConfig


def read_tls(section: Section, folder: Path) -> TlsConfig:
    """Return `tls_config`."""
    if "tls_config" not in section:
        section.section("tls_config")
        return TlsConfig()
    tls = section.section("tls_config")
    key = tls.expanded("key")
    config = TlsConfig(
        ca=tls.text("ca", ""),
        ca_file=_path(tls, "ca_file", folder),
        cert=tls.text("cert", ""),
        cert_file=_path(tls, "cert_file", folder),
        key=Secret(key) if key else None,
        key_file=_path(tls, "key_file", folder),
        server_name=tls.text("server_name", ""),
        insecure_skip_verify=tls.boolean("insecure_skip_verify", False),
        min_version=tls.one_of("min_version", ("", *VERSIONS), ""),
        max_version=tls.one_of("max_version", ("", *VERSIONS), ""),
    )
    for name in ("ca", "cert", "key"):
        if name in tls and f"{name}_file" in tls:
            tls.problem(f"{name}_file", f"either {name} or {name}_file", "both")
    has_cert, has_key = ({name, f"{name}_file"} & set(tls.keys()) for name in ("cert", "key"))
    if bool(has_cert) != bool(has_key):
        tls.problem("", "cert and key together", "one of them")
    versions = list(VERSIONS)
    if config.max_version and versions.index(config.max_version) < versions.index(
        config.min_version or "TLS12"
    ):
        tls.problem("max_version", f"at least {config.min_version or 'TLS12'}")
    tls.close()
    return config


def _path(section: Section, key: str, folder: Path) -> Path | None:
    name = section.text(key, "")
    if not name:
        return None
    if not (folder / name).exists():
        section.warn(key, f"{folder / name} does not exist: until it does, every request will fail")
    return folder / name
