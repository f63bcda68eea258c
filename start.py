#!/usr/bin/env python3
"""Set up this project in its own virtual environment and run it. Standard library only.

    python3 start.py                  the sample town, the whole job, the dashboard
    python3 start.py test             all checks
    python3 start.py bundle           gather the packages in wheels/, for a machine without a network
    python3 start.py COMMAND ...      any command: new, import, plan, print, serve, audit, bench

The first run makes .venv and installs requirements.lock (every file checked against its hash); later runs start at
once and need no network. The syntax stays readable to old Pythons, so that they can say what is missing.
"""

import hashlib
import os
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
VENV = os.path.join(HERE, ".venv")
LOCK = os.path.join(HERE, "requirements.lock")
BENCH_LOCK = os.path.join(HERE, "requirements-bench.lock")
WHEELS = os.path.join(HERE, "wheels")
PYTHON = os.path.join(VENV, "Scripts", "python.exe") if os.name == "nt" else os.path.join(VENV, "bin", "python")
OLDEST = (3, 11)

CHECKS = (
    ("ruff check", ["-m", "ruff", "check", "."]),
    ("ruff format", ["-m", "ruff", "format", "--check", "."]),
    ("mypy", ["-m", "mypy"]),
    ("import-linter", ["-c", "from importlinter.cli import lint_imports_command as run; run()"]),
    ("pytest", ["-m", "pytest"]),
)


def main(arguments):
    """Set up if need be, then run what was asked; return the exit code."""
    problem = python_problem()
    if problem:
        return fail(problem)
    command = arguments[0] if arguments and not arguments[0].startswith("-") else "demo"
    rest = arguments[1:] if arguments and arguments[0] == command else arguments
    if command == "bundle":
        return bundle()
    locks = [LOCK, BENCH_LOCK] if command == "bench" else [LOCK]
    problem = set_up(locks)
    if problem:
        return fail(problem)
    if command == "test":
        return run_checks(rest)
    return run_python(["-m", "views.command", command] + rest)


def python_problem():
    """Say in one sentence why this Python cannot be used, or return None."""
    found = "%d.%d" % sys.version_info[:2]
    if sys.version_info[:2] < OLDEST:
        return (
            "需要 Python 3.11 或更新的版本，这里是 %s：请安装 Python 3.12，再用它运行 start.py。"
            " / Python 3.11 or newer is needed, this is %s: install Python 3.12 and run start.py with it."
        ) % (found, found)
    try:
        import ensurepip
        import venv

        assert ensurepip.version()
        assert venv.create
    except ImportError:
        return (
            "这个 Python 缺少 venv 模块：Debian/Ubuntu 请运行「apt install python%s-venv」，再重试。"
            " / This Python has no venv module: on Debian/Ubuntu run 'apt install python%s-venv' and try again."
        ) % (found, found)
    return None


def set_up(locks):
    """Make the virtual environment and install each lock once; return a sentence if that failed."""
    missing = [lock for lock in locks if not is_installed(lock)]
    if not missing:
        return None
    say("首次运行：正在准备环境（约一两分钟）…… / First run: setting up (a minute or two) ...")
    if not os.path.exists(PYTHON) and subprocess.call([sys.executable, "-m", "venv", VENV]) != 0:
        return "无法建立 .venv：请检查本文件夹的写入权限和磁盘空间。 / .venv cannot be made: check permissions and disk."
    for lock in missing:
        done = subprocess.run(pip_install(lock), stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        if done.returncode != 0:
            return install_problem(done.stdout.decode("utf-8", "replace"))
        with open(stamp(lock), "w") as file:
            file.write(fingerprint(lock))
    return None


def pip_install(lock):
    """Return the command that installs a lock, from wheels/ when that folder is there."""
    source = ["--no-index", "--find-links", WHEELS] if os.path.isdir(WHEELS) else []
    options = ["--quiet", "--disable-pip-version-check", "--no-input", "--require-hashes", "--only-binary", ":all:"]
    return [PYTHON, "-m", "pip", "install"] + options + source + ["-r", lock]


def install_problem(output):
    """Turn pip's output into one sentence; the whole output is kept in a file."""
    path = os.path.join(HERE, "setup.log")
    with open(path, "w", encoding="utf-8") as file:
        file.write(output)
    offline = any(word in output for word in ("NewConnectionError", "Temporary failure", "ConnectionError", "timed out"))
    if offline:
        return (
            "无法下载软件包（没有网络）：请联网后重试，或把「start.py bundle」做好的 wheels 文件夹放到这里。"
            " / Packages cannot be downloaded (no network): connect, or put the wheels folder made by"
            " 'start.py bundle' here."
        )
    return (
        "安装软件包失败，详情见 setup.log；锁定文件支持 Python 3.11 至 3.13。"
        " / Installing the packages failed, see setup.log; the lock supports Python 3.11 to 3.13."
    )


def fingerprint(lock):
    """Return what an installed lock is recognised by: its content and the Python it was installed for."""
    with open(lock, "rb") as file:
        content = hashlib.sha256(file.read()).hexdigest()
    return "%s %s" % (content, sys.version.split()[0])


def stamp(lock):
    """Return the file that says which lock was installed completely."""
    return os.path.join(VENV, os.path.basename(lock) + ".installed")


def is_installed(lock):
    """Tell whether this very lock was installed completely for this very Python."""
    if not os.path.exists(PYTHON) or not os.path.exists(stamp(lock)):
        return False
    with open(stamp(lock)) as file:
        return file.read() == fingerprint(lock)


def bundle():
    """Gather the wheels for machines of this kind that have no network."""
    command = [sys.executable, "-m", "pip", "download", "--require-hashes", "--only-binary", ":all:"]
    return subprocess.call(command + ["--disable-pip-version-check", "-d", WHEELS, "-r", LOCK])


def run_checks(rest):
    """Run every check, the tests last; return 0 only if all passed."""
    failed = []
    for name, command in CHECKS:
        say("== " + name)
        if run_python(command + (rest if name == "pytest" else [])) != 0:
            failed.append(name)
    if failed:
        say("failed: " + ", ".join(failed))
    return 1 if failed else 0


def run_python(command):
    """Run the environment's Python from this folder's code and return its exit code."""
    environment = dict(os.environ, PYTHONPATH=HERE, PYTHONUTF8="1")
    try:
        return subprocess.call([PYTHON] + command, env=environment, cwd=HERE if command[1] != "views.command" else None)
    except KeyboardInterrupt:
        return 130


def fail(sentence):
    """Print one sentence for the person and return exit code 1."""
    sys.stderr.write(sentence + "\n")
    return 1


def say(line):
    """Print one line at once."""
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
