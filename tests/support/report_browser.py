"""A real headless Chromium that opens reports from files, and remembers everything that a report must not do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page, Request, sync_playwright

from reconciler.planning import Plan
from reconciler.rendering.report import render_html
from sample_plans import ALL

SCREENSHOTS = Path(os.environ.get("SCREENSHOTS") or Path(__file__).parents[2] / "build" / "screenshots")
"""Where pictures of the report are kept, for who wants to look at them."""

_NAMES = ("chromium", "chromium-browser", "google-chrome")
_ARGUMENTS = (
    # Tests may run as root in a container, where Chromium has no sandbox of its own.
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a browser. Skips the tests where the machine has none."""
    path = next((found for name in _NAMES if (found := shutil.which(name))), None)
    if path is None:
        pytest.skip(f"no browser on this machine: none of {', '.join(_NAMES)} is installed")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(_ARGUMENTS))
        try:
            yield browser
        finally:
            browser.close()


class Desk:
    """Opens reports as a double click on the file would, each in a tab of its own.

    Attributes:
        troubles: what the reports did that a report must not do: messages on the console (breaches of the Content
            Security Policy are among them), errors of scripts, dialogs, requests that leave the page.
    """

    def __init__(self, browser: Browser, folder: Path) -> None:
        self.troubles: list[str] = []
        self._browser = browser
        self._folder = folder
        self._contexts: list[BrowserContext] = []

    def open(self, plan: str | Plan, **options: Any) -> Page:
        """Return the tab with the report of a plan.

        Args:
            plan: the name of a sample, or a plan.
            options: of the tab's context: ``color_scheme``, ``viewport``, ``java_script_enabled``.
        """
        made = ALL[plan]() if isinstance(plan, str) else plan
        file = self._folder / "report.html"
        file.write_text(render_html(made), encoding="utf-8")
        context = self._browser.new_context(**({"viewport": {"width": 1280, "height": 900}} | options))
        context.set_default_timeout(5_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: self.troubles.append(f"console {message.type}: {message.text}"))
        page.on("pageerror", lambda error: self.troubles.append(f"error: {error}"))
        page.on("request", self._request)
        page.on("dialog", self._dialog)
        page.goto(file.as_uri())
        return page

    def close(self) -> None:
        """Close all tabs."""
        for context in self._contexts:
            context.close()

    def _request(self, request: Request) -> None:
        if not request.url.startswith(("file://", "data:")):
            self.troubles.append(f"request: {request.url}")

    def _dialog(self, dialog: Dialog) -> None:
        self.troubles.append(f"dialog: {dialog.message}")
        dialog.dismiss()


def accessibility_problems(page: Page) -> list[str]:
    """Return what axe-core, by all of its rules, finds on a page that keeps people out, each with its first place."""
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    page.evaluate(script)
    violations = page.evaluate("axe.run({resultTypes: ['violations']}).then((result) => result.violations)")
    return [f"{one['id']}: {one['help']}: {one['nodes'][0]['html']}" for one in violations]


def keep_picture(page: Page, name: str, *, whole: bool = True) -> None:
    """Keep a picture of a page as an artefact."""
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    page.screenshot(path=SCREENSHOTS / f"{name}.png", full_page=whole)
