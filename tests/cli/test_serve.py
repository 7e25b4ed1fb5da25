from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from tests.cli.conftest import SECONDS_MAX, Run, run_process, serving
from tests.e2e.process import free_port, wait_for
from tests.web.pushing import write_request

from sakshi.cli.serve import allow_host
from sakshi.config import Configuration
from sakshi.config.dashboard import WebConfig
from sakshi.model.clock import SystemClock

EXAMPLE = Path(__file__).parents[2] / "examples" / "sakshi.yml"


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A configuration that watches nothing."""
    path = tmp_path / "sakshi.yml"
    path.write_text("global: {}\n")
    return path


@pytest.fixture
def taken() -> Iterator[str]:
    """An address at which somebody else listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@pytest.mark.slow
def test_it_says_where_it_answers_and_stops_when_told(config: Path, tmp_path: Path) -> None:
    """The log names the address; the page's server is ready there; SIGTERM ends it with 0."""
    with serving(config, tmp_path / "data") as (url, process):
        with urllib.request.urlopen(f"{url}/-/ready", timeout=10) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        process.wait(SECONDS_MAX)

    assert process.returncode == 0
    assert (tmp_path / "data" / "alerts.db").exists()


def test_without_a_configuration_it_says_how_to_begin(tmp_path: Path) -> None:
    """What it says to type makes a configuration that is fine."""
    done = run_process("serve", folder=tmp_path)

    sentence, command = done.error.splitlines()
    assert (done.code, done.output) == (2, "")
    assert sentence == (
        "sakshi serve: there is no sakshi.yml: name your own with --config FILE "
        "(a prometheus.yml will do), or begin with"
    )
    subprocess.run(["sh", "-c", command], cwd=tmp_path, check=True)
    done = run_process("check", "sakshi.yml", folder=tmp_path)
    assert done.error == ""
    assert done.output.startswith("sakshi.yml: configuration: 1 job, 1 target, ")


def test_a_path_with_spaces_can_be_copied(tmp_path: Path, run: Run) -> None:
    """What it says to type is quoted."""
    done = run("serve", "--config", str(tmp_path / "my own.yml"))

    assert done.error.endswith(f" > '{tmp_path}/my own.yml'\n")


def test_a_wrong_configuration_is_wholly_refused(tmp_path: Path, run: Run) -> None:
    """All problems, exit code 2, and nothing is made."""
    path = tmp_path / "sakshi.yml"
    path.write_text("globl: {}\nscrape_configs: [{}]\n")

    done = run("serve", "--config", str(path), "--data", str(tmp_path / "data"))

    assert (done.code, done.output) == (2, "")
    assert done.error == (
        f'error: {path}:1:1: globl: expected the key "global", found the unknown key "globl"\n'
        f"error: {path}:2:18: scrape_configs[0].job_name: expected a name, found nothing\n"
    )
    assert not (tmp_path / "data").exists()


@pytest.mark.parametrize("host", ["0.0.0.0", "[::]", "10.0.0.7", "example.org"])
def test_an_address_that_others_reach_is_refused(host: str, config: Path, run: Run) -> None:
    """Nobody is asked who they are: two lines say so, and what to do."""
    done = run("serve", "--config", str(config), "--listen", f"{host}:0")

    assert (done.code, done.output) == (1, "")
    assert done.error == (
        f"sakshi serve: {host.strip('[]')} is reachable by others, "
        "and nobody is asked who they are.\n"
        "Listen on 127.0.0.1 behind a proxy that does, or say --allow-unauthenticated.\n"
    )


def test_it_listens_there_if_told_so(config: Path, tmp_path: Path) -> None:
    """Who says --allow-unauthenticated was warned: it tries, though this address is nobody's."""
    arguments = ["--config", str(config), "--data", str(tmp_path / "data")]
    done = run_process("serve", *arguments, "--listen", "192.0.2.1:9", "--allow-unauthenticated")

    assert done.code == 1
    assert done.error.startswith("sakshi serve: cannot listen at 192.0.2.1:9: ")


def test_a_taken_port_is_named_with_the_option(config: Path, tmp_path: Path, taken: str) -> None:
    """One line, exit code 1."""
    arguments = ["--config", str(config), "--data", str(tmp_path / "data"), "--listen", taken]
    done = run_process("serve", *arguments)

    assert (done.code, done.output) == (1, "")
    assert done.error == (
        f"sakshi serve: {taken} is in use by another process; "
        "--listen HOST:PORT names another address\n"
    )


@pytest.mark.slow
def test_a_folder_in_use_is_named_with_the_option(config: Path, tmp_path: Path) -> None:
    """Two writers would destroy each other's data."""
    data = tmp_path / "data"
    with serving(config, data):
        arguments = ["--config", str(config), "--data", str(data), "--listen", "127.0.0.1:0"]
        done = run_process("serve", *arguments)

    assert (done.code, done.output) == (1, "")
    assert done.error == (
        f"sakshi serve: the data folder {data}/samples is in use by another process: "
        "stop that one, or give this one another folder; --data DIR names another folder\n"
    )


