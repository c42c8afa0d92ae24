"""JupyterLab as the command starts it, and a browser that lets nothing out of this machine."""

from __future__ import annotations

import json
import os
import re
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
INSIDE = re.compile(r"(https?|wss?)://(127\.0\.0\.1|localhost)(:\d+)?/|data:|blob:|about:")


@contextmanager
def served(folder: Path, *arguments: str) -> Iterator[str]:
    """The address of the notebook that `vmmaudit explore ARGUMENTS` opens in `folder/work`."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    token = secrets.token_hex(16)
    config, work, log = folder / "config", folder / "work", folder / "lab.log"
    config.mkdir()
    work.mkdir()
    settings = {
        "ServerApp": {"allow_root": True, "port_retries": 0},
        "IdentityProvider": {"token": token},
    }
    (config / "jupyter_server_config.json").write_text(json.dumps(settings))
    environment = os.environ | {
        "JUPYTER_CONFIG_DIR": str(config),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "IPYTHONDIR": str(folder / "ipython"),
    }
    with log.open("w") as stream:
        process = subprocess.Popen(
            [sys.executable, "-m", "vmmaudit", "explore",
             "--no-browser", "--port", str(port), *arguments],
            cwd=work, env=environment, stdout=stream, stderr=subprocess.STDOUT,
            start_new_session=True,
        )  # fmt: skip
    try:
        _wait_for(f"http://127.0.0.1:{port}/api?token={token}", process, log)
        yield f"http://127.0.0.1:{port}/lab/tree/explore.ipynb?token={token}"
    finally:
        os.killpg(process.pid, 15)
        process.wait(30)


def _wait_for(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(480):
        assert process.poll() is None, log.read_text()
        try:
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 - our own server
            return
        except (urllib.error.URLError, ConnectionError):
            time.sleep(0.25)
    raise AssertionError(log.read_text())


@contextmanager
def browsing(outside: list[str]) -> Iterator[Any]:
    """A page of headless Chromium; requests to the outside are blocked and noted."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1500, "height": 1000}, device_scale_factor=1)
        page.set_default_timeout(60_000)

        def decide(route: Any) -> None:
            if INSIDE.match(route.request.url):
                route.continue_()
            else:
                outside.append(route.request.url)
                route.abort()

        page.route("**/*", decide)
        page.on("websocket", lambda s: INSIDE.match(s.url) or outside.append(s.url))
        yield page
        browser.close()


def run_all(page: Any, address: str) -> Any:
    """Open a notebook, run all its cells, and wait for the last; its panel."""
    # The workspace would open the notebook before it as well, and run that one.
    page.goto(f"{address}{'&' if '?' in address else '?'}reset")
    page.wait_for_url(re.compile(r"/lab/tree/[^?]*$"))
    panel = page.locator(".jp-NotebookPanel:visible")
    panel.locator(".jp-CodeCell").first.wait_for()
    page.get_by_text("Python 3 (ipykernel) | Idle").wait_for()
    page.wait_for_timeout(1500)  # before the session stands, a dialog asks for a kernel
    page.get_by_role("menuitem", name="Run", exact=True).click()
    page.get_by_role("menuitem", name="Run All Cells", exact=True).click()
    number = panel.locator(".jp-CodeCell").count()
    panel.locator(".jp-InputPrompt", has_text=re.compile(rf"^\[{number}\]:$")).wait_for()
    return panel


def cell(page: Any, source: str) -> Any:
    """The cell with this code."""
    return page.locator(".jp-NotebookPanel:visible .jp-CodeCell").filter(
        has=page.locator(
            ".jp-InputArea-editor", has_text=re.compile(rf"^\s*{re.escape(source)}\s*$")
        )
    )


def shot(page: Any, path: Path, at: Any) -> Path:
    """A picture of the notebook with `at` at its top."""
    at.evaluate("element => element.scrollIntoView({block: 'start'})")
    page.wait_for_timeout(800)
    page.locator(".jp-NotebookPanel:visible").screenshot(path=path)
    return path
