"""``annotate``: its options. What it does is in ``annotation``."""

import time
from typing import Annotated

import typer

from pipeline.cli.clean_exit import clean_exit
from pipeline.cli.options import Config, override_option
from pipeline.config import JobSettings, load
from pipeline.errors import ConfigError
from pipeline.reporting.logs import LogFormat, start_logs


def annotate(
    config: Config,
    overrides: Annotated[list[str] | None, override_option(JobSettings)] = None,
    limit: Annotated[int | None, typer.Option(min=1, help="Only the first N records.")] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the plan, what it will take, and stop.")
    ] = False,
    sample: Annotated[
        int | None,
        typer.Option(
            min=0, help="Records that --dry-run annotates to see what all will take, 200 if unset."
        ),
    ] = None,
    new_run: Annotated[
        bool, typer.Option("--new-run", help="Delete what the output's earlier run left.")
    ] = False,
    allow_bad_files: Annotated[
        bool, typer.Option("--allow-bad-files", help="Leave out files that cannot be read.")
    ] = False,
    log: Annotated[
        LogFormat, typer.Option(help="Of the log on standard error; json tells of each unit.")
    ] = LogFormat.TEXT,
    text: Annotated[
        str | None, typer.Option("--try", help="Annotate this text, print it and stop.")
    ] = None,
    lang: Annotated[
        str | None, typer.Option(help="The language of --try; it is detected without.")
    ] = None,
    question: Annotated[str | None, typer.Option(help="What is asked of --try.")] = None,
    choice: Annotated[
        list[str] | None, typer.Option(help="An answer that --try may have; give it twice or more.")
    ] = None,
    second: Annotated[
        str | None, typer.Option("--second-text", help="What --try is paired with.")
    ] = None,
) -> None:
    """Annotate a corpus: Parquet in, enriched Parquet out, every record exactly once.

    Exit codes: 0 done and reconciled; 1 not every record is accounted for, run again to resume; 2
    the config, the input, the model, the output or the cluster cannot be used; 3 done, but input
    files were left out; 4 more would be lost than the settings allow; 5 the cluster is away or has
    no room, run again later; 75 stopped by SIGTERM or ^C, run again to go on; 130 ended by ^C
    before work began, or by a second one.
    """
    begun = time.monotonic()
    start_logs(log)
    with clean_exit():
        if text is None and (lang or question or choice or second):
            raise ConfigError(
                "--lang, --question, --choice and --second-text are of --try; give a text with it."
            )
        if sample is not None and not dry_run:
            raise ConfigError(f"--sample {sample} is of --dry-run; give both, or leave it out.")
        settings = load(config, overrides or [], JobSettings)
        from pipeline.cli import annotation  # Ray, and whatever else takes its time

        if text is not None:
            trial = annotation.Trial(text, lang, question, tuple(choice or ()), second)
            annotation.try_text(settings, trial)
            return
        options = annotation.Options(limit, new_run, allow_bad_files)
        plan = annotation.make_plan(settings, options)
        if dry_run:
            annotation.show_plan(plan, sample)
        else:
            annotation.run(plan, log, begun)
