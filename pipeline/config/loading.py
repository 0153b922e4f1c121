"""Configuration files: YAML and ``key=value`` overrides in, frozen models out.

Enters: a YAML file and overrides such as ``runtime.actors=2``. Leaves: one frozen pydantic model
(``settings/``, ``training/settings/``), parsed once and handed down by parameter. What holds:
unknown keys are errors that name the nearest known one; this is the only module that reads YAML;
nothing here touches a store or a model.
"""

import difflib
import types
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any, Literal, TypeVar, Union, get_args, get_origin

import yaml
from pydantic import BaseModel, ValidationError

from pipeline.config.section import Section
from pipeline.errors import ConfigError

_FOLDERS = (Path(__file__).parents[1] / "configs", Path(__file__).parents[2] / "configs")
"""Where the package's configs are: in a wheel, and in a checkout."""

_MOST_BYTES = 1 << 20
_MOST_VALUES = 10_000
"""Of a config, with each alias counted as what it stands for; the longest of ours has 80."""

ConfigT = TypeVar("ConfigT", bound=Section)


def load(path: Path | str, overrides: Sequence[str], model: type[ConfigT]) -> ConfigT:
    """The settings in the YAML file at ``path``, changed by ``overrides`` (``a.b=value``).

    A bare name, such as ``ner``, is a config that ships with the package.

    Raises ConfigError where the file cannot be read, is no mapping, or does not fit ``model``.
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
    """The configs that ship with the package, by name."""
    return {path.stem: path for folder in _FOLDERS for path in sorted(folder.glob("*.yaml"))}


def _found(path: Path | str) -> Path:
    """``path`` if there is such a file; otherwise, for a bare name, the config that ships."""
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
        if path.stat().st_size > _MOST_BYTES:
            raise ConfigError(
                f"{path} has {path.stat().st_size} bytes; expected a job's settings, at most "
                f"{_MOST_BYTES}. Check --config."
            )
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(
            f"Cannot read the config {path}: {error.strerror}. Check --config."
        ) from error
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ConfigError(f"{path} is not valid YAML: {error}") from error
    if not isinstance(tree, dict):
        seen = "nothing" if tree is None else f"a {type(tree).__name__}"
        raise ConfigError(f"{path} holds {seen}; expected a mapping of sections.")
    return tree


def _require_bounded(tree: Any, path: Path | str) -> None:
    if next(islice(_values(tree), _MOST_VALUES, None), None):
        raise ConfigError(
            f"{path} and --set hold more than {_MOST_VALUES} values once aliases are written out; "
            "expected a job's settings. Take anchors and aliases out."
        )


def _values(tree: Any) -> Iterator[bool]:
    """True for each value of ``tree``; without an end where one holds itself."""
    stack = [tree]
    while stack:
        value = stack.pop()
        yield True
        if isinstance(value, dict | list):
            stack.extend(value.values() if isinstance(value, dict) else value)


def _apply(tree: dict[str, Any], override: str) -> None:
    key, equals, value = override.partition("=")
    if not equals or not key:
        raise ConfigError(f"--set {override!r} is not key=value, such as runtime.actors=2.")
    *parents, leaf = key.split(".")
    node: Any = tree
    for parent in parents:
        node = _child(node, parent, override)
    parsed = _parse_value(value, override)
    if isinstance(node, list):
        node[_position(node, leaf, override)] = parsed
    else:
        node[leaf] = parsed


def _child(node: Any, name: str, override: str) -> Any:
    child = node[_position(node, name, override)] if isinstance(node, list) else node.get(name)
    if child is None and isinstance(node, dict):
        child = node[name] = {}
    if not isinstance(child, dict | list):
        raise ConfigError(f"--set {override!r}: {name!r} is a value, not a section, in the config.")
    return child


def _position(items: list[Any], name: str, override: str) -> int:
    if not name.isdecimal() or int(name) >= len(items):
        raise ConfigError(
            f"--set {override!r}: {name!r} is not a position in a list of {len(items)}; "
            "count from 0, as in tasks.0.model.path=…"
        )
    return int(name)


def _parse_value(value: str, override: str) -> Any:
    try:
        return yaml.safe_load(value)
    except (yaml.YAMLError, RecursionError) as error:
        raise ConfigError(f"--set {override!r}: the value is not valid YAML: {error}") from error


def _causes(error: ValidationError) -> list[Any]:
    """The problems without those that only follow from another (a list is short of a bad item)."""
    problems: list[Any] = error.errors()
    return [
        problem
        for problem in problems
        if problem["type"] != "too_short"
        or not any(
            other is not problem and other["loc"][:1] == problem["loc"][:1] for other in problems
        )
    ]


def _explain(problem: Any, model: type[Section]) -> str:
    where = _written(problem["loc"], model)
    if problem["type"] == "extra_forbidden":
        return f"{where}: unknown key{_suggestion(problem['loc'], model)}"
    if problem["type"] == "missing":
        return f"{where}: missing, and it has no default"
    seen = problem.get("input")
    shown = f" (seen: {seen!r})" if isinstance(seen, str | int | float | bool | None) else ""
    return f"{where or 'config'}: {problem['msg'].removeprefix('Value error, ')}{shown}"


def _suggestion(location: tuple[str | int, ...], model: type[Section]) -> str:
    for section in _models_at(model, location[:-1]):
        if issubclass(section, Section) and (now := section.RENAMED.get(str(location[-1]))):
            return f"; it is called {now!r} now"
    known = _known_keys(model, location[:-1])
    nearest = difflib.get_close_matches(str(location[-1]), known, n=1, cutoff=0.5)
    if nearest:
        return f"; did you mean {nearest[0]!r}?"
    return f"; known here: {', '.join(known)}" if known else ""


def _written(location: tuple[str | int, ...], model: type[BaseModel]) -> str:
    """``location`` as the file has it: pydantic puts an item's type after its position."""
    return ".".join(
        str(part)
        for position, part in enumerate(location)
        if not (
            position
            and isinstance(location[position - 1], int)
            and any(_tag(inner) == part for inner in _models_at(model, location[:position]))
        )
    )


def _known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    return sorted({key for inner in _models_at(model, location) for key in inner.model_fields})


def _models_at(model: type[BaseModel], location: tuple[str | int, ...]) -> list[type[BaseModel]]:
    current: list[type[BaseModel]] = [model]
    for part in location:
        if isinstance(part, int):
            continue
        tagged = [m for m in current if _tag(m) == part]
        current = tagged or [
            inner
            for m in current
            if part in m.model_fields
            for inner in _models_in(m.model_fields[part].annotation)
        ]
    return current


def _tag(model: type[BaseModel]) -> str | None:
    field = model.model_fields.get("type")
    return (
        get_args(field.annotation)[0] if field and get_origin(field.annotation) is Literal else None
    )


def _models_in(annotation: Any) -> list[type[BaseModel]]:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, types.UnionType, tuple, list, dict, Annotated):
        return [model for inner in get_args(annotation) for model in _models_in(inner)]
    return []
