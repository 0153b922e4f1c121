import json

import pytest

from benchmarks.fresh import fresh, peak_megabytes
from benchmarks.harness import Figure, Record, Rounds, Sheet, Spread, surroundings, take_turns

# The machine is slower in the last round, for both sides alike.
ROUNDS = Rounds({"before": [2.0, 2.2, 8.0], "after": [1.0, 1.0, 4.0]})


def a_record() -> Record:
    figure = Figure("speed-up", ROUNDS.ratio("after", over="before"))
    sheet = Sheet("Sides", ("side", "s"), [("before", "2.2"), ("after", "1.0")], "Lower is better.")
    return Record(
        title="Sides", about="Two.", surroundings=surroundings(), figures=[figure], sheets=[sheet]
    )


def test_spread_of_samples_is_median_and_extremes():
    assert Spread.of([3.0, 1.0, 2.0, 10.0]) == Spread(2.5, 1.0, 10.0)


def test_spread_formatted_gives_each_number_the_spec():
    assert f"{Spread(1.934, 1.88, 1.97):.2f}" == "1.93 (1.88–1.97)"
    assert f"{Spread.of([1.934]):.2f}" == "1.93"


def test_ratio_compares_sides_within_a_round():
    assert ROUNDS.ratio("after", over="before") == Spread(2.0, 2.0, 2.2)


def test_ratio_counts_what_each_side_does_in_a_call():
    rounds = Rounds(ROUNDS.seconds, {"before": 4.0, "after": 6.0})
    assert rounds.rate("before") == Spread(4 / 2.2, 0.5, 2.0)
    ratio = rounds.ratio("after", over="before")
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((3.0, 3.0, 3.3))


def test_take_turns_warms_up_and_turns_round():
    calls: list[str] = []
    sides = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    rounds = take_turns(sides, rounds=2)
    assert "".join(calls) == "ab" + "ab" + "ba"
    assert {name: len(seconds) for name, seconds in rounds.seconds.items()} == {"a": 2, "b": 2}


def test_take_turns_of_several_calls_gives_the_mean_of_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("timeit.timeit", lambda side, number: 2.0 * number)
    assert take_turns({"a": lambda: None}, 1, calls=3).seconds == {"a": [2.0]}


def test_record_kept_is_the_same_in_both_files(tmp_path):
    record = a_record()
    record.keep(tmp_path / "new", "sides")
    text = (tmp_path / "new" / "sides.md").read_text(encoding="utf-8")
    written = json.loads((tmp_path / "new" / "sides.json").read_text(encoding="utf-8"))
    assert text == record.markdown()
    assert "| speed-up | 2.00 (2.00–2.20) × |" in text
    assert "## Sides\n\n| side | s |\n| --- | ---: |\n| before | 2.2 |" in text
    assert "Lower is better." in text
    assert record.surroundings.command in text
    assert written["figures"][0]["value"] == {"median": 2.0, "low": 2.0, "high": 2.2}
    assert written["surroundings"]["versions"].keys() >= {"python", "torch", "ray"}


def test_surroundings_name_packages_that_are_missing():
    assert surroundings(["no-such-package"]).versions["no-such-package"] == "not installed"


def test_fresh_process_returns_what_the_function_does(monkeypatch: pytest.MonkeyPatch):
    assert fresh("os.path:join", "a", "b") == "a/b"
    assert fresh("os:getenv", "SIDE", environment={"SIDE": "own"}) == "own"
    assert 1 < fresh("benchmarks.fresh:peak_megabytes") < peak_megabytes()
