"""The documentation as a site: the Markdown of docs/ and the READMEs, whose links are checked.

    sphinx-build -W -c docs . out/site

Links to files that are no pages, such as configs and tests, become downloads of these.
"""

project = "xmod-pipeline"
author = "the authors of xmod-pipeline"
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = [
    "docs/**",
    "README.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    "infra/airflow/README.md",
    "benchmarks/results/*.md",
    "demo/model/README.md",
]
exclude_patterns = [".*", "out", "**/.venv", "demo/data"]
myst_heading_anchors = 3
suppress_warnings = ["misc.highlighting_failure"]  # a shortened record, with …, is no valid JSON
html_theme = "furo"
html_title = "xmod-pipeline"
