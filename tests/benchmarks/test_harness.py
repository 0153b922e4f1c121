import json
import subprocess
import sys
import time

import pytest

from benchmarks.harness.paused import in_turns
from benchmarks.harness.record import Figure, Record
from benchmarks.harness.rounds import Rates, Rounds, Spread, take_turns
from benchmarks.harness.sheet import Sheet
from benchmarks.harness.surroundings import surroundings

# The machine is slower in the last round, for both sides alike.
ROUNDS = Rounds({"before": [2.0, 2.2, 8.0], "after": [1.0, 1.0, 4.0]})


def a_record() -> Record:
    figure = Figure(
        name="speed-up", value=ROUNDS.speed_up("after", over="before"), unit="×", goal=1.9
    )
    sheet = Sheet("Sides", ("side", "s"), [("before", "2.2"), ("after", "1.0")], "Lower is better.")
    return Record(
        title="Sides", about="Two.", surroundings=surroundings(), figures=[figure], sheets=[sheet]
    )


def test_spread_of_samples_is_median_and_extremes():
    assert Spread.of([3.0, 1.0, 2.0, 10.0]) == Spread(2.5, 1.0, 10.0)


def test_spread_formatted_gives_each_number_the_spec():
    assert f"{Spread(1.934, 1.88, 1.97):.2f}" == "1.93 (1.88–1.97)"
    assert f"{Spread.of([1.934]):.2f}" == "1.93"


def test_speed_up_compares_sides_within_a_round():
    assert ROUNDS.speed_up("after", over="before") == Spread(2.0, 2.0, 2.2)


def test_ratio_of_rates_counts_what_each_side_does_in_a_call():
    rates = Rates(ROUNDS, {"before": 4.0, "after": 6.0})
    assert rates.rate("before") == Spread(4 / 2.2, 0.5, 2.0)
    ratio = rates.ratio("after", over="before")
    assert (ratio.median, ratio.low, ratio.high) == pytest.approx((3.0, 3.0, 3.3))


def test_rate_is_amount_a_second():
    assert ROUNDS.rate("after", 8) == Spread(8.0, 2.0, 8.0)


def test_take_turns_warms_up_and_turns_round():
    calls: list[str] = []
    sides = {"a": lambda: calls.append("a"), "b": lambda: calls.append("b")}
    rounds = take_turns(sides, rounds=2, calls={"b": 2})
    assert "".join(calls) == "ab" + "abb" + "bba"
    assert {name: len(seconds) for name, seconds in rounds.seconds.items()} == {"a": 2, "b": 2}


def test_take_turns_of_several_calls_gives_the_mean_of_one(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("timeit.timeit", lambda side, number: 2.0 * number)
    assert take_turns({"a": lambda: None}, 1, {"a": 3}).seconds == {"a": [2.0]}


@pytest.mark.parametrize(
    ("goal", "less_is_better", "reached"),
    [
        (2.0, False, True),
        (2.1, False, False),
        (2.0, True, True),
        (1.9, True, False),
        (None, False, None),
    ],
)
def test_figure_with_goal_says_whether_it_is_reached(goal, less_is_better, reached):
    value = Spread(2.0, 1.0, 3.0)
    figure = Figure(name="x", value=value, unit="s", goal=goal, less_is_better=less_is_better)
    assert figure.reached is reached


def test_record_in_markdown_holds_figures_sheets_and_command():
    text = a_record().markdown()
    assert "| speed-up | 2.00 (2.00–2.20) × | ≥ 1.9 × | yes |" in text
    assert "## Sides\n\n| side | s |\n| --- | ---: |\n| before | 2.2 |" in text
    assert "Lower is better." in text
    assert a_record().surroundings.command in text


def test_record_written_is_the_same_in_both_files(tmp_path):
    record = a_record()
    record.write(tmp_path / "new", "sides")
    written = json.loads((tmp_path / "new" / "sides.json").read_text(encoding="utf-8"))
    assert written["figures"][0]["value"] == {"median": 2.0, "low": 2.0, "high": 2.2}
    assert written["figures"][0]["reached"] is True
    assert written["surroundings"]["versions"].keys() >= {"python", "torch", "ray"}
    assert (tmp_path / "new" / "sides.md").read_text(encoding="utf-8") == record.markdown()


def test_surroundings_name_packages_that_are_missing():
    assert surroundings(["no-such-package"]).versions["no-such-package"] == "not installed"


def test_bars_drawn_are_1200_pixels_wide(tmp_path):
    pytest.importorskip("matplotlib")
    from matplotlib.image import imread

    from benchmarks.harness.picture import Bar, bars

    held = [Bar("before", Spread(1.0, 1.0, 1.0)), Bar("after", Spread(2.0, 1.8, 2.2), "new")]
    bars(tmp_path / "x.png", "Speed", "times", held, {"goal": 1.9})
    assert imread(tmp_path / "x.png").shape[1] == 1200


TICKING = """
import pathlib, subprocess, sys, time
if len(sys.argv) == 2:
    child = subprocess.Popen([sys.executable, __file__, sys.argv[1], "child"])
    child.wait()
else:
    for tick in range(40):
        with pathlib.Path(sys.argv[1]).open("a") as file:
            file.write(".")
        time.sleep(0.05)
"""


def test_in_turns_command_and_its_children_stand_still_meanwhile(tmp_path):
    (tmp_path / "ticking.py").write_text(TICKING)
    ticks = tmp_path / "ticks"
    seen: list[tuple[int, int]] = []

    def meanwhile() -> None:
        before = ticks.stat().st_size if ticks.exists() else 0
        time.sleep(0.3)
        seen.append((before, ticks.stat().st_size if ticks.exists() else 0))

    had = in_turns([sys.executable, str(tmp_path / "ticking.py"), str(ticks)], meanwhile, 0.5)

    assert set(had.cpu_seconds) >= {"ticking.py"}
    assert 0 < had.looked < had.seconds
    assert ticks.stat().st_size == 40
    assert len(seen) > 1
    assert all(before == after for before, after in seen)


def test_in_turns_command_that_fails_is_an_error():
    with pytest.raises(subprocess.CalledProcessError):
        in_turns([sys.executable, "-c", "raise SystemExit(3)"], lambda: None, 5)
