"""The page: facts and data of a plan, put into the template with the files that it needs."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.planning.plan import Plan
from reconciler.rendering.report.assets import assets
from reconciler.rendering.report.data import embedded
from reconciler.rendering.report.facts import facts
from reconciler.rendering.report.picture import picture
from reconciler.rendering.risk import risks
from reconciler.rendering.words import counted

if TYPE_CHECKING:
    from jinja2 import Environment

_TEMPLATES = Path(__file__).parent / "templates"


def render_html(plan: Plan, *, redact: bool = False) -> str:
    """Return the plan as one HTML document that holds all it needs and asks nothing of the network.

    Args:
        plan: the plan document; every text in it is shown with its control and invisible characters escaped, and can
            become neither markup nor script.
        redact: whether names and addresses of people are replaced, as :func:`reconciler.rendering.redacting.redacted`
            replaces them.

    Returns:
        HTML that ends in a newline. A plan of 10,000 steps takes 2 to 4 MB.
    """
    if redact and not plan.redacted:
        from reconciler.rendering.redacting import redacted

        plan = redacted(plan)
    # What refuses the plan stands above the risks in full.
    found = [risk for risk in risks(plan) if risk.code != "refused"]
    template = _environment().get_template("report.html.jinja")
    return template.render(
        facts=facts(plan, found),
        picture=picture(plan),
        files=assets(),
        data=embedded(plan, found),
    )


def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    environment = Environment(
        loader=FileSystemLoader(_TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["counted"] = counted
    return environment
