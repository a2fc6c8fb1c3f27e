"""What the hub answers, word by word, in made-up time."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from proxy.exchange.alone import ALONE_SECONDS
from proxy.store.hub.state import LIFE, MOST_REMEMBERED, HubState, Saying
from proxy.store.hub.words import (
    Beat,
    Beaten,
    Busy,
    Changed,
    End,
    Ended,
    Forgot,
    FromHub,
    FromWorker,
    Given,
    Hello,
    Known,
    Learn,
    Logged,
    Lone,
    Release,
    Seated,
    Setback,
    Take,
    Urge,
    Want,
)

KEY, OTHER = b"k" * 32, b"o" * 32
WALL = 1_700_000_000_000_000


class Play:
    """A hub with workers, and what it said to whom."""

    def __init__(self, *workers: int) -> None:
        self.now = 100.0
        self.state = HubState(WALL, self.now)
        for worker in workers:
            self.say(worker, Hello(f"w{worker}"))
            self.say(worker, Beat(0))

    def say(self, worker: int, word: FromWorker) -> list[Saying]:
        return self.state.hear(worker, word, self.now)

    def take(self, worker: int, digest: bytes = KEY, over: str = "") -> FromHub:
        said = self.say(worker, Take(1, digest, 0, 7, over))
        return said[-1][1]

    def taken(self, worker: int, digest: bytes = KEY) -> Given:
        given = self.take(worker, digest)
        assert isinstance(given, Given)
        return given

    def pass_by(self, seconds: float, *still_there: int) -> list[Saying]:
        """Time goes on; who is still there beats all the while."""
        said: list[Saying] = []
        for _ in range(int(seconds / 0.1)):
            self.now += 0.1
            for worker in still_there:
                said += self.say(worker, Beat(0))
            said += self.state.tick(self.now)
        return [(worker, word) for worker, word in said if not isinstance(word, Beaten)]


# Leases ------------------------------------------------------------------------------------------------------------


def test_one_has_a_key_and_the_others_are_told_when_it_is_over() -> None:
    play = Play(1, 2, 3)
    given = play.taken(1)
    assert play.take(2) == Busy(1, given.holder, 7, 0)
    assert play.take(3) == Busy(1, given.holder, 7, 0)
    assert play.taken(2, OTHER).holder != given.holder
    end = End(KEY, given.holder, "failed", b"why")
    ended = Ended(KEY, given.holder, "failed", b"why")
    assert play.say(1, end) == [(2, ended), (3, ended)]
    assert play.say(1, end) == [], "only once"
    assert isinstance(play.take(3), Given)


def test_fences_rise_and_follow_the_clock() -> None:
    play = Play(1)
    first = play.taken(1).fence
    assert first == WALL
    assert play.taken(1, OTHER).fence == WALL + 1
    play.now += 10
    assert play.taken(1, b"3" * 32).fence == WALL + 10_000_000


def test_who_dies_gives_back_what_it_had() -> None:
    play = Play(1, 2)
    given = play.taken(1)
    play.take(2)
    assert play.state.gone(1, play.now) == [(2, Ended(KEY, given.holder, "gone"))]
    assert isinstance(play.take(2), Given)


def test_who_is_silent_for_long_loses_what_it_had_and_cannot_end_it_any_more() -> None:
    play = Play(1, 2)
    given = play.taken(1)
    play.take(2)
    assert play.pass_by(LIFE + 0.2, 2) == [(2, Ended(KEY, given.holder, "gone"))]
    second = play.taken(2)
    assert play.say(1, End(KEY, given.holder, "alone")) == []
    assert play.take(1) == Busy(1, second.holder, 7, 0)


def test_what_began_before_a_purge_gives_way_and_who_waited_for_it_looks_again() -> None:
    play = Play(1, 2, 3)
    old = play.taken(1)
    play.take(3)
    said = play.say(2, Take(9, KEY, 0, 8, old.holder))
    assert said[0] == (3, Ended(KEY, old.holder, "gone"))
    (worker, new) = said[1]
    assert worker == 2
    assert isinstance(new, Given)
    assert play.say(1, End(KEY, old.holder, "gone")) == []
    assert play.take(1) == Busy(1, new.holder, 8, 0)


def test_what_is_its_askers_only_queues_nobody_for_a_while() -> None:
    play = Play(1, 2)
    play.say(1, End(KEY, play.taken(1).holder, "alone"))
    assert play.take(2) == Lone(1)
    play.pass_by(ALONE_SECONDS + 0.3, 1, 2)
    assert isinstance(play.take(2), Given)


def test_an_urge_goes_to_who_has_the_key() -> None:
    play = Play(1, 2)
    assert play.say(2, Urge(KEY)) == []
    play.taken(1)
    assert play.say(2, Urge(KEY)) == [(1, Urge(KEY))]


# Seats -------------------------------------------------------------------------------------------------------------


def test_seats_go_to_the_most_urgent_then_to_who_came_first() -> None:
    play = Play(1, 2, 3)
    ((_, seat),) = play.say(1, Want(0, 1))
    assert isinstance(seat, Seated)
    assert play.say(2, Want(3, 1)) == []
    assert play.say(3, Want(1, 1)) == []
    assert play.say(1, Want(1, 1)) == []
    ((third, next_seat),) = play.say(1, Release(seat.token))
    assert third == 3
    assert isinstance(next_seat, Seated)
    ((first, _),) = play.say(3, Release(next_seat.token))
    assert first == 1


def test_a_seat_of_the_dead_or_silent_comes_free_and_is_counted_again_when_it_was_not_lost() -> None:
    play = Play(1, 2)
    ((_, seat),) = play.say(1, Want(0, 1))
    assert isinstance(seat, Seated)
    play.say(2, Want(0, 1))
    ((second, other),) = play.pass_by(LIFE + 0.2, 2)
    assert second == 2
    assert isinstance(other, Seated)
    play.say(1, Beat(0, (seat.token,)))  # it only slept
    assert play.say(1, Want(0, 1)) == []
    assert play.say(2, Release(other.token)) == [], "the sleeper's is taken still"
    ((first, _),) = play.say(1, Release(seat.token))
    assert first == 1


def test_a_hub_that_stood_still_takes_nobody_for_silent() -> None:
    """What they said meanwhile is unread when its clock's turn comes first."""
    play = Play(1, 2)
    given = play.taken(1)
    play.say(1, Want(0, 1))
    play.take(2)
    play.say(2, Want(0, 1))
    play.now += 30
    assert play.state.tick(play.now) == []
    assert play.pass_by(LIFE - 0.5) == []
    assert play.say(1, End(KEY, given.holder, "gone")) == [(2, Ended(KEY, given.holder, "gone"))]
    play.pass_by(2 * LIFE)
    assert isinstance(play.take(2), Given), "and the silence after it counts again"


