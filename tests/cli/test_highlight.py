"""What the console shows of a record."""

from io import StringIO

from rich.console import Console

from pipeline.cli.highlight import highlighted, record_table


def rendered(what: object) -> str:
    console = Console(width=100, file=StringIO())
    with console.capture() as captured:
        console.print(what)
    return captured.get()


def test_highlighted_marks_entities_by_code_points():
    text = "[red]😀 Anna[/] in 東京"
    entities = [
        {"label": "PER", "text": "Anna", "start": 7, "end": 11},
        {"label": "RIVER", "text": "東京", "start": 18, "end": 20},
    ]
    marked = highlighted(text, entities)
    spans = {marked.plain[span.start : span.end]: span.style for span in marked.spans[:2]}
    assert spans == {"Anna": "bold magenta", "東京": "bold cyan"}
    assert marked.plain == f"{text}\n→ Anna PER, 東京 RIVER"


def test_highlighted_escapes_control_characters_and_marks_what_it_marked():
    text = "\x1b[31m Anna \u202e東京"
    entities = [
        {"label": "PER", "text": "Anna", "start": 6, "end": 10},
        {"label": "LOC\x07", "text": "\u202e東京", "start": 11, "end": 14},
    ]
    marked = highlighted(text, entities)
    assert [marked.plain[span.start : span.end] for span in marked.spans[:2]] == [
        "Anna",
        "\\u202e東京",
    ]
    assert marked.plain == ("\\x1b[31m Anna \\u202e東京\n→ Anna PER, \\u202e東京 LOC\\x07")


def test_highlighted_text_without_entities_says_so():
    assert highlighted("a", []).plain == "a\n→ no entities"


def test_record_table_shortens_vectors_and_leaves_out_nulls():
    record = {
        "score": 0.12345,
        "vector": [0.5] * 192,
        "nothing": None,
        "answers": [{"text": "[b]a[/b]", "score": 0.25}],
        "empty": [],
    }
    shown = rendered(record_table(record))
    assert "0.123" in shown
    assert "0.500, 0.500, 0.500, 0.500, … (192 numbers)" in shown
    assert "nothing" not in shown
    assert "text: [b]a[/b], score: 0.250" in shown
    assert "none" in shown


def test_record_table_escapes_control_characters_in_names_and_values():
    shown = rendered(record_table({"a[/]\x1b": "b\x9b", "list": ["\u2066"]}))
    assert all(one in shown for one in ("a[/]\\x1b", "b\\x9b", "\\u2066"))
