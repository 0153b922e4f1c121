"""``xmod-pipeline finetune``, for ``ray job submit … -- python jobs/finetune.py``."""

import typer

from pipeline.cli.finetune import finetune

if __name__ == "__main__":
    typer.run(finetune)