def test_who_is_cut_off_by_the_hub_may_be_alive_and_holds_what_it_held_for_as_long_as_if_it_were_silent() -> None:
    play = Play(1, 2, 3)
    given = play.taken(1)
    ((_, seat),) = play.say(1, Want(0, 1))
    assert isinstance(seat, Seated)
    play.take(2)
    play.say(2, Want(0, 1))
    play.say(3, Logged(4, 10))
    play.say(2, Beat(10))
    play.state.cut(1)
    assert play.pass_by(LIFE - 0.3, 3) == [], "it may answer from memory still"
    play.say(5, Hello("w1"))
    play.say(5, Beat(10, (seat.token,)))
    said = play.pass_by(0.6, 2, 3, 5)
    assert sorted(said) == [(2, Ended(KEY, given.holder, "gone")), (3, Known(4, ()))]
    assert play.say(5, Release(seat.token))[0][0] == 2, "the seat was taken all the while"


def test_who_says_its_name_twice_loses_nothing() -> None:
    play = Play(1, 2)
    given = play.taken(1)
    play.take(2)
    play.say(1, Hello("w1"))
    assert play.state.gone(1, play.now) == [(2, Ended(KEY, given.holder, "gone"))]


def test_nobody_releases_another_ones_seat() -> None:
    play = Play(1, 2)
    ((_, seat),) = play.say(1, Want(0, 1))
    assert isinstance(seat, Seated)
    play.say(2, Want(0, 1))
    assert play.say(2, Release(seat.token)) == []


# Purges ------------------------------------------------------------------------------------------------------------


def test_a_purge_is_known_when_each_has_learnt_it() -> None:
    play = Play(1, 2, 3)
    assert play.say(1, Logged(4, 10)) == [(2, Learn(10)), (3, Learn(10))]
    assert play.say(2, Beat(10))[:-1] == []
    assert play.say(3, Beat(12))[0] == (1, Known(4, ()))


def test_who_is_silent_is_waited_for_as_long_as_it_may_answer() -> None:
    play = Play(1, 2)
    play.say(1, Logged(4, 10))
    assert play.pass_by(LIFE - 0.2, 1) == []
    assert play.pass_by(0.4, 1) == [(1, Known(4, ()))]


def test_who_answers_and_does_not_learn_is_named() -> None:
    play = Play(1, 2)
    play.say(1, Logged(4, 10))
    assert play.pass_by(LIFE + 1, 1, 2) == [(1, Known(4, ("w2",)))]


def test_the_dead_are_not_waited_for() -> None:
    play = Play(1, 2)
    play.say(1, Logged(4, 10))
    assert play.state.gone(2, play.now) == [(1, Known(4, ()))]


def test_one_keeps_house_and_hears_how_far_everyone_is() -> None:
    play = Play(1, 2)
    play.say(2, Beat(5))
    assert play.say(1, Beat(9))[-1] == (1, Beaten(0, True, 5))
    assert play.say(2, Beat(5))[-1] == (2, Beaten(0, False, 5))
    play.say(1, Forgot(5))
    play.state.gone(1, play.now)
    assert play.say(2, Beat(5))[-1] == (2, Beaten(5, True, 5))


# Changes and failures ----------------------------------------------------------------------------------------------


def test_what_one_changed_the_others_hear() -> None:
    play = Play(1, 2, 3)
    word = Changed(("/a",))
    assert play.say(1, word) == [(2, word), (3, word)]