def test_a_folder_that_cannot_be_made_is_named_with_the_option(
    config: Path, tmp_path: Path, run: Run
) -> None:
    """One line, exit code 1."""
    (tmp_path / "file").write_text("")

    done = run("serve", "--config", str(config), "--data", str(tmp_path / "file" / "data"))

    assert done.code == 1
    assert done.error == (
        f"sakshi serve: {tmp_path}/file/data cannot be made: Not a directory; "
        "--data DIR names another folder\n"
    )


def test_a_ledger_that_is_none_is_named_with_what_to_do(config: Path, tmp_path: Path) -> None:
    """One line, exit code 1; the file is left alone."""
    ledger = tmp_path / "data" / "alerts.db"
    ledger.parent.mkdir()
    ledger.write_text("a letter, and not a short one" * 1000)

    arguments = ["--config", str(config), "--data", str(ledger.parent), "--listen", "127.0.0.1:0"]
    done = run_process("serve", *arguments)

    assert (done.code, done.output) == (1, "")
    assert done.error == (
        f"sakshi serve: {ledger} cannot be used: file is not a database. Move it away to begin "
        "with an empty ledger: what fires then is told again\n"
    )
    assert ledger.read_text().startswith("a letter")


@pytest.mark.slow
def test_links_lead_to_the_external_url(tmp_path: Path) -> None:
    """What alerts say of where they come from begins with it; a slash at its end is none."""
    config = tmp_path / "sakshi.yml"
    config.write_text("global: {evaluation_interval: 100ms}\nrule_files: [rules.yml]\n")
    (tmp_path / "rules.yml").write_text(
        "groups: [{name: g, rules: [{alert: A, expr: vector(1), "
        "annotations: {link: '{{ externalURL }}/x'}}]}]\n"
    )
    port = free_port()
    options = ["--listen", f"127.0.0.1:{port}", "--external-url", "https://sakshi.example.org/"]

    def find_links() -> list[str]:
        url = f"http://127.0.0.1:{port}/api/v1/alerts"
        with urllib.request.urlopen(url, timeout=10) as answer:
            alerts = json.load(answer)["data"]["alerts"]
        return [alert["annotations"]["link"] for alert in alerts]

    with serving(config, tmp_path / "data", *options) as (url, _):
        wait_for("the alert", find_links)
        links = find_links()

    assert url == "https://sakshi.example.org"
    assert links == ["https://sakshi.example.org/x"]


def test_the_host_of_the_external_url_may_be_called() -> None:
    """A proxy passes its own name on; without an external URL nothing changes."""
    configuration = Configuration("x.yml", web=WebConfig(frozenset({"a"})))

    allowed = allow_host(configuration, "https://Sakshi.example.org:8443/x").web.allowed_hosts

    assert allowed == {"a", "sakshi.example.org"}
    assert allow_host(configuration, "") is configuration


def test_warnings_are_said_at_the_start(tmp_path: Path, config: Path) -> None:
    """What will have no effect is on standard error before anything runs."""
    config.write_text("remote_read: []\n")
    code = (
        "import sys\n"
        "from sakshi.cli import main\n"
        f"sys.exit(main(['serve', '--config', {str(config)!r}, '--data', '/dev/null/x']))"
    )

    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )

    assert done.stderr.splitlines()[0] == (
        f"warning: {config}:1:1: remote_read: not supported yet, no effect"
    )


@pytest.mark.slow
def test_no_secret_is_in_the_log(tmp_path: Path) -> None:
    """The canary is in the environment and in the configuration, and nowhere else."""
    canary = "canary-77aa"
    config = tmp_path / "sakshi.yml"
    config.write_text(
        "notifications:\n"
        "  route: {receiver: a}\n"
        "  receivers: [{name: a, webhook_configs: [{url: 'https://${CANARY}@127.0.0.1:1/'}]}]\n"
    )
    arguments = ["--config", str(config), "--data", str(tmp_path / "d"), "--listen", "127.0.0.1:0"]
    log = []
    with subprocess.Popen(
        [sys.executable, "-m", "sakshi", "serve", *arguments, "--log-level", "debug"],
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "CANARY": canary},
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            log.append(line)
            if " ready url=" in line:
                process.terminate()

    assert process.returncode == 0
    assert " ready url=" in "".join(log)
    assert canary not in "".join(log)


@pytest.mark.slow
def test_a_push_wakes_the_rules_that_read_it(tmp_path: Path) -> None:
    """Long before the clock would: what is recorded from a push is there at once."""
    config, rules = tmp_path / "sakshi.yml", tmp_path / "rules.yml"
    rules.write_text(
        "groups: [{name: pushed, interval: 1h, rules: [{record: twice, expr: 2 * pushed_total}]}]"
    )
    config.write_text("rule_files: [rules.yml]\n")

    with serving(config, tmp_path / "data") as (url, _), httpx2.Client(base_url=url) as client:
        body = write_request(({"__name__": "pushed_total"}, [(SystemClock().now_ms(), 4.0)]))
        headers = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy"}
        assert client.post("/api/v1/write", content=body, headers=headers).status_code == 204

        def recorded() -> list[str]:
            answer = client.get("/api/v1/query", params={"query": "twice"}).json()
            return [series["value"][1] for series in answer["data"]["result"]]

        assert wait_for("the recorded series", recorded) == ["8"]
