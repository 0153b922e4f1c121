"""Print what makes bash complete the jobs' options, settings and files.

    python jobs/completion.py > ~/.xmod-jobs.bash
    echo 'source ~/.xmod-jobs.bash' >> ~/.bashrc

Run it again once options or settings have changed.
"""

import runpy
from pathlib import Path

import typer

from pipeline.completion import bash_script


def main() -> None:
    """Print the script."""
    jobs = sorted(Path(__file__).parent.glob("*.py"))
    typer.echo(bash_script({job.stem: runpy.run_path(str(job))["main"] for job in jobs}), nl=False)


if __name__ == "__main__":
    typer.run(main)
