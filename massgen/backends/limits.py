"""How long one model call may take and how often it is made again (BE-022, BE-030)."""

from __future__ import annotations

import random

from msgspec import Struct
from msgspec.structs import replace

from massgen.backends.options import Options
from massgen.errors import BackendError, BadResponse, CallTimedOut, RateLimited, ServerFailed


class CallLimits(Struct, frozen=True, kw_only=True):
    """Limits of one try of a call, in seconds; `total` is `backend.timeout`, None where there is none."""

    connect: float = 10.0
    first_token: float = 300.0
    idle: float = 120.0
    total: float | None = None


class RetryPolicy(Struct, frozen=True, kw_only=True):
    """Tries of one call and the waits between them, in seconds.

    The wait before try n+1 is `base * 2**(n-1)`, at most `longest`, less a random part up to `jitter` of it.
    A `Retry-After` is obeyed instead; one above `longest_retry_after` ends the call.
    """

    attempts: int = 5
    attempts_after_timeout: int = 2
    attempts_after_bad_response: int = 3
    base: float = 1.0
    longest: float = 30.0
    jitter: float = 0.5
    longest_retry_after: float = 120.0

    def delay(self, error: BackendError, attempt: int, chance: random.Random) -> float | None:
        """Seconds to wait after the failed try number `attempt` (from 1); None where the call must fail."""
        if not error.retryable or attempt >= self._attempts_for(error):
            return None
        asked = error.retry_after if isinstance(error, RateLimited | ServerFailed) else None
        if asked is not None:
            spread = chance.random() * self.jitter * min(asked, self.base)
            return asked + spread if asked <= self.longest_retry_after else None
        wait = min(self.longest, self.base * 2.0 ** (attempt - 1))
        return wait * (1 - self.jitter * chance.random())

    def _attempts_for(self, error: BackendError) -> int:
        match error:
            case CallTimedOut():
                return min(self.attempts, self.attempts_after_timeout)
            case BadResponse():
                return min(self.attempts, self.attempts_after_bad_response)
            case _:
                return self.attempts


def limits_from(options: Options, limits: CallLimits) -> CallLimits:
    """`limits` with what the configuration sets: `timeout`, and the single limits by name."""
    given = {
        "total": options.number("timeout"),
        "connect": options.given("connect_timeout"),
        "first_token": options.given("first_token_timeout"),
        "idle": options.given("idle_timeout"),
    }
    return replace(limits, **{name: value for name, value in given.items() if value is not None})
