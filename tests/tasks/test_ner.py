"""Named entities: what transformers' pipeline finds, and what it would get wrong."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from transformers import TokenClassificationPipeline, XmodConfig
from transformers.models.xmod.modeling_xmod import XmodForTokenClassification

from pipeline.config import Aggregation, ModelSettings, NerSettings
from pipeline.contract import schema
from pipeline.errors import CheckpointError
from pipeline.tasks.ner import NerTask
from pipeline.tasks.spans import boundaries
from pipeline.tasks.task import Document
from pipeline.xmod.checkpoint import Checkpoint
from pipeline.xmod.windows import Window
from tests.helpers.checkpoints import BIO_LABELS, LANGUAGES, SENTENCES
from tests.helpers.documents import cut_at_the_earlier, make_document, spelled

SPACED = (
    *SENTENCES[:2],
    SENTENCES[6],
    "Ο Αλέξανδρος ζει στην Αθήνα, κοντά στη θάλασσα.",
    "Анна  Ивановна работает в Москве с 1998 года",
    'Zürich, Malmö & São Paulo; "O\'Neill" went to ﬁne Łódź — twice!',
    "in",
)
HARD = st.text(
    alphabet=st.one_of(
        st.sampled_from(
            "ab A.é\u0301\u0308\u200d👩👧🏽🇩🇪クำ์กद्ि李京שׁاﬁ\u202e\n\t\r \u00a0\u200b½㎏"
        ),
        st.characters(exclude_categories=["Cs"]),
    ),
    max_size=40,
)


def make_task(checkpoint: Checkpoint, aggregation: str = "simple", **options: object) -> NerTask:
    model = ModelSettings(path=str(checkpoint.folder))
    return NerTask(
        NerSettings(type="ner", model=model, aggregation=Aggregation(aggregation), **options),
        checkpoint,
    )


def labelled(*labels: str, sure: float = 0.9) -> list[np.ndarray]:
    """One window's probabilities in which each token, after the special one, has a label."""
    return [certain(label, sure) for label in ("O", *labels, "O")]


def certain(label: str, sure: float = 0.9) -> np.ndarray:
    scores = np.full(len(BIO_LABELS), (1 - sure) / (len(BIO_LABELS) - 1), dtype=np.float32)
    scores[BIO_LABELS.index(label)] = sure
    return scores


def entities(task: NerTask, document: Document, *rows: list[np.ndarray]) -> list[dict]:
    (found,) = task.decode(document, [np.stack(some) for some in rows])
    return found


def spans(found: list[dict]) -> list[tuple[str, str]]:
    return [(entity["label"], entity["text"]) for entity in found]


def by_position(document: Document, label_at: Callable[[int], str]) -> list[list[np.ndarray]]:
    """Each window's probabilities where a token's label follows from its place in the text."""
    return [
        labelled(*(label_at(start) for start in window.starts[1:-1].tolist()))
        for window in document.windows
    ]


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@pytest.mark.parametrize("labels", ["ner", "io_ner"])
@pytest.mark.parametrize("aggregation", ["simple", "first", "average", "max"])
def test_ner_texts_with_spaces_equal_the_transformers_pipeline(aggregation, labels, request):
    checkpoint = request.getfixturevalue(labels)
    model = XmodForTokenClassification.from_pretrained(checkpoint.folder).eval()
    reference = TokenClassificationPipeline(
        model=model, tokenizer=checkpoint.tokenizer, aggregation_strategy=str(aggregation)
    )
    task = make_task(checkpoint, aggregation)
    seen = set()
    for language in LANGUAGES:
        model.set_default_language(language)
        for text in SPACED:
            expected = cut_at_the_earlier(reference(text))
            document = make_document(checkpoint.tokenizer, text)
            ids = torch.tensor(document.windows[0].ids).unsqueeze(0)
            with torch.inference_mode():
                scores = model(ids).logits.softmax(-1)[0].numpy()
            found = entities(task, document, scores)
            assert [(e["label"], e["start"], e["end"]) for e in found] == [
                (e["entity_group"], e["start"], e["end"]) for e in expected
            ]
            np.testing.assert_allclose(
                [e["score"] for e in found], [e["score"] for e in expected], atol=1e-4
            )
            seen |= {entity["label"] for entity in found}
    assert seen >= {"PER", "LOC"}


