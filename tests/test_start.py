"""start.py: what it says when a machine lacks something, and when it sets up again."""

import ast
import importlib.util
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def start(tmp_path, monkeypatch):
    spec = importlib.util.spec_from_file_location("start", ROOT / "start.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    python = tmp_path / "python"
    python.touch()
    lock = tmp_path / "requirements.lock"
    lock.write_text("one==1\n")
    for name, value in {"VENV": tmp_path, "PYTHON": python, "LOCK": lock, "HERE": tmp_path}.items():
        monkeypatch.setattr(module, name, value)
    return module


def test_an_old_python_is_told_which_one_to_install(start, monkeypatch, capsys):
    monkeypatch.setattr(sys, "version_info", (3, 9, 2))
    assert start.main([]) == 1
    said = capsys.readouterr().err
    assert "3.9" in said
    assert "Python 3.12" in said
    assert said.count("\n") == 1


def test_an_old_python_can_read_it_far_enough_to_say_so():
    ast.parse((ROOT / "start.py").read_text(encoding="utf-8"), feature_version=(3, 6))


def test_a_python_without_venv_is_told_what_to_install(start, monkeypatch):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    assert f"apt install python{found}-venv" in start.python_problem()


def test_a_lock_is_installed_once_and_again_when_it_changes(start):
    assert not start.is_installed(start.LOCK)
    start.stamp(start.LOCK).write_text(start.fingerprint(start.LOCK))
    assert start.is_installed(start.LOCK)
    start.LOCK.write_text("one==2\n")
    assert not start.is_installed(start.LOCK)


@pytest.mark.parametrize(
    ("output", "words"),
    [
        ("WARNING: Retrying ... NewConnectionError(...): Failed to establish", "no network"),
        ("ERROR: THESE PACKAGES DO NOT MATCH THE HASHES", "setup.log"),
    ],
)
def test_a_failed_download_is_one_sentence(start, output, words):
    said = start.install_problem(output)
    assert words in said
    assert "\n" not in said
    assert (start.HERE / "setup.log").read_text(encoding="utf-8") == output


def test_an_unfinished_setup_is_not_taken_for_a_finished_one(start, monkeypatch):
    monkeypatch.setattr(start, "pip_install", lambda lock: [sys.executable, "-c", "raise SystemExit(3)"])
    assert "setup.log" in start.set_up([start.LOCK])
    assert not start.is_installed(start.LOCK)


def test_the_lock_names_no_host_and_carries_hashes():
    for name in ("requirements.lock", "requirements-bench.lock"):
        lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
        assert not [line for line in lines if "://" in line or line.startswith("--index")]
        pinned = [line for line in lines if "==" in line and not line.startswith(" ")]
        assert len(pinned) > 10
        assert all(line.endswith("\\") for line in pinned), "every pinned package is followed by its hashes"


@pytest.mark.parametrize(
    ("arguments", "called"),
    [
        ([], ["demo"]),
        (["--no-dashboard", "--dir", "x"], ["demo", "--no-dashboard", "--dir", "x"]),
        (["plan", "x", "--json"], ["plan", "x", "--json"]),
        (["--lang", "en"], ["--lang", "en", "demo"]),
        (["--lang", "en", "plan", "x"], ["--lang", "en", "plan", "x"]),
    ],
)
def test_any_command_is_handed_on_and_the_language_goes_before_it(start, monkeypatch, arguments, called):
    seen = []
    monkeypatch.setattr(start, "set_up", lambda locks: "")
    monkeypatch.setattr(start, "run_command", lambda command: seen.append(command) or 0)
    assert start.main(arguments) == 0
    assert seen == [["-m", "views.command", *called]]
