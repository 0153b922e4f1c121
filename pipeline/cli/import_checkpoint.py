"""``import``: a checkpoint of any format becomes a folder that ``annotate`` takes."""

from pathlib import Path
from typing import Annotated

import typer
from rich.progress import Progress

from pipeline.cli.clean_exit import clean_exit
from pipeline.reporting.console import Console


def import_checkpoint(
    source: Annotated[
        str, typer.Argument(help="Folder of a checkpoint, or owner/name@commit of the hub.")
    ],
    out: Annotated[Path, typer.Option(help="Folder to write: a new or an empty one.")],
    tokenizer: Annotated[
        str | None,
        typer.Option(help="Folder, file or owner/name@commit; the checkpoint's own if not given."),
    ] = None,
    revision: Annotated[
        str | None, typer.Option(help="Commit of SOURCE, in place of @commit.")
    ] = None,
    languages: Annotated[
        str | None, typer.Option(help="Languages whose adapters stay, with commas between them.")
    ] = None,
    dtype: Annotated[
        str | None, typer.Option(help="float32, bfloat16 or float16; as stored if not given.")
    ] = None,
    base: Annotated[
        str | None,
        typer.Option(help="What a LoRA adapter was trained on, in place of what it names."),
    ] = None,
    architecture: Annotated[
        str | None,
        typer.Option(help="Class of transformers to import, where there are several heads."),
    ] = None,
    head: Annotated[
        str | None,
        typer.Option(help="Head to import, as model.head: ner is that of ner.json in SOURCE."),
    ] = None,
) -> None:
    """Make a checkpoint of any format one that annotate and transformers load.

    Reads safetensors, PyTorch's .bin, fairseq's model.pt and LoRA adapters of PEFT. Exit codes: 0
    done; 2 the checkpoint or an option cannot be used, or the folder cannot be written.
    """
    console = Console()
    with clean_exit("import"), Progress(console=console, transient=True) as bar:
        from pipeline.training.importing import importing
        from pipeline.xmod.transformers_logging import silence_transformers

        silence_transformers()
        wanted = importing.Import(
            source=source if revision is None else f"{source}@{revision}",
            out=out,
            tokenizer=tokenizer,
            languages=None if languages is None else _separated(languages),
            dtype=dtype,
            architecture=architecture,
            head=head,
            base=base,
        )
        writing = bar.add_task("Writing weights", total=None)

        def wrote(some: int, total: int) -> None:
            bar.update(writing, advance=some, total=total)

        imported = importing.import_checkpoint(wanted, wrote)
    for note in imported.notes:
        console.print(note, soft_wrap=True)
    console.print(
        f"{imported.architecture} of {len(imported.languages)} languages written to {out}. Set "
        f"model.path to it, and model.sha256 to {imported.sha256} to pin it.",
        soft_wrap=True,
    )


def _separated(languages: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in languages.split(",") if name.strip())
