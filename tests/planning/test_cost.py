"""Hours and money of a run."""

from pathlib import Path

import pytest

from pipeline.config import JobSettings, Prices
from pipeline.planning.cost import cost_of, cpus_held
from tests.helpers.corpora import make_settings


def settings(prices: Prices | None, **runtime: object) -> JobSettings:
    made = make_settings("in", "out", Path("models"), **runtime)
    return made.model_copy(update={"prices": prices})


def test_cost_of_counts_what_the_actors_hold_and_a_cpu_to_read():
    run = settings(None, actors={"min": 1, "max": 4}, cpus_per_actor=2, gpus_per_actor=0.5)
    assert cpus_held(run) == 9
    cost = cost_of(1800, run)
    assert (cost.cpu_hours, cost.gpu_hours, cost.money) == (4.5, 1.0, None)
    assert str(cost) == "4.5 CPU hours, 1 GPU hours"


def test_cost_of_has_money_where_there_are_prices():
    prices = Prices(currency="EUR", cpu_hour=0.05, gpu_hour=2)
    cost = cost_of(7200, settings(prices, actors=3, gpus_per_actor=1))
    assert cost.money == pytest.approx(8 * 0.05 + 6 * 2)
    assert str(cost) == "8 CPU hours, 6 GPU hours, 12.40 EUR"
    assert "GPU" not in str(cost_of(7200, settings(prices)))
