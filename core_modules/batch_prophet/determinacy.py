"""Whether the data tell a fit's trend and its multiplicative seasons apart.

The swing of a fit is the standard deviation, over the days of its history, of the gain (1 + the
multiplicative terms) over the size of the gain's mean: how large the seasons are beside the trend
that they multiply. The mean takes out what is only a matter of scale (on days without a Saturday,
weekly seasons can add a constant to the gain and the trend shrink by it: the product is the same).

Demand is not negative. A gain that keeps its sign has a swing of sqrt(6) = 2.4 where all is sold
on one weekday, and of 2.6 at most in a year of ten pairs of terms. Far above, trend and gain change
their signs together: the trend is about zero, seasons of nearly any size fit the history as well,
and the first days ahead may be anything.
"""

import numpy as np
from numba import njit

from core_modules.batch_prophet.problem import FloatArray

# The swing above which a fit is handed to Prophet. At five cut-offs in M5's past no fit lay between
# 2.5 and 4, and those above did far worse than Prophet in the 28 days after; see
# benchmarks/forecast_determinacy.py.
LARGEST = 4.0


@njit(cache=True, nogil=True)
def swings_of(gain: FloatArray) -> FloatArray:
    """Return each fit's swing from its gain (fits, days); 0 where nothing is multiplicative.

    >>> swings_of(np.array([[1.0, 1.0], [1.5, 0.5], [3.0, -1.0]])).tolist()
    [0.0, 0.5, 2.0]
    """
    found = np.zeros(gain.shape[0])
    for n in range(gain.shape[0]):
        spread, middle = np.std(gain[n]), abs(np.mean(gain[n]))
        if spread > 0.0:
            found[n] = spread / middle if middle > 0.0 else np.inf
    return found
