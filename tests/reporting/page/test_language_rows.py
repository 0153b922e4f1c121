"""What is said of each language."""

from pipeline.output.commit import LanguageCounts
from pipeline.reporting.page.counted import read_counted
from pipeline.reporting.page.known_columns import columns_of
from pipeline.reporting.page.language_rows import LanguageRow, language_rows, sources
from pipeline.reporting.page.output import read_output
from pipeline.reporting.page.speeds import read_speeds
from pipeline.storage import Store
from tests.helpers.finished import finish


def rows(store: Store) -> list[LanguageRow]:
    output = read_output(store)
    counted = read_counted(output, columns_of(output), 100)
    return list(language_rows(output.report, counted, read_speeds(output, 10)))


def test_language_rows_add_up_to_the_report(local_store: Store):
    found = rows(
        finish(local_store, rows=5, failed=[1], language=["de", "de", "de-CH", "fr", "de"])
    )
    assert [(row.name, row.records, row.length) for row in found] == [
        ("German (de)", 3, 100.0),
        ("French (fr)", 1, 33.33),
    ]
    assert (found[0].quarantined, found[0].tokens, found[0].score) == (1, 12, 0.5)
    assert found[0].tokens_per_second is not None


def test_language_rows_have_no_score_where_a_column_said_the_language(local_store: Store):
    finish(local_store, rows=2, language_score=[None, None], language_source=["column"] * 2)
    assert [row.score for row in rows(local_store)] == [None, None]


def test_sources_are_in_percent_of_the_annotated_records():
    found = sources(LanguageCounts(records=4, column=1, related=3, quarantined=9))
    assert [(part.name, part.length) for part in found] == [("column", 25.0), ("related", 75.0)]
