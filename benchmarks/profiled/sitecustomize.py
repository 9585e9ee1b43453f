"""On the path of processes whose time is asked for: each writes what its main thread did to a file of its own."""

import atexit
import cProfile
import os
import time

profile = cProfile.Profile(time.thread_time)


def keep() -> None:
    profile.disable()
    profile.dump_stats(os.path.join(os.environ["BENCH_PROFILES"], f"{os.getpid()}.prof"))


if "BENCH_PROFILES" in os.environ:
    atexit.register(keep)
    profile.enable()
