"""X-MOD languages → positions among the adapters that a run has loaded.

``lang_id`` is a position in the checkpoint's ``config.languages``; ``adapter_index`` one among the
loaded adapters, which are fewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import LanguageError


@dataclass(frozen=True)
class LoadedAdapters:
    """The languages whose adapters are loaded; ``bypass`` to let records go without any."""

    languages: tuple[str, ...]
    bypass: bool = False

    def adapter_indices(self, codes: Sequence[str | None]) -> list[int]:
        """The positions of X-MOD languages; raises LanguageError for those that are not loaded.

        None is the bypass, where that is loaded.

        Codes come in, not ids: transformers answers ids out of range without an error, as if there
        were no adapter.
        """
        loaded: dict[str | None, int] = {code: i for i, code in enumerate(self.languages)}
        if self.bypass:
            loaded[None] = len(self.languages)
        wrong = sorted({str(code) for code in codes if code not in loaded})
        if wrong:
            raise LanguageError(
                f"No adapter is loaded for {', '.join(wrong)}; expected one of "
                f"{', '.join(map(str, loaded))}. "
                "Add it to language.candidates in the config, or use a checkpoint that has it."
            )
        return [loaded[code] for code in codes]