@given(text=HARD, seed=st.integers(0, 2**32 - 1), aggregation=st.sampled_from(Aggregation))
def test_ner_any_text_and_scores_entities_are_whole_sorted_and_apart(ner, text, seed, aggregation):
    generator = np.random.default_rng(seed)
    document = make_document(ner.tokenizer, text, max_length=12, stride=3)
    scores = [
        generator.dirichlet(np.full(7, 0.3), len(w)).astype(np.float32) for w in document.windows
    ]
    found = entities(make_task(ner, aggregation), document, *scores)
    characters = set(boundaries(text))
    previous_end = 0
    for entity in found:
        start, end = entity["start"], entity["end"]
        assert previous_end <= start < end <= len(text)
        assert entity["text"] == text[start:end] == text[start:end].strip()
        assert {start, end} <= characters
        assert entity["label"] in {"PER", "LOC", "ORG"}
        assert 0 < entity["score"] <= 1.0001
        previous_end = end


@pytest.mark.parametrize("aggregation", ["words", "first", "average", "max"])
@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("李华去北京", ["李华", "去", "北京"]),
        ("田中は東京", ["田中", "は", "東京"]),
        ("สมชายไปลำปาง", ["สมชาย", "ไป", "ลำปาง"]),
        ("ສົມໄປວຽງຈັນ", ["ສົມ", "ໄປ", "ວຽງຈັນ"]),
        ("សុខទៅភ្នំពេញ", ["សុខ", "ទៅ", "ភ្នំពេញ"]),
        ("အောင်သည်ရန်ကုန်", ["အောင်", "သည်", "ရန်ကုန်"]),
    ],
)
def test_ner_scripts_without_spaces_each_token_speaks_for_itself(ner, aggregation, text, tokens):
    found = entities(
        make_task(ner, aggregation), spelled(text, *tokens), labelled("B-PER", "O", "B-LOC")
    )
    assert spans(found) == [("PER", tokens[0]), ("LOC", tokens[2])]


@pytest.mark.parametrize(
    ("aggregation", "expected"),
    [("first", [("PER", "Praha")]), ("max", [("ORG", "Praha")]), ("average", [("LOC", "Praha")])],
)
def test_ner_word_of_several_tokens_is_decided_by_the_aggregation(ner, aggregation, expected):
    rows = [certain("O"), certain("B-PER", 0.6), certain("B-LOC", 0.55), certain("B-LOC", 0.5)]
    rows += [certain("B-ORG", 0.7), certain("O")]
    found = entities(make_task(ner, aggregation), spelled("Praha", "P", "ra", "h", "a"), rows)
    assert spans(found) == expected


@pytest.mark.parametrize(
    ("text", "tokens", "labels", "expected"),
    [
        ("in Sopot, ja", ["in", "So", "pot,", "ja"], "O B-LOC I-LOC O", ["Sopot"]),
        ("Matti Nykänen", ["Mat", "ti", "Nykä", "nen"], "B-PER O I-PER O", ["Matti Nykänen"]),
        ("Matti's dog", ["Mat", "ti", "'", "s", "dog"], "B-PER I-PER O O O", ["Matti"]),
        ("Yahoo! says", ["Ya", "hoo", "!", "says"], "B-ORG O I-ORG O", ["Yahoo!"]),
        ("the U.S. has", ["the", "U", ".", "S", ".", "has"], "O B-LOC O O O O", ["U.S."]),
        ("(NATO)", ["(", "NA", "TO", ")"], "O B-ORG O O", ["NATO"]),
        ('"Oslo".', ['"', "Os", 'lo".'], "I-LOC B-LOC O", ['"', "Oslo"]),
        ("안녕 서울은", ["안녕", "서울", "은"], "O B-LOC O", ["서울"]),
        ("去北京。", ["去", "北京", "。"], "O B-LOC O", ["北京"]),
    ],
)
def test_ner_words_are_whole_and_without_punctuation(ner, text, tokens, labels, expected):
    task = make_task(ner, "words")
    found = entities(task, spelled(text, *tokens), labelled(*labels.split()))
    assert [entity["text"] for entity in found] == expected


