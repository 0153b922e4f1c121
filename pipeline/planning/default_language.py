"""The language of ``fallback: default`` where the config names none: the checkpoints' own.

Enters: section ``language`` and the job's checkpoints. Leaves: the section with
``fallback_language`` set where ``fallback`` needs one, or a ConfigError.
"""

from collections.abc import Sequence

from pipeline.config import Fallback, LanguageSettings
from pipeline.errors import ConfigError
from pipeline.xmod.checkpoint import Checkpoint


def with_default(settings: LanguageSettings, opened: Sequence[Checkpoint]) -> LanguageSettings:
    """``settings`` with the ``default_language`` of ``opened`` where they need it and name none.

    Raises ConfigError where a checkpoint has none, or where checkpoints differ in it.
    """
    if settings.fallback is not Fallback.DEFAULT or settings.fallback_language is not None:
        return settings
    found = {one.config.default_language for one in opened}
    code = found.pop() if len(found) == 1 else None
    if code is None or not all(code in one.languages for one in opened):
        raise ConfigError(
            "language.fallback is 'default', language.fallback_language is not set, and the "
            f"checkpoints offer no language for it: {_offered(opened)}. Set "
            "language.fallback_language to an X-MOD language that each of them has"
            f"{_such_as(opened)}."
        )
    return settings.model_copy(update={"fallback_language": code})


def _such_as(opened: Sequence[Checkpoint]) -> str:
    shared = [code for code in opened[0].languages if all(code in one.languages for one in opened)]
    return f", such as {shared[0]}" if shared else ""


def _offered(opened: Sequence[Checkpoint]) -> str:
    offers = {str(one.folder): one.config.default_language for one in opened}
    return "; ".join(f"{folder} has default_language {code!a}" for folder, code in offers.items())
