"""Show a few annotated records of a finished output, and how to query it.

    python demo/show.py out/demo

Enters: an output folder with entities and topics. Leaves: text on the console.
"""

import re
from pathlib import Path
from typing import Annotated

import duckdb
import typer
from rich.table import Table
from rich.text import Text

from pipeline.cli.highlight import highlighted
from pipeline.reporting.console import Console, cell

_RECORDS = """
select record_id, xmod_language, topic_label, topic_score, text, entities
from {data}
where len(entities) > 0 and length(text) between 30 and 220
qualify row_number() over (partition by xmod_language order by len(entities) desc, record_id) = 1
order by xmod_language
"""

_QUERY = """select e.label, e.text, count(*) as records
from {data}, unnest(entities) as u(e)
where e.score > 0.7
group by all order by records desc, e.text limit 8"""

_QUARANTINE = """select record_id, stage, error_type, message
from {quarantine} order by record_id limit 12"""


def main(
    output: Annotated[Path, typer.Argument(help="Folder that a job wrote, such as out/demo.")],
) -> None:
    """Print annotated records, the quarantine, and a query with its answer."""
    console = Console()
    console.print("\nOne record a language", style="bold", end=" ")
    console.print("(magenta persons, green places, yellow orgs)\n")
    for record in _rows(_RECORDS, output):
        console.print(_heading(record))
        console.print(highlighted(str(record["text"]), record["entities"]))
        console.print()
    if any(output.glob("quarantine/*.parquet")):
        console.print("In quarantine, with the reason", style="bold")
        console.print(_table(_QUARANTINE, output))
    console.print(f"\nThe output is in {output}. With DuckDB, for instance:\n")
    console.print(_with_files(_QUERY, output))
    console.print(_table(_QUERY, output))


def _rows(query: str, output: Path) -> list[dict[str, object]]:
    relation = duckdb.sql(_with_files(query, output))
    return [dict(zip(relation.columns, row, strict=True)) for row in relation.fetchall()]


def _with_files(query: str, output: Path) -> str:
    """``query`` with the files of ``output`` as SQL has them, whatever the folder's name."""
    folder = re.sub(r"[*?\[]", r"[\g<0>]", str(output)).replace("'", "''")
    return query.format(
        data=f"'{folder}/data/*.parquet'", quarantine=f"'{folder}/quarantine/*.parquet'"
    )


def _heading(record: dict[str, object]) -> Text:
    topic = f"{record['topic_label']} {record['topic_score']:.2f}"
    return cell(f"{record['record_id']}  {record['xmod_language']}  {topic}", "dim")


def _table(query: str, output: Path) -> Table:
    rows = _rows(query, output)
    table = Table(*(rows[0] if rows else ["nothing"]))
    for row in rows:
        table.add_row(*map(cell, row.values()))
    return table


if __name__ == "__main__":
    typer.run(main)
