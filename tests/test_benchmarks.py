"""The benches that are run by name."""

import ast
from pathlib import Path

import pytest

import benchmarks


@pytest.mark.parametrize("name", benchmarks.names())
def test_every_bench_can_be_run_by_its_name(name):
    """Read and not imported: the peers are not installed with the program."""
    source = Path(benchmarks.__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    assert "run" in {part.name for part in ast.parse(source).body if isinstance(part, ast.FunctionDef)}
