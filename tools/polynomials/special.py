"""The polynomial of src/halfwave/special.py: erfcx(y) / t in t = 4 / (4 + y), for y in [0, 28].

erfcx(y) = exp(y²) erfc(y). Dividing by t, which has its zero at infinity, leaves what varies little.
"""

from minimax import DOUBLE, mp, mpf, relative, rounded

HIGHEST_POWER = 22


def erfcx_over_t(t: mpf) -> mpf:
    y = 4 * (1 - t) / t
    return mp.exp(y**2) * mp.erfc(y) / t


def main() -> None:
    powers = range(HIGHEST_POWER + 1)
    fit = rounded(erfcx_over_t, powers, mpf(4) / 32, mpf(1), relative, DOUBLE)
    for coefficient in fit.coefficients:
        print(f"    {float(coefficient)!r},")


if __name__ == "__main__":
    main()
