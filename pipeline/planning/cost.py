"""What a run costs: CPUs and GPUs for as long as it reserves them, as a cloud bills them.

Counted are the largest actor pool and one CPU to read; not storage, requests and traffic.
"""

from pydantic import BaseModel

from pipeline.config import JobSettings

_HOUR = 3600


class Cost(BaseModel):
    """Hours of CPUs and GPUs; ``money`` where the settings have prices, of ``currency``."""

    cpu_hours: float
    gpu_hours: float
    money: float | None = None
    currency: str | None = None

    def __str__(self) -> str:
        """For a line of a table."""
        hours = f"{self.cpu_hours:,.3g} CPU hours"
        if self.gpu_hours:
            hours += f", {self.gpu_hours:,.3g} GPU hours"
        return hours if self.money is None else f"{hours}, {self.money:,.2f} {self.currency}"


def cpus_held(settings: JobSettings) -> float:
    """CPUs of all actors, and one to read and tokenize."""
    return settings.runtime.actors.max * settings.runtime.cpus_per_actor + 1


def cost_of(seconds: float, settings: JobSettings) -> Cost:
    """What a run of ``seconds`` on the clock holds."""
    hours = seconds / _HOUR
    cpu_hours = hours * cpus_held(settings)
    gpu_hours = hours * settings.runtime.actors.max * settings.runtime.gpus_per_actor
    prices = settings.prices
    if prices is None:
        return Cost(cpu_hours=cpu_hours, gpu_hours=gpu_hours)
    money = cpu_hours * prices.cpu_hour + gpu_hours * prices.gpu_hour
    return Cost(cpu_hours=cpu_hours, gpu_hours=gpu_hours, money=money, currency=prices.currency)
