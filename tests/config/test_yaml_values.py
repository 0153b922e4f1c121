"""What YAML makes of plain scalars, and which YAML is refused."""

from typing import Any

import pytest

from pipeline.config.yaml_values import parsed

DIGITS = "9" * 5000


@pytest.mark.parametrize(
    ("text", "value"),
    [
        *((word, word) for word in ("no", "yes", "on", "off", "y", "N", "No", "YES")),
        *((word, word) for word in ("2026-11-27", "2026-13-45", "0000-00-00", "2026-11-27 10:00")),
        *((word, word) for word in ("1:30", "190:20:30.15", "010", "0o17", "0x1F", "0b1", "1_000")),
        *((word, word) for word in (DIGITS, f"-{DIGITS}", f"0x{DIGITS}", "1e400", "12e4567", "=")),
        ("999999999999999999", 999999999999999999),
        ("9999999999999999999", "9999999999999999999"),
        ("0", 0),
        ("-12", -12),
        ("1.5e-3", 0.0015),
        (".5", 0.5),
        ("true", True),
        ("FALSE", False),
        ("~", None),
        ("null", None),
        ("", None),
        ("'null'", "null"),
        ("{no: [no, 5]}", {"no": ["no", 5]}),
        ("{a: &a {x: 1, y: 2}, b: {<<: *a, x: 3}}", {"a": {"x": 1, "y": 2}, "b": {"x": 3, "y": 2}}),
    ],
)
def test_parsed_scalars_are_what_they_are_spelled_as(text: str, value: Any):
    found = parsed(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("{a: 1, b: 2, a: 3}", "'a' twice"),
        ("runtime:\n  unit_rows: 1\n  unit_rows: 2\n", "'unit_rows' twice"),
        ("a:\n\t- b", "cannot start any token"),
        ("a: \0", "special characters"),
        ("a: 1\n---\nb: 2", "single document"),
        ("[" * 100_000, "nested too deep"),
        ("{? [a] : b}", "unhashable"),
        *(
            (f"!!{tag}", "could not determine a constructor")
            for tag in (
                "python/object/apply:os.system [ls]",
                "python/name:os.system",
                "timestamp x",
                "binary eA==",
                "set {a}",
                "omap [a: 1]",
                "pairs [a: 1]",
            )
        ),
        *(
            (f"!!{tag}", ".")
            for tag in ("int x", "int ''", "float x", "bool maybe", f"int {DIGITS}")
        ),
    ],
)
def test_parsed_refuses_with_a_message(text: str, said: str):
    with pytest.raises(ValueError, match=said):
        parsed(text)
