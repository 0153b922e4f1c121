"""Column names and Arrow types at every hand-off.

Columns whose name begins with an underscore never reach the output. Blocks are cast to the types
declared here, so that an empty list has the type of a full one::

    read       kept input columns, record_id, _unit, _row, _text, _tag, _prior, _question,
               _choices, _second, _error
    identify   + language, language_score, language_source, language_distance, xmod_language,
               lang_id; with language.per_window also language_fractions, _segments
    tokenize   + n_tokens, n_windows, truncated, _windows_<k> for each model input
    annotate   + the columns of the tasks, _batches
    each       + _took_<stage>, _ended
    publish    → one row of RECEIPT
"""

import unicodedata
from collections import Counter
from collections.abc import Sequence

import pyarrow as pa

SCHEMA_VERSION = 4
"""Raised whenever a published column or a commit record changes its name, type or meaning."""

STAGES = ("read", "identify", "tokenize", "annotate", "publish")
"""The stages that a unit comes through, in order."""

ENTITY = pa.struct(
    [
        pa.field("label", pa.string()),
        pa.field("text", pa.string()),
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field("score", pa.float32()),
    ]
)
"""A named entity: ``start`` and ``end`` are code points of the text, half-open."""

FAILURE = pa.struct(
    [
        pa.field("stage", pa.string()),
        pa.field("error_type", pa.string()),
        pa.field("message", pa.string()),
    ]
)
"""Why a record goes to quarantine; null where nothing is wrong. It holds no text of records."""

WINDOW = pa.struct(
    [
        pa.field("input_ids", pa.list_(pa.int32())),
        pa.field("starts", pa.list_(pa.int32())),
        pa.field("ends", pa.list_(pa.int32())),
        pa.field("choice", pa.int32()),
    ]
)
"""Token ids with special tokens, and each token's span in the text (0, 0 for special tokens and
for what stands beside the text); which of the record's choices the window is about, or 0."""

ANSWER = pa.struct([field for field in ENTITY if field.name != "label"])
"""A stretch of the text that answers a question."""

MASK_PREDICTION = pa.struct(
    [
        pa.field("start", pa.int32()),
        pa.field("end", pa.int32()),
        pa.field(
            "tokens",
            pa.list_(
                pa.struct([pa.field("token", pa.string()), pa.field("score", pa.float32())]),
            ),
        ),
    ]
)
"""A mask in the text, as code points, and what may stand there, the most probable first."""

TOOK = pa.struct([pa.field(name, pa.float64()) for name in ("wall", "cpu", "waited")])
"""A row's share of the seconds that a stage took with its block and its block waited for it."""

RECORD_ID = pa.field("record_id", pa.string())
UNIT = pa.field("_unit", pa.dictionary(pa.int32(), pa.string()))
"""The unit as JSON, the same in every row: a block says by itself where it belongs."""
ROW = pa.field("_row", pa.int64())
"""Row number in the input file, from 0."""
TEXT = pa.field("_text", pa.string())
TAG = pa.field("_tag", pa.string())
"""The language column's value, null where there is none."""
PRIOR = pa.field("_prior", pa.string())
"""The prior column's value, tags of likely languages; null where there is none."""
QUESTION = pa.field("_question", pa.string())
"""The question column's value, null where there is none."""
CHOICES = pa.field("_choices", pa.list_(pa.string()))
"""The choices column's value, null where there is none."""
SECOND = pa.field("_second", pa.string())
"""The second text column's value, null where there is none."""
ERROR = pa.field("_error", FAILURE)
ENDED = pa.field("_ended", pa.float64())
"""When the last stage was done with the row, in seconds since 1970 by its machine's clock."""
BATCHES = pa.field(
    "_batches", pa.struct([pa.field(name, pa.float64()) for name in ("number", "tokens", "room")])
)
"""A row's share of its block's micro-batches, of their tokens, and of those they had room for."""

READ_FIELDS = (RECORD_ID, UNIT, ROW, TEXT, TAG, PRIOR, QUESTION, CHOICES, SECOND, ERROR)

LANGUAGE_FIELDS = (
    pa.field("language", pa.string()),
    pa.field("language_score", pa.float32()),
    pa.field("language_source", pa.string()),
    pa.field("language_distance", pa.float32()),
    pa.field("xmod_language", pa.string()),
    pa.field("lang_id", pa.int32()),
)

LANGUAGE_FRACTIONS = pa.field(
    "language_fractions",
    pa.list_(
        pa.struct([pa.field("language", pa.string()), pa.field("fraction", pa.float32())]),
    ),
)
"""The languages of a text and how much of it is in each, the largest fraction first."""

SEGMENTS = pa.field(
    "_segments",
    pa.list_(pa.struct([pa.field("end", pa.int32()), pa.field("xmod_language", pa.string())])),
)
"""Where each piece of a text ends, in code points, and its adapter; null where one serves all."""

TOKEN_FIELDS = (
    pa.field("n_tokens", pa.int32()),
    pa.field("n_windows", pa.int32()),
    pa.field("truncated", pa.bool_()),
)

QUARANTINE = pa.schema(
    [RECORD_ID, pa.field("file", pa.string()), pa.field("row", pa.int64()), *FAILURE]
)
"""One row a record that could not be annotated. No text: find it by file and row."""

RECEIPT = pa.schema(
    [
        pa.field("unit_id", pa.string()),
        pa.field("commit", pa.string()),
        pa.field("failure", FAILURE),
    ]
)
"""What publishing a unit left: its commit record as JSON, or why there is none."""

RESERVED = frozenset(
    field.name for field in (*READ_FIELDS, *LANGUAGE_FIELDS, LANGUAGE_FRACTIONS, *TOKEN_FIELDS)
) | frozenset({"entities", "embedding"})
"""Names that an input column gives up: it is kept as ``input_<name>``."""


def folded(name: str) -> str:
    """``name`` without case and composition, which DuckDB and Spark ignore in names of columns."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


def clashing(names: Sequence[str]) -> list[str]:
    """Those of ``names`` that differ from another in case or composition alone, or not at all."""
    counts = Counter(map(folded, names))
    return sorted({name for name in names if counts[folded(name)] > 1})


def windows_field(reading: int) -> pa.Field:
    """The column with the windows of the job's ``reading``-th reading."""
    return pa.field(f"_windows_{reading}", pa.list_(WINDOW))


def took_field(stage: str) -> pa.Field:
    """The column that says what ``stage`` took."""
    return pa.field(f"_took_{stage}", TOOK)
