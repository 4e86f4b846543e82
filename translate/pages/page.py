"""A template, its style and its script → one HTML file that needs nothing else.

Text from files reaches a page in two ways only: through Jinja's escaping, and as JSON that the script puts into text nodes. A
content security policy lets the page's own script run (by its hash), and no request leave.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from translate.storage import write_atomically


def write_page(path: Path, package: str, name: str, *, scripts: Sequence[str] = (), **context: Any) -> None:
    """Write the page from `name`.html.j2, .css and .js in the package's templates, with what pages share before them.

    `scripts` are more of the package's, which come before the page's own.

    The template gets `context`, and is written piece by piece: an iterator in it is asked when its turn has come. Raises OutputError.
    """
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package, "templates"), PackageLoader("translate.pages", "templates")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    script = "".join(_source(environment, part) for part in ("base.js", *scripts, f"{name}.js"))
    stream = environment.get_template(f"{name}.html.j2").stream(
        style=Markup(_source(environment, "base.css") + _source(environment, f"{name}.css")),
        script=Markup(script),
        script_hash=base64.b64encode(hashlib.sha256(script.encode()).digest()).decode(),
        **context,
    )
    with write_atomically(path) as file:
        for part in stream:
            file.write(part)


def _source(environment: Environment, name: str) -> str:
    """A part of the page that is not a template."""
    if environment.loader is None:
        raise ValueError("the environment has no loader")
    return environment.loader.get_source(environment, name)[0]


def embed(value: object) -> Markup:
    """JSON that cannot end the script element it stands in: every < is written as its code."""
    return Markup(json.dumps(value, ensure_ascii=False, separators=(",", ":")).replace("<", "\\u003c"))
