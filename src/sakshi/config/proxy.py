"""Reads by which proxies servers are asked: `proxy_url`, `no_proxy`, or what the environment says.

Source:
    prometheus/common config/http_config.go, golang/net http/httpproxy/proxy.go
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import urlsplit

from sakshi.config.secret import is_url
from sakshi.config.section import Section
from sakshi.model.secret import Secret
from sakshi.scrape.credentials import ExtraHeader
from sakshi.scrape.proxy import EnvironmentProxies, Proxies, ProxyConfig

_EXPECTED: Final = "an address like http://proxy:3128"


def read_proxy(section: Section) -> Proxies | None:
    """Return the proxies of a section; None where servers are asked directly."""
    url = section.expanded("proxy_url")
    excluded = section.text("no_proxy", "")
    from_environment = section.boolean("proxy_from_environment", False)
    connect_headers = read_connect_headers(section)
    if from_environment:
        for key in ("proxy_url", "no_proxy"):
            if key in section:
                section.problem(key, "no proxy beside proxy_from_environment", "both")
        return read_environment(section, connect_headers)
    for key, is_given in (("no_proxy", excluded), ("proxy_connect_header", connect_headers)):
        if is_given and "proxy_url" not in section:
            section.problem(key, "proxy_url beside it", "no proxy_url")
    if not url:
        for reason in section.unset.get("proxy_url", ()):
            section.warn("proxy_url", f"{reason}: servers are asked directly")
        return None
    if not is_proxy(url):
        section.problem("proxy_url", _EXPECTED, "something else")
        return None
    return ProxyConfig(Secret(url), split_hosts(excluded), connect_headers)


def read_connect_headers(section: Section) -> Sequence[ExtraHeader]:
    """Return `proxy_connect_header`: what a proxy is sent when it shall open a tunnel."""
    group = section.section("proxy_connect_header")
    headers = []
    for name in group.keys():  # noqa: SIM118 - not a dict
        values = group.texts(name)
        if not all(text.isprintable() for text in (name, *values)) or ":" in name:
            group.problem(name, "texts of one line", "something else")
        headers.append(ExtraHeader(name, tuple(map(Secret, values))))
    return tuple(headers)


def read_environment(
    section: Section, connect_headers: Sequence[ExtraHeader]
) -> EnvironmentProxies:
    """Return the proxies that `http_proxy`, `https_proxy` and `no_proxy` name, in either case."""
    environment = section.document.environment
    excluded = split_hosts(find_variable(environment, "no_proxy"))
    found = []
    for scheme in ("http", "https"):
        variable = f"{scheme}_proxy"
        url = find_variable(environment, variable)
        url = f"http://{url}" if url and "://" not in url else url
        if url and is_proxy(url):
            found.append((scheme, ProxyConfig(Secret(url), excluded, connect_headers)))
        elif url:
            text = f"{variable} is not {_EXPECTED}: {scheme} is asked directly"
            section.warn("proxy_from_environment", text)
    return EnvironmentProxies(tuple(found))


def find_variable(environment: Mapping[str, str], name: str) -> str:
    """Return a variable that is written in either case; empty where it is not set.

    Example:
        >>> find_variable({"HTTP_PROXY": "proxy:3128"}, "http_proxy")
        'proxy:3128'
    """
    return environment.get(name.upper()) or environment.get(name) or ""


def split_hosts(text: str) -> tuple[str, ...]:
    """Return the entries of a list of hosts.

    Example:
        >>> split_hosts("localhost, 10.0.0.0/8")
        ('localhost', '10.0.0.0/8')
    """
    return tuple(filter(None, map(str.strip, text.split(","))))


def is_proxy(url: str) -> bool:
    """Tell whether a text is the address of a proxy that is spoken to in plain HTTP."""
    return is_url(url) and urlsplit(url).scheme == "http" and urlsplit(url).path in ("", "/")
