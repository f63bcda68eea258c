"""The command line: each command is one call into the rooms below.

Exit codes: 0 done, 1 the input is wrong (one sentence on standard error), 2 used wrongly. ``--json`` prints one
machine-readable object on standard output and nothing else.
"""

import dataclasses
import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.exceptions import TyperException

from gis_data.acting import act_as_told
from gis_data.catalogue import LANGUAGES, set_language, text
from gis_data.errors import InputError, PatrolError
from views.wrong_use import say_wrong_use

app = typer.Typer(
    add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False, rich_markup_mode=None,
    help="巡区规划与警情分析 / Patrol planning and crime analysis for a township police station.",
)  # fmt: skip

Folder = Annotated[Path, typer.Argument(metavar="DIR", help="工作区文件夹 / the workspace folder")]
AsJson = Annotated[bool, typer.Option("--json", help="输出 JSON / print one JSON object")]
PRINTED = "book_a4 book_a3 zones beats patrol_log weekly villages scorecard cameras quality"  # views.sheets.SHEETS
PLANNED = "hotspots zones beats scorecard cameras; options"  # models.town_plan.PARTS, ON_REQUEST
NOTES = 8  # lines about one file; the rest is in the quality report
Files = Annotated[list[Path], typer.Argument(metavar="FILE...", help="要导入的文件 / files to import")]


def _spoken(lang: str) -> str:
    if lang not in LANGUAGES:
        raise typer.BadParameter(lang)
    set_language(lang)
    return lang


@app.callback()
def speak(
    lang: Annotated[  # noqa: ARG001 - eager: what is wrong with the command itself is said in this language too
        str, typer.Option(help="zh | en", envvar="XUNQU_LANG", is_eager=True, callback=_spoken)
    ] = "zh",
) -> None:
    """Choose the language of everything printed."""
    act_as_told()


@app.command()
def demo(
    folder: Annotated[Path | None, typer.Argument(metavar="DIR")] = None,
    directory: Annotated[Path | None, typer.Option("--dir", help="工作区文件夹 / the workspace folder")] = None,
    dashboard: Annotated[bool, typer.Option(help="打开看板 / open the dashboard at the end")] = True,
    port: Annotated[int, typer.Option(help="看板端口 / the dashboard's port")] = 8501,
) -> None:
    """Run the whole job on the sample town, then open the dashboard."""
    from models import town_plan
    from views import sheets

    root = directory or folder or Path("town")
    if not town_plan.is_planned(root):
        with progress_bar() as progress:
            ws = town_plan.make_sample(root, progress=progress)
            plans = town_plan.plan_town(ws, progress=progress)
            sheets.print_all(ws, plans, progress=progress)
        _say_plans(plans)
    typer.echo(text("command.files_in", folder=root / "out"))
    if dashboard:
        serve(root, port=port)


@app.command()
def new(
    folder: Folder,
    files: Annotated[list[Path] | None, typer.Argument(metavar="[FILE...]", help="随即导入 / imported at once")] = None,
    *,
    name: Annotated[str, typer.Option(help="辖区名称 / name of the town or district")],
    boundary: Annotated[Path, typer.Option(help="辖区边界 / the boundary polygon (GeoJSON, GeoPackage, shp, parquet)")],
    where: Annotated[str, typer.Option(help="只取边界文件的一部分 / part of the file: column=value,value")] = "",
    timezone: Annotated[str, typer.Option(help="时区 / time zone")] = "Asia/Shanghai",
    crs: Annotated[str, typer.Option(help="米制坐标系，默认自动 / metre CRS, chosen by itself if empty")] = "",
    credit: Annotated[
        str, typer.Option(help="底图署名 / credit line of the base data")
    ] = "© OpenStreetMap contributors",
    settings: Annotated[list[str] | None, typer.Option("--set", help="设置 / e.g. zones.count=8")] = None,
    as_json: AsJson = False,
) -> None:
    """Make a workspace from a station's own boundary, villages, OSM extract and incidents."""
    from gis_data import intake

    with progress_bar(quiet=as_json) as progress:
        report = intake.make_workspace(
            folder, list(files or []), name=name, boundary=boundary, where=where, timezone=timezone, crs=crs or None,
            credit=credit, settings=_parse_settings(settings or []), progress=progress,
        )  # fmt: skip
    _say_report(report, as_json=as_json)


