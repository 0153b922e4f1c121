"""Blocks as the stages before tokenize and annotate leave them."""

from collections.abc import Sequence

import pyarrow as pa

from pipeline.contract import schema

FAILED = {"stage": "read", "error_type": "TooLong", "message": "too long"}


def make_block(
    texts: Sequence[str | None],
    languages: Sequence[str | None] | None = None,
    failed: Sequence[int] = (),
    *,
    questions: Sequence[str | None] | None = None,
    choices: Sequence[Sequence[str | None] | None] | None = None,
    seconds: Sequence[str | None] | None = None,
) -> pa.Table:
    """``texts`` with their X-MOD languages; the rows ``failed`` are down for quarantine."""
    nothing = [None] * len(texts)
    errors = [FAILED if row in failed else None for row in range(len(texts))]
    codes = ["en_XX"] * len(texts) if languages is None else languages
    return pa.table(
        {
            schema.TEXT.name: pa.array(texts, pa.string()),
            schema.QUESTION.name: pa.array(questions or nothing, schema.QUESTION.type),
            schema.CHOICES.name: pa.array(choices or nothing, schema.CHOICES.type),
            schema.SECOND.name: pa.array(seconds or nothing, schema.SECOND.type),
            schema.ERROR.name: pa.array(errors, schema.FAILURE),
            "xmod_language": pa.array(codes, pa.string()),
        }
    )
