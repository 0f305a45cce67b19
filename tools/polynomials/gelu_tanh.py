"""The constants of src/halfwave/functions/gelu_tanh.h: z = linear x + cubic x³, each a sum of two."""

from minimax import DOUBLE, FLOAT, mp, mpf, parts, scalar


def main() -> None:
    linear = 2 * mp.sqrt(2 / mp.pi)
    for form in (FLOAT, DOUBLE):
        for name, number in (("Linear", linear), ("Cubic", linear * mpf("0.044715"))):
            for part, half in zip(("High", "Low"), parts(number, form), strict=True):
                print(scalar(f"k{name}{part}", half, form, indent=2))


if __name__ == "__main__":
    main()