@app.command("import")
def import_(
    folder: Folder,
    files: Files,
    dry_run: Annotated[bool, typer.Option(help="只检查，不写入 / check only, write nothing")] = False,
    drop_persons: Annotated[
        bool,
        typer.Option(
            "--drop-person-columns", help="丢弃人员列再导入，列名记入日志 / leave columns about persons behind"
        ),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Import incidents, villages, roster, cameras, roads ...; every row is accounted for."""
    from gis_data import intake
    from gis_data.workspace import Workspace

    ws = Workspace.open(folder)
    with progress_bar(quiet=as_json) as progress:
        report = intake.import_files(ws, files, dry_run=dry_run, drop_person_columns=drop_persons, progress=progress)
    _say_report(report, as_json=as_json)
    if report.read_anew and not as_json:
        typer.echo(text("command.read_anew", rows=f"{report.read_anew:,}"))


@app.command()
def reread(folder: Folder, as_json: AsJson = False) -> None:
    """Read the rows anew whose class word the station has named since: those set aside, and those accepted."""
    from gis_data import intake
    from gis_data.workspace import Workspace

    ws = Workspace.open(folder)
    with progress_bar(quiet=as_json) as progress:
        report = intake.import_files(ws, intake.files_to_read(ws), progress=progress)
    _say_report(report, as_json=as_json)
    if not as_json:
        typer.echo(text("command.read_anew", rows=f"{report.read_anew:,}"))


@app.command()
def undo(
    folder: Folder,
    import_id: Annotated[
        str, typer.Argument(metavar="[IMPORT_ID]", help="默认撤销最近一次导入 / the last import if left out")
    ] = "",
    yes: Annotated[bool, typer.Option("--yes", help="不再询问 / do not ask")] = False,
    as_json: AsJson = False,
) -> None:
    """Take an import back as if it had never been; on a terminal, name it and ask first."""
    from gis_data import intake
    from gis_data.workspace import Workspace

    ws, named = Workspace.open(folder), [import_id] if import_id else []
    gone = intake.to_undo(ws, *named)
    if not yes:
        _ask_to_undo(ws, gone, named=bool(named))
    done = intake.undo_import(ws, *gone["import_id"])  # what was named goes, also where a newer import has come in
    if as_json:
        _print_json(dataclasses.asdict(done))
        return
    removed, restored = sum(done.removed.values()), sum(done.restored.values())
    files = text("list.mark").join(done.files)
    typer.echo(text("command.undone", files=files, removed=removed, restored=restored, waiting=done.waiting_again))
    if done.left_alone:
        typer.echo(text("command.left_alone", rows=done.left_alone))


def _ask_to_undo(ws: Any, gone: Any, *, named: bool) -> None:  # noqa: ANN401 - Workspace, table; imported lazily
    """Name what an undo takes back and ask; with nobody to ask, do not empty a workspace by the way."""
    files = gone["file"].unique()
    rows = int(gone["accepted"][gone["table"] != "ground"].sum())
    about: dict[str, Any] = {"count": len(files), "rows": f"{rows:,}", "files": text("list.mark").join(files)}
    if sys.stdin.isatty():
        typer.echo(text("command.undo_what", when=f"{gone['imported_at'].iloc[0]:%Y-%m-%d %H:%M}", **about), err=True)
        if not typer.confirm(text("command.undo_sure"), err=True):
            raise typer.Exit(1)
    elif not named and len(gone) == len(ws.read("imports")):
        raise InputError("intake.undo_all", folder=ws.root.name, **about)


@app.command()
def plan(
    folder: Folder,
    parts: Annotated[list[str] | None, typer.Argument(metavar="[PART...]", help=PLANNED)] = None,
    seed: Annotated[int | None, typer.Option(help="随机种子 / seed; the setting's if left out")] = None,
    until: Annotated[
        str, typer.Option(help="只用此日之前的警情 / plan from incidents before this day, YYYY-MM-DD")
    ] = "",
    settings: Annotated[
        list[str] | None, typer.Option("--set", help="只用于这一次 / for this run, e.g. zones.move_budget=5")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Hotspots, patrol zones, beats, scorecard and cameras, each with its objective, bound and gap."""
    from gis_data.workspace import Workspace
    from models import town_plan

    ws = Workspace.open(folder)
    with progress_bar(quiet=as_json) as progress:
        plans = town_plan.plan_town(
            ws, parts or town_plan.PARTS, seed=seed, until=until or None, changes=_parse_settings(settings or []),
            progress=progress,
        )  # fmt: skip
    if as_json:
        _print_json({name: town_plan.as_json(found) for name, found in plans.items()})
    else:
        _say_plans(plans)


@app.command("print")
def print_(
    folder: Folder,
    only: Annotated[list[str] | None, typer.Argument(metavar="[SHEET...]", help=PRINTED)] = None,
    as_json: AsJson = False,
) -> None:
    """Print map book, zone sheets, logs, weekly analysis, villages, scorecard, cameras and quality into DIR/out."""
    from gis_data.workspace import Workspace
    from models.approval import run_to_print
    from models.store import load_plans
    from views import sheets

    ws = Workspace.open(folder)
    plans = load_plans(ws, run_to_print(ws))
    with progress_bar(quiet=as_json) as progress:
        written = sheets.print_all(ws, plans, only=only or (), progress=progress)
    if as_json:
        _print_json([path.relative_to(ws.root).as_posix() for path in written])
    else:
        typer.echo(text("command.written", count=len(written), folder=ws.out))


@app.command()
def compare(
    folder: Folder,
    areas: Annotated[Path, typer.Argument(metavar="AREAS", help="今日的区划 / today's areas, e.g. official beats")],
    column: Annotated[str, typer.Option(help="区划名称所在列 / the column with each area's name")],
    as_json: AsJson = False,
) -> None:
    """Compare the planned zones with existing areas on the weeks after the plan's period."""
    from gis_data.workspace import Workspace
    from models.comparison import compare_with_file

    ws = Workspace.open(folder)
    table = compare_with_file(ws, areas, column=column, seed=ws.study.settings.seed)
    if as_json:
        _print_json(table.to_dict("records"))
    else:
        typer.echo(table.round(3).to_string(index=False))


@app.command()
def serve(
    folder: Folder,
    port: Annotated[int, typer.Option(help="端口 / port")] = 8501,
    browser: Annotated[bool, typer.Option(help="打开浏览器 / open the browser")] = True,
    lan: Annotated[
        str, typer.Option(metavar="ADDRESS", help="向局域网开放，登录后可用 / serve a network, behind a sign-in")
    ] = "",
    cert: Annotated[Path | None, typer.Option(help="局域网用的证书 / certificate (PEM) for the network")] = None,
    key: Annotated[Path | None, typer.Option(help="证书的密钥 / its key (PEM)")] = None,
) -> None:
    """Open the dashboard on 127.0.0.1; on a station's network only with accounts and a sign-in."""
    from gis_data.workspace import Workspace
    from views import server

    ws = Workspace.open(folder)
    network = server.Network(lan, cert, key) if lan else None
    server.serve(ws.root, port=port, open_browser=browser, network=network)


@app.command()
def accounts(
    folder: Folder,
    add: Annotated[str, typer.Option(metavar="NAME", help="添加或修改账号 / add or change an account")] = "",
    role: Annotated[str, typer.Option(help="viewer | planner | approver")] = "viewer",
    remove: Annotated[str, typer.Option(metavar="NAME", help="删除账号 / remove an account")] = "",
) -> None:
    """List, add, change or remove the accounts that may sign in from a network."""
    from gis_data.workspace import Workspace
    from views.access import Accounts
    from views.access.accounts import SHORTEST, check_account

    known = Accounts(Workspace.open(folder))
    if add:
        check_account(add, role)
        asked = text("access.new_password", least=SHORTEST)
        known.add(add, role, typer.prompt(asked, hide_input=True, confirmation_prompt=True))
    if remove:
        known.remove(remove)
    for name, has in known.roles().items():
        typer.echo(text("access.row", name=name, role=text(f"access.role.{has}")))
    if not known.roles():
        typer.echo(text("access.nobody"))


@app.command()
def audit(folder: Folder, as_json: AsJson = False) -> None:
    """Verify the chain of the audit log, and remove originals that have been kept long enough."""
    from gis_data import audit as log
    from gis_data.intake import purge_originals
    from gis_data.workspace import Workspace

    ws = Workspace.open(folder)
    path = ws.root / log.NAME
    broken = log.verify(path)
    purged = purge_originals(ws) if broken is None else ()
    if as_json:
        _print_json({"ok": broken is None, "broken_line": broken, "purged": list(purged)})
    elif broken is None:
        typer.echo(text("command.audit_ok"))
        if purged:
            days = ws.study.settings.privacy.purge_raw_after_days
            typer.echo(text("command.purged", files=len(purged), days=days))
    if broken is not None:
        raise InputError("audit.broken", file=path.name, line=broken)


@app.command()
def bench(
    names: Annotated[list[str] | None, typer.Argument(metavar="[NAME...]")] = None,
    as_json: AsJson = False,
) -> None:
    """Print ratios against peers, measured in one run, answers compared first."""
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))
    from benchmarks import run_benchmarks

    results = run_benchmarks(names or [])
    if as_json:
        _print_json(results)
    else:
        for row in results:
            typer.echo("  ".join(f"{key}={value}" for key, value in row.items()))


