"""Leaky ReLU in plain Python: f(x) = alpha * x below 0, x elsewhere.

Run it as it is, or with numbers of your own: python leaky_relu.py 3 -7
"""

import sys


def leaky_relu(x, alpha=0.01):
    if x < 0:
        return alpha * x
    return x


numbers = [float(a) for a in sys.argv[1:]] or [1.0, -10.0, 0.0, 15.0, -20.0]

for x in numbers:
    print(f"Applying Leaky ReLU on ({x}) gives {leaky_relu(x)}")
