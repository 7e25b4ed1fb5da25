"""The demo's configuration: the examples', with every window shortened so that minutes are seconds.

What a production system averages over five minutes is averaged over 15 seconds here, what it
counts over an hour is counted over a minute (and scaled to the hour, as there); what must hold
for three minutes before anybody is woken must hold for six seconds. Nothing else is different: same
rules, same routes, same receivers, same templates.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from sakshi.kpi import Holds
from sakshi.model.duration import format_duration, parse_duration

WINDOWS: Final = {"5m": "15s", "1h": "1m"}
HOLD_DIVISOR: Final = 30  # 3m become 6s, 10m become 20s
ROUTE_DIVISOR: Final = 12  # group_wait 10s become about 1s, group_interval 1m becomes 5s
INTERVAL: Final = "1s"
RULE_FILES: Final = ("recording-rules.yml", "alert-rules.yml")

_HOLD: Final = re.compile(r"^(\s*for: )(\w+)$", re.MULTILINE)
_ROUTE_TIMERS: Final = ("group_wait", "group_interval")


@dataclass(frozen=True)
class Addresses:
    """Where the demo's parts listen.

    Args:
        service: `host:port` of the messaging service.
        smtp: `host:port` of the local SMTP server.
        slack_url: of the local Slack; a path for each channel is added to it.
        pagerduty_url: of the local PagerDuty.
    """

    service: str
    smtp: str
    slack_url: str
    pagerduty_url: str

    def environment(self) -> Mapping[str, str]:
        """Return the strategy's four environment variables, and the SMTP server's."""
        return {
            "SLACK_CRITICAL_WEBHOOK": f"{self.slack_url}/critical",
            "SLACK_ALERTS_WEBHOOK": f"{self.slack_url}/alerts",
            "SLACK_MONITORING_WEBHOOK": f"{self.slack_url}/monitoring",
            "PAGERDUTY_SERVICE_KEY": "demo-service-key",
            "SMTP_SMARTHOST": self.smtp,
        }


def find_examples() -> Path:
    """Return the folder of the examples: in the wheel beside this module, else in the repository.

    Raises:
        FileNotFoundError: this is neither a wheel nor a checkout.
    """
    here = Path(__file__).resolve().parent
    for folder in (here / "examples", here.parents[2] / "examples"):
        if (folder / "sakshi.yml").exists():
            return folder
    raise FileNotFoundError(f"{here / 'examples' / 'sakshi.yml'}: the installation is incomplete")


def write_configuration(folder: Path, addresses: Addresses) -> Path:
    """Write the demo's files; return the path of its sakshi.yml.

    Args:
        folder: where; exists.
        addresses: what replaces the examples' own.
    """
    examples = find_examples()
    for name in RULE_FILES:
        text = (examples / name).read_text()
        (folder / name).write_text(f"# {describe()}\n{shorten_rules(text)}")
    config = yaml.safe_load((examples / "sakshi.yml").read_text())
    config["global"] = {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}
    config["scrape_configs"][0]["static_configs"][0]["targets"] = [addresses.service]
    config["dashboard"] = {"interval": INTERVAL, "window": WINDOWS["5m"]}
    for kpi in config["kpis"].values():
        shorten_kpi(kpi)
    write_yaml(folder / "sakshi.yml", config)
    notifications = yaml.safe_load((examples / "notifications.yml").read_text())
    notifications["global"]["smtp_require_tls"] = False
    notifications["global"]["pagerduty_url"] = addresses.pagerduty_url
    shorten_route(notifications["route"])
    write_yaml(folder / "notifications.yml", notifications)
    return folder / "sakshi.yml"


def shorten_rules(text: str) -> str:
    r"""Return a rule file with shorter windows and `for`s.

    Example:
        >>> print(shorten_rules("expr: rate(x_total[5m])\n  for: 3m"))
        expr: rate(x_total[15s])
          for: 6s
    """
    for original, window in WINDOWS.items():
        text = text.replace(f"[{original}]", f"[{window}]")
    return _HOLD.sub(lambda match: match[1] + shorten(match[2], HOLD_DIVISOR), text)


def shorten_kpi(kpi: dict[str, Any]) -> None:
    """Shorten the window and the `for`s of a KPI, in place."""
    if "window" in kpi:
        kpi["window"] = WINDOWS[kpi["window"]]
    holds = {key: format_duration(hold_ms) for key, hold_ms in asdict(Holds()).items()}
    holds.update(kpi.get("for", {}))
    kpi["for"] = {key: shorten(hold, HOLD_DIVISOR) for key, hold in holds.items()}


def shorten_route(route: dict[str, Any]) -> None:
    """Shorten the group timers of a route and of those below it, in place."""
    for key in _ROUTE_TIMERS:
        if key in route:
            route[key] = shorten(route[key], ROUTE_DIVISOR)
    for child in route.get("routes", ()):
        shorten_route(child)


def shorten(duration: str, divisor: int) -> str:
    """Return a duration divided, at least one second, in whole seconds.

    Example:
        >>> shorten("3m", 30), shorten("10s", 12)
        ('6s', '1s')
    """
    seconds = max(1, parse_duration(duration) // divisor // 1000)
    return format_duration(seconds * 1000)


def describe() -> str:
    """Return one line that says what is shortened."""
    return (
        f"The demo's: windows of {' and '.join(WINDOWS)} are {' and '.join(WINDOWS.values())}, "
        f"`for` is divided by {HOLD_DIVISOR}, group timers by {ROUTE_DIVISOR}."
    )


def write_yaml(path: Path, content: Any) -> None:
    """Write a YAML file that says that it is the demo's."""
    path.write_text(f"# {describe()}\n" + yaml.safe_dump(content, sort_keys=False))
