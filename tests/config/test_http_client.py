# ruff: noqa: E501 - a message is asserted whole, on one line
from __future__ import annotations

from pathlib import Path

import pytest
from tests.config.reading import NOWHERE, find_problems, read_text

from sakshi.model.secret import Secret
from sakshi.scrape import FileDiscoveryConfig, HttpConfig, HttpDiscoveryConfig, ScrapeConfig
from sakshi.scrape.credentials import (
    Authorization,
    BasicAuth,
    ExtraHeader,
    MissingSecret,
    SecretFile,
)
from sakshi.scrape.oauth2 import OAuth2Config
from sakshi.scrape.proxy import EnvironmentProxies, ProxyConfig
from sakshi.scrape.tls import TlsConfig

JOB = "scrape_configs:\n- job_name: chat\n"


def read_job(text: str, environment: dict[str, str] | None = None) -> ScrapeConfig:
    [config] = read_text(f"{JOB}  {text}\n", environment).scrape_configs
    return config


@pytest.mark.parametrize(
    ("text", "http"),
    [
        pytest.param("follow_redirects: false", HttpConfig(follow_redirects=False), id="redirects"),
        pytest.param(
            "basic_auth: {username: jo, password: '${PASSWORD}'}",
            HttpConfig(BasicAuth(Secret("jo"), Secret("s3cret"))),
            id="basic",
        ),
        pytest.param(
            "authorization: {credentials: a}",
            HttpConfig(Authorization("Bearer", Secret("a"))),
            id="a token",
        ),
        pytest.param(
            "bearer_token: a", HttpConfig(Authorization("Bearer", Secret("a"))), id="older"
        ),
        pytest.param(
            "bearer_token_file: /dev/null",
            HttpConfig(Authorization("Bearer", SecretFile(Path("/dev/null")))),
            id="a file",
        ),
        pytest.param(
            "tls_config: {ca_file: /dev/null, server_name: a, min_version: TLS13}",
            HttpConfig(
                tls=TlsConfig(ca_file=Path("/dev/null"), server_name="a", min_version="TLS13")
            ),
            id="tls",
        ),
        pytest.param(
            "{proxy_url: 'http://a:1', no_proxy: 'b, 10.0.0.0/8'}",
            HttpConfig(proxy=ProxyConfig(Secret("http://a:1"), ("b", "10.0.0.0/8"))),
            id="a proxy",
        ),
        pytest.param(
            "{proxy_url: 'http://a:1', proxy_connect_header: {X-A: [b, c]}}",
            HttpConfig(
                proxy=ProxyConfig(
                    Secret("http://a:1"),
                    connect_headers=(ExtraHeader("X-A", (Secret("b"), Secret("c"))),),
                )
            ),
            id="a proxy's headers",
        ),
        pytest.param(
            "proxy_from_environment: true",
            HttpConfig(
                proxy=EnvironmentProxies((("http", ProxyConfig(Secret("http://p:1"), ("x", "y"))),))
            ),
            id="the environment's proxies",
        ),
        pytest.param(
            "oauth2: {client_id: a, client_secret: '${PASSWORD}', token_url: 'https://b/t', "
            "scopes: [c], endpoint_params: {d: e}, proxy_url: 'http://f:1', "
            "tls_config: {server_name: g}}",
            HttpConfig(
                oauth2=OAuth2Config(
                    "a",
                    Secret("s3cret"),
                    Secret("https://b/t"),
                    ("c",),
                    (("d", "e"),),
                    TlsConfig(server_name="g"),
                    ProxyConfig(Secret("http://f:1")),
                )
            ),
            id="oauth2",
        ),
        pytest.param(
            "http_headers: {X-A: {values: [b], secrets: [c], files: [d]}}",
            HttpConfig(
                headers=(ExtraHeader("X-A", (Secret("b"), Secret("c"), SecretFile(NOWHERE / "d"))),)
            ),
            id="headers",
        ),
    ],
)
def test_every_key_is_read(text: str, http: HttpConfig) -> None:
    """Of a job, and of a discovery alike."""
    inner = text[1:-1] if text.startswith("{") else text
    environment = {"PASSWORD": "s3cret", "HTTP_PROXY": "p:1", "no_proxy": "x,y"}

    job = read_text(f"scrape_configs: [{{job_name: a, {inner}}}]", environment)
    discovery = read_text(
        f"scrape_configs: [{{job_name: a, http_sd_configs: [{{url: 'http://b', {inner}}}]}}]",
        environment,
    )

    assert job.scrape_configs[0].http == http
    assert discovery.scrape_configs[0].http_discoveries == (
        HttpDiscoveryConfig("http://b", 60_000, http),
    )


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        (
            "authorization: {type: Basic}",
            '3:25: scrape_configs[0].authorization.type: expected basic_auth in place of the type Basic, found "Basic"',
        ),
        (
            "authorization: {type: 'a b'}",
            '3:25: scrape_configs[0].authorization.type: expected one word, like "Bearer", found "a b"',
        ),
        (
            "basic_auth: {password: a, password_file: b}",
            "3:44: scrape_configs[0].basic_auth.password_file: expected either password or password_file, found both",
        ),
        (
            'bearer_token: "a\\nb"',
            "3:17: scrape_configs[0].bearer_token: expected a text of one line, found a line break or control character",
        ),
        (
            "tls_config: {cert_file: /dev/null}",
            "3:15: scrape_configs[0].tls_config: expected cert and key together, found one of them",
        ),
        (
            "tls_config: {ca: a, ca_file: /dev/null}",
            "3:32: scrape_configs[0].tls_config.ca_file: expected either ca or ca_file, found both",
        ),
        (
            "tls_config: {min_version: TLS13, max_version: TLS12}",
            '3:49: scrape_configs[0].tls_config.max_version: expected at least TLS13, found "TLS12"',
        ),
        (
            "tls_config: {min_version: TLS14}",
            '3:29: scrape_configs[0].tls_config.min_version: expected one of TLS10, TLS11, TLS12, TLS13, found "TLS14"',
        ),
        (
            "proxy_url: https://jo:s3cret@a",
            "3:14: scrape_configs[0].proxy_url: expected an address like http://proxy:3128, found something else",
        ),
        (
            "no_proxy: a",
            "3:13: scrape_configs[0].no_proxy: expected proxy_url beside it, found no proxy_url",
        ),
        (
            "proxy_connect_header: {a: [b]}",
            "3:25: scrape_configs[0].proxy_connect_header: expected proxy_url beside it, found no proxy_url",
        ),
        (
            'proxy_connect_header: {a: ["s3\\ncret"]}\n  proxy_url: http://a:1',
            "3:29: scrape_configs[0].proxy_connect_header.a: expected texts of one line, found something else",
        ),
        (
            "proxy_from_environment: yes it does",
            '3:27: scrape_configs[0].proxy_from_environment: expected true or false, found "yes it does"',
        ),
        (
            "oauth2: {token_url: 'http://a'}",
            "3:11: scrape_configs[0].oauth2.client_id: expected a text, found nothing",
        ),
        (
            "oauth2: {client_id: a}",
            "3:11: scrape_configs[0].oauth2.token_url: expected a text, found nothing",
        ),
        (
            "oauth2: {client_id: '', token_url: 'http://a'}",
            '3:23: scrape_configs[0].oauth2.client_id: expected a name, found ""',
        ),
        (
            "oauth2: {client_id: a, token_url: 'jo:s3cret@a'}",
            "3:37: scrape_configs[0].oauth2.token_url: expected an address like https://example.org/token, found something else",
        ),
        (
            "oauth2: {client_id: a, token_url: '${NOWHERE}'}",
            "3:37: scrape_configs[0].oauth2.token_url: expected a variable that is set, found NOWHERE is not set",
        ),
        (
            "oauth2: {client_id: a, token_url: 'http://a', client_secret: s3cret, client_secret_file: b}",
            "3:92: scrape_configs[0].oauth2.client_secret_file: expected either client_secret or client_secret_file, found both",
        ),
        (
            "http_headers: {Host: {values: [a]}}",
            '3:24: scrape_configs[0].http_headers.Host: expected a header that sakshi does not send itself, found "Host"',
        ),
        (
            "http_headers: {'a b': {}}",
            '3:25: scrape_configs[0].http_headers.a b: expected a header that sakshi does not send itself, found "a b"',
        ),
        (
            'http_headers: {a: {secrets: ["s3\\ncret"]}}',
            "3:32: scrape_configs[0].http_headers.a.secrets[0]: expected a text of one line, found something else",
        ),
        (
            "http_sd_configs: [{url: 'http://jo:s3cret@a'}]",
            "3:27: scrape_configs[0].http_sd_configs[0].url: expected an address without user and password: see basic_auth, found both",
        ),
        (
            "http_sd_configs: [{url: 'ftp://jo:s3cret@a'}]",
            "3:27: scrape_configs[0].http_sd_configs[0].url: expected an address like https://example.org/targets, found something else",
        ),
        (
            "http_sd_configs: [{refresh_interval: 5s}]",
            "3:21: scrape_configs[0].http_sd_configs[0].url: expected a text, found nothing",
        ),
        (
            "file_sd_configs: [{files: [a.txt]}]",
            '3:30: scrape_configs[0].file_sd_configs[0].files[0]: expected a path that ends in .json, .yml or .yaml, a * only in its last part, found "a.txt"',
        ),
        (
            "file_sd_configs: [{files: ['*/a.json']}]",
            '3:30: scrape_configs[0].file_sd_configs[0].files[0]: expected a path that ends in .json, .yml or .yaml, a * only in its last part, found "*/a.json"',
        ),
        (
            "file_sd_configs: [{}]",
            "3:21: scrape_configs[0].file_sd_configs[0].files: expected a list of paths, found nothing",
        ),
        (
            "static_configs: [{targets: ['jo:s3cret@chat:5000']}]",
            '3:31: scrape_configs[0].static_configs[0].targets[0]: expected an address like host:port, found "<secret>@chat:5000"',
        ),
        (
            "static_configs: [{targets: ['http://jo:s3cret@chat/x']}]",
            '3:31: scrape_configs[0].static_configs[0].targets[0]: expected an address like host:port, found "http://<secret>@chat/x"',
        ),
        (
            "scrape_protocols: [PrometheusText0.0.4, a]",
            '3:43: scrape_configs[0].scrape_protocols[1]: expected one of OpenMetricsText1.0.0, OpenMetricsText0.0.1, PrometheusText1.0.0, PrometheusText0.0.4, found "a"',
        ),
        (
            "scrape_protocols: [PrometheusText0.0.4, PrometheusText0.0.4]",
            '3:43: scrape_configs[0].scrape_protocols[1]: expected each protocol once, found "PrometheusText0.0.4"',
        ),
        (
            "scrape_protocols: []",
            "3:21: scrape_configs[0].scrape_protocols: expected at least one protocol, found none",
        ),
    ],
)
def test_what_is_wrong_has_its_place(text: str, problem: str) -> None:
    """And shows no secret."""
    found = find_problems(f"{JOB}  {text}\n")

    assert found == [f"x.yml:{problem}"]
    assert "s3cret" not in found[0]