def test_ner_default_is_by_words(ner):
    path = ModelSettings(path=str(ner.folder))
    assert NerSettings(type="ner", model=path).aggregation is Aggregation.WORDS


def test_ner_b_tag_begins_an_entity_and_i_tag_of_another_type_too(ner):
    document = spelled("A B C D", "A", "B", "C", "D")
    found = entities(make_task(ner), document, labelled("I-PER", "B-PER", "I-PER", "I-LOC"))
    assert spans(found) == [("PER", "A"), ("PER", "B C"), ("LOC", "D")]


def test_ner_score_is_the_mean_over_the_pieces(ner):
    rows = [certain("O"), certain("B-PER", 0.5), certain("I-PER", 0.75), certain("O")]
    (entity,) = entities(make_task(ner), spelled("Anna B", "Anna", "B"), rows)
    assert entity["score"] == pytest.approx(0.625)


def document_of(text: str, *tokens: tuple[int, int]) -> Document:
    """``text`` in one window with these spans of tokens."""
    starts, ends = np.array([(0, 0), *tokens, (0, 0)], dtype=np.int32).T
    return Document(text, [Window(np.full(len(starts), 9), starts, ends)], stride=0)


@pytest.mark.parametrize(
    ("text", "tokens", "expected"),
    [
        ("xﬁy", [(0, 2), (1, 3)], ["xﬁ", "y"]),
        ("Anna Schmidt", [(0, 1), (0, 12)], ["A", "nna Schmidt"]),
        ("in ﬁrst", [(3, 4), (3, 7)], ["ﬁ", "rst"]),
        ("50㎏ Reis", [(0, 3), (2, 8)], ["50㎏", "Reis"]),
        ("ﾊﾟﾘ", [(0, 2), (0, 3)], ["ﾊﾟ", "ﾘ"]),
        ("ﷺ", [(0, 1), (0, 1)], ["ﷺ"]),
        ("ﷺab", [(0, 1), (0, 1), (1, 3)], ["ﷺ", "ab"]),
        ("ab", [(0, 2), (0, 1)], ["ab"]),
    ],
)
def test_ner_tokens_of_one_character_the_later_entity_is_cut(ner, text, tokens, expected):
    labels = ["B-PER", "B-LOC", "B-PER"][: len(tokens)]
    found = entities(make_task(ner), document_of(text, *tokens), labelled(*labels, sure=0.8))
    assert [entity["text"] for entity in found] == expected
    assert {entity["label"] for entity in found} <= {"PER", "LOC"}


def test_ner_min_score_is_of_no_effect_on_where_entities_are(ner):
    rows = [certain("O"), certain("B-PER", 0.5), certain("B-LOC", 0.9), certain("O")]
    document = document_of("Anna Schmidt", (0, 1), (0, 12))
    assert spans(entities(make_task(ner, min_score=0.6), document, rows)) == [
        ("LOC", "nna Schmidt")
    ]


@pytest.mark.filterwarnings("ignore:Tokenizer does not support real words")
@given(text=HARD, seed=st.integers(0, 2**32 - 1))
def test_ner_any_text_characters_of_one_token_have_the_label_of_transformers(ner, text, seed):
    document = make_document(ner.tokenizer, text)
    ids, starts, ends = document.tokens
    generator = np.random.default_rng(seed)
    scores = generator.dirichlet(np.full(7, 0.3), len(ids) + 2).astype(np.float32)
    pipe = TokenClassificationPipeline(
        model=XmodForTokenClassification(ner.config),
        tokenizer=ner.tokenizer,
        aggregation_strategy="simple",
    )
    spans_of = np.stack([starts, ends], axis=1)
    tokens = pipe.gather_pre_entities(text, ids, scores[1:-1], spans_of, ids == -1, "simple")
    expected = pipe.aggregate(tokens, "simple")
    covers = np.zeros(len(text) + 1, dtype=int)
    for start, end in spans_of:
        covers[start:end] += 1
    whole = set(boundaries(text))
    single = [
        place
        for place in range(len(text))
        if covers[place] == 1 and not text[place].isspace() and {place, place + 1} <= whole
    ]
    theirs, ours = {}, {}
    for entity in expected:
        if entity["entity_group"] != "O":
            span = range(entity["start"], entity["end"])
            theirs |= dict.fromkeys(span, entity["entity_group"])
    for entity in entities(make_task(ner), document, scores):
        ours |= dict.fromkeys(range(entity["start"], entity["end"]), entity["label"])
    assert {p: ours.get(p) for p in single} == {p: theirs.get(p) for p in single}


