"""Small dense solves in numba: Cholesky factors and the lasso's exact active-set search.

The lasso follows the feature-sign search of Lee, Battle, Raina and Ng, "Efficient sparse coding
algorithms" (NIPS 2006): guess the signs, solve on the active columns, mend the signs.
"""

import numpy as np
from numba import njit
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]

# Sums may be reordered for the vector units; NaN and infinity keep their meaning.
FAST = {"contract", "reassoc", "nsz", "arcp"}
MOST_STEPS = 400  # of the sign search, which needs one or two for each column that enters
SLACK = 1e-10  # share of the penalty by which a gradient at zero may exceed it


@njit(cache=True, nogil=True, fastmath=FAST)
def cholesky(matrix: FloatArray, size: int) -> bool:
    """Factor the leading block in place, lower triangle; False where it is not positive."""
    for i in range(size):
        for j in range(i):
            total = matrix[i, j]
            for k in range(j):
                total -= matrix[i, k] * matrix[j, k]
            matrix[i, j] = total / matrix[j, j]
        total = matrix[i, i]
        for k in range(i):
            total -= matrix[i, k] * matrix[i, k]
        # A pivot of rounding size is no pivot: the step it gives would be noise.
        if not total > 1e-14 * abs(matrix[i, i]):
            return False
        matrix[i, i] = np.sqrt(total)
    return True


@njit(cache=True, nogil=True, fastmath=FAST)
def solve_factored(factor: FloatArray, size: int, vector: FloatArray) -> None:
    """Solve L L' x = vector in place."""
    for i in range(size):
        total = vector[i]
        for k in range(i):
            total -= factor[i, k] * vector[k]
        vector[i] = total / factor[i, i]
    for i in range(size - 1, -1, -1):
        vector[i] /= factor[i, i]
        value = vector[i]
        for k in range(i):
            vector[k] -= factor[i, k] * value


@njit(cache=True, nogil=True, fastmath=FAST)
def lasso(
    quadratic: FloatArray,
    linear: FloatArray,
    penalty: float,
    found: FloatArray,
    work: FloatArray,
    goal: FloatArray,
    active: NDArray[np.int64],
    sign: FloatArray,
) -> int:
    """Minimise x'Qx/2 - b'x + penalty |x|_1 from the start in `found`; return the steps taken.

    `work` (n, n), `goal`, `active` and `sign` (n,) are room that the caller keeps.
    """
    size = linear.size
    for i in range(size):
        sign[i] = np.sign(found[i])
    steps = 0
    while steps < MOST_STEPS:
        steps += _solve_signs(quadratic, linear, penalty, found, work, goal, active, sign)
        worst, place, entering = SLACK * penalty, -1, 0.0
        for i in range(size):
            if sign[i] == 0.0:
                slope = -linear[i]
                for k in range(size):
                    slope += quadratic[i, k] * found[k]
                if abs(slope) - penalty > worst:
                    worst, place, entering = abs(slope) - penalty, i, -np.sign(slope)
        if place < 0:
            break
        sign[place] = entering
        steps += 1
    return steps


@njit(cache=True, nogil=True, fastmath=FAST)
def _solve_signs(
    quadratic: FloatArray,
    linear: FloatArray,
    penalty: float,
    found: FloatArray,
    work: FloatArray,
    goal: FloatArray,
    active: NDArray[np.int64],
    sign: FloatArray,
) -> int:
    """Minimise on the active columns, dropping each whose sign would turn."""
    size, steps = linear.size, 0
    while True:
        steps += 1
        count = 0
        for i in range(size):
            if sign[i] != 0.0:
                active[count] = i
                count += 1
        if count == 0:
            return steps
        _goal_of(quadratic, linear, penalty, work, goal, active, sign, count)
        share, leaving = 1.0, -1
        for a in range(count):
            i = active[a]
            if goal[a] * sign[i] < 0.0:
                reach = found[i] / (found[i] - goal[a]) if found[i] != 0.0 else 0.0
                if leaving < 0 or reach < share:
                    share, leaving = reach, i
        for a in range(count):
            i = active[a]
            found[i] = goal[a] if leaving < 0 else found[i] + share * (goal[a] - found[i])
        if leaving < 0:
            return steps
        found[leaving] = 0.0
        sign[leaving] = 0.0


@njit(cache=True, nogil=True, fastmath=FAST)
def _goal_of(
    quadratic: FloatArray,
    linear: FloatArray,
    penalty: float,
    work: FloatArray,
    goal: FloatArray,
    active: NDArray[np.int64],
    sign: FloatArray,
    count: int,
) -> None:
    """Solve for the active columns with their signs held."""
    ridge = 0.0
    for _attempt in range(3):
        for a in range(count):
            for b in range(a + 1):
                work[a, b] = quadratic[active[a], active[b]]
            work[a, a] *= 1.0 + ridge
            goal[a] = linear[active[a]] - penalty * sign[active[a]]
        if cholesky(work, count):
            break
        ridge = 1e-10 if ridge == 0.0 else ridge * 1e3
    solve_factored(work, count, goal)