def test_credentials_are_of_one_kind() -> None:
    """Two would be a guess."""
    [problem] = find_problems(f"{JOB}  bearer_token: a\n  basic_auth: {{}}\n")

    assert problem == (
        "x.yml:3:17: scrape_configs[0].bearer_token: expected one of basic_auth, authorization, "
        "bearer_token, bearer_token_file, oauth2, found basic_auth too"
    )


def test_what_is_missing_is_warned_of() -> None:
    """The job stays, and fails with words at each scrape."""
    configuration = read_text(
        f"{JOB}  authorization: {{credentials: '${{TOKEN}}'}}\n"
        "- job_name: file\n  bearer_token_file: gone\n"
        "  file_sd_configs: [{files: [gone.json, '*.yml']}]\n"
    )

    assert configuration.scrape_configs[0].http.credentials == Authorization(
        "Bearer", MissingSecret("TOKEN is not set")
    )
    assert configuration.warnings == [
        "x.yml:3:32: scrape_configs[0].authorization.credentials: TOKEN is not set: "
        "every request will fail",
        f"x.yml:5:22: scrape_configs[1].bearer_token_file: {NOWHERE / 'gone'} does not exist: "
        "until it does, every request will fail",
        "x.yml:6:30: scrape_configs[1].file_sd_configs[0].files[0]: no such file: "
        "no targets until there is one",
    ]


