"""Texts cut into windows."""

import time

import pyarrow as pa
import pytest
from transformers.models.xmod.modeling_xmod import XmodModel

from pipeline.config import RuntimeSettings
from pipeline.contract import schema
from pipeline.errors import ConfigError
from pipeline.stages.stage import run_stage
from pipeline.stages.tokenize import Tokenize
from pipeline.tasks.model_inputs import Beside, ModelInput
from pipeline.xmod.checkpoint import Checkpoint
from tests.helpers.blocks import make_block
from tests.helpers.checkpoints import SENTENCES, open_folder, save_checkpoint

LONG = "the river in Prague 🌊 " * 30
COLUMNS = ["n_tokens", "n_windows", "truncated"]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory) -> Checkpoint:
    return open_folder(save_checkpoint(tmp_path_factory.mktemp("encoder"), XmodModel))


def tokenize(checkpoint: Checkpoint, table: pa.Table, **options: object) -> pa.Table:
    settings = RuntimeSettings(**{"max_length": 32, "stride": 5, **options})
    return run_stage(stage(settings, checkpoint), table)


def stage(settings: RuntimeSettings, *checkpoints: Checkpoint) -> Tokenize:
    tokenizers = (checkpoint.window_tokenizer(settings.max_length) for checkpoint in checkpoints)
    return Tokenize(settings, tuple(map(ModelInput, tokenizers)))


def counts(table: pa.Table) -> list[tuple[object, ...]]:
    return list(zip(*(table[name].to_pylist() for name in COLUMNS), strict=True))