def main() -> None:
    """Run one command; a person's error becomes one sentence and exit code 1, a wrong use one and exit code 2."""
    try:
        code = app(standalone_mode=False, prog_name=os.environ.get("XUNQU_NAME", "xunqu"))
    except PatrolError as problem:
        typer.echo(str(problem), err=True)
        code = 1
    except typer.Abort:
        typer.echo("\n" + text("command.stopped"), err=True)  # below the question that had no answer
        code = 1
    except TyperException as wrong:
        say_wrong_use(wrong)
        code = wrong.exit_code
    sys.exit(code)


@contextmanager
def progress_bar(*, quiet: bool = False) -> Iterator[Any]:
    """Give a ``progress(key, share)`` that draws a bar on standard error, or writes lines where the dashboard asks."""
    from views.jobs import PROGRESS, progress_lines

    if path := os.environ.get(PROGRESS):
        yield progress_lines(Path(path))
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    hidden = quiet or not sys.stderr.isatty()
    with Progress(*columns, console=Console(stderr=True), disable=hidden) as bar:
        steps: dict[str, Any] = {}

        def progress(key: str, share: float) -> None:
            if key not in steps:
                steps[key] = bar.add_task(text(key), total=1.0)
            bar.update(steps[key], completed=share)

        yield progress


