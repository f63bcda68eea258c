"""Accounts, sessions and attempts, each with a clock of its own, and what a role may do."""

import hashlib
import os
import shutil
import stat
import subprocess
import sys
import threading

import geopandas as gpd
import pytest
import shapely
from typer.testing import CliRunner

from gis_data import acting, audit
from gis_data.acting import STATION, Actor
from gis_data.catalogue import language, speaking
from gis_data.errors import AccessError, InputError, WorkspaceError
from gis_data.workspace import Workspace
from models import approval
from models.store import save_plans
from views import jobs, server
from views.access.accounts import Accounts
from views.access.sessions import ADDRESS_TRIES, IDLE_S, LOCKED_S, LONGEST_S, TRIES, Attempts, Sessions
from views.command import app
from views.downloads import Download
from views.pages import frame
from views.plan_words import action_name, details
from views.station import Station, at_cell_centres

from .serving import REPOSITORY
from .tiny_town import study, tiny_tables

WORD = "seven grey herons"
LOG = """
import sys
from pathlib import Path
from gis_data import acting
from gis_data.workspace import Workspace
acting.act_as_told()
Workspace.open(Path(sys.argv[1])).log("x")
"""


@pytest.fixture
def ws(tmp_path) -> Workspace:
    return Workspace.create(tmp_path / "town", study())


@pytest.fixture(autouse=True)
def this_machine_again():
    yield
    acting.act_as(STATION)


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


def test_a_right_password_gives_the_role_and_a_wrong_name_or_password_nothing(ws):
    accounts = Accounts(ws)
    accounts.add("规划员", "planner", WORD)
    assert accounts.check("规划员", WORD) == "planner"
    assert accounts.check("规划员", WORD + " ") is None
    assert accounts.check("别人", WORD) is None
    assert accounts.check("", "") is None


def test_passwords_are_kept_as_argon2id_in_a_file_for_the_owner_only(ws):
    Accounts(ws).add("a", "viewer", WORD)
    content = (ws.root / "accounts.json").read_text(encoding="utf-8")
    assert WORD not in content
    assert "$argon2id$" in content
    assert all(WORD not in path.read_text(encoding="utf-8") for path in ws.root.glob("*.jsonl"))
    if sys.platform != "win32":
        assert stat.S_IMODE((ws.root / "accounts.json").stat().st_mode) == 0o600


def test_another_process_changes_an_account_and_it_is_seen_at_once(ws):
    here, there = Accounts(ws), Accounts(ws)
    there.add("a", "viewer", WORD)
    before = here.stamp_of("a")
    there.add("a", "planner", "five quiet otters")
    assert here.check("a", WORD) is None
    assert here.check("a", "five quiet otters") == "planner"
    assert here.stamp_of("a") != before
    there.remove("a")
    assert here.stamp_of("a") == ""
    assert [entry["action"] for entry in audit.entries(ws.root / "audit.jsonl")][-3:] == [
        "access.added", "access.changed", "access.removed",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("name", "role", "password"),
    [
        ("a b", "viewer", WORD),
        ("", "viewer", WORD),
        ("x" * 33, "viewer", WORD),
        ("a", "station", WORD),
        ("a", "chief", WORD),
        ("a", "viewer", "short"),
        ("a", "viewer", "x" * 201),
        ("heron", "viewer", "seven Herons!"),
        ("a", "viewer", "0101010101"),
    ],
)
def test_what_cannot_be_an_account_is_refused_and_nothing_is_kept(ws, name, role, password):
    with pytest.raises(InputError):
        Accounts(ws).add(name, role, password)
    assert Accounts(ws).roles() == {}


@pytest.mark.parametrize("content", ["[]", "{", '{"a": {"role": "chief", "password": "x"}}', '{"a": 1}'])
def test_a_damaged_file_of_accounts_lets_nobody_in(ws, content):
    (ws.root / "accounts.json").write_text(content, encoding="utf-8")
    with pytest.raises(WorkspaceError):
        Accounts(ws).check("a", WORD)


