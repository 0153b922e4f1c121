"""X-MOD languages → positions among the adapters that a run has loaded.

``lang_id`` is a language's position in the checkpoint's ``config.languages``; ``adapter_index`` is
its position among the loaded adapters, which may be fewer.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from pipeline.errors import LanguageError


@dataclass(frozen=True)
class LoadedAdapters:
    """The languages whose adapters are loaded.

    With ``bypass`` one more index, after the last adapter's, sends records through no adapter.
    """

    languages: tuple[str, ...]
    bypass: bool = False

    def adapter_indices(self, codes: Sequence[str | None]) -> list[int]:
        """The adapter index of each X-MOD language in ``codes``; None is the bypass.

        Raises LanguageError for a language that is not loaded: transformers would accept an index
        out of range without an error and apply no adapter.
        """
        known = (*self.languages, None) if self.bypass else self.languages
        indices: dict[str | None, int] = {code: index for index, code in enumerate(known)}
        wrong = sorted({str(code) for code in codes if code not in indices})
        if wrong:
            raise LanguageError(
                f"No adapter is loaded for {', '.join(wrong)}; expected one of "
                f"{', '.join(map(str, known))}. "
                "Add it to language.candidates in the config, or use a checkpoint that has it."
            )
        return [indices[code] for code in codes]
