"""A plan as one HTML file that needs nothing else: no network, no server, nothing installed but a browser.

It opens from a folder of CI artefacts. Headline, risks, guards and provenance are plain HTML; a script of about 500
lines, with Preact and htm inlined, adds search, filters and the view of who has access before and after.
"""

from reconciler.rendering.report.page import render_html

__all__ = ["render_html"]
