"""Take README's picture anew: the demo in its second incident, in the tests' browser."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parent.parent
PICTURE = ROOT / "docs" / "images" / "page.png"
PORT, SERVICE_PORT = 9290, 5290
SETTLED_MS = 200_000  # the first incident is over; the charts have a history
INCIDENT_MS_MAX = 60_000

sys.path.insert(0, str(ROOT))
from tests.e2e.browser import browsing, visiting  # noqa: E402 - found by the line above


def main() -> int:
    """Run the demo until its second incident was told, and keep what the page shows."""
    command = [sys.executable, "-m", "sakshi", "demo", "--port", str(PORT)]
    demo = subprocess.Popen([*command, "--service-port", str(SERVICE_PORT)])
    try:
        with browsing() as browser:
            page_url = f"http://127.0.0.1:{PORT}"
            with visiting(browser, "about:blank") as (page, _):
                page.wait_for_timeout(SETTLED_MS)
                page.goto(page_url)
                firing = page.locator(
                    '[data-alertname="AIIntegrationFailure"][data-state="firing"]'
                )
                expect(firing).to_be_visible(timeout=INCIDENT_MS_MAX)
                told = firing.locator(
                    '[data-integration="email[0]"][data-delivery-state="delivered"]'
                )
                expect(told.first).to_be_visible(timeout=INCIDENT_MS_MAX)
                page.wait_for_timeout(4000)
                PICTURE.parent.mkdir(exist_ok=True)
                page.screenshot(path=PICTURE, full_page=True)
    finally:
        demo.send_signal(signal.SIGINT)
        demo.wait(60)
    print(f"Written: {PICTURE.relative_to(ROOT)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
