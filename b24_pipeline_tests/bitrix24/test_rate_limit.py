"""The leaky bucket of the smallest plan (contract 4.1)."""

import threading

from b24_pipeline.bitrix24.rate_limit import LeakyBucket, portal_bucket
from b24_pipeline_tests.clock import Clock


def test_an_empty_bucket_lets_a_fetch_of_100_000_users_through_at_once(clock: Clock) -> None:
    bucket = LeakyBucket(clock=clock, sleep=clock.sleep)
    for _ in range(42):
        bucket.acquire()
    assert clock.waits == []


def test_a_full_bucket_lets_two_through_a_second(clock: Clock) -> None:
    bucket = LeakyBucket(clock=clock, sleep=clock.sleep, reserved=0)
    for _ in range(54):
        bucket.acquire()
    assert clock.waits == [0.5, 0.5, 0.5, 0.5]


def test_the_level_as_the_portal_counts_it_never_exceeds_what_is_allowed(clock: Clock) -> None:
    bucket = LeakyBucket(clock=clock, sleep=clock.sleep, reserved=5)
    level, seen = 0.0, clock.seconds
    for request in range(400):
        bucket.acquire()
        level = max(0.0, level - 2 * (clock.seconds - seen)) + 1
        seen = clock.seconds
        assert level <= 45 + 1e-6
        clock.seconds += (request % 7) * 0.3


def test_what_was_not_used_is_not_saved_up_beyond_the_capacity(clock: Clock) -> None:
    bucket = LeakyBucket(clock=clock, sleep=clock.sleep)
    clock.seconds += 10_000
    for _ in range(46):
        bucket.acquire()
    assert clock.waits == [0.5]


def test_a_portal_that_says_it_is_full_is_believed(clock: Clock) -> None:
    bucket = LeakyBucket(clock=clock, sleep=clock.sleep)
    bucket.mark_full()
    bucket.acquire()
    assert clock.waits == [0.5]


def test_who_cannot_wait_so_long_takes_nothing(clock: Clock) -> None:
    bucket = LeakyBucket(capacity=1, reserved=0, clock=clock, sleep=clock.sleep)
    assert [bucket.acquire(within=within) for within in (0, 0, 0.4, -1)] == [True, False, False, False]
    assert clock.waits == []
    assert bucket.acquire(within=0.5)
    assert clock.waits == [0.5]


def test_a_clock_that_goes_back_gives_nothing(clock: Clock) -> None:
    bucket = LeakyBucket(capacity=2, reserved=0, clock=clock, sleep=clock.sleep)
    bucket.acquire()
    clock.seconds -= 100
    bucket.acquire()
    bucket.acquire()
    assert clock.waits == [0.5]


def test_threads_wait_one_behind_the_other() -> None:
    pauses: list[float] = []
    bucket = LeakyBucket(capacity=10, reserved=0, clock=lambda: 0.0, sleep=pauses.append)
    threads = [threading.Thread(target=bucket.acquire) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(pauses) == [0.5 * turn for turn in range(1, 11)]


def test_all_clients_of_a_portal_share_a_bucket() -> None:
    assert portal_bucket("a.bitrix24.com") is portal_bucket("a.bitrix24.com")
    assert portal_bucket("a.bitrix24.com") is not portal_bucket("b.bitrix24.com")
