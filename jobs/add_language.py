"""``xmod-pipeline add-language``, for ``ray job submit … -- python jobs/add_language.py``."""

import typer

from pipeline.cli.add_language import add_language

if __name__ == "__main__":
    typer.run(add_language)
