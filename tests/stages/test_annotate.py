"""Windows → the columns of the tasks: the numbers of transformers, whatever the block."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import torch
from transformers import TokenClassificationPipeline
from transformers.models.xmod.modeling_xmod import (
    XmodForSequenceClassification,
    XmodForTokenClassification,
    XmodModel,
)

from pipeline.config import (
    ClassificationSettings,
    EmbeddingsSettings,
    ModelSettings,
    NerSettings,
    RuntimeSettings,
)
from pipeline.contract import schema
from pipeline.errors import LanguageError
from pipeline.stages.annotate import Annotate, _windows, window_languages
from pipeline.stages.stage import run_stage
from pipeline.stages.stopwatch import sum_shares
from pipeline.stages.tokenize import Tokenize
from pipeline.stages.workload import Workload
from pipeline.tasks.model_inputs import ModelInput
from pipeline.xmod.adapter_index import LoadedAdapters
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.packed import Packed
from tests.helpers.blocks import make_block
from tests.helpers.checkpoints import (
    LANGUAGES,
    SENTENCES,
    open_folder,
    save_checkpoint,
    save_heads,
)
from tests.helpers.documents import cut_at_the_earlier

CODES = ("en_XX", "de_DE", "zh_CN", "ja_XX", "th_TH", "hi_IN", "en_XX")
LOADED = ("th_TH", "hi_IN", "zh_CN", "en_XX", "de_DE", "ja_XX")  # not the checkpoint's order
LONG = " ".join(SENTENCES[:2] * 4)


@dataclass(frozen=True)
class Stages:
    """Tokenize and annotate with a NER and a topic checkpoint, the embeddings from the first."""

    ner: Checkpoint
    topic: Checkpoint

    def annotate(self, **runtime: object) -> Annotate:
        ner = ModelSettings(path=str(self.ner.folder))
        topic = ModelSettings(path=str(self.topic.folder))
        tasks = (
            NerSettings(type="ner", model=ner, aggregation="simple"),
            EmbeddingsSettings(type="embeddings", model=ner),
        )
        classify = ClassificationSettings(
            type="classification", name="topic", model=topic, probs=True
        )
        workloads = [Workload((self.ner,) * 2, 0, tasks), Workload((self.topic,), 0, (classify,))]
        return Annotate(workloads, LoadedAdapters(LOADED), self.runtime(**runtime))

    def runtime(self, **changes: object) -> RuntimeSettings:
        return RuntimeSettings(**{"max_length": 64, "stride": 9, **changes})

    def tokenized(
        self, texts: Sequence[str | None], codes: Sequence[str | None], failed: Sequence[int] = ()
    ) -> pa.Table:
        runtime = self.runtime()
        tokenizer = self.ner.window_tokenizer(runtime.max_length)
        return Tokenize(runtime, (ModelInput(tokenizer),))(make_block(texts, codes, failed))


@pytest.fixture(scope="module")
def stages(tmp_path_factory) -> Stages:
    def saved(name: str, model_class: type, **options: object) -> Checkpoint:
        folder: Path = tmp_path_factory.mktemp(name)
        return open_folder(save_checkpoint(folder, model_class, **options))

    labels = ("sports", "politics", "science")
    return Stages(
        saved("ner", XmodForTokenClassification, spread=2),
        saved("topic", XmodForSequenceClassification, labels=labels),
    )


@pytest.fixture(scope="module")
def stage(stages) -> Annotate:
    return stages.annotate()


def assert_close(one: dict[str, object], other: dict[str, object]) -> None:
    """Two output rows are the same but for the last digits."""
    for entity, same in zip(one["entities"], other["entities"], strict=True):
        assert entity == same | {"score": pytest.approx(same["score"], abs=1e-5)}
    assert one["topic_label"] == other["topic_label"]
    for name in ("embedding", "topic_score", "topic_probs"):
        np.testing.assert_allclose(one[name], other[name], rtol=0, atol=1e-5)


def rows(stage: Annotate, table: pa.Table) -> list[dict[str, object]]:
    names = [field.name for field in published(stage)]
    return run_stage(stage, table).select(names).to_pylist()


def published(stage: Annotate) -> list[pa.Field]:
    return [field for field in stage.produces if field != schema.BATCHES]


@torch.inference_mode()
def test_annotate_all_tasks_equal_transformers_row_by_row(stages, stage):
    found = rows(stage, stages.tokenized(SENTENCES, CODES))
    classes = (XmodForTokenClassification, XmodForSequenceClassification, XmodModel)
    folders = (stages.ner.folder, stages.topic.folder, stages.ner.folder)
    token, sequence, encoder = (
        model_class.from_pretrained(folder).eval()
        for model_class, folder in zip(classes, folders, strict=True)
    )
    pipe = TokenClassificationPipeline(
        model=token, tokenizer=stages.ner.tokenizer, aggregation_strategy="simple"
    )
    for text, code, row in zip(SENTENCES, CODES, found, strict=True):
        for model in (token, sequence, encoder):
            model.set_default_language(code)
        inputs = stages.ner.tokenizer(text, return_tensors="pt")
        hidden = encoder(**inputs).last_hidden_state[0].mean(0)
        probabilities = sequence(**inputs).logits[0].softmax(-1)
        np.testing.assert_allclose(row["embedding"], hidden / hidden.norm(), atol=1e-5)
        np.testing.assert_allclose(row["topic_probs"], probabilities, atol=1e-5)
        assert row["topic_label"] == stages.topic.labels[int(probabilities.argmax())]
        if code in ("en_XX", "de_DE"):
            expected = cut_at_the_earlier(pipe(text))
            assert [(e["label"], e["start"], e["end"]) for e in row["entities"]] == [
                (e["entity_group"], e["start"], e["end"]) for e in expected
            ]
    assert sum(len(row["entities"]) for row in found) > 20


def test_annotate_row_has_the_same_result_beside_any_other(stages, stage):
    texts, codes = [*SENTENCES, LONG, "", LONG[:90]], [*CODES, "de_DE", "zh_CN", "th_TH"]
    expected = [
        rows(stage, stages.tokenized([text], [code]))[0]
        for text, code in zip(texts, codes, strict=True)
    ]
    order = np.random.default_rng(4).permutation(len(texts))
    mixed = stages.tokenized([texts[i] for i in order], [codes[i] for i in order])
    for budget, cores in ((16, 1), (200, 3), (16384, 2)):
        found = rows(stages.annotate(max_batch_tokens=budget, cpus_per_actor=cores), mixed)
        for position, row in zip(order, found, strict=True):
            assert_close(row, expected[position])


def test_annotate_block_in_slices_and_chunks_is_the_same(stages, stage):
    table = stages.tokenized(SENTENCES, CODES)
    whole = rows(stage, table)
    chunked = pa.concat_tables([table.slice(0, 3), table.slice(3)])
    for some, expected in ((table.slice(2, 3), whole[2:5]), (chunked, whole)):
        for row, other in zip(rows(stage, some), expected, strict=True):
            assert_close(row, other)


def test_annotate_same_text_in_another_language_differs(stages, stage):
    results = rows(stage, stages.tokenized(SENTENCES[:1] * 2, ["en_XX", "de_DE"]))
    assert not np.allclose(results[0]["embedding"], results[1]["embedding"], atol=1e-3)


def test_annotate_tasks_of_one_checkpoint_share_a_forward(stages, stage):
    seen: list[int] = []
    hooks = [
        engine._model.encoder.register_forward_hook(lambda *_, k=k: seen.append(k))
        for k, engine in enumerate(stage._engines)
    ]
    rows(stage, stages.tokenized(SENTENCES, CODES))
    for hook in hooks:
        hook.remove()
    assert seen == [0, 1]


@pytest.mark.parametrize("budget", [20, 200, 4096])
def test_annotate_block_says_how_full_its_micro_batches_were(stages, budget):
    stage = stages.annotate(max_batch_tokens=budget)
    sizes: list[int] = []
    for engine in stage._engines:
        engine._model.encoder.register_forward_hook(
            lambda _, inputs, __: sizes.append(_tokens(*inputs))
        )
    table = run_stage(stage, stages.tokenized([*SENTENCES, None], [*CODES, None], failed=(7,)))
    had = sum_shares(table["_batches"])
    assert had["number"] == pytest.approx(len(sizes))
    assert had["tokens"] == pytest.approx(sum(sizes))
    assert had["room"] == pytest.approx(sum(max(size, budget) for size in sizes))


def _tokens(packed: Packed) -> int:
    return len(packed.ids)


def test_annotate_rows_in_quarantine_get_nulls_of_the_declared_types(stages, stage):
    table = stages.tokenized([None, SENTENCES[0], "x"], [None, "en_XX", None], failed=(0, 2))
    found = rows(stage, table)
    assert [set(row.values()) == {None} for row in (found[0], found[2])] == [True, True]
    assert_close(found[1], rows(stage, stages.tokenized(SENTENCES[:1], ["en_XX"]))[0])


@pytest.mark.parametrize("texts", [[None, None], []])
def test_annotate_block_without_sound_rows_has_the_declared_types(stages, stage, texts):
    table = run_stage(stage, stages.tokenized(texts, [None] * len(texts), failed=(0, 1)))
    for field in published(stage):
        assert table.schema.field(field.name).type == field.type
        assert table[field.name].null_count == len(texts)
    assert set(sum_shares(table["_batches"]).values()) == {0}


def test_annotate_text_without_entities_has_an_empty_list_of_the_declared_type(stages, stage):
    table = run_stage(stage, stages.tokenized([""], ["zh_CN"]))
    assert table["entities"].to_pylist() == [[]]
    assert table.schema.field("entities").type == pa.list_(schema.ENTITY)


@pytest.mark.parametrize("code", ["sw_KE", None])
def test_annotate_language_that_is_not_loaded_is_an_error(stages, stage, code):
    with pytest.raises(LanguageError, match=f"No adapter is loaded for {code}"):
        stage(stages.tokenized(["in Prague"], [code]))


@pytest.mark.parametrize("folder", ["ner", "topic"])
def test_annotate_embeddings_alone_need_no_head_and_come_in_half_precision(stages, folder):
    checkpoint = getattr(stages, folder)
    settings = EmbeddingsSettings(
        type="embeddings", model=ModelSettings(path=str(checkpoint.folder)), dtype="float16"
    )
    alone = Annotate(
        [Workload((checkpoint,), 0, (settings,))], LoadedAdapters(LOADED), stages.runtime()
    )
    table = run_stage(alone, stages.tokenized(SENTENCES, CODES))
    assert table.schema.field("embedding").type == pa.list_(pa.float16(), 32)
    norms = np.linalg.norm(np.array(table["embedding"].to_pylist(), dtype=np.float32), axis=1)
    np.testing.assert_allclose(norms, 1, atol=2e-3)


def test_annotate_workloads_of_one_checkpoint_share_its_model(stages):
    model = ModelSettings(path=str(stages.ner.folder))
    tasks = NerSettings(type="ner", model=model), EmbeddingsSettings(type="embeddings", model=model)
    workloads = [Workload((stages.ner,), reading, (task,)) for reading, task in enumerate(tasks)]
    stage = Annotate(workloads, LoadedAdapters(LOADED), stages.runtime())
    first, second = stage._engines
    assert first._model is second._model


@pytest.fixture
def headed(tmp_path) -> list[Checkpoint]:
    """A token classifier and a classifier of texts on one encoder, and that encoder."""
    folder = save_heads(tmp_path)
    return [open_folder(folder, head) for head in ("ner", "topic", None)]


def of_one_encoder(headed: Sequence[Checkpoint], *places: int) -> Workload:
    """A task for each head."""
    paths = [ModelSettings(path=str(one.folder), head=one.head) for one in headed]
    tasks = (
        NerSettings(type="ner", model=paths[0], aggregation="simple"),
        ClassificationSettings(type="classification", name="topic", model=paths[1], probs=True),
        EmbeddingsSettings(type="embeddings", model=paths[2]),
    )
    return Workload(
        tuple(headed[place] for place in places), 0, tuple(tasks[place] for place in places)
    )


def test_annotate_heads_of_one_encoder_share_one_forward(stages, headed):
    """The model has as many tokens to read for three heads as for one, with the same results."""
    table, loaded = stages.tokenized(SENTENCES, CODES), LoadedAdapters(LOADED)
    stage, *alone = (
        Annotate([of_one_encoder(headed, *places)], loaded, stages.runtime())
        for places in ((0, 1, 2), (0,), (1,), (2,))
    )
    together, *others = (run_stage(one, table) for one in (stage, *alone))
    work = [sum_shares(one[schema.BATCHES.name]) for one in (together, *others)]
    assert work[0]["tokens"] > 0
    assert work == [work[0]] * 4
    expected = zip(*(other.to_pylist() for other in others), strict=True)
    names = [field.name for field in published(stage)]
    for row, parts in zip(together.select(names).to_pylist(), expected, strict=True):
        assert_close(row, parts[0] | parts[1] | parts[2])


def test_annotate_every_language_of_the_checkpoint_is_tested():
    assert set(CODES) == set(LOADED) == set(LANGUAGES)


def test_annotate_record_without_language_goes_without_an_adapter(stages):
    runtime = stages.runtime()
    settings = EmbeddingsSettings(
        type="embeddings", model=ModelSettings(path=str(stages.ner.folder))
    )
    workloads = [Workload((stages.ner,), 0, (settings,))]
    stage = Annotate(workloads, LoadedAdapters(LOADED, bypass=True), runtime)
    found = rows(stage, stages.tokenized(SENTENCES[:2], [None, "de_DE"]))
    encoder = XmodModel.from_pretrained(stages.ner.folder).eval()
    inputs = stages.ner.tokenizer(SENTENCES[0], return_tensors="pt")
    beyond = torch.tensor([len(encoder.config.languages)])
    with torch.inference_mode():
        hidden = encoder(**inputs, lang_ids=beyond).last_hidden_state[0].mean(0)
    np.testing.assert_allclose(found[0]["embedding"], hidden / hidden.norm(), atol=1e-5)


def test_annotate_windows_of_a_mixed_text_go_through_their_own_adapters(stages, stage):
    """Each window as if it came alone, through the adapter of most of its text."""
    table = stages.tokenized([LONG], ["en_XX"])
    (windows,) = table[schema.windows_field(0).name].to_pylist()
    assert len(windows) > 2
    last = max(windows[0]["ends"])
    segments = [
        [
            {"end": last - 9, "xmod_language": "de_DE"},
            {"end": len(LONG), "xmod_language": "en_XX"},
        ]
    ]
    mixed = table.append_column(schema.SEGMENTS, pa.array(segments, schema.SEGMENTS.type))
    (codes,) = window_languages(mixed, _windows(mixed[schema.windows_field(0).name]))
    assert codes == ["de_DE", *["en_XX"] * (len(windows) - 1)]
    (one,), (other,) = rows(stage, mixed), rows(stage, table)
    assert np.abs(np.subtract(one["embedding"], other["embedding"])).max() > 1e-3


def test_annotate_text_of_one_language_needs_no_segments(stages, stage):
    table = stages.tokenized(SENTENCES, CODES)
    nothing = table.append_column(schema.SEGMENTS, pa.nulls(len(SENTENCES), schema.SEGMENTS.type))
    for one, other in zip(rows(stage, nothing), rows(stage, table), strict=True):
        assert_close(one, other)