def test_files_are_relative_to_the_configuration() -> None:
    """As all paths are."""
    [discovery] = read_job(
        "file_sd_configs: [{files: ['t/*.json'], refresh_interval: 10s}]"
    ).file_discoveries

    assert isinstance(discovery, FileDiscoveryConfig)
    assert discovery.patterns == (NOWHERE / "t/*.json",)
    assert discovery.refresh_ms == 10_000


def test_the_binary_protocol_is_warned_of_and_left_out() -> None:
    """Prometheus' own exposition by protocol buffers is not read."""
    configuration = read_text(
        f"{JOB}  scrape_protocols: [PrometheusProto, PrometheusText1.0.0]\n"
        "  fallback_scrape_protocol: PrometheusProto\n"
    )

    [config] = configuration.scrape_configs
    assert (list(config.protocols), config.fallback_protocol) == (["PrometheusText1.0.0"], None)
    assert [warning.rpartition(": ")[2] for warning in configuration.warnings] == [
        "not supported yet, no effect"
    ] * 2


def test_limits_of_a_job_are_the_global_ones_by_default() -> None:
    """0 is no limit; without a word there is one."""
    configuration = read_text(
        "global: {label_limit: 0, target_limit: 5}\n" + JOB + "  target_limit: 7\n"
    )

    [config] = configuration.scrape_configs
    assert (config.label_limit, config.target_limit) == (0, 7)
    assert (config.sample_limit, config.label_name_bytes_max) == (1_000_000, 1024)
    assert (config.label_value_bytes_max, config.dropped_targets_max) == (16_384, 1000)


def test_a_proxy_stands_in_one_place() -> None:
    """In the configuration, or in the environment."""
    found = find_problems(f"{JOB}  proxy_from_environment: true\n  proxy_url: http://a:1\n")

    assert found == [
        "x.yml:4:14: scrape_configs[0].proxy_url: expected no proxy beside proxy_from_environment, "
        "found both"
    ]


def test_a_proxy_of_the_environment_that_cannot_be_used_is_warned_of() -> None:
    """The other one is used, and nothing of an address is shown."""
    environment = {"https_proxy": "socks5://jo:s3cret@a", "http_proxy": "http://b:1"}

    configuration = read_text(f"{JOB}  proxy_from_environment: true\n", environment)

    assert configuration.warnings == [
        "x.yml:3:27: scrape_configs[0].proxy_from_environment: https_proxy is not an address like "
        "http://proxy:3128: https is asked directly"
    ]
    assert configuration.scrape_configs[0].http.proxy == EnvironmentProxies(
        (("http", ProxyConfig(Secret("http://b:1"))),)
    )