def _parse_settings(pairs: list[str]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for pair in pairs:
        path, found, value = pair.partition("=")
        if not found:
            raise InputError("setting.no_value", found=pair)
        *sections, name = path.split(".")
        branch = tree
        for section in sections:
            branch = branch.setdefault(section, {})
        branch[name] = _number_or_text(value)
    return tree


def _number_or_text(value: str) -> int | float | bool | str:
    if value in ("true", "false"):
        return value == "true"
    for kind in (int, float):
        try:
            return kind(value)
        except ValueError:
            continue
    return value


def _say_report(report: Any, *, as_json: bool) -> None:  # noqa: ANN401 - an ImportReport, imported lazily
    from views.figures import table_name

    frame = report.to_frame()
    if as_json:
        _print_json(frame.to_dict("records"))
        return
    for row in frame.to_dict("records"):
        typer.echo(text("command.imported", **row | {"table": table_name(row["table"])}))
        lines = row["sentences"]
        for line in lines[:NOTES]:
            typer.echo("  " + line)
        if len(lines) > NOTES:
            typer.echo("  " + text("command.more_notes", count=len(lines) - NOTES))


def _say_plans(plans: Any) -> None:  # noqa: ANN401 - plans by name, imported lazily
    from views.summary import plan_lines
    from views.zone_figures import option_lines

    for line in plan_lines(plans):
        typer.echo(line)
    if "options" in plans:  # planned last
        for line in option_lines(plans["options"].to_frame()):
            typer.echo("    " + line)


def _print_json(value: Any) -> None:  # noqa: ANN401 - any JSON value
    typer.echo(json.dumps(value, ensure_ascii=False, indent=1, default=str))


if __name__ == "__main__":
    os.environ.setdefault("PYTHONUTF8", "1")
    main()
