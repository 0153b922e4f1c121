"""YAML text → mappings, lists, strings, numbers, booleans and null.

Scalars are those of YAML 1.2: ``no`` and ``2026-11-27`` are strings, and so are numbers that are
not decimal or exceed 64 bits. The settings' models parse dates and numbers from strings where they
expect them. A repeated key is an error, and so is any other tag.
"""

import re
from collections import Counter
from typing import Any

import yaml

_SCALARS = {
    "null": ("(?:~|null|Null|NULL|)", "~nN\0"),
    "bool": ("(?:true|True|TRUE|false|False|FALSE)", "tTfF"),
    "int": ("[-+]?(?:0|[1-9][0-9]{0,17})", "-+0123456789"),
    "float": (
        r"(?:[-+]?(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[-+]?\.(?:inf|Inf|INF)"
        r"|\.(?:nan|NaN|NAN))",
        "-+0123456789.",
    ),
    "merge": ("<<", "<"),
}
"""Tag of a plain scalar → its pattern, and the characters that it may begin with."""

_PREFIX = "tag:yaml.org,2002:"


def parsed(text: str) -> Any:
    """The value of the YAML ``text``; raises ValueError that says where it is invalid."""
    try:
        return yaml.load(text, _Loader)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    except Exception as error:  # PyYAML raises many types for an invalid value of a tag
        raise ValueError(str(error)) from error


class _Loader(yaml.SafeLoader):
    def compose_mapping_node(self, anchor: Any) -> yaml.MappingNode:
        node = super().compose_mapping_node(anchor)
        names = Counter(key.value for key, _ in node.value if isinstance(key, yaml.ScalarNode))
        doubled = [name for name, count in names.items() if count > 1]
        if doubled:
            raise yaml.composer.ComposerError(
                "while reading a mapping",
                node.start_mark,
                f"found the key {doubled[0]!r} twice; expected each once",
                node.start_mark,
            )
        return node


_Loader.yaml_implicit_resolvers = {}
_Loader.yaml_constructors = {
    tag: construct
    for tag, construct in yaml.SafeLoader.yaml_constructors.items()
    if tag is None or tag.removeprefix(_PREFIX) in {*_SCALARS, "str", "seq", "map"}
}
for _name, (_pattern, _first) in _SCALARS.items():
    _Loader.add_implicit_resolver(
        _PREFIX + _name, re.compile(rf"{_pattern}\Z"), ["" if c == "\0" else c for c in _first]
    )
