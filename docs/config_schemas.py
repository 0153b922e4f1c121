"""JSON schemas of the configs, with which an editor completes keys and marks mistakes.

Enters: the settings of each command. Leaves: a schema file a command. Holds: the files in the
repository are those that the models give, which a test checks; `make config-docs` writes them.
A config names its schema in its first line, as the YAML language server reads it.

    python -m docs.config_schemas configs/schema
"""

import json
from pathlib import Path
from typing import Annotated

import typer

from pipeline.config import JobSettings
from pipeline.config.section import Section
from pipeline.config.tables import TablesSettings
from pipeline.training.settings import (
    AddLanguageConfig,
    EvaluateConfig,
    FinetuneConfig,
    PretrainConfig,
)

SETTINGS: dict[str, type[Section]] = {
    "annotate": JobSettings,
    "tables": TablesSettings,
    "pretrain": PretrainConfig,
    "finetune": FinetuneConfig,
    "add_language": AddLanguageConfig,
    "evaluate": EvaluateConfig,
}
"""By command: what its config is parsed into."""


def schema_text(command: str) -> str:
    """The JSON schema of the command's config (draft 2020-12)."""
    schema = SETTINGS[command].model_json_schema()
    return (
        json.dumps({"title": f"jobs/{command}.py", **schema}, indent=1, ensure_ascii=False) + "\n"
    )


def main(
    folder: Annotated[Path, typer.Argument(help="Where the schemas go, such as configs/schema.")],
) -> None:
    """Write a schema for each command."""
    folder.mkdir(parents=True, exist_ok=True)
    for command in SETTINGS:
        (folder / f"{command}.json").write_text(schema_text(command), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