def test_tokenize_counts_are_those_of_the_text_without_specials_and_overlaps(checkpoint):
    texts = [*SENTENCES, LONG]
    table = tokenize(checkpoint, make_block(texts))
    whole = checkpoint.tokenizer(texts, add_special_tokens=False, truncation=False)["input_ids"]
    assert table["n_tokens"].to_pylist() == [len(ids) for ids in whole]
    windows = [1 + max(0, -(-(len(ids) - 30) // 25)) for ids in whole]  # 30 fit, 25 are new
    assert table["n_windows"].to_pylist() == windows
    assert not any(table["truncated"].to_pylist())


def test_tokenize_windows_overlap_and_say_where_they_stand_in_the_text(checkpoint):
    table = tokenize(checkpoint, make_block(["🌊🌊 é", LONG]))
    plain = checkpoint.tokenizer(LONG, return_offsets_mapping=True, truncation=False)
    windows = table["_windows_0"].to_pylist()[1]
    tokens = plain["input_ids"][1:-1]
    for number, window in enumerate(windows):
        expected = tokens[number * 25 : number * 25 + 30]
        spans = plain["offset_mapping"][1:-1][number * 25 : number * 25 + 30]
        assert window["input_ids"] == [0, *expected, 2]
        assert window["starts"] == [0, *(start for start, _ in spans), 0]
        assert window["ends"] == [0, *(end for _, end in spans), 0]


def test_tokenize_offsets_are_code_points_after_an_emoji(checkpoint):
    text = "🌊🌊 Prague"
    (window,) = tokenize(checkpoint, make_block([text]))["_windows_0"].to_pylist()[0]
    starts, ends = window["starts"], window["ends"]
    assert ends[-2] == len(text) == 9
    assert text[starts[-2] : ends[-2]] == "ue"


def test_tokenize_max_windows_keeps_the_beginning_and_says_so(checkpoint):
    table = tokenize(checkpoint, make_block([LONG, "in", "in " * 40]), max_windows=2)
    assert counts(table) == [(55, 2, True), (1, 1, False), (40, 2, False)]
    whole = tokenize(checkpoint, make_block([LONG]))["_windows_0"].to_pylist()[0]
    assert table["_windows_0"].to_pylist()[0] == whole[:2]


def test_tokenize_rows_in_quarantine_get_nulls(checkpoint):
    block = make_block([None, "in Prague", None, LONG], failed=(0, 2))
    table = tokenize(checkpoint, block)
    alone = tokenize(checkpoint, make_block(["in Prague", LONG]))
    for name in (*COLUMNS, "_windows_0"):
        first, second = alone[name].to_pylist()
        assert table[name].to_pylist() == [None, first, None, second]


@pytest.mark.parametrize("texts", [[None, "a"], [None], []])
def test_tokenize_block_without_sound_rows_has_the_declared_types(checkpoint, texts):
    table = tokenize(checkpoint, make_block(texts, failed=(0, 1)))
    assert table.num_rows == len(texts)
    for field in (*schema.TOKEN_FIELDS, schema.windows_field(0)):
        assert table.schema.field(field.name).type == field.type
        assert table[field.name].null_count == len(texts)


@pytest.mark.parametrize("text", ["", " \n\t"])
def test_tokenize_text_without_words_is_one_window_of_special_tokens(checkpoint, text):
    table = tokenize(checkpoint, make_block([text]))
    assert counts(table) == [(0, 1, False)]
    empty = {"input_ids": [0, 2], "starts": [0, 0], "ends": [0, 0], "choice": 0}
    assert table["_windows_0"].to_pylist() == [[empty]]


def test_tokenize_row_alone_equals_the_row_among_others(checkpoint):
    texts = [*SENTENCES, LONG]
    together = tokenize(checkpoint, make_block(texts))
    alone = [tokenize(checkpoint, make_block([text])) for text in texts]
    assert pa.concat_tables(alone).equals(together)


def test_tokenize_two_tokenizers_each_has_its_windows_and_the_first_counts(checkpoint, tmp_path):
    shorter = open_folder(save_checkpoint(tmp_path, XmodModel, max_position_embeddings=18))
    settings = RuntimeSettings(max_length=32, stride=5)
    table = run_stage(stage(settings, checkpoint, shorter), make_block([LONG]))
    first, second = (len(table[name].to_pylist()[0]) for name in ("_windows_0", "_windows_1"))
    assert table["n_windows"].to_pylist() == [first]
    assert second > first
    assert max(len(w["input_ids"]) for w in table["_windows_1"].to_pylist()[0]) == 16


def test_tokenize_stride_that_a_models_windows_cannot_hold_is_refused(tmp_path):
    short = open_folder(save_checkpoint(tmp_path, XmodModel, max_position_embeddings=18))
    with pytest.raises(ConfigError, match=r"stride is 14 .* hold 16 tokens"):
        stage(RuntimeSettings(max_length=512, stride=14), short)
    stage(RuntimeSettings(max_length=512, stride=13), short)


@pytest.mark.parametrize(
    "run",
    [
        "a",
        "\u0301",
        "\u200d",
        "👩\u200d👧",
        "ส",
        "李",
        "\ufdfa",
        "\x00",
        "\U0010fffd",
        "a\u200b",
        " ",
    ],
    ids=ascii,
)
def test_tokenize_a_long_run_takes_time_in_proportion(checkpoint, run):
    def seconds(characters: int) -> float:
        block = make_block([(run * characters)[:characters], "in Prague"])
        begin = time.process_time()
        tokenize(checkpoint, block, max_length=128, stride=16)
        return time.process_time() - begin

    seconds(2_000)
    assert seconds(80_000) < 80 * max(seconds(4_000), 0.01)  # quadratic would be 400


def test_tokenize_megabyte_without_a_space_is_quarantined_and_costs_no_neighbour(checkpoint):
    texts = ["in Prague", "a" * 1_000_000, SENTENCES[0]]
    table = tokenize(checkpoint, make_block(texts), max_length=128)
    errors = table["_error"].to_pylist()
    assert [error and error["error_type"] for error in errors] == [None, "TooManyTokens", None]
    assert "runtime.max_tokens" in errors[1]["message"]
    assert counts(table)[1] == (None, None, None)
    alone = tokenize(checkpoint, make_block([texts[0], texts[2]]), max_length=128)
    assert table.take([0, 2]).select(COLUMNS).equals(alone.select(COLUMNS))
    assert table["_windows_0"].take([0, 2]).to_pylist() == alone["_windows_0"].to_pylist()


def test_tokenize_max_tokens_is_of_the_windows_that_are_kept(checkpoint):
    (window,) = tokenize(checkpoint, make_block(["in " * 510]), max_length=512)["_windows_0"]
    assert sum(len(one["input_ids"]) for one in window.as_py()) > 512
    for options, expected in (({}, "TooManyTokens"), ({"max_windows": 2}, None)):
        table = tokenize(checkpoint, make_block(["in " * 510]), max_tokens=512, **options)
        error = table["_error"].to_pylist()[0]
        assert (error and error["error_type"]) == expected


def test_tokenize_max_tokens_counts_every_choice(checkpoint):
    settings = RuntimeSettings(max_length=32, stride=5, max_tokens=512)
    window = checkpoint.window_tokenizer(32)
    choosing = ModelInput(window, Beside.CHOICES, ("Anna", "Prague"))
    block = make_block(["in " * 200, "in"])
    table = run_stage(Tokenize(settings, (ModelInput(window), choosing)), block)
    first, second = table["_error"].to_pylist()
    assert first["error_type"] == "TooManyTokens"
    assert second is None


def test_tokenize_text_that_spells_control_tokens_has_none(checkpoint):
    texts = ["<pad>" * 50, "Anna </s> in <s>Prague<mask>", "<unk>"]
    plain, masks = (
        run_stage(
            Tokenize(
                RuntimeSettings(max_length=64, stride=5),
                (ModelInput(checkpoint.window_tokenizer(64), masks=some),),
            ),
            make_block(texts),
        )
        for some in (False, True)
    )
    for windows in plain["_windows_0"].to_pylist():
        inside = {token for window in windows for token in window["input_ids"][1:-1]}
        assert not inside & {0, 1, 2, 4}
    (window,) = masks["_windows_0"].to_pylist()[1]
    assert [token for token in window["input_ids"][1:-1] if token in (0, 1, 2, 4)] == [4]
