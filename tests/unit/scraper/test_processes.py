"""Real processes: a session is killed whole, its leader spared on request."""

import os
import subprocess
import sys

import pytest

from scraper_backend import processes

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")


def session_of_two() -> subprocess.Popen[bytes]:
    """A leader that waits for a child; it has said so when this returns."""
    leader = subprocess.Popen(
        ["sh", "-c", "sleep 60 & echo ready; wait; sleep 60"], stdout=subprocess.PIPE, start_new_session=True
    )
    assert leader.stdout is not None
    leader.stdout.readline()
    return leader


def test_everything_holds_this_process() -> None:
    mine = next(each for each in processes.everything() if each.pid == os.getpid())
    assert (mine.parent, mine.session) == (os.getppid(), os.getsid(0))


@pytest.mark.parametrize("spare", [True, False])
def test_a_session_is_killed(spare: bool) -> None:
    with session_of_two() as leader:
        try:
            before = [each.pid for each in processes.everything() if each.session == leader.pid and each.state != "Z"]
            assert len(before) >= 2
            processes.kill_session(leader.pid, spare_leader=spare)
            if spare:
                assert leader.poll() is None
            else:
                assert leader.wait(10) == -9
        finally:
            processes.kill_session(leader.pid, spare_leader=False)


def test_reaping_takes_no_other_children() -> None:
    with subprocess.Popen(["true"]) as child:
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        processes.reap()
        assert child.wait() == 0