def test_a_failure_is_told_to_all_and_to_who_comes_later() -> None:
    play = Play(1, 2)
    word = Setback(KEY, b"value", 5000)
    assert play.say(1, word) == [(2, word)]
    play.now += 2
    assert play.say(3, Hello("late")) == [(3, Setback(KEY, b"value", 3000))]
    play.say(2, Setback(KEY, b"", 0))
    assert play.say(4, Hello("later")) == []


def test_what_is_remembered_is_bounded() -> None:
    play = Play(1)
    for number in range(MOST_REMEMBERED + 10):
        play.say(1, Setback(b"%d" % number, b"v", 60_000))
    assert len(play.say(2, Hello("late"))) == MOST_REMEMBERED


def test_who_has_not_said_its_name_is_not_heard() -> None:
    assert Play(1).say(2, Want(0, 4)) == []


# Any order ---------------------------------------------------------------------------------------------------------


class AnyOrder(RuleBasedStateMachine):
    """Workers come, take, wait, die and fall silent in any order: a key has one holder, there are never too many seats,
    and nobody who waits is forgotten."""

    MAXIMUM = 2
    KEYS = (b"a", b"b")

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.state = HubState(WALL, 0.0)
        self.alive: set[int] = set()
        self.number = 0
        self.held: dict[bytes, tuple[int, str]] = {}
        self.waits: set[tuple[int, bytes, str]] = set()
        self.seats: dict[bytes, int] = {}
        self.wanting: set[int] = set()
        self.fence = 0

    def take_in(self, sayings: list[Saying]) -> None:
        for worker, word in sayings:
            if worker not in self.alive:
                continue
            match word:
                case Ended(digest, holder):
                    self.waits.discard((worker, digest, holder))
                case Seated(token):
                    assert worker in self.wanting, "nobody gets what it does not want"
                    self.wanting.discard(worker)
                    self.seats[token] = worker
                case _:
                    pass

    def hear(self, worker: int, word: FromWorker) -> list[Saying]:
        said = self.state.hear(worker, word, self.now)
        self.take_in(said)
        return said

    @rule()
    def arrive(self) -> None:
        self.number += 1
        self.alive.add(self.number)
        self.hear(self.number, Hello(f"w{self.number}"))

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), digest=st.sampled_from(KEYS))
    def take(self, data: st.DataObject, digest: bytes) -> None:
        worker = data.draw(st.sampled_from(sorted(self.alive)))
        for _, word in self.hear(worker, Take(1, digest, 0, 0, "")):
            if isinstance(word, Given):
                assert digest not in self.held, "two holders"
                assert word.fence > self.fence
                self.fence = word.fence
                self.held[digest] = worker, word.holder
            elif isinstance(word, Busy):
                assert self.held[digest][1] == word.holder
                self.waits.add((worker, digest, word.holder))

    @precondition(lambda self: self.held)
    @rule(data=st.data())
    def end(self, data: st.DataObject) -> None:
        digest = data.draw(st.sampled_from(sorted(self.held)))
        worker, holder = self.held.pop(digest)
        self.hear(worker, End(digest, holder, "gone"))

    @precondition(lambda self: self.alive)
    @rule(data=st.data(), priority=st.sampled_from([None, 0, 3]))
    def want(self, data: st.DataObject, priority: int | None) -> None:
        worker = data.draw(st.sampled_from(sorted(self.alive)))
        (self.wanting.discard if priority is None else self.wanting.add)(worker)
        self.hear(worker, Want(priority, self.MAXIMUM))

    @precondition(lambda self: self.seats)
    @rule(data=st.data())
    def release(self, data: st.DataObject) -> None:
        token = data.draw(st.sampled_from(sorted(self.seats)))
        worker = self.seats.pop(token)
        self.hear(worker, Release(token))

    @precondition(lambda self: self.alive)
    @rule(data=st.data())
    def die(self, data: st.DataObject) -> None:
        worker = data.draw(st.sampled_from(sorted(self.alive)))
        self.alive.discard(worker)
        self.wanting.discard(worker)
        self.held = {digest: who for digest, who in self.held.items() if who[0] != worker}
        self.waits = {each for each in self.waits if each[0] != worker}
        self.seats = {token: who for token, who in self.seats.items() if who != worker}
        self.take_in(self.state.gone(worker, self.now))

    @rule()
    def time_passes(self) -> None:
        self.now += 0.5
        for worker in self.alive:
            self.hear(worker, Beat(0, tuple(token for token, who in self.seats.items() if who == worker)))
        self.take_in(self.state.tick(self.now))

    @invariant()
    def there_are_never_too_many_seats(self) -> None:
        assert len(self.seats) <= self.MAXIMUM

    @invariant()
    def nobody_waits_for_what_is_over(self) -> None:
        for _, digest, holder in self.waits:
            assert self.held.get(digest, (0, ""))[1] == holder

    @invariant()
    def nobody_wants_in_vain(self) -> None:
        if len(self.seats) < self.MAXIMUM:
            assert not self.wanting


TestAnyOrder = AnyOrder.TestCase
TestAnyOrder.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
