"""How Sphinx makes a site of README.md, docs/, the READMEs of recipes and every
module's docstrings: ``sphinx-build -W -c docs . site``.
"""

import re

from sb_sma import __version__

project = html_title = "sb_sma"
release = __version__
root_doc = "README"
include_patterns = ["*.md", "docs/**", "recipes/**/README.md"]
exclude_patterns = [
    "docs/api/modules.rst",
    # folders that need not be searched
    *(".*", "benchmarks", "build", "results", "sb_sma", "site", "tests"),
    *("upstream", "venv", "**/results"),
]
extensions = [
    "myst_parser",
    "sphinx.ext.apidoc",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "sphinx_copybutton",
]

html_theme = "furo"
html_extra_path = ["start"]
html_copy_source = False
html_show_copyright = False
# the anchors of GitHub
myst_heading_anchors = 4

apidoc_modules = [{"path": "../sb_sma", "destination": "docs/api"}]
apidoc_max_depth = 1
apidoc_module_first = True
apidoc_automodule_options = {"members", "show-inheritance"}
autodoc_default_options = {"ignore-module-all": True}
autodoc_member_order = "bysource"
# types are told in the docstrings
autodoc_typehints = "none"
napoleon_use_ivar = True
napoleon_use_param = False
napoleon_use_rtype = False
# `name` in a docstring is a link where it can be one
default_role = "py:obj"

CONTENTS = """
```{{toctree}}
:hidden:
:titlesonly:
:glob:

{pages}
CHANGELOG.md
docs/*
Python modules <docs/api/sb_sma>
```

```{{toctree}}
:caption: Recipes
:hidden:
:titlesonly:
:glob:

recipes/**
```
"""


def setup(app):
    """Add what is told by what is there."""
    app.connect("source-read", add_contents)
    app.connect("autodoc-process-docstring", add_public_names)


def add_contents(app, page, source):
    """Hang the other pages below the README, in the order of its table."""
    if page == root_doc:
        pages = re.findall(r"(?m)^\| \[.*?\]\((\S+\.md)\)", source[0])
        source[0] += CONTENTS.format(pages="\n".join(pages))


def add_public_names(app, what, name, module, options, lines):
    """List what a package hands on from its modules."""
    if what == "module":
        for public in getattr(module, "__all__", ()):
            home = getattr(getattr(module, public), "__module__", name)
            lines.append(f"* `{public} <{home}.{public}>`")
