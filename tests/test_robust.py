"""robust_weights and align_frames_by: equations, losses of one's own, agreement with align_frames, validity."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from scipy.spatial.transform import Rotation
from tests.oracles.alignment import kept

import mien
from mien._kernels import robust as kernels


@pytest.mark.parametrize("loss", ["geman-mcclure", "huber", "tukey"])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_built_in_losses(rng, loss: str, dtype: type) -> None:
    residuals = rng.normal(0, 2, (7, 11)).astype(dtype)
    wanted = kept(np.abs(residuals.astype(np.float64)), 1.3, loss)
    got = mien.robust_weights(residuals, 1.3, loss)
    assert got.dtype == np.float64
    assert np.allclose(got, wanted, rtol=1e-13)
    assert np.array_equal(mien.robust_weights(residuals[::2, ::3], 1.3, loss), got[::2, ::3])
    assert mien.robust_weights(residuals[:0], 1.3, loss).shape == (0, 11)
    assert mien.robust_weights(0.0, 1.3, loss) == 1


def test_losses_of_ones_own(rng) -> None:
    residuals = rng.normal(0, 2, 100)

    def cauchy(u: float) -> float:
        return 1 / (1 + u)

    wanted = 1 / (1 + (residuals / 0.7) ** 2)
    for loss in (cauchy, numba.njit(cauchy)):
        assert np.allclose(mien.robust_weights(residuals, 0.7, loss), wanted, rtol=1e-14)


def test_a_loss_is_compiled_once() -> None:
    def loss(u: float) -> float:
        return 1 / (1 + u)

    assert kernels.compiled(loss) is kernels.compiled(loss)
    assert kernels.compiled(loss) is not kernels.compiled(numba.njit(loss))
    mien.robust_weights(np.ones(3), 1.0, loss)
    versions = len(kernels.weigh_by.signatures)
    mien.robust_weights(np.ones(9), 0.5, loss)
    assert len(kernels.weigh_by.signatures) == versions


def take_with_a_jaw(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    reference = rng.normal(0, 5, (600, 3))
    rotation = Rotation.from_rotvec(rng.normal(0, 0.3, (5, 3))).as_matrix()
    local = reference + rng.normal(0, 0.01, (5, 600, 3))
    local[:, reference[:, 2] > 2] += [0, -1.0, 0]  # to one side: it turns what it pulls
    return np.einsum("fij,fvj->fvi", rotation, local) + rng.normal(0, 9, (5, 1, 3)), reference, rotation


def test_a_named_loss_ends_where_align_frames_does(rng) -> None:
    frames, reference, _ = take_with_a_jaw(rng)
    by = mien.align_frames_by(frames, reference, "huber", 0.05, max_iterations=200)
    own = mien.align_frames(frames, reference, robust="huber", sigma=0.05)
    assert np.abs(by.rotation - own.rotation).max() < 1e-7
    assert np.abs(by.translation - own.translation).max() < 1e-6
    assert np.all(by.sigma == 0.05)


def test_what_moves_does_not_pull_a_fit_by_a_loss_of_ones_own(rng) -> None:
    frames, reference, rotation = take_with_a_jaw(rng)
    fit = mien.align_frames_by(frames, reference, lambda u: 1 / (1 + u) ** 1.5, 0.3, max_iterations=100)
    pulled = np.abs(mien.align_frames(frames, reference).rotation - rotation).max()
    assert np.abs(fit.rotation - rotation).max() < 0.1 * pulled
    assert np.all((fit.support > 0.5) & (fit.support < 0.9))


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda x: mien.robust_weights(x, 0), ValueError, "`sigma` must be above 0"),
        (lambda x: mien.robust_weights(x, 1, "cauchy"), ValueError, "geman-mcclure.*huber.*tukey"),
        (lambda x: mien.robust_weights(x / 0, 1), ValueError, "`residuals` must be finite"),
        (lambda x: mien.align_frames_by(x, x[0], "tukey", -1), ValueError, "`sigma` must be above 0"),
    ],
)
def test_messages(call, error: type, message: str) -> None:
    with np.errstate(all="ignore"), pytest.raises(error, match=message):
        call(np.zeros((2, 4, 3)))


def test_a_loss_that_leaves_nothing_is_said(rng) -> None:
    frames = rng.normal(0, 5, (2, 9, 3))
    with pytest.raises(mien.NumericalError, match="frame 0 cannot be aligned: the loss leaves fewer than 3"):
        mien.align_frames_by(frames, rng.normal(0, 5, (9, 3)), "tukey", 1e-6)
