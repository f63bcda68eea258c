"""Side by side: tasks that run at the same time return, speak and fail as they would one after the other."""

import threading
import time
import warnings
from functools import partial

import pytest

from gis_data.catalogue import language, speaking
from gis_data.side_by_side import side_by_side

PATIENCE_S = 30.0


@pytest.fixture(params=[1, 2], ids=["one processor", "two"])
def processors(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr("os.cpu_count", lambda: request.param)
    return request.param


def fail(problem: Exception, *, after_s: float = 0.0) -> None:
    time.sleep(after_s)
    raise problem


def test_results_come_in_the_order_of_the_tasks(processors: int):
    assert side_by_side(partial(int, "1"), partial(int, "2"), partial(int, "3")) == (1, 2, 3)


def test_tasks_run_at_the_same_time_where_there_are_two_processors(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    both = threading.Barrier(2, timeout=PATIENCE_S)  # breaks unless two wait for each other
    assert {*side_by_side(both.wait, both.wait)} == {0, 1}


def test_one_after_the_other_on_one_processor(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    assert {*side_by_side(threading.get_ident, threading.get_ident)} == {threading.get_ident()}


@pytest.mark.parametrize("first_fails_after_s", [0.0, 0.1])
def test_the_first_tasks_error_is_raised_and_no_task_is_left_running(processors: int, first_fails_after_s: float):
    before = {*threading.enumerate()}
    with pytest.raises(ValueError, match="first"):
        side_by_side(partial(fail, ValueError("first"), after_s=first_fails_after_s), partial(fail, KeyError("second")))
    assert {*threading.enumerate()} <= before


def test_an_error_of_another_task_is_raised_as_it_is(processors: int):
    with pytest.raises(KeyError, match="second"):
        side_by_side(int, partial(fail, KeyError("second")))


def test_every_task_speaks_the_language_of_the_caller(processors: int):
    with speaking("en"):
        assert side_by_side(language, language) == ("en", "en")


def test_what_a_task_mutes_is_heard_again(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    before = list(warnings.filters)
    side_by_side(int, partial(warnings.simplefilter, "ignore"))
    assert warnings.filters == before
