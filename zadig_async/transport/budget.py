"""`RetryBudget`: one bucket for all calls of a client, so that retries cannot become a storm.

A single call's policy bounds its own retries; only something shared can bound them while everything
fails at once, which is when each further request hurts the server most.
"""

from zadig_async.errors import ConfigError


class RetryBudget:
    """Lets failed retries be at most a small share of all requests.

    A retry takes one token and brings it back if it is answered; each call answered at the first
    attempt adds `refill`. So with `n` calls answered at first, retries that fail number at most
    `capacity + refill * n`, and while nothing is answered at all, at most `capacity`.

    Attributes:
        capacity: Most tokens the bucket holds, which is what it starts with.
        refill: Tokens added by a call answered at its first attempt.
        tokens: Tokens in the bucket now, between 0 and `capacity`.
    """

    __slots__ = ("capacity", "refill", "tokens")

    def __init__(self, capacity: float = 20.0, refill: float = 0.1) -> None:
        """Fill the bucket.

        Args:
            capacity: Most tokens it holds, at least 0; 0 forbids retries.
            refill: Tokens added by a call answered at its first attempt, from 0 to 1.

        Raises:
            ConfigError: A number is outside its range.
        """
        if not 0 <= capacity < float("inf"):
            raise ConfigError(f"retry budget: expected a capacity of 0 or more, got {capacity}")
        if not 0 <= refill <= 1:
            raise ConfigError(f"retry budget: expected a refill between 0 and 1, got {refill}")
        self.capacity = capacity
        self.refill = refill
        self.tokens = capacity

    def take(self) -> bool:
        """Pay for a retry; False, and nothing is taken, where the bucket does not hold a whole token."""
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True

    def retry_answered(self) -> None:
        """Bring back what the retry took, because it was answered."""
        self.tokens = min(self.capacity, self.tokens + 1)

    def first_answered(self) -> None:
        """Add a little, because a call was answered at its first attempt."""
        if self.tokens < self.capacity:
            self.tokens = min(self.capacity, self.tokens + self.refill)
