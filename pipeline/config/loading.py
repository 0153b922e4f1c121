"""Configuration files: YAML and ``key=value`` overrides → frozen settings."""

import difflib
import types
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from pipeline.config.section import Section
from pipeline.config.yaml_values import parsed
from pipeline.errors import ConfigError

_FOLDERS = (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs")
"""The package's configs, in a wheel and in a checkout."""

_MAX_BYTES = 1 << 20
_MAX_VALUES = 10_000
"""Maximum values of a config with its aliases expanded; our longest has 80."""

_SHOWN = 200
"""Characters of a value in a message."""

ConfigT = TypeVar("ConfigT", bound=Section)


def load(path: Path | str, overrides: Sequence[str], model: type[ConfigT]) -> ConfigT:
    """The settings in the YAML file at ``path``, changed by ``overrides`` (``a.b=value``).

    A bare name, such as ``ner``, is a config of the package. Raises ConfigError where the file
    cannot be read, is no mapping, or does not fit ``model``.
    """
    path = _found(path)
    tree = _read_yaml(path)
    for override in overrides:
        _apply(tree, override)
    _require_bounded(tree, path)
    try:
        return model.model_validate(tree)
    except ValidationError as error:
        problems = "\n".join(f"  {_explain(problem, model)}" for problem in _causes(error))
        raise ConfigError(f"{path} cannot be used:\n{problems}") from None


def shipped() -> dict[str, Path]:
    """The package's configs, by name."""
    return {path.stem: path for folder in _FOLDERS for path in sorted(folder.glob("*.yaml"))}


def _found(path: Path | str) -> Path:
    name = str(path)
    if Path(path).is_file() or not name.isidentifier():
        return Path(path)
    if name not in shipped():
        raise ConfigError(
            f"There is no file {name} here and no config of that name in the package, which has "
            f"{', '.join(shipped())}. Check --config."
        )
    return shipped()[name]


def _read_yaml(path: Path) -> dict[str, Any]:
    try:
        with path.open("rb") as file:
            body = file.read(_MAX_BYTES + 1)  # a device or a pipe has no size
    except (OSError, ValueError) as error:  # a name may hold a null
        reason = getattr(error, "strerror", None) or error
        raise ConfigError(f"Cannot read the config {path}: {reason}. Check --config.") from error
    if len(body) > _MAX_BYTES:
        raise ConfigError(
            f"{path} has more than {_MAX_BYTES} bytes; expected a job's settings. Check --config."
        )
    try:
        tree = parsed(body.decode())
    except ValueError as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(tree, dict):
        seen = "nothing" if tree is None else f"a {type(tree).__name__}"
        raise ConfigError(f"{path} holds {seen}; expected a mapping of sections.")
    return tree


def _require_bounded(tree: Any, path: Path | str) -> None:
    if next(islice(_values(tree), _MAX_VALUES, None), None):
        raise ConfigError(
            f"{path} and --set hold more than {_MAX_VALUES} values once aliases are written out; "
            "expected a job's settings. Take anchors and aliases out."
        )


def _values(tree: Any) -> Iterator[bool]:
    """True for each value of ``tree``; endless where one contains itself."""
    stack = [tree]
    while stack:
        value = stack.pop()
        yield True
        if isinstance(value, dict | list):
            stack.extend(value.values() if isinstance(value, dict) else value)


def _apply(tree: dict[str, Any], override: str) -> None:
    path, equals, value = override.partition("=")
    if not equals or not path:
        raise ConfigError(f"--set {override!r} is not key=value, such as runtime.actors=2.")
    *parents, leaf = path.split(".")
    node: Any = tree
    for parent in parents:
        key = _key(node, parent, override)
        if isinstance(node, dict) and node.get(key) is None:
            node[key] = {}
        node = node[key]
        if not isinstance(node, dict | list):
            raise ConfigError(
                f"--set {override!r}: {parent!r} is a value, not a section, in the config."
            )
    node[_key(node, leaf, override)] = _parse_value(value, override)


def _key(node: dict[str, Any] | list[Any], name: str, override: str) -> Any:
    """``name``, or for a list the position that it is."""
    if isinstance(node, dict):
        return name
    if name not in map(str, range(len(node))):
        raise ConfigError(
            f"--set {override!r}: {name!r} is not a position in a list of {len(node)}; "
            "count from 0, as in tasks.0.model.path=…"
        )
    return int(name)


def _parse_value(value: str, override: str) -> Any:
    try:
        return parsed(value)
    except ValueError as error:
        raise ConfigError(
            f"--set {override!r}: the value is not valid YAML: {error}\nWrite a string that begins "
            "with a special character in quotes of its own: --set 'input.uri=\"*.parquet\"'."
        ) from error


def _causes(error: ValidationError) -> list[Any]:
    """All problems but those that follow from another: a list without its bad item is too short."""
    problems: list[Any] = error.errors()
    roots = Counter(problem["loc"][:1] for problem in problems)
    return [one for one in problems if one["type"] != "too_short" or roots[one["loc"][:1]] == 1]


def _explain(problem: Any, model: type[Section]) -> str:
    where = _written(problem["loc"], model)
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key{_suggestion(problem['loc'], model)}"
    if problem["type"] == "missing":
        return f"{where}: missing, and it has no default"
    message = f"{where or 'config'}: {problem['msg'].removeprefix('Value error, ')}"
    seen = problem.get("input")
    if not isinstance(seen, str | int | float | bool | None):
        return message
    shown = repr(seen)
    return f"{message} (seen: {shown if len(shown) <= _SHOWN else f'{shown[:_SHOWN]}…'})"


def _suggestion(location: tuple[str | int, ...], model: type[Section]) -> str:
    sections, unknown = _models_at(model, location[:-1]), str(location[-1])
    for section in sections:
        if issubclass(section, Section) and (renamed := section.RENAMED.get(unknown)):
            return f"; it is called {renamed!r} now"
    known = sorted({key for section in sections for key in section.model_fields})
    if nearest := difflib.get_close_matches(unknown, known, n=1, cutoff=0.5):
        return f"; did you mean {nearest[0]!r}?"
    return f"; known here: {', '.join(known)}" if known else ""


def _written(location: tuple[str | int, ...], model: type[BaseModel]) -> str:
    """``location`` as in the file: without the type that pydantic puts after an item's position."""
    return ".".join(
        str(part)
        for position, part in enumerate(location)
        if not position
        or not isinstance(location[position - 1], int)
        or all(_tag(inner) != part for inner in _models_at(model, location[:position]))
    )


def _models_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[type[BaseModel]]:
    current: list[type[BaseModel]] = [model]
    for part in location:
        if not isinstance(part, int):
            fields = [m.model_fields[part] for m in current if part in m.model_fields]
            inner = [found for field in fields for found in _models_in(field.annotation)]
            current = [m for m in current if _tag(m) == part] or inner
    return current


def _tag(model: type[BaseModel]) -> str | None:
    """``ner`` of a model with ``type: Literal["ner"]``."""
    kind = model.model_fields.get("type")
    return next(iter(get_args(kind.annotation)), None) if kind else None


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, tuple, list, dict, Annotated):
        return [model for inner in get_args(annotation) for model in _models_in(inner)]
    return []