def test_a_session_ends_when_it_lies_unused_or_is_a_shift_old_or_its_account_changes():
    clock = Clock()
    sessions = Sessions(clock)
    stamps = {"a": "1"}
    token = sessions.start(Actor("a", "planner"), stamp="1")
    assert sessions.whose(token, stamp_of=stamps.__getitem__) == Actor("a", "planner")
    assert sessions.whose(token + "x", stamp_of=stamps.__getitem__) is None
    clock.now += IDLE_S - 1
    assert sessions.whose(token, stamp_of=stamps.__getitem__, using=False)  # the server's own message is no use
    clock.now += 2
    assert sessions.whose(token, stamp_of=stamps.__getitem__) is None
    token = sessions.start(Actor("a", "planner"), stamp="1")
    for _ in range(LONGEST_S // (IDLE_S - 1)):
        clock.now += IDLE_S - 1
        assert sessions.whose(token, stamp_of=stamps.__getitem__)
    clock.now += IDLE_S - 1
    assert sessions.whose(token, stamp_of=stamps.__getitem__) is None
    token = sessions.start(Actor("a", "planner"), stamp="1")
    stamps["a"] = "2"
    assert sessions.whose(token, stamp_of=stamps.__getitem__) is None
    assert sessions.end(token) is None


def test_a_name_is_locked_after_five_failures_for_a_quarter_of_an_hour_and_an_address_after_twenty():
    clock = Clock()
    attempts = Attempts(clock)
    assert [attempts.failed("a", "1.1.1.1") for _ in range(TRIES)] == [False] * (TRIES - 1) + [True]
    assert attempts.is_locked("a", "2.2.2.2")
    assert not attempts.is_locked("b", "1.1.1.1")
    clock.now += LOCKED_S
    assert not attempts.is_locked("a", "1.1.1.1")
    for number in range(ADDRESS_TRIES):
        attempts.failed(f"n{number}", "3.3.3.3")
        attempts.succeeded("mine")
    assert attempts.is_locked("new", "3.3.3.3")


def test_a_viewer_can_write_nothing_and_a_planner_cannot_approve(ws):
    acting.act_as(Actor("看图人", "viewer"))
    before = audit.entries(ws.root / "audit.jsonl")
    for deed in (
        lambda: ws.write({"villages": tiny_tables()["villages"]}),
        lambda: ws.alone().__enter__(),
        lambda: save_plans(ws, {}, run="1"),
    ):
        with pytest.raises(AccessError):
            deed()
    assert not (ws.root / "plans" / "current").exists()
    assert audit.entries(ws.root / "audit.jsonl") == before
    acting.act_as(Actor("x", "planner"))
    acting.require("change")
    with pytest.raises(AccessError):
        acting.require("approve")


def test_a_viewer_puts_no_report_of_work_away(ws):
    acting.act_as(Actor("看图人", "viewer"))
    with pytest.raises(AccessError):
        jobs.put_away(ws.root)


def test_the_log_says_who_acted_in_which_role(ws):
    acting.act_as(Actor("规划员", "planner"))
    ws.log("x")
    acting.act_as(STATION)
    ws.log("y")
    found = audit.entries(ws.root / "audit.jsonl")[-2:]
    assert [entry["role"] for entry in found] == ["planner", "station"]
    assert found[0]["who"] == "规划员"
    assert found[1]["who"] not in ("", "规划员")


def test_who_may_not_see_exact_points_sees_centres_of_cells(tiny_station):
    ws = Workspace.open(tiny_station)
    exact, coarse = (Station(ws, {}, None, "", seen).table("incidents") for seen in (False, True))
    assert list(coarse.columns) == list(exact.columns)
    has = ~(exact.geometry.isna() | exact.geometry.is_empty)
    assert has.any()
    size = ws.study.settings.cell_size_m
    offsets = shapely.get_coordinates(coarse.geometry[has]) % size
    assert (offsets == size / 2).all()
    assert (coarse.geometry[has].distance(exact.geometry[has]) <= size / 2**0.5).all()
    assert not coarse.geometry[has].equals(exact.geometry[has])
    assert (coarse.geometry.isna() == exact.geometry.isna()).all()


def test_missing_points_stay_missing():
    points = at_cell_centres(gpd.GeoSeries([None, shapely.Point(410, 10), shapely.Point()], index=[5, 6, 7]), 200.0)
    assert points.index.tolist() == [5, 6, 7]
    assert points[6].equals(shapely.Point(500, 100))
    assert points[5] is None


def test_the_network_is_not_served_without_an_account_or_with_half_a_certificate(ws, tmp_path):
    with pytest.raises(InputError, match="--add"):
        server.serve(ws.root, network=server.Network("127.0.0.1"))
    with pytest.raises(InputError, match="--key"):
        server.Network("127.0.0.1", certificate=tmp_path / "cert.pem")


def test_accounts_are_made_and_removed_on_the_command_line(ws):
    run = CliRunner()
    said = run.invoke(app, ["accounts", str(ws.root), "--add", "王工", "--role", "planner"], input=f"{WORD}\n{WORD}\n")
    assert said.exit_code == 0
    assert "王工" in said.output
    assert WORD not in said.output
    assert Accounts(ws).check("王工", WORD) == "planner"
    assert run.invoke(app, ["accounts", str(ws.root), "--remove", "王工"]).exit_code == 0
    assert Accounts(ws).roles() == {}


def test_only_an_approver_approves_and_takes_an_approved_plan_back(tiny_station, tmp_path):
    root = shutil.copytree(tiny_station, tmp_path / "town")
    ws = Workspace.open(root)
    run = approval.runs(ws)[0].name
    acting.act_as(Actor("p", "planner"))
    approval.take_step(ws, run, approval.CHECKED, note="现场看过")
    with pytest.raises(AccessError):
        approval.take_step(ws, run, approval.APPROVED)
    acting.act_as(Actor("a", "approver"))
    approval.take_step(ws, run, approval.APPROVED)
    acting.act_as(Actor("p", "planner"))
    with pytest.raises(AccessError):
        approval.take_step(ws, run, approval.PROPOSAL, note="再想想")
    assert [entry["role"] for entry in audit.entries(root / "audit.jsonl")][-2:] == ["planner", "approver"]


def test_under_a_sign_in_whatever_was_not_told_who_acts_may_only_look(ws, monkeypatch):
    monkeypatch.setenv(acting.GUARDED, "1")
    in_a_new_thread = []
    thread = threading.Thread(target=lambda: in_a_new_thread.append(acting.actor().role))
    thread.start()
    thread.join()
    assert in_a_new_thread == ["viewer"]
    assert not (ws.root / "jobs").exists()
    acting.act_as(Actor("看图人", "viewer"))
    with pytest.raises(AccessError):
        jobs.start(ws.root, ["plan"], lang="zh")
    assert not (ws.root / "jobs" / "job.json").exists()


def test_a_command_that_a_page_starts_acts_in_the_name_of_the_page(ws):
    acting.act_as(Actor("规划员", "planner"))
    told = acting.told_to_a_command(os.environ | {acting.GUARDED: "1"})
    assert acting.GUARDED not in told
    words = [sys.executable, "-c", LOG, str(ws.root)]
    subprocess.run(words, env=told | {"PYTHONPATH": str(REPOSITORY)}, check=True)
    last = audit.entries(ws.root / "audit.jsonl")[-1]
    assert (last["action"], last["who"], last["role"]) == ("x", "规划员", "planner")


def test_a_download_made_later_speaks_for_the_reader_of_the_page():
    acting.act_as(Actor("看图人", "viewer"))
    with speaking("en"):
        make = frame.speaking(lambda: f"{acting.actor().role} {language()}".encode())
    acting.act_as(STATION)
    assert make() == make() == b"viewer en"


def test_what_is_taken_away_stands_in_the_log_with_the_reader_and_the_files_hash(ws):
    acting.act_as(Actor("看图人", "viewer"))
    make = frame.speaking(frame._taken, ws, Download("page.take.csv", "zones.csv", lambda: b"Z1,6"))
    before = audit.entries(ws.root / "audit.jsonl")
    acting.act_as(STATION)
    assert make() == b"Z1,6"
    *old, last = audit.entries(ws.root / "audit.jsonl")
    assert old == before
    assert (last["action"], last["who"], last["role"]) == ("take", "看图人", "viewer")
    assert last["outputs"] == {"zones.csv": hashlib.sha256(b"Z1,6").hexdigest()}
    assert audit.verify(ws.root / "audit.jsonl") is None
    assert (action_name("take"), details(last["parameters"])) == ("下载", "文件：zones.csv")
