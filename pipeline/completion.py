"""Completion of the jobs in a shell, as a script for bash.

Enters: what each job is called with. Leaves: the script's text. What holds: it is static, so that
no job is started, and nothing imported, to complete a word; what it knows comes from the commands
themselves and from the models of their configs.

The script answers for ``python jobs/annotate.py`` and leaves file names, and whatever else python
is called with, to the shell. See "Programmable Completion" in bash's manual.
"""

from collections.abc import Callable, Iterator, Mapping
from enum import Enum
from typing import get_args, get_type_hints

import typer

from pipeline.config import Section
from pipeline.config_schemas import SETTINGS

_ANSWERS = """\
# Completion of jobs/*.py for bash; made by jobs/completion.py.

_xmod_words() {{  # the job, the word before, the word itself → what may stand here
  case $1:$2 in
{values}
  esac
  [[ $3 == -* ]] || return
  case $1 in
{options}
  esac
}}

_xmod_jobs() {{
  local place job word=${{COMP_WORDS[COMP_CWORD]}}
  for ((place = 0; place < COMP_CWORD; place++)); do
    case ${{COMP_WORDS[place]}} in
      {jobs}) job=${{COMP_WORDS[place]##*/}} ;;
    esac
  done
  [[ $job ]] || return 0
  local words=$(_xmod_words "${{job%.py}}" "${{COMP_WORDS[COMP_CWORD - 1]}}" "$word")
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ ${{COMPREPLY[*]}} != *= ]] || compopt -o nospace
}}

complete -o bashdefault -o default -F _xmod_jobs python python3
"""


def bash_script(jobs: Mapping[str, Callable[..., None]]) -> str:
    """For the ``jobs``, by the names of their files, with what typer makes commands of."""
    options = {name: dict(_options(main)) for name, main in jobs.items()}
    values = [
        _case(f"{name}:{option}", words, "; return")
        for name, known in options.items()
        for option, words in {**known, **_settings(name)}.items()
        if words is not None
    ]
    return _ANSWERS.format(
        values="\n".join(values),
        options="\n".join(_case(name, known) for name, known in options.items()),
        jobs=" | ".join(f"*jobs/{name}.py" for name in jobs),
    )


def _options(main: Callable[..., None]) -> Iterator[tuple[str, list[str] | None]]:
    """Each option, with the words that are known to follow it; None after one that takes none."""
    app = typer.Typer(add_completion=False)
    app.command()(main)
    hints = get_type_hints(main)
    for parameter in typer.main.get_command(app).params:
        hint = hints[str(parameter.name)]
        is_choice = isinstance(hint, type) and issubclass(hint, Enum)
        words = [str(choice.value) for choice in hint] if is_choice else []
        for option in (*parameter.opts, *parameter.secondary_opts):
            if option.startswith("--"):
                yield option, None if hint is bool else words
    yield "--help", None


def _settings(job: str) -> dict[str, list[str]]:
    if job not in SETTINGS:
        return {}
    return {"--set": [f"{key}=" for key in setting_keys(SETTINGS[job])]}


def setting_keys(model: type[Section], before: str = "") -> Iterator[str]:
    """The keys of a config that hold a value, with dots between sections and keys."""
    for key, field in model.model_fields.items():
        inner = [one for one in _parts(field.annotation) if issubclass(one, Section)]
        if inner:
            yield from dict.fromkeys(
                found for one in inner for found in setting_keys(one, f"{before}{key}.")
            )
        else:
            yield f"{before}{key}"


def _parts(annotation: object) -> Iterator[type]:
    """The classes in ``annotation``; of what a mapping or a list holds the keys are not known."""
    if isinstance(annotation, type):
        yield annotation
    elif getattr(annotation, "__origin__", None) not in (dict, list, tuple):
        for argument in get_args(annotation):
            yield from _parts(argument)


def _case(place: str, words: Mapping[str, object] | list[str], then: str = "") -> str:
    return f"    {place}) echo '{' '.join(words)}'{then} ;;"
