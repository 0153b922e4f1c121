"""``xmod-pipeline pretrain``, for ``ray job submit … -- python jobs/pretrain.py``."""

import typer

from pipeline.cli.pretrain import pretrain

if __name__ == "__main__":
    typer.run(pretrain)