def test_ner_min_score_leaves_out_and_changes_nothing_else(ner):
    rows = [certain("O"), certain("B-PER", 0.5), certain("B-LOC", 0.9), certain("O")]
    document = spelled("Anna Prag", "Anna", "Prag")
    every = entities(make_task(ner), document, rows)
    assert entities(make_task(ner, min_score=0.6), document, rows) == every[1:]


@pytest.mark.parametrize("stride", [0, 3, 4])
def test_ner_entity_across_windows_is_found_once(ner, stride):
    text = "the river in Prague 🌊 " * 12
    begin = text.index("Prague", 100)
    inside = range(begin, begin + 29)
    document = make_document(ner.tokenizer, text, max_length=16, stride=stride)
    touched = [np.isin(window.starts, inside).any() for window in document.windows]
    assert sum(touched) > 1
    scores = by_position(document, lambda start: "I-LOC" if start in inside else "O")
    (entity,) = entities(make_task(ner), document, *scores)
    assert entity["text"] == text[entity["start"] : entity["end"]]
    assert (entity["start"], entity["end"]) == (begin, begin + 28)


def test_ner_no_tokens_or_only_outside_is_an_empty_list(ner):
    for aggregation in Aggregation:
        task = make_task(ner, aggregation)
        assert entities(task, make_document(ner.tokenizer, ""), labelled()) == []
        assert entities(task, spelled("a b", "a", "b"), labelled("O", "O")) == []


def test_ner_labels_without_outside_are_refused(topic):
    with pytest.raises(CheckpointError, match="ner needs BIO or IO labels"):
        make_task(topic)


def test_ner_labels_of_another_scheme_are_refused(ner):
    names = {0: "O", 1: "B-PER", 2: "E-PER", 3: "S-PER"}
    config = XmodConfig.from_dict({**ner.config.to_dict(), "id2label": names})
    with pytest.raises(CheckpointError, match="E-PER, S-PER, of a scheme"):
        make_task(replace(ner, config=config))


def test_ner_fields_are_those_of_the_schema(ner):
    (field,) = make_task(ner).fields
    assert (field.name, field.type.value_type) == ("entities", schema.ENTITY)


@pytest.mark.parametrize("temperature", [3.0, 0.5])
@pytest.mark.parametrize("aggregation", list(Aggregation))
def test_ner_temperature_changes_scores_and_no_label(ner, aggregation, temperature):
    """Not even where a word's label is chosen by the scores of several tokens."""
    values = {**ner.config.to_dict(), "calibration_temperature": temperature}
    task = make_task(replace(ner, config=XmodConfig.from_dict(values)), aggregation)
    plain = make_task(ner, aggregation)
    generator = np.random.default_rng(0)
    for text in SPACED:
        document = make_document(ner.tokenizer, text)
        logits = generator.normal(0, 3, (len(document.windows[0]), len(BIO_LABELS)))
        scores = torch.tensor(logits).softmax(-1).numpy().astype(np.float32)
        before, after = (entities(one, document, scores) for one in (plain, task))
        assert [{**one, "score": 0} for one in before] == [{**one, "score": 0} for one in after]
        lower = [one["score"] < two["score"] for one, two in zip(after, before, strict=True)]
        assert set(lower) <= {temperature > 1}


def test_ner_temperature_divides_the_logits(ner):
    values = {**ner.config.to_dict(), "calibration_temperature": 2.0}
    task = make_task(replace(ner, config=XmodConfig.from_dict(values)), "words")
    document = make_document(ner.tokenizer, "in")
    logits = torch.full((len(document.windows[0]), len(BIO_LABELS)), -30.0)
    logits[:, BIO_LABELS.index("B-LOC")] = 4.0
    logits[:, BIO_LABELS.index("O")] = 1.0
    (found,) = entities(task, document, logits.softmax(-1).numpy())
    assert found["score"] == pytest.approx(1 / (1 + np.exp(-1.5)), abs=1e-6)
