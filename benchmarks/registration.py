"""How often the true place of a defect lies within the error that a registration predicts for it.

A simulated SEM: a 20 × 15 mm section at 0.5 µm/px, mirrored, turned by 37°, scale 1.0005; fiducials are picked with a
normal error of 2 µm along each axis, on the section and in the SEM. Prints, for 3 to 8 fiducials, the share of places
whose true error lies within the predicted one (aim: 0.90 to 0.98), and 95 % quantiles of both at the section's middle,
its edge, and 5 mm outside. A stretched stage (0.05 % and 0.02° of skew) shows what each kind of fit makes of it.

    python -m benchmarks.registration [--trials 500] [--pick 2.0]
"""

from __future__ import annotations

import argparse

import numpy as np

from core.registration.fiducials import Fiducial
from core.registration.registration import Registration, RegistrationKind, register

Array = np.ndarray

WIDTH_UM, HEIGHT_UM, UM_PER_PX = 20_000.0, 15_000.0, 0.5
TURN_DEG, SCALE = 37.0, 1.0005
SKEW_DEG, STRETCH = 0.02, 1.0005
PLACES = {"middle": (0.5, 0.5), "edge": (1.0, 0.5), "5 mm outside": (1.25, 0.5)}


def true_matrix(stretched: bool) -> Array:
    """(2, 2): section µm → SEM µm."""
    turn = np.radians(TURN_DEG)
    rotation = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    skew = np.array([[STRETCH, np.tan(np.radians(SKEW_DEG))], [0, 1]]) if stretched else np.eye(2)
    return SCALE * rotation @ skew @ np.diag([1.0, -1.0])


def fiducial_places(count: int, rng: np.random.Generator) -> Array:
    """(count, 2) section µm, around the edge as people choose them, moved by chance."""
    angle = 2 * np.pi * (np.arange(count) + rng.random()) / count
    ring = np.column_stack([np.cos(angle), np.sin(angle)]) * 0.42 + 0.5
    return (ring + rng.uniform(-0.05, 0.05, ring.shape)) * (WIDTH_UM, HEIGHT_UM)


def registered(
    count: int, pick_um: float, kind: RegistrationKind, matrix: Array, rng: np.random.Generator
) -> Registration:
    places = fiducial_places(count, rng)
    picked = (places + rng.normal(0, pick_um, places.shape)) / UM_PER_PX
    seen = places @ matrix.T + (48_000.0, -31_000.0) + rng.normal(0, pick_um, places.shape)
    pairs = enumerate(np.column_stack([picked, seen]).tolist())
    fiducials = [Fiducial(f"F{number}", x, y, sem_x, sem_y) for number, (x, y, sem_x, sem_y) in pairs]
    return register(fiducials, (UM_PER_PX, UM_PER_PX), kind)


def trial(count: int, pick_um: float, kind: RegistrationKind, matrix: Array, rng: np.random.Generator) -> Array:
    """(places, 2): the true and the predicted error at each of `PLACES`, in µm."""
    found = registered(count, pick_um, kind, matrix, rng)
    rows = []
    for share in PLACES.values():
        place = np.array(share) * (WIDTH_UM, HEIGHT_UM)
        said = found.to_sem(*(place / UM_PER_PX))
        true = matrix @ place + (48_000.0, -31_000.0)
        rows.append((np.hypot(*(said - true)), found.predicted_error_um(*(place / UM_PER_PX))))
    return np.array(rows, float)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    parser.add_argument("--pick", type=float, default=2.0, help="picking error along each axis, µm")
    args = parser.parse_args()
    print(
        f"{args.trials} trials, picking error {args.pick:g} µm; errors in µm, 95 % quantiles: true / predicted (median)"
    )
    print(f"{'stage':<10}{'fiducials':<24}{'covered':>8}" + "".join(f"{name:>20}" for name in PLACES))
    tried: list[tuple[RegistrationKind, tuple[int, ...]]] = [("auto", (3, 4, 5, 6, 8)), ("affine", (5, 6, 8))]
    for stretched in (False, True):
        for kind, counts in tried:
            for count in counts:
                rng = np.random.default_rng(count)
                matrix = true_matrix(stretched)
                runs = np.stack([trial(count, args.pick, kind, matrix, rng) for _ in range(args.trials)])
                inside = runs[:, :2, 0] <= runs[:, :2, 1]  # over the section; outside it the warning counts
                cells = [
                    f"{np.quantile(runs[:, p, 0], 0.95):.1f} / {np.median(runs[:, p, 1]):.1f}"
                    for p in range(len(PLACES))
                ]
                name = "stretched" if stretched else "perfect"
                print(f"{name:<10}{f'{count}, {kind}':<24}{inside.mean():>8.3f}" + "".join(f"{c:>20}" for c in cells))


if __name__ == "__main__":
    main()
