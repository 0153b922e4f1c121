"""The map as it is drawn."""

import numpy as np

from pipeline.reporting.page.figures import HUES
from pipeline.reporting.page.map_layers import map_view
from pipeline.reporting.page.sample import Sample
from pipeline.reporting.page.shown import Shown, Verdict


def record(place: int, language: str, topic: str | None) -> Shown:
    verdicts = () if topic is None else (Verdict("topic", topic, 0.5),)
    return Shown(f"id{place}", "und", language, None, None, None, 1, verdicts=verdicts)


def sample(languages: list[str], topics: list[str | None]) -> Sample:
    pointed = tuple(record(*one) for one in zip(range(len(topics)), languages, topics, strict=True))
    numbers = np.random.default_rng(0).normal(size=(len(topics), 4)).astype(np.float32)
    return Sample((), pointed, numbers)


def test_map_view_has_a_layer_of_languages_and_one_a_task():
    view = map_view(sample(["German", "French", "German"], ["sport", None, "art"]))
    assert [layer.name for layer in view.layers] == ["language", "topic"]
    assert [(key.name, key.points) for key in view.layers[0].keys] == [("German", 2), ("French", 1)]
    assert {key.name for key in view.layers[1].keys} == {"sport", "art", "–"}


def test_map_view_places_each_point_within_the_drawing_with_its_values():
    view = map_view(sample(["German", "French", "German"], ["sport", "art", "art"]))
    assert [point.caption for point in view.points] == [
        "German, sport",
        "French, art",
        "German, art",
    ]
    for point in view.points:
        assert 0 <= point.x <= view.width
        assert 0 <= point.y <= view.height
        names = [layer.keys[one].name for layer, one in zip(view.layers, point.values, strict=True)]
        assert ", ".join(names) == point.caption


def test_map_view_greys_what_there_are_no_more_colours_for():
    names = [f"l{place:02}" for place in range(HUES + 2)]
    view = map_view(sample(names, [None] * len(names)))
    assert [key.hue for key in view.layers[0].keys] == [*range(1, HUES + 1), 0, 0]


def test_map_view_without_vectors_is_none():
    assert map_view(Sample((), (), None)) is None
    assert map_view(sample(["German"], ["art"])) is None
