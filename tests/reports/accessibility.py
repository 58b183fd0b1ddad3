"""axe-core in a page that is open in the browser."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from tests.reports.browser import Browser

_RUN = """
return axe.run(document, {resultTypes: ['violations']}).then(found => found.violations
  .filter(one => ['serious', 'critical'].includes(one.impact))
  .map(one => one.id + ': ' + one.nodes.slice(0, 3).map(node => node.html.slice(0, 200)).join(' | ')));
"""


def serious_issues(page: Browser) -> list[str]:
    """What axe-core calls serious or critical on the page that is open, with a few of the elements."""
    script = files("axe_core_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    found: Any = page.run(f"{script};{_RUN}")
    return [str(one) for one in found]
