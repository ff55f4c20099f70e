"""How long to wait before the next attempt."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from ..spec.model import RetrySpec

FOREVER = 1e9  # seconds, 30 years: what grows without bounds would not stay a number


def delay_before(retry: RetrySpec, failed: int) -> float:
    """The seconds to wait after an attempt that failed.

    Args:
        retry: how the spec wants it.
        failed: the number of the attempt that failed, from 1.
    """
    if retry.delay == 0 and retry.jitter == 0:
        return 0.0
    import tenacity  # noqa: PLC0415 - only a retry that waits needs it

    longest = retry.max_delay if retry.max_delay is not None else FOREVER
    wait = tenacity.wait_exponential(multiplier=retry.delay, exp_base=retry.backoff, max=longest)
    state = tenacity.RetryCallState(tenacity.Retrying(), None, (), {})
    state.attempt_number = failed
    delay = wait(state) if retry.delay else 0.0
    if retry.jitter:
        delay += tenacity.wait_random(0, retry.jitter)(state)
    return min(delay, FOREVER)
