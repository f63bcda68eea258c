#!/usr/bin/env python3
"""Set up this project in its own virtual environment and run it. Standard library only.

    python3 start.py                  the sample town, the whole job, the dashboard
    python3 start.py test             all checks
    python3 start.py bundle           gather the packages in wheels/, for a machine without a network
    python3 start.py COMMAND ...      any command: new, import, plan, print, serve, audit, bench

The first run makes .venv and installs requirements.lock (every file checked against its hash); later runs start at
once and need no network. The syntax stays readable to Python 3.6, so that an old Python can say what is missing.
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = HERE / ".venv"
LOCK = HERE / "requirements.lock"
BENCH_LOCK = HERE / "requirements-bench.lock"
WHEELS = HERE / "wheels"
PYTHON = VENV / "Scripts" / "python.exe" if os.name == "nt" else VENV / "bin" / "python"
OLDEST = (3, 11)

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("import-linter", ["-c", "from importlinter.cli import lint_imports_command as run; run()"]),
    ("pytest", ["-m", "pytest", "-n", "auto", "--dist", "worksteal"]),  # one process a core; an idle one helps out
)
NO_NETWORK = ("NewConnectionError", "Temporary failure", "ConnectionError", "timed out")


def main(arguments: list) -> int:
    """Set up if need be, then run what was asked; return the exit code."""
    problem = python_problem()
    if problem:
        return fail(problem)
    spoken = arguments[:2] if arguments[:1] == ["--lang"] else []  # before any command: start.py --lang en
    arguments = arguments[len(spoken) :]
    command = arguments[0] if arguments and not arguments[0].startswith("-") else "demo"
    rest = arguments[1:] if arguments and arguments[0] == command else arguments
    if command == "bundle":
        return bundle()
    problem = set_up([LOCK, BENCH_LOCK] if command == "bench" else [LOCK])
    if problem:
        return fail(problem)
    if command == "test":
        return run_checks(rest)
    return run_command(["-m", "views.command", *spoken, command, *rest])


def python_problem() -> str:
    """Say in one sentence why this Python cannot be used; "" if it can."""
    found = f"{sys.version_info[0]}.{sys.version_info[1]}"
    if sys.version_info[:2] < OLDEST:
        return (
            f"需要 Python 3.11 或更新的版本，这里是 {found}：请安装 Python 3.12，再用它运行 start.py。"
            f" / Python 3.11 or newer is needed, this is {found}: install Python 3.12 and run start.py with it."
        )
    try:
        import ensurepip
        import venv

        assert ensurepip.version()
        assert venv.create
    except ImportError:
        return (
            f"这个 Python 缺少 venv 模块：Debian/Ubuntu 请运行「apt install python{found}-venv」，再重试。"
            f" / This Python has no venv module: on Debian/Ubuntu run 'apt install python{found}-venv' and try again."
        )
    return ""


def set_up(locks: list) -> str:
    """Make the virtual environment and install each lock once; return a sentence if that failed, else ""."""
    missing = [lock for lock in locks if not is_installed(lock)]
    if not missing:
        return ""
    say("首次运行：正在准备环境（约一两分钟）…… / First run: setting up (a minute or two) ...")
    if not PYTHON.exists() and subprocess.call([sys.executable, "-m", "venv", str(VENV)]) != 0:
        return "无法建立 .venv：请检查写入权限和磁盘空间。 / .venv cannot be made: check permissions and disk space."
    for lock in missing:
        done = subprocess.run(pip_install(lock), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            return install_problem(done.stdout.decode("utf-8", "replace"))
        stamp(lock).write_text(fingerprint(lock), encoding="utf-8")
    return ""


def pip_install(lock: Path) -> list:
    """Return the command that installs a lock, from wheels/ when that folder is there."""
    source = ["--no-index", "--find-links", str(WHEELS)] if WHEELS.is_dir() else []
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes", "--only-binary", ":all:"]
    return [str(PYTHON), "-m", "pip", "install", *options, *source, "-r", str(lock)]


def install_problem(output: str) -> str:
    """Turn pip's output into one sentence; the whole output is kept in a file."""
    (HERE / "setup.log").write_text(output, encoding="utf-8")
    if any(word in output for word in NO_NETWORK):
        return (
            "无法下载软件包（没有网络）：请联网后重试，或把「start.py bundle」做好的 wheels 文件夹放到这里。"
            " / Packages cannot be downloaded (no network): connect, or put the wheels folder made by"
            " 'start.py bundle' here."
        )
    return (
        "安装软件包失败，详情见 setup.log；锁定文件支持 Python 3.11 至 3.13。"
        " / Installing the packages failed, see setup.log; the lock supports Python 3.11 to 3.13."
    )


def fingerprint(lock: Path) -> str:
    """Return what an installed lock is recognised by: its content and the Python it was installed for."""
    return f"{hashlib.sha256(lock.read_bytes()).hexdigest()} {sys.version.split()[0]}"


def stamp(lock: Path) -> Path:
    """Return the file that says which lock was installed completely."""
    return VENV / f"{lock.name}.installed"


def is_installed(lock: Path) -> bool:
    """Tell whether this very lock was installed completely for this very Python."""
    if not PYTHON.exists() or not stamp(lock).exists():
        return False
    return stamp(lock).read_text(encoding="utf-8") == fingerprint(lock)


def bundle() -> int:
    """Gather the wheels for machines of this kind that have no network."""
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--only-binary", ":all:"]
    return subprocess.call([*command, "--disable-pip-version-check", "-d", str(WHEELS), "-r", str(LOCK)])


def run_checks(rest: list) -> int:
    """Run every check, the tests last; return 0 only if all passed."""
    failed = []
    for name, command in CHECKS:
        say(f"== {name}")
        if run_python([*command, *rest] if name == "pytest" else command, folder=HERE) != 0:
            failed.append(name)
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def run_command(command: list) -> int:
    """Run a command where the person stands, so that their relative paths hold."""
    return run_python(command, folder=Path.cwd())


def run_python(command: list, *, folder: Path) -> int:
    """Run the environment's Python with this folder's code and return its exit code."""
    environment = dict(os.environ, PYTHONPATH=str(HERE), PYTHONUTF8="1", XUNQU_NAME="python3 start.py")
    try:
        return subprocess.call([str(PYTHON), *command], env=environment, cwd=str(folder))
    except KeyboardInterrupt:
        return 130


def fail(sentence: str) -> int:
    """Print one sentence for the person and return exit code 1."""
    sys.stderr.write(f"{sentence}\n")
    return 1


def say(line: str) -> None:
    """Print one line at once."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
