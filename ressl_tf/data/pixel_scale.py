"""Which values images have: 0..255, raw."""

# A resampling may go beyond 0..255, by a fifth of it. Images whose brightest value is
# below DARKEST are on 0..1, or standardised.
DARKEST, LOWEST, HIGHEST = 8.0, -64.0, 512.0
DIM = 128.0  # a batch of photos that is nowhere brighter is on a scale such as 0..100


def is_foreign(low: float, high: float) -> bool:
    """Return whether images from `low` to `high` can hardly be raw ones on 0..255."""
    return low < LOWEST or not DARKEST < high < HIGHEST


def is_dim(high: float) -> bool:
    """Return whether images that are nowhere brighter may be on a smaller scale."""
    return high <= DIM
