"""Show a few annotated records of a finished output, and how to query it.

    python demo/show.py out/demo

Enters: an output folder with entities and topics. Leaves: text on the console.
"""

from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.console import Console
from rich.table import Table

from pipeline.cli.highlight import highlighted

_RECORDS = """
select record_id, xmod_language, topic_label, topic_score, text, entities
from '{folder}/data/*.parquet'
where len(entities) > 0 and length(text) between 30 and 220
qualify row_number() over (partition by xmod_language order by len(entities) desc, record_id) = 1
order by xmod_language
"""

_QUERY = """select e.label, e.text, count(*) as records
from '{folder}/data/*.parquet', unnest(entities) as u(e)
where e.score > 0.7
group by all order by records desc, e.text limit 8"""

_QUARANTINE = """select record_id, stage, error_type, message
from '{folder}/quarantine/*.parquet' order by record_id limit 12"""


def main(
    output: Annotated[Path, typer.Argument(help="Folder that a job wrote, such as out/demo.")],
) -> None:
    """Print annotated records, the quarantine, and a query with its answer."""
    console = Console()
    console.print("\n[bold]One record a language[/] (magenta persons, green places, yellow orgs)\n")
    for record in _rows(_RECORDS, output):
        console.print(_heading(record), highlight=False)
        console.print(highlighted(str(record["text"]), record["entities"]))
        console.print()
    if any(output.glob("quarantine/*.parquet")):
        console.print("[bold]In quarantine[/], with the reason", highlight=False)
        console.print(_table(_QUARANTINE, output))
    console.print(f"\nThe output is in {output}. With DuckDB, for instance:\n", highlight=False)
    console.print(_QUERY.format(folder=output), highlight=False, markup=False)
    console.print(_table(_QUERY, output))


def _rows(query: str, output: Path) -> list[dict[str, object]]:
    relation = duckdb.sql(query.format(folder=output))
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def _heading(record: dict[str, object]) -> str:
    topic = f"{record['topic_label']} {record['topic_score']:.2f}"
    return f"[dim]{record['record_id']}  {record['xmod_language']}  {topic}[/]"


def _table(query: str, output: Path) -> Table:
    rows = _rows(query, output)
    table = Table(*(rows[0] if rows else ["nothing"]))
    for row in rows:
        table.add_row(*(str(value) for value in row.values()))
    return table


if __name__ == "__main__":
    typer.run(main)
